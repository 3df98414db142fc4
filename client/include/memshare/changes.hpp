// Telling others that a segment has changed, and waiting until it has.
#pragma once

#include <memshare/abi/layout.hpp>
#include <memshare/deadline.hpp>
#include <memshare/export.hpp>
#include <memshare/mutex.hpp>

#include <atomic>
#include <cstdint>

namespace memshare {

// How far the changes of a segment have got; to be compared, and waited past.
class Version {
  public:
    Version() = default;
    Version(std::uint64_t count, std::uint64_t bits) noexcept : count_(count), bits_(bits) {}

    friend bool operator==(const Version&, const Version&) = default;

  private:
    std::uint64_t count_ = 0;
    std::uint64_t bits_ =
        0; // of a small value, which is seen to change even where nobody was left to count it
};

// The changes of one segment, as this process has it mapped. Who waits says so with a flag before it looks
// for the last time and sleeps; who changes something looks at the flag afterwards, and only then calls the
// kernel. There is no count of waiters, so one that is killed leaves at most one idle wake-up.
//
// tests/model/wait.pml is the same in Promela; the names after "model:" are its labels.
class MEMSHARE_EXPORT Changes {
  public:
    // What the version is, besides a version.
    enum class Counting {
        changes, // nothing: it is moved when somebody is there to see it
        slots    // it says which slot holds, and each store has moved it
    };

    // Of nothing: only to be assigned to.
    Changes() noexcept = default;

    // Both borrowed. A copy is the same; take one before the change, so that nothing has to be looked up
    // between the change and the look at the flag.
    Changes(abi::ChangeLine& line, Counting counting, detail::Attachment& attachment) noexcept
        : line_(&line), attachment_(&attachment), counting_(counting) {}

    std::uint64_t count() const noexcept { return line_->version.load(); }

    // To be called after each change, which has to be sequentially consistent: wakes those who wait, if there
    // is anybody. (model: announce)
    void announce() const noexcept {
        if ((line_->waiting.load() | line_->watchers.load()) != 0) {
            wake();
        }
    }

    // Moves the version, as if there had been a change, and wakes those who wait for that. Of two slots the
    // version is not moved, as the other slot does not hold. (model: notify_all)
    void notify_all() const noexcept {
        if (counting_ == Counting::changes) {
            line_->version.fetch_add(1);
        }
        announce();
    }

    // From here on the next change moves the version, as if somebody waited for it. Throws as wait().
    void attend() const { static_cast<void>(arm()); }

    // Waits until changed() is true, or until the deadline: whether it is. It is called before each sleep and
    // after it, so no change is missed, and no wake-up for something else ends the wait. A process that has
    // the segment read-only calls the broker the first time that it waits, and throws what such a call may;
    // with a deadline that call takes no longer, and if the broker has not answered by then there is one more
    // look. A wait is a cancellation point (pthread_cancel(3)), which acts within a second.
    template <typename Changed> bool wait(const Changed& changed, const detail::Deadline& deadline) const {
        const auto look = [](const void* what) { return (*static_cast<const Changed*>(what))(); };
        return changed() || wait_slowly(look, &changed, deadline);
    }

  private:
    void wake() const noexcept;

    // Says that somebody is about to sleep on the signal, as long as it is what this returns. (model: arm)
    std::uint32_t arm() const;
    bool is_told_until(const detail::Deadline& deadline) const;
    bool wait_slowly(bool (*changed)(const void*), const void* what, const detail::Deadline& deadline) const;

    abi::ChangeLine* line_ = nullptr;
    detail::Attachment* attachment_ = nullptr;
    Counting counting_ = Counting::changes;
};

} // namespace memshare
