// A descriptor that tells an event loop of the changes of a segment.
#pragma once

#include <memshare/export.hpp>

#include <memory>

namespace memshare {

class Segment;

// For epoll, Asio, asyncio and every other loop that can wait until a descriptor is readable. It becomes
// readable when the value or the version of the segment is another one than when it was last cleared; many
// changes make it readable once, and none that stays is missed. Any number may watch one segment. It keeps
// the segment mapped. From then on,
// as long as this process has the segment, each change costs its writer a wake-up.
//
// One thread of the process sleeps for up to 127 of them. A forked child has no such thread, and shares the
// descriptor with its parent: it makes a watch of its own. A program that closes all its descriptors closes
// its watches: they tell nothing any more, and leave alone the files that have their numbers then.
class MEMSHARE_EXPORT Watch {
  public:
    // Throws Error, as a call to the broker does, or where the system has no descriptor or thread to give. It
    // takes one descriptor, and each thread one more.
    explicit Watch(const Segment& segment);
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    // Borrowed: close-on-exec, and closed with this.
    int descriptor() const noexcept;

    // Makes it unreadable until the next change; then look at the segment. Never waits.
    void clear() const noexcept;

  private:
    struct Entry;
    std::unique_ptr<Entry> entry_;
};

} // namespace memshare
