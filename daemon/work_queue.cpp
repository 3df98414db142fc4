#include "daemon/work_queue.h"

#include <utility>

namespace memshare::daemon {

void WorkQueue::add(Work work) {
    const auto [place, is_new] = users_.try_emplace(work.uid);
    User& user = place->second;
    if (is_new) {
        user.last_turn = ++turns_; // behind the users that wait
    }
    const void* key = work.memory;
    Memory& memory = user.memories[key];
    memory.work[static_cast<std::size_t>(work.priority)].push_back(std::move(work));
    ++waiting_;
    if (!memory.under_way) {
        list(user, key, memory);
    }
}

void WorkQueue::list(User& user, const void* key, Memory& memory) {
    for (std::size_t priority = 0; priority < priorities; ++priority) {
        if (!memory.work[priority].empty() && !std::exchange(memory.listed[priority], true)) {
            user.ready[priority].push_back(key);
        }
    }
}

std::optional<Work> WorkQueue::begin() {
    for (std::size_t priority = 0; priority < priorities; ++priority) {
        while (true) {
            User* next = nullptr;
            for (auto& [uid, user] : users_) {
                const bool may_begin = !user.ready[priority].empty() && user.under_way < per_user_;
                if (may_begin && (next == nullptr || user.last_turn < next->last_turn)) {
                    next = &user;
                }
            }
            if (next == nullptr) {
                break;
            }
            if (auto work = begin(*next, priority)) {
                return work;
            }
        }
    }
    return std::nullopt;
}

// Nothing, if the user's first memory is under way with work of another priority: finish() lists it again.
std::optional<Work> WorkQueue::begin(User& user, std::size_t priority) {
    const void* key = user.ready[priority].front();
    user.ready[priority].pop_front();
    Memory& memory = user.memories.at(key);
    memory.listed[priority] = false;
    if (memory.under_way) {
        return std::nullopt;
    }
    Work work = std::move(memory.work[priority].front());
    memory.work[priority].pop_front();
    memory.under_way = true;
    ++user.under_way;
    user.last_turn = ++turns_;
    --waiting_;
    ++under_way_;
    return work;
}

void WorkQueue::finish(std::uint32_t uid, const void* key) {
    const auto place = users_.find(uid);
    User& user = place->second;
    const auto memory = user.memories.find(key);
    memory->second.under_way = false;
    --user.under_way;
    --under_way_;
    list(user, key, memory->second);
    const bool is_listed = memory->second.listed[0] || memory->second.listed[1];
    if (!is_listed) {
        user.memories.erase(memory);
    }
    if (user.memories.empty()) {
        users_.erase(place);
    }
}

} // namespace memshare::daemon
