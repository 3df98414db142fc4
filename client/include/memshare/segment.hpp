// A segment that this process has mapped, without a type of its own: what Value and Array are made of.
#pragma once

#include <memshare/broker.hpp>
#include <memshare/changes.hpp>
#include <memshare/export.hpp>
#include <memshare/mutex.hpp>
#include <memshare/options.hpp>
#include <memshare/segment_info.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace memshare {

// What somebody expects to find; what is left out may be anything.
struct Expected {
    std::optional<Form> form{};
    std::optional<Element> element{};
    std::optional<std::uint64_t> count{};
};

// What is to be made.
struct Plan {
    Form form{};
    Element element{};
    std::uint64_t count = 1;
};

// Fills a new segment before anybody else can see it.
using Fill = std::function<void(std::span<std::byte> elements)>;

class MEMSHARE_EXPORT Segment {
  public:
    // Makes a segment and maps it for writing. It is all zero, or what `fill` or `initial` makes it before it
    // is visible to others. Error: name_taken, quota_exceeded, out_of_memory, invalid_argument;
    // then nothing of it is left, no name, no memory and no descriptor.
    static Segment create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                          const CreateOptions& options = {});
    static Segment create(std::string_view name, const Plan& plan, const Fill& fill,
                          const CreateOptions& options = {});
    static Segment create(Unnamed, const Plan& plan, std::span<const std::byte> initial,
                          const CreateOptions& options = {});
    static Segment create(Unnamed, const Plan& plan, const Fill& fill, const CreateOptions& options = {});

    // Maps a segment that there is. Error: no_such_segment, type_mismatch, access_denied, quota_exceeded.
    static Segment open(std::string_view name, Access access, const Expected& expected = {},
                        const OpenOptions& options = {});
    static Segment open_by_id(std::string_view id, Access access, const Expected& expected = {},
                              const OpenOptions& options = {});

    // Maps the segment, or makes it if there is none. Of many who call this at once exactly one makes it, and
    // the others find it whole. Error: as both.
    static Segment open_or_create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                                  const CreateOptions& options = {});

    // A segment without a name that is this process's alone, until share(): the broker does not know it, and
    // to make it takes no call, if this process has a connection. It has its lock and its changes; info()
    // says no more than its type, lifetime and mode. A forked child has a copy of the memory, and cannot lock
    // it. Error: invalid_argument, as well for options that take the broker (reserve, huge_pages,
    // exclusive_writer); no_broker.
    static Segment create_alone(const Plan& plan, std::span<const std::byte> initial,
                                const CreateOptions& options = {});

    // Makes it one of the broker's, as create() does, if it is not: with an id, and the same contents, lock
    // and changes in the same place. No other thread may use it meanwhile. What takes the broker or others
    // (watch, wait read-only, freeze, alive, recovered) takes this first. Error: as create(); then it is as
    // before.
    void share();
    bool is_shared() const noexcept;

    // In a forked child: attaches what it has inherited at once, which else its first lock or wait does.
    // Error: no_such_segment, if it has ended and nobody else has it.
    void attach_again();

    Segment(Segment&&) noexcept;
    Segment& operator=(Segment&&) noexcept; // what was held is detached
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;
    ~Segment(); // unmaps, and tells the broker; never throws and never waits for an answer

    // What it was when it was made or opened.
    const SegmentInfo& info() const noexcept;
    bool alive() const; // whether it has not ended; asks the broker, and throws what a call does
    Access access() const noexcept;

    // The elements; writable only if the access is. Empty after a move. Of a value that is not stored at once
    // this is the first of its two slots, which may not be the one that holds: then use load() and store().
    std::span<std::byte> payload() const noexcept;

    // A value as its bytes, whole and as Value<T> has it, whatever its size. Throws std::invalid_argument, if
    // this is an array or these are not as many bytes; store() also as Mutex::lock().
    void load(std::span<std::byte> to) const;
    void store(std::span<const std::byte> from);

    // Its lock and its changes; not to be used after a move, nor the lock if the access is to read.
    Mutex& mutex() const noexcept;
    Changes changes() const noexcept;
    abi::Header& header() const noexcept;

    // Ends all writing to it, by anybody and for ever; this mapping stays where it is, read-only. If that
    // fails, it stays as it was. Error: busy, if somebody else can write to it; invalid_argument, if it was
    // not made freezable; access_denied, if another user owns it.
    void freeze();

  private:
    friend class Watch;
    explicit Segment(std::shared_ptr<detail::Attachment> attachment) noexcept;
    static const std::shared_ptr<detail::Connection>& connection_of(Broker* broker);

    std::shared_ptr<detail::Attachment> attachment_;
};

} // namespace memshare
