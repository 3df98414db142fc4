// Telling others that a segment has changed, and waiting until it has.
#pragma once

#include <memshare/abi/layout.hpp>
#include <memshare/export.hpp>
#include <memshare/mutex.hpp>

#include <atomic>
#include <cstdint>

namespace memshare {

// How far the changes of a segment have got; to be compared, and waited past. A type of its own, so that a
// value of numbers can be waited for by its number as well.
enum class Version : std::uint64_t {};

// The changes of one segment, as this process has it mapped. Who waits says so with a flag before it looks
// for the last time and sleeps; who changes something looks at the flag afterwards, and only then calls the
// kernel. There is no count of waiters, so one that is killed leaves at most one idle wake-up.
//
// tests/model/wait.pml is the same in Promela; the names after "model:" are its labels.
class MEMSHARE_EXPORT Changes {
  public:
    // Both borrowed. A copy is the same; take one before the change, so that nothing has to be looked up
    // between the change and the look at the flag.
    Changes(abi::ChangeLine& line, detail::Attachment& attachment) noexcept
        : line_(&line), attachment_(&attachment) {}

    Version version() const noexcept { return Version{line_->version.load()}; }

    // To be called after each change, which has to be sequentially consistent: wakes those who wait, if there
    // is anybody, and only then moves the version. (model: announce)
    void announce() const noexcept {
        if (is_watched()) {
            line_->waiting.exchange(0); // first: who asks for the version from here on has it moved once more
            line_->version.fetch_add(1);
            wake_all();
        }
    }
    // The same where the change itself has moved the version.
    void announce_moved() const noexcept {
        if (is_watched()) {
            line_->waiting.exchange(0);
            wake_all();
        }
    }

    // Moves the version, and wakes those who wait for that, or one of them.
    void notify_all() const noexcept {
        line_->version.fetch_add(1);
        announce_moved();
    }
    void notify_one() const noexcept {
        line_->version.fetch_add(1);
        if (is_watched()) {
            wake_one();
        }
    }

    // From here on the next change moves the version, as if somebody waited for it. Throws as wait().
    void attend() const { static_cast<void>(arm()); }

    // Waits until changed() is true, or until the deadline: whether it is. It is called before each sleep and
    // after it, so no change is missed, and no wake-up for something else ends the wait. A process that has
    // the segment read-only calls the broker the first time that it waits, and throws what such a call may.
    template <typename Changed> bool wait(const Changed& changed, const detail::Deadline& deadline) const {
        const auto look = [](const void* what) { return (*static_cast<const Changed*>(what))(); };
        return changed() || wait_slowly(look, &changed, deadline);
    }

  private:
    bool is_watched() const noexcept { return (line_->waiting.load() | line_->watchers.load()) != 0; }
    void wake_all() const noexcept;
    void wake_one() const noexcept;

    // Says that somebody is about to sleep on the signal, as long as it is what this returns. (model: arm)
    std::uint32_t arm() const;
    bool wait_slowly(bool (*changed)(const void*), const void* what, const detail::Deadline& deadline) const;

    abi::ChangeLine* line_;
    detail::Attachment* attachment_;
};

} // namespace memshare
