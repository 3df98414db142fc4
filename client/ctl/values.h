// Words of a command line as elements, as `set` takes them.
#pragma once

#include <memshare/element.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace memshare::ctl {

// The bytes of the elements that the words stand for: a number or bool each; the characters of each word; or
// for one struct FIELD=VALUE each, which changes the fields in `before`, its present bytes. Throws
// std::invalid_argument with a sentence.
std::vector<std::byte> elements_of(const Element& element, std::span<const std::string> words,
                                   std::span<const std::byte> before);

} // namespace memshare::ctl
