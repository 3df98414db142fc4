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

struct Reading {
    Strangers strangers;
    WrongPart wrong{};
};

// read() and write() for each type that a member may have. What is read is made where it stays: read() says
// whether it was there.
template <typename T> struct Json;

template <typename T> Read<T> read_json(JsonValue from, Strangers strangers) {
    Reading reading{.strangers = strangers};
    Read<T> value;
    if (!Json<T>::read(*value, from, reading)) {
        value = std::unexpected(std::move(reading.wrong));
    }
    return value;
}
template <typename T> void write_json(JsonWriter& to, const T& value) { Json<T>::write(to, value); }

// Whether there is such a value; then it is taken.
template <typename T> bool take(T& into, std::optional<T> value) {
    const bool is_there = value.has_value();
    if (is_there) {
        into = *std::move(value);
    }
    return is_there;
}

template <> struct Json<bool> {
    static bool read(bool& into, JsonValue from, Reading& /*unused*/) { return take(into, from.boolean()); }
    static void write(JsonWriter& to, bool value) { to.value(value); }
};

template <std::integral T> struct Json<T> {
    static bool read(T& into, JsonValue from, Reading& /*unused*/) {
        if (const auto value = from.natural(); value && std::in_range<T>(*value)) {
            into = static_cast<T>(*value);
            return true;
        }
        if (const auto value = from.integer(); value && std::in_range<T>(*value)) {
            into = static_cast<T>(*value);
            return true;
        }
        return false;
    }
    static void write(JsonWriter& to, T value) { to.value(value); }
};

template <> struct Json<std::string> {
    static bool read(std::string& into, JsonValue from, Reading& /*unused*/) {
        const auto text = from.string();
        into = text.value_or("");
        return text.has_value();
    }
    static void write(JsonWriter& to, const std::string& value) { to.value(std::string_view(value)); }
};

template <typename T>
    requires std::is_enum_v<T>
struct Json<T> {
    static bool read(T& into, JsonValue from, Reading& /*unused*/) {
        const auto text = from.string();
        for (std::size_t at = 0; text && at < NamesOf<T>::names.size(); ++at) {
            if (NamesOf<T>::names[at] == *text) {
                into = static_cast<T>(at);
                return true;
            }
        }
        return false;
    }
    static void write(JsonWriter& to, T value) {
        to.value(NamesOf<T>::names[static_cast<std::size_t>(value)]);
    }
};

// Types that check their own text.
template <typename T>
concept Parsed = requires(std::string_view text, const T& value) {
    { T::parse(text) } -> std::same_as<std::optional<T>>;
    std::string_view(value.text());
};

template <Parsed T> struct Json<T> {
    static bool read(T& into, JsonValue from, Reading& /*unused*/) {
        const auto text = from.string();
        return text && take(into, T::parse(*text));
    }
    static void write(JsonWriter& to, const T& value) { to.value(std::string_view(value.text())); }
};

template <> struct Json<std::vector<std::byte>> {
    static bool read(std::vector<std::byte>& into, JsonValue from, Reading& /*unused*/) {
        const auto text = from.string();
        return text && take(into, from_base64(*text));
    }
    static void write(JsonWriter& to, const std::vector<std::byte>& value) {
        to.value(std::string_view(to_base64(value)));
    }
};

template <typename T> struct Json<std::optional<T>> {
    static bool read(std::optional<T>& into, JsonValue from, Reading& reading) {
        if constexpr (Parsed<T>) { // which may have no value before it is read
            const auto text = from.string();
            into = text ? T::parse(*text) : std::nullopt;
            return into.has_value();
        } else {
            return Json<T>::read(into.emplace(), from, reading);
        }
    }
    static void write(JsonWriter& to, const std::optional<T>& value) { write_json(to, *value); }
};

template <typename T> struct Json<std::vector<T>> {
    static bool read(std::vector<T>& into, JsonValue from, Reading& reading) {
        const bool whole = from.is_array() && from.items([&](JsonValue item) {
            return Json<T>::read(into.emplace_back(), item, reading);
        });
        if (!whole) {
            reading.wrong.clear(); // the array is named, and not what is wrong with one of its items
        }
        return whole;
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
    static bool read(T& into, JsonValue from, Reading& reading) {
        if (!from.is_object()) {
            return false;
        }
        std::array<bool, count> seen{};
        std::size_t next = 0; // most peers send the members in their order
        const bool whole = from.members([&](std::string_view name, JsonValue value) {
            const std::size_t at = find(name, next);
            if (at == count) {
                return reading.strangers == Strangers::ignore || is_wrong(name, reading);
            }
            if (seen[at]) { // said twice
                return is_wrong(name, reading);
            }
            if (!value.is_null()) { // which is the same as absent
                seen[at] = true;
                next = at + 1;
                return readers()[at].read(into, value, reading) || is_wrong(name, reading);
            }
            return true;
        });
        for (std::size_t at = 0; whole && at < count; ++at) {
            if (readers()[at].required && !seen[at]) {
                return is_wrong(readers()[at].name, reading);
            }
        }
        return whole;
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
        bool (*read)(T&, JsonValue, Reading&) = nullptr;
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

    template <std::size_t index> static bool read_member(T& into, JsonValue from, Reading& reading) {
        auto& part = into.*std::get<index>(list).pointer;
        return Json<std::remove_cvref_t<decltype(part)>>::read(part, from, reading);
    }

    // This member is, or a part of it that is known already.
    static bool is_wrong(std::string_view name, Reading& reading) {
        const bool inside = !reading.wrong.empty();
        reading.wrong.insert(0, std::string(name) + (inside ? "." : ""));
        return false;
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
