// Elements as text, as `get` prints them.
#pragma once

#include <memshare/element.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace memshare::ctl {

// Called between two elements with the text so far, which it may take away: a large array never becomes one
// text as a whole.
using Drain = std::function<void(std::string& text)>;

// Appends one element: 3.1415926, true, "a", {x: 1, y: 2}. A struct without a description is hexadecimal.
void append_element(std::string& text, const Element& element, std::span<const std::byte> bytes);

// Appends several as a list: [0, 1, 2]; characters as one quoted text, without the NULs at its end. What a
// terminal could obey is an escape, and so is each byte of a text that is not UTF-8.
void append_elements(std::string& text, const Element& element, std::span<const std::byte> bytes,
                     const Drain& drain);

} // namespace memshare::ctl
