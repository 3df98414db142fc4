// The calls of the interface, as the fuzzer makes them up and as its model understands them: plain values,
// with no code of the product.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace memshare::fuzz {

enum class Access { read, write };
enum class Lifetime { creator, attached, persistent };

// The segment that a call means. A call with both or with neither is wrong.
struct Reference {
    std::optional<std::string> name, id;
    bool operator==(const Reference&) const = default;
};

// What a segment is made of.
struct Type {
    std::string_view form, kind;
    std::uint64_t count = 1;
    bool operator==(const Type&) const = default;
};
inline constexpr std::array types{Type{"value", "i32", 1}, Type{"value", "f64", 1}, Type{"array", "i32", 5},
                                  Type{"array", "u8", 9000}};

struct Create {
    std::optional<std::string> id, name;
    Type type;
    std::optional<Lifetime> lifetime;
    std::optional<std::uint32_t> mode, group;
    bool freezable = false, exclusive_writer = false;
    bool operator==(const Create&) const = default;
};

struct Attach {
    Reference segment;
    Access access{};
    std::optional<std::string_view> form, kind; // that the caller expects
    std::optional<std::uint64_t> count;
    bool mapped = false, waits = false;
    std::optional<int> inherited_from; // a session's number; it may be of none
    std::optional<std::uint64_t> serial;
    bool operator==(const Attach&) const = default;
};

struct Detach {
    Reference segment;
    std::optional<Access> access;
    std::optional<std::uint64_t> serial, attached;
    bool operator==(const Detach&) const = default;
};

struct Publish {
    std::string id, name;
    bool operator==(const Publish&) const = default;
};

struct Destroy {
    Reference segment;
    bool operator==(const Destroy&) const = default;
};

struct Change {
    Reference segment;
    std::optional<Lifetime> lifetime;
    std::optional<std::uint32_t> mode, group;
    bool operator==(const Change&) const = default;
};

struct Freeze {
    Reference segment;
    bool operator==(const Freeze&) const = default;
};

struct Describe {
    Reference segment;
    bool operator==(const Describe&) const = default;
};

// Shell patterns, each with the names that it matches. The empty one matches unnamed segments too.
struct Pattern {
    std::string_view text;
    std::array<bool, 4> matches;
};
inline constexpr std::array<std::string_view, 4> names{"a1", "a2", "b", "c"};
inline constexpr std::array patterns{
    Pattern{"", {true, true, true, true}},     Pattern{"a*", {true, true, false, false}},
    Pattern{"?", {false, false, true, true}},  Pattern{"[ab]*", {true, true, true, false}},
    Pattern{"c", {false, false, false, true}}, Pattern{"a?*1", {false, false, false, false}}};

struct List {
    Pattern pattern;
    std::optional<std::uint32_t> uid;
};

struct Hello {
    std::optional<int> resumes; // a session's number; its token may be a guess that is wrong
    bool operator==(const Hello&) const = default;
};

struct Goodbye {
    bool operator==(const Goodbye&) const = default;
};

using Call =
    std::variant<Create, Attach, Detach, Publish, Destroy, Change, Freeze, Describe, List, Hello, Goodbye>;

// The users of the broker, and the processes that they run. Two of the users share a group.
struct User {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> groups;
};
inline constexpr std::uint32_t shared_group = 100;

} // namespace memshare::fuzz
