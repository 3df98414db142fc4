#include "tests/system/attack/attackers.h"

#include "tests/support/chance.h"
#include "tests/support/shared.h"

#include <gtest/gtest.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace memshare::test {
namespace {

constexpr std::array attackers{User{65501, 65501}, User{65502, 65502}, User{65503, 65503},
                               User{65504, 65504}};

constexpr std::size_t most_attacks = 32;

void take_the_lowest_priority() {
    const sched_param none{};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
        throw std::runtime_error("the scheduler has no lower priority");
    }
}

// As many descriptors as the kernel lets this process have.
void take_all_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// In a process of its own, so that its sessions end with it: killed, if it has not ended by then.
void carry_out(const Attack& attack, const std::string& socket_path) {
    constexpr milliseconds longest{3000};
    ChildProcess round([&](Lines&) {
        try {
            attack.round(socket_path);
        } catch (const std::exception& /*it is out of quota, or was hung up on*/) {
            std::this_thread::sleep_for(milliseconds(10)); // or it would only connect
        }
    });
    const auto process = proto::Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, round.pid(), 0U)));
    pollfd ended{.fd = process.number(), .events = POLLIN, .revents = 0};
    poll(&ended, 1, static_cast<int>(longest.count()));
}

// $MEMSHARE_TEST_ATTACK is a part of the names of those that are wanted, to find the one that does harm.
bool is_wanted(const Attack& attack) {
    const char* part = std::getenv("MEMSHARE_TEST_ATTACK");
    return part == nullptr || std::string_view(attack.name).contains(part);
}

} // namespace

struct Attackers::Board {
    struct Rounds {
        std::array<std::atomic<std::uint64_t>, most_attacks> begun;
    };
    Shared<Rounds> rounds;
};

Attackers::Attackers(const std::string& socket_path) : board_(std::make_shared<Board>()) {
    const auto attacks = all_attacks();
    for (const User user : attackers) {
        for (std::size_t number = 0; number < attacks.size(); ++number) {
            if (!is_wanted(attacks[number])) {
                continue;
            }
            all_.push_back(ChildProcess::as_user(user, [&, number](Lines& parent) {
                take_the_lowest_priority();
                take_all_descriptors();
                parent.say("at it");
                while (true) {
                    ++board_->rounds->begun.at(number);
                    carry_out(attacks[number], socket_path);
                }
            }));
        }
    }
    for (ChildProcess& one : all_) {
        EXPECT_EQ(one.hear(), "at it");
    }
}

std::string Attackers::summary() const {
    const auto attacks = all_attacks();
    std::string all;
    for (std::size_t number = 0; number < attacks.size(); ++number) {
        all += (all.empty() ? "" : ", ") + std::string(attacks[number].name) + " " +
               std::to_string(board_->rounds->begun.at(number));
    }
    return all;
}

void Attackers::end() {
    const sched_param none{};
    for (ChildProcess& one : all_) {
        sched_setscheduler(one.pid(), SCHED_OTHER, &none); // or on a busy machine it would not get to its end
        one.strike();
    }
    for (ChildProcess& one : all_) {
        EXPECT_EQ(one.wait(), -SIGKILL) << "it went on until then";
    }
    all_.clear();
}

} // namespace memshare::test
