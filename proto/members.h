// Plain structs as JSON objects: each names its members once, and is read and written from that.
//
//     struct Publish {
//         SegmentId id;
//         SegmentName name;
//         static constexpr auto members() { return std::tuple(required("id", &Publish::id), ...); }
//     };
#pragma once

#include "proto/base64.h"
#include "proto/json_reader.h"
#include "proto/json_writer.h"
#include "proto/segment_id.h"
#include "proto/segment_name.h"

#include <array>
#include <concepts>
#include <expected>
#include <tuple>
#include <type_traits>
#include <utility>

namespace memshare::proto {

template <typename Struct, typename T> struct Member {
    std::string_view name;
    T Struct::* pointer;
    bool required = false;
};

template <typename Struct, typename T>
constexpr Member<Struct, T> required(std::string_view name, T Struct::* pointer) {
    return {name, pointer, true};
}

// May be absent or null, and is left out when it is as default-constructed.
template <typename Struct, typename T>
constexpr Member<Struct, T> optional(std::string_view name, T Struct::* pointer) {
    return {name, pointer, false};
}

// To be specialised for structs that cannot have a function of ours.
template <typename Struct> struct MembersOf {
    static constexpr auto list()
        requires requires { Struct::members(); }
    {
        return Struct::members();
    }
};

// To be specialised for enumerations whose values are 0, 1, 2...: `static constexpr std::array names`.
template <typename Enum> struct NamesOf;

// What to do with a member that the struct does not have: a caller is told of its mistake, while a reply of a
// newer broker may say more than this client knows.
enum class Strangers { refuse, ignore };

// The way to the part that was missing, of the wrong kind or out of range: "element.fields".
using WrongPart = std::string;
template <typename T> using Read = std::expected<T, WrongPart>;

template <typename T> struct Json; // read() and write() for each type that a member may have

template <typename T> Read<T> read_json(JsonValue from, Strangers strangers) {
    return Json<T>::read(from, strangers);
}
template <typename T> void write_json(JsonWriter& to, const T& value) { Json<T>::write(to, value); }

template <> struct Json<bool> {
    static Read<bool> read(JsonValue from, Strangers /*unused*/) {
        const auto value = from.boolean();
        return value ? Read<bool>(*value) : std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, bool value) { to.value(value); }
};

template <std::integral T> struct Json<T> {
    static Read<T> read(JsonValue from, Strangers /*unused*/) {
        if (const auto value = from.natural(); value && std::in_range<T>(*value)) {
            return static_cast<T>(*value);
        }
        if (const auto value = from.integer(); value && std::in_range<T>(*value)) {
            return static_cast<T>(*value);
        }
        return std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, T value) { to.value(value); }
};

template <> struct Json<std::string> {
    static Read<std::string> read(JsonValue from, Strangers /*unused*/) {
        const auto text = from.string();
        return text ? Read<std::string>(*text) : std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, const std::string& value) { to.value(std::string_view(value)); }
};

template <typename T>
    requires std::is_enum_v<T>
struct Json<T> {
    static Read<T> read(JsonValue from, Strangers /*unused*/) {
        const auto text = from.string();
        for (std::size_t at = 0; text && at < NamesOf<T>::names.size(); ++at) {
            if (NamesOf<T>::names[at] == *text) {
                return static_cast<T>(at);
            }
        }
        return std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, T value) {
        to.value(NamesOf<T>::names[static_cast<std::size_t>(value)]);
    }
};

// Types that check their own text.
template <typename T>
    requires requires(std::string_view text, const T& value) {
        { T::parse(text) } -> std::same_as<std::optional<T>>;
        std::string_view(value.text());
    }
struct Json<T> {
    static Read<T> read(JsonValue from, Strangers /*unused*/) {
        const auto text = from.string();
        auto value = text ? T::parse(*text) : std::nullopt;
        return value ? Read<T>(*std::move(value)) : std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, const T& value) { to.value(std::string_view(value.text())); }
};

template <> struct Json<std::vector<std::byte>> {
    static Read<std::vector<std::byte>> read(JsonValue from, Strangers /*unused*/) {
        const auto text = from.string();
        auto bytes = text ? from_base64(*text) : std::nullopt;
        return bytes ? Read<std::vector<std::byte>>(*std::move(bytes)) : std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, const std::vector<std::byte>& value) {
        to.value(std::string_view(to_base64(value)));
    }
};

template <typename T> struct Json<std::optional<T>> {
    static Read<std::optional<T>> read(JsonValue from, Strangers strangers) {
        return read_json<T>(from, strangers);
    }
    static void write(JsonWriter& to, const std::optional<T>& value) { write_json(to, *value); }
};

template <typename T> struct Json<std::vector<T>> {
    static Read<std::vector<T>> read(JsonValue from, Strangers strangers) {
        std::vector<T> items;
        const bool whole = from.is_array() && from.items([&](JsonValue item) {
            auto value = read_json<T>(item, strangers);
            if (!value) {
                return false;
            }
            items.push_back(*std::move(value));
            return true;
        });
        return whole ? Read<std::vector<T>>(std::move(items)) : std::unexpected(WrongPart{});
    }
    static void write(JsonWriter& to, const std::vector<T>& items) {
        to.begin_array();
        for (const T& item : items) {
            write_json(to, item);
        }
        to.end_array();
    }
};

// Calls each(member) for the members of a struct, in their order.
template <typename T> constexpr void for_each_member(auto each) {
    std::apply([&](const auto&... member) { (each(member), ...); }, MembersOf<T>::list());
}

template <typename T>
    requires requires { MembersOf<T>::list(); }
struct Json<T> {
    static Read<T> read(JsonValue from, Strangers strangers) {
        if (!from.is_object()) {
            return std::unexpected(WrongPart{});
        }
        T result{};
        std::array<bool, count> seen{};
        std::size_t next = 0; // most peers send the members in their order
        std::optional<WrongPart> wrong;
        const bool whole = from.members([&](std::string_view name, JsonValue value) {
            const std::size_t at = find(name, next);
            if (at == count) {
                wrong = strangers == Strangers::refuse ? std::optional(WrongPart(name)) : std::nullopt;
            } else if (seen[at]) {
                wrong = WrongPart(name);   // said twice
            } else if (!value.is_null()) { // which is the same as absent
                wrong = readers()[at].read(result, value, strangers);
                seen[at] = true;
                next = at + 1;
            }
            return !wrong;
        });
        for (std::size_t at = 0; whole && !wrong && at < count; ++at) {
            if (readers()[at].required && !seen[at]) {
                wrong = WrongPart(readers()[at].name);
            }
        }
        return wrong ? Read<T>(std::unexpected(*std::move(wrong))) : Read<T>(std::move(result));
    }

