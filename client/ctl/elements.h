// Elements as text, and text as elements: what `get` prints and `set` takes.
#pragma once

#include <memshare/element.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace memshare::ctl {

// One element: "3.1415926", "true", "{x: 1, y: 2}". Bytes of structs without a description are hexadecimal.
std::string element_text(const Element& element, std::span<const std::byte> bytes);

// Several, as a list: "[0, 1, 2]"; characters as one quoted text without the NULs at its end.
std::string elements_text(const Element& element, std::span<const std::byte> bytes);

// The bytes of the elements that these words stand for: a number or bool each, the characters of each word,
// or for one struct FIELD=VALUE each, changing those of `before`. Throws std::invalid_argument with a
// sentence.
std::vector<std::byte> elements_of(const Element& element, std::span<const std::string> words,
                                   std::span<const std::byte> before);

} // namespace memshare::ctl
