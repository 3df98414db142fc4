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

// Both compilers say in their own way that there is a thread sanitizer, which does not understand pairs of
// words.
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define MEMSHARE_PAIRS_OF_WORDS 1
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef MEMSHARE_PAIRS_OF_WORDS
#endif
#endif
#endif

#ifdef MEMSHARE_PAIRS_OF_WORDS
#include <emmintrin.h>
#endif

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
    TwoSlots() noexcept = default; // nowhere: only to be assigned to
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
    static std::atomic_ref<Word> word(std::byte* place) noexcept {
        return std::atomic_ref<Word>(*reinterpret_cast<Word*>(place));
    }

    void copy_out(std::byte* slot, std::byte* to) const noexcept {
        const std::size_t paired = pairs_out(slot, to);
        for (std::size_t at = paired; at < size(); at += sizeof(Word)) {
            const Word bits = word(slot + at).load(std::memory_order_acquire);
            std::memcpy(to + at, &bits, std::min(sizeof(Word), size() - at));
        }
    }
    void copy_in(const std::byte* from, std::byte* slot) const noexcept {
        const std::size_t whole = size() / sizeof(Word) * sizeof(Word);
#pragma GCC unroll 8
        for (std::size_t at = 0; at < whole; at += sizeof(Word)) {
            word_in(from + at, slot + at, sizeof(Word));
        }
        if (whole < size()) {
            word_in(from + whole, slot + whole, size() - whole);
        }
    }

    // Of the last word only a part may be the value's; a slot is whole cache lines, so the rest is there,
    // too.
    static void word_in(const std::byte* from, std::byte* place, std::size_t bytes) noexcept {
        Word bits = 0;
        std::memcpy(&bits, from, bytes);
        word(place).store(bits, std::memory_order_release);
    }

    // Copies as many whole pairs of words as there are, and returns their size. (Half the loads: any load of
    // x86 acquires, and if the halves of one are seen at two moments, the version has moved.)
#ifdef MEMSHARE_PAIRS_OF_WORDS
    std::size_t pairs_out(const std::byte* slot, std::byte* to) const noexcept {
        const std::size_t paired = size() / sizeof(__m128i) * sizeof(__m128i);
#pragma GCC unroll 8
        for (std::size_t at = 0; at < paired; at += sizeof(__m128i)) {
            const __m128i bits = *reinterpret_cast<const volatile __m128i*>(slot + at);
            std::memcpy(to + at, &bits, sizeof(bits));
        }
        std::atomic_signal_fence(std::memory_order_acquire);
        return paired;
    }
#else
    static std::size_t pairs_out(const std::byte*, std::byte*) noexcept { return 0; }
#endif

    std::atomic<std::uint64_t>* version_ = nullptr;
    std::byte* slots_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace memshare::detail