    static void write(JsonWriter& to, const T& value) {
        to.begin_object();
        for_each_member<T>([&](const auto& member) { write_member(to, value, member); });
        to.end_object();
    }

  private:
    static constexpr auto list = MembersOf<T>::list();
    static constexpr std::size_t count = std::tuple_size_v<decltype(list)>;

    struct Reader {
        std::string_view name;
        bool required = false;
        std::optional<WrongPart> (*read)(T&, JsonValue, Strangers) = nullptr;
    };
    static const std::array<Reader, count>& readers() {
        static constexpr auto all = []<std::size_t... index>(std::index_sequence<index...> /*all*/) {
            return std::array<Reader, count>{Reader{.name = std::get<index>(list).name,
                                                    .required = std::get<index>(list).required,
                                                    .read = &read_member<index>}...};
        }(std::make_index_sequence<count>{});
        return all;
    }

    // The member of this name, looked for from one on and then from the first; count, if there is none.
    static std::size_t find(std::string_view name, std::size_t from) {
        for (std::size_t at = from; at < count; ++at) {
            if (readers()[at].name == name) {
                return at;
            }
        }
        for (std::size_t at = 0; at < from; ++at) {
            if (readers()[at].name == name) {
                return at;
            }
        }
        return count;
    }

    template <std::size_t index>
    static std::optional<WrongPart> read_member(T& result, JsonValue value, Strangers strangers) {
        static constexpr auto member = std::get<index>(list);
        using Part = std::remove_cvref_t<decltype(result.*member.pointer)>;
        auto part = read_json<Part>(value, strangers);
        if (!part) {
            return WrongPart(member.name) + (part.error().empty() ? "" : "." + part.error());
        }
        result.*member.pointer = *std::move(part);
        return std::nullopt;
    }

    template <typename Part>
    static void write_member(JsonWriter& to, const T& value, const Member<T, Part>& member) {
        const Part& part = value.*member.pointer;
        if (member.required || !is_default(part)) {
            to.name(member.name);
            write_json(to, part);
        }
    }

    template <typename Part> static bool is_default(const Part& part) {
        if constexpr (requires { part.empty(); }) {
            return part.empty();
        } else if constexpr (requires { part.has_value(); }) {
            return !part.has_value();
        } else if constexpr (std::equality_comparable<Part>) {
            return part == Part{};
        } else {
            return false;
        }
    }
};

} // namespace memshare::proto
