#include "daemon/packed_fields.h"

#include "proto/limits.h"

#include <cstring>

namespace memshare::daemon {
namespace {

using proto::Field;

// Before each name.
struct Fixed {
    std::uint32_t offset, count;
    std::uint8_t kind, name_bytes;
};
constexpr std::size_t fixed_bytes = 10; // without the padding
static_assert(proto::limits::field_name_bytes <= UINT8_MAX);

// What a field takes in the ledger, besides its name: {"name":"","kind":"","offset":,"count":} and the
// numbers.
constexpr std::uint64_t record_bytes = 64;

} // namespace

PackedFields::PackedFields(const std::vector<Field>& fields) : count_(fields.size()) {
    std::size_t bytes = 0;
    for (const Field& field : fields) {
        bytes += fixed_bytes + field.name.size();
    }
    text_.reserve(bytes);
    for (const Field& field : fields) {
        const Fixed fixed{.offset = field.offset,
                          .count = field.count,
                          .kind = static_cast<std::uint8_t>(field.kind),
                          .name_bytes = static_cast<std::uint8_t>(field.name.size())};
        char text[sizeof(Fixed)]; // NOLINT(*-avoid-c-arrays)
        std::memcpy(text, &fixed, sizeof(fixed));
        text_.append(text, fixed_bytes);
        text_ += field.name;
    }
}

std::vector<Field> PackedFields::unpacked() const {
    std::vector<Field> fields;
    fields.reserve(count_);
    for (std::size_t at = 0; at < text_.size();) {
        Fixed fixed{};
        std::memcpy(&fixed, text_.data() + at, fixed_bytes);
        at += fixed_bytes;
        fields.push_back({.name = text_.substr(at, fixed.name_bytes),
                          .kind = static_cast<proto::ElementKind>(fixed.kind),
                          .offset = fixed.offset,
                          .count = fixed.count});
        at += fixed.name_bytes;
    }
    return fields;
}

std::uint64_t description_bytes(const std::vector<Field>& fields) {
    std::uint64_t bytes = 0;
    for (const Field& field : fields) {
        bytes += fixed_bytes + field.name.size() + 2 * (record_bytes + field.name.size());
    }
    return bytes;
}

} // namespace memshare::daemon
