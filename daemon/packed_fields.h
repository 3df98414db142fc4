// The fields of a struct, packed into one text: as a vector they would take four times as much. Pure.
#pragma once

#include "proto/type.h"

#include <cstdint>
#include <string>
#include <vector>

namespace memshare::daemon {

class PackedFields {
  public:
    PackedFields() = default;
    explicit PackedFields(const std::vector<proto::Field>& fields);

    std::vector<proto::Field> unpacked() const;
    std::size_t count() const { return count_; }

  private:
    std::string text_;
    std::size_t count_ = 0;
};

// What the daemon holds of these fields, here and, in a slot that may be half empty, in the ledger; in bytes.
std::uint64_t description_bytes(const std::vector<proto::Field>& fields);

} // namespace memshare::daemon
