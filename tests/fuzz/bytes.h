// Choices that bytes make: the first ones at the start of the input, and always the first one at its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace memshare::fuzz {

class Bytes {
  public:
    explicit Bytes(std::span<const std::uint8_t> all) : left_(all) {}

    bool are_over() const { return left_.empty(); }

    std::uint8_t next() {
        if (left_.empty()) {
            return 0;
        }
        const std::uint8_t byte = left_.front();
        left_ = left_.subspan(1);
        return byte;
    }

    std::size_t below(std::size_t count) { return next() % count; }

    template <typename T, std::size_t Size> const T& one_of(const std::array<T, Size>& all) {
        return all.at(below(Size));
    }

    // One of them, or, as often as each of them, nothing.
    template <typename T, std::size_t Size> std::optional<T> perhaps(const std::array<T, Size>& all) {
        const std::size_t at = below(Size + 1);
        return at == 0 ? std::nullopt : std::optional(all.at(at - 1));
    }

  private:
    std::span<const std::uint8_t> left_;
};

} // namespace memshare::fuzz
