// How a segment is to be made or opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace memshare {

class Broker;

// When a segment ends: its name is free, nobody can open it any more, and who has it mapped keeps it.
enum class Lifetime {
    creator,    // with the process that made it
    attached,   // with the last process that has it mapped
    persistent, // when it is destroyed
};

// How a segment is mapped; the kernel enforces it.
enum class Access { read, write };

// What pages the memory is made of.
enum class HugePages {
    no,          // ordinary ones
    transparent, // ones that the kernel makes huge where it can, if the administrator lets it on advice
    size_2m,     // of 2 MiB, of the administrator's pool: vm.nr_hugepages
    size_1g,     // of 1 GiB, of such a pool
};

// To be given in braces: create("num", 0.0, {.mode = 0640}).
struct CreateOptions {
    Lifetime lifetime = Lifetime::creator;
    std::uint32_t mode = 0600;            // read and write bits as a file's; no umask is applied
    std::optional<std::uint32_t> group{}; // whom the group bits mean (default: this process's group)
    std::vector<std::uint64_t> shape{};   // the dimensions of an array, multiplying to its length;
                                          // open_or_create takes one of another shape only if this is empty
    bool freezable = false;               // freeze() may end all writing to it
    bool exclusive_writer = false; // only this handle ever writes; not with freezable. In a child of fork(3)
                                   // it is read-only: a store there is a SIGSEGV, a lock access_denied

    // Takes all of the memory now, on the account of this process's cgroup, before anybody can find the
    // segment. A shortage is then an error (out_of_memory, which says how much was asked for) and no segment,
    // as far as it can be foreseen: more is asked for than the machine has available, or than a memory cgroup
    // of this process allows, or the kernel says no. It rarely does: if others take the memory at the same
    // time, its OOM killer may still end a process instead, perhaps this one. Where /proc or /sys/fs/cgroup
    // cannot be read, as in some chroots, how much there is is not known: that is out_of_memory as well. Once
    // create() has returned, no access fails for want of memory, unless somebody who can write takes pages
    // out again (FALLOC_FL_PUNCH_HOLE, MADV_REMOVE). Creation then takes some 1 ms for each MiB.
    bool reserve = false;

    // Asks for huge pages, which are sooner touched and sooner found. Where the kernel has none, the segment
    // is made of ordinary ones: SegmentInfo::huge_pages says what it has. Transparent ones are given to what
    // is at least as large as one of them. Those of a pool are taken at once, as with reserve, and so much of
    // the pool is used up as long as the segment lives; it, and what the broker's quota counts, is a whole
    // number of them. Error: out_of_memory, if the pool has enough, but not for this process (its cgroup, its
    // NUMA nodes). Whoever can write can take pages out again, and if the pool is empty by then, touching
    // what is missing is a SIGBUS: share such a segment for writing with friends only, or be its
    // exclusive_writer, whom the kernel does not let do that either.
    HugePages huge_pages = HugePages::no;

    Broker* broker = nullptr; // another one than Broker::local()
};

// What is to be changed of a segment; the rest stays as it is.
struct Changed {
    std::optional<Lifetime> lifetime{};
    std::optional<std::uint32_t> mode{};
    std::optional<std::uint32_t> group{};
};

struct OpenOptions {
    Broker* broker = nullptr; // another one than Broker::local()
};

struct BrokerOptions {
    // How long a call may take; of a negative time nothing, and of a longer one a hundred years. Within this
    // time a connection that breaks is opened anew, and the call repeated; it counts once. Data, locks and
    // waits go on meanwhile.
    std::chrono::milliseconds timeout{5000};
};

// Says that a segment is to have no name: it is opened by its id, and ends with its last attachment.
struct Unnamed {};
inline constexpr Unnamed unnamed{};

} // namespace memshare
