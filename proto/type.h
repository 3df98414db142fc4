// The type of a segment: its form, its element and how many of them.
#pragma once

#include <memshare/abi/element.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace memshare::proto {

using abi::Element;
using abi::ElementKind;
using abi::Field;
using abi::Form;

struct Type {
    Form form{};
    Element element;
    std::uint64_t count = 1;
    std::vector<std::uint64_t> shape; // of an array with dimensions; their product is count

    friend bool operator==(const Type&, const Type&) = default;

    // Fills in the size and alignment that follow from the kind, and names the part that cannot be
    // ("element.fields", "count"), or nothing if all is well: then no size here overflows.
    std::optional<std::string> complete();

    // What the elements take, and what the payload takes for them.
    std::uint64_t element_bytes() const { return count * element.size; }
    std::uint64_t payload_bytes() const { return abi::payload_size(form, element.size, count); }
    std::uint64_t payload_offset() const { return abi::payload_offset(form, payload_bytes()); }

    // In words: "array of 5 i32", "value of f64", "value of struct Pose (24 bytes)".
    std::string words() const;
};

// What a caller of Attach knows of the type; what it leaves out may be anything.
struct ExpectedType {
    std::optional<Form> form;
    std::optional<Element> element; // size 0, no name and no fields mean that they are not known
    std::optional<std::uint64_t> count;

    bool matches(const Type& actual) const;
    std::string words() const;
};

} // namespace memshare::proto
