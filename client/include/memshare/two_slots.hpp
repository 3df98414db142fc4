// A value too large to be stored in one instruction: two slots, one of which always holds a whole one.
#pragma once

#include <memshare/abi/layout.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace memshare::detail {

// The lowest bit of the version says which slot holds. A writer, who has the lock, fills the other one and
// then moves the version; if it dies before that, nothing has happened. A reader copies the slot that holds
// and looks at the version again: if it has not moved, nobody has touched that slot meanwhile. So no writer,
// dead, stopped or slow, ever makes a reader wait.
//
// The words of a slot are released and acquired one by one, so that whoever reads one of a newer value also
// sees the version that it came after. (H. Boehm, "Can seqlocks get along with programming language memory
// models?", has it with fences and relaxed words: the same instructions on x86, and what the thread sanitizer
// does not understand.) tests/model/slots.pml is the same in Promela; the names after "model:" are its
// labels.
//
// Size is that of the value in bytes, as far as it is known to the compiler.
template <std::size_t Size = std::dynamic_extent> class TwoSlots {
  public:
    TwoSlots(std::atomic<std::uint64_t>& version, std::byte* slots, std::size_t size = Size) noexcept
        : version_(&version), slots_(slots), size_(size) {}

    // (model: load)
    void load(void* to) const noexcept {
        std::uint64_t before = version_->load(); // in one order with the flags of those who wait
        while (true) {
            copy_out(slot(before), static_cast<std::byte*>(to));
            const std::uint64_t after = version_->load(std::memory_order_acquire);
            if (after == before) [[likely]] {
                return;
            }
            before = after;
        }
    }

    // With the lock held. (model: publish)
    void publish(const void* from) noexcept {
        const std::uint64_t next = version_->load(std::memory_order_relaxed) + 1;
        copy_in(static_cast<const std::byte*>(from), slot(next));
        version_->store(next);
    }

  private:
    using Word = std::uint64_t;

    std::size_t size() const noexcept { return Size == std::dynamic_extent ? size_ : Size; }
    std::byte* slot(std::uint64_t version) const noexcept {
        return slots_ + (version & 1) * abi::slot_size(size());
    }
    static std::atomic_ref<Word> word(std::byte* slot, std::size_t number) noexcept {
        return std::atomic_ref<Word>(*reinterpret_cast<Word*>(slot + number * sizeof(Word)));
    }
    // Of the last word only a part may be the value's; a slot is whole cache lines, so the rest is there,
    // too.
    std::size_t size_of_word(std::size_t number) const noexcept {
        return std::min(sizeof(Word), size() - number * sizeof(Word));
    }

    // Of a size that is known the loops are unrolled, as else they would take longer than what is in them.
    void copy_out(std::byte* slot, std::byte* to) const noexcept {
        if constexpr (Size != std::dynamic_extent) {
            constexpr std::size_t words = (Size + sizeof(Word) - 1) / sizeof(Word);
#pragma GCC unroll 16
            for (std::size_t number = 0; number < words; ++number) {
                word_out(slot, to, number);
            }
        } else {
            for (std::size_t number = 0; number * sizeof(Word) < size_; ++number) {
                word_out(slot, to, number);
            }
        }
    }
    void copy_in(const std::byte* from, std::byte* slot) const noexcept {
        if constexpr (Size != std::dynamic_extent) {
            constexpr std::size_t words = (Size + sizeof(Word) - 1) / sizeof(Word);
#pragma GCC unroll 16
            for (std::size_t number = 0; number < words; ++number) {
                word_in(from, slot, number);
            }
        } else {
            for (std::size_t number = 0; number * sizeof(Word) < size_; ++number) {
                word_in(from, slot, number);
            }
        }
    }
    void word_out(std::byte* slot, std::byte* to, std::size_t number) const noexcept {
        const Word bits = word(slot, number).load(std::memory_order_acquire);
        std::memcpy(to + number * sizeof(Word), &bits, size_of_word(number));
    }
    void word_in(const std::byte* from, std::byte* slot, std::size_t number) const noexcept {
        Word bits = 0;
        std::memcpy(&bits, from + number * sizeof(Word), size_of_word(number));
        word(slot, number).store(bits, std::memory_order_release);
    }

    std::atomic<std::uint64_t>* version_;
    std::byte* slots_;
    std::size_t size_;
};

} // namespace memshare::detail
