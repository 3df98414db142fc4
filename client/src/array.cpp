#include <memshare/array.hpp>

#include <stdexcept>
#include <string>

namespace memshare {

void throw_out_of_range(std::size_t index, std::size_t size) {
    throw std::out_of_range("memshare: index " + std::to_string(index) + " of an array of " +
                            std::to_string(size));
}

} // namespace memshare
