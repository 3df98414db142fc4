// The order in which work is done: by priority, in turns by user, one piece at a time for one memory. Pure.
#pragma once

#include "daemon/work.h"

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>

namespace memshare::daemon {

// Work that has begun is under way until finish(): until then no other work on its memory begins, and its
// user has at most `per_user` pieces under way. So a user whose memory makes the kernel wait holds up that
// memory first, then the rest of that user's, and nobody else's.
class WorkQueue {
  public:
    explicit WorkQueue(std::size_t per_user) : per_user_(per_user) {}

    void add(Work work);

    // The next work that may begin; nothing, if there is none for now.
    std::optional<Work> begin();

    // Ends what began with this user and this memory as its key.
    void finish(std::uint32_t uid, const void* key);

    // Whether nothing waits, and whether nothing is under way besides.
    bool empty() const { return waiting_ == 0; }
    bool is_idle() const { return waiting_ == 0 && under_way_ == 0; }

  private:
    static constexpr std::size_t priorities = 2;
    struct Memory {
        std::array<std::deque<Work>, priorities> work;
        std::array<bool, priorities> listed{}; // in its user's `ready`
        bool under_way = false;
    };
    struct User {
        std::unordered_map<const void*, Memory> memories; // those with work
        std::array<std::deque<const void*>, priorities> ready;
        std::size_t under_way = 0;
        std::uint64_t last_turn = 0;
    };

    static void list(User& user, const void* key, Memory& memory);
    std::optional<Work> begin(User& user, std::size_t priority);

    std::size_t per_user_;
    std::unordered_map<std::uint32_t, User> users_; // those with work
    std::size_t waiting_ = 0, under_way_ = 0;
    std::uint64_t turns_ = 0;
};

} // namespace memshare::daemon
