// Every bound on what a peer can make grow, each with its reason. What is stated elsewhere (help, man pages,
// README) is checked against this file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memshare::proto::limits {

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;

// One call. The largest is a Create with its fields and its initial value in base64.
inline constexpr std::size_t call_bytes = 128 * KiB;

// One reply, as a client takes it: a batch of List with segments of many fields stays far below.
inline constexpr std::size_t reply_bytes = 64 * MiB;

// How deep JSON may nest. Our deepest call (Create, a field of an element) needs 4.
inline constexpr std::size_t json_depth = 16;

// How many JSON values one call may hold: a struct of the most fields has 9 for each.
inline constexpr std::size_t call_values = 4096;

// A segment's name, in bytes, as a file's name.
inline constexpr std::size_t name_bytes = 255;

// What a program calls itself in Hello, in bytes.
inline constexpr std::size_t program_bytes = 64;

// What one Create may carry of the payload. More is written by the client, before Publish.
inline constexpr std::size_t initial_bytes = 64 * KiB;

// One element; a larger one is an array. Two slots of a value, and a copy on a reader's stack, stay small.
inline constexpr std::size_t element_bytes = 64 * KiB;
inline constexpr std::size_t element_alignment = 64;
inline constexpr std::size_t fields = 256;
inline constexpr std::size_t field_name_bytes = 63;

// The dimensions of an array.
inline constexpr std::size_t dimensions = 8;

// One segment: what a process can map on a machine with 47 address bits, many times over.
inline constexpr std::uint64_t segment_bytes = std::uint64_t{1} << 44;

// Segments in one reply of List: with `more`, which goes on with the next ones, and without, where a longer
// list is refused, as it would hold up everybody else. Each takes some 400 bytes and one microsecond to
// write, and so do this many fields of a struct.
inline constexpr std::size_t list_batch = 128;
inline constexpr std::size_t list_whole = 256;
inline constexpr std::size_t list_fields = 8;

// What one step of the loop looks at, whether or not it is told of: segments of a list, each of which takes
// up to 1 us (a pattern against a name, both of the longest); attachments of a segment, and users of the
// broker. Then others have their turn. As many users are told of in one reply, those who have most of their
// shares.
inline constexpr std::size_t segments_in_a_step = 512;
inline constexpr std::size_t attachments_in_a_step = 256;
inline constexpr std::size_t users_in_a_step = 256;
inline constexpr std::size_t users_told = 256;

// How many calls of one connection are answered, and how many connections accepted, before others have their
// turn: few, as each of them takes 5 to 20 us. (Of calls that take longer it is fewer; see Turns.)
inline constexpr std::size_t calls_in_a_row = 4;
inline constexpr std::size_t connections_in_a_row = 4;

// What may wait unread in one connection, before the kernel counts its own share and doubles it: some 25
// replies.
inline constexpr int unread_reply_bytes = 16 * 1024;

// Replies with a descriptor that may lie unread in one connection. The first goes with what its session
// takes; each further one counts as a descriptor of its user's.
inline constexpr std::size_t descriptors_in_flight = 8;

// Events that wait for one who watches; the oldest is dropped for one more, and counted. Each takes less than
// 1 KiB.
inline constexpr std::size_t events_waiting = 128;

// Entries of the log: how many may wait for a reader that does not read, each of some 1 KiB at most; and how
// many about one user's processes are written at once, and each second from then on.
inline constexpr std::size_t log_entries_waiting = 1024;
inline constexpr int log_entries_at_once = 32;
inline constexpr int log_entries_each_second = 1;

// Freeing this much takes some 50 us; the last close of a larger segment is left to another thread.
inline constexpr std::uint64_t close_inline_bytes = MiB;

// Threads of the daemon that work on clients' memory (recover locks, count waiters). A writer of a segment
// can make the kernel hold up a thread there, for instance while it punches a hole: then the other threads go
// on. So there are many, of which one user's segments occupy a few.
inline constexpr std::size_t worker_threads = 64;
inline constexpr std::size_t worker_threads_for_one_owner = 4;

// What a client that reserves memory takes at once, before it looks again whether there is enough left: some
// 60 ms. Less asks the kernel more often, more is further off when others take memory at the same time.
inline constexpr std::size_t reserve_step_bytes = 64 * MiB;

// Default quotas: of one user, and in all. Sessions and segments take descriptors, and all have to fit under
// the daemon's RLIMIT_NOFILE, so that is a limit as well.
inline constexpr std::uint64_t sessions_per_user = 512;
inline constexpr std::uint64_t segments_per_user = 32768;
inline constexpr std::uint64_t bytes_per_user = std::uint64_t{1} << 40;
inline constexpr std::uint64_t attachments_per_user = 131072;
inline constexpr std::uint64_t names_per_user = segments_per_user;
inline constexpr std::uint64_t sessions_total = 4096;
inline constexpr std::uint64_t segments_total = 131072;
inline constexpr std::uint64_t bytes_total = std::uint64_t{1} << 42;
inline constexpr std::uint64_t attachments_total = 524288;
inline constexpr std::uint64_t names_total = segments_total;

// The same for replies. A stream (a Watch, and a List of several batches) may have as many events waiting as
// the bound above says, so those of one user take 16 MiB at most. Of a reply, bytes are counted only while
// they wait because their reader does not read; who has no room for more is hung up on.
inline constexpr std::uint64_t streams_per_user = 128;
inline constexpr std::uint64_t unread_bytes_per_user = 16 * MiB;
inline constexpr std::uint64_t streams_total = 1024;
inline constexpr std::uint64_t unread_bytes_total = 128 * MiB;

// Calls that have come in part, or wait for their turn: counted as soon as they take more than this, which
// each connection has anyway. A user without room for more is hung up on.
inline constexpr std::size_t idle_buffer_bytes = 4 * KiB;
inline constexpr std::uint64_t call_bytes_per_user = 16 * MiB;
inline constexpr std::uint64_t call_bytes_total = 128 * MiB;
// Of a total nobody but root gets the last part: of 8 parts one stays for users who have little, one
// thousandth of the total or four; and half of that part for root, who has to see what is wrong. A total of
// less than 64 (or of 64 pages) has no such parts.
inline constexpr std::uint64_t share_of_others = 8;
inline constexpr std::uint64_t little_use = 1024;
inline constexpr std::uint64_t least_use = 4;
inline constexpr std::uint64_t least_shared = 64;

// Types that describe their fields, as the daemon and its ledger hold them, and groups beyond the usual
// number. One user can have 32,768 segments of a struct of ten fields; all fields of all calls take 60 KiB
// each.
inline constexpr std::uint64_t description_bytes_per_user = 64 * MiB;
inline constexpr std::uint64_t description_bytes_total = 256 * MiB;
inline constexpr std::size_t groups_for_free = 64;

// Pages that the daemon has written itself, for initial contents: the kernel counts them as the daemon's. One
// user's 32,768 small segments of two pages fit. The total is a quarter of what the daemon's cgroups let it
// use, if that is less.
inline constexpr std::uint64_t initial_bytes_per_user = 256 * MiB;
inline constexpr std::uint64_t initial_bytes_total = 1024 * MiB;

// What a user keeps attached of others who have ended it and are gone. Who keeps more can attach nothing more
// of others.
inline constexpr std::uint64_t kept_segments_per_user = segments_per_user;
inline constexpr std::uint64_t kept_bytes_per_user = bytes_per_user;

// Descriptors. The daemon has as many as its RLIMIT_NOFILE, and keeps these for itself: its loop, its log,
// its listening sockets, what is being sent. Of the others a session takes two (its socket and its process)
// and a segment one, and one more as soon as somebody reads who may not write. Segments leave some for
// sessions, or an eighth of all if that is less, so that somebody with many segments can still connect; and
// of the others one user gets all but a share.
inline constexpr std::uint64_t descriptors_kept = 64;
inline constexpr std::uint64_t descriptors_per_session = 2;
inline constexpr std::uint64_t descriptors_per_segment = 1;
inline constexpr std::uint64_t descriptors_for_reading = 1;
inline constexpr std::uint64_t descriptors_for_sessions = 512;
inline constexpr std::uint64_t descriptors_share = 16; // one sixteenth

} // namespace memshare::proto::limits
