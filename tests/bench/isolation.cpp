// What one user notices of what others do to the broker, beside what he notices when they do nothing.
//
// A broker runs here as a service would that its manager gives more weight than others have, and so does the
// client that is measured: on two processors a client among four processes that never rest waits for a
// processor longer than a call takes, whatever the broker does. How much of that is left is seen where the
// same flood pours over another broker. (There the broker is asleep when the client calls, and has to be
// woken; in the midst of a flood it is awake.)
#include "tests/bench/benchmarks.h"
#include "tests/bench/flood.h"
#include "tests/bench/shared.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace memshare::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds measured{2};
constexpr std::chrono::milliseconds to_get_going{200};
constexpr std::chrono::milliseconds between_two{1}; // attachments: who never rests is no modest user
constexpr std::size_t large = std::size_t{4} << 30;

// What a client writes down.
struct Notes {
    Gate started, preferred, ready, go, done;
    std::atomic<bool> enough = false;
    std::size_t count = 0;
    std::array<std::uint32_t, 60'000> nanoseconds{};
};

// To attach a segment, map it, look at it and let it go.
std::chrono::nanoseconds time_to_attach(Broker& broker, const std::string& name) {
    const auto start = Clock::now();
    {
        const auto array = Array<const std::byte>::open(name, {.broker = &broker});
        benchmark::DoNotOptimize(*const_cast<const volatile std::byte*>(array.data()));
    }
    return Clock::now() - start;
}

void attach_again_and_again(const std::string& broker_path, Notes& notes) {
    Broker broker(broker_path);
    const std::string name = "small";
    const auto kept = Array<std::byte>::create(name, 4096, {.broker = &broker});
    time_to_attach(broker, name);
    notes.ready.open();
    notes.go.pass();
    while (!notes.enough && notes.count < notes.nanoseconds.size()) {
        const auto took = time_to_attach(broker, name);
        notes.nanoseconds.at(notes.count++) = static_cast<std::uint32_t>(took.count());
        std::this_thread::sleep_for(between_two);
    }
    notes.done.open();
}

class Times {
  public:
    explicit Times(Notes& notes)
        : sorted_(notes.nanoseconds.begin(), notes.nanoseconds.begin() + notes.count) {
        std::ranges::sort(sorted_);
        if (sorted_.empty()) {
            throw std::runtime_error("nothing was attached");
        }
    }

    // What so many percent of them did not exceed.
    std::chrono::duration<double, std::nano> percent(std::size_t part) const {
        return std::chrono::duration<double, std::nano>(sorted_[(sorted_.size() - 1) * part / 100]);
    }

  private:
    std::vector<std::uint32_t> sorted_;
};

// Of a user who does nothing else, in a process of its own, as long as `meanwhile` goes on.
Times times_to_attach(const BrokerProcess& broker, const std::function<void()>& meanwhile) {
    const Shared<Notes> notes;
    const ChildProcess client([&] {
        become(modest_user);
        notes->started.open();
        notes->preferred.pass();
        take_short_turns();
        attach_again_and_again(broker.path(), *notes);
    });
    notes->started.pass();
    prefer(client.pid());
    notes->preferred.open();
    notes->ready.pass();
    notes->go.open();
    meanwhile();
    notes->enough = true;
    notes->done.pass();
    return Times(*notes);
}

std::unique_ptr<BrokerProcess> new_broker(const BrokerProcess::Arguments& arguments = {}) {
    auto broker = std::make_unique<BrokerProcess>(possible_settings().back(), arguments, Session::of_its_own);
    run_on(all_processors(), broker->pid());
    prefer(broker->pid());
    return broker;
}

// Of the same kind: one that is measured, and one for floods that do not reach the first.
struct Brokers {
    static std::unique_ptr<BrokerProcess> one() { return new_broker({"--bytes-per-user", "64M"}); }
    std::unique_ptr<BrokerProcess> measured = one(), other = one();
};

void wait_until_all_others_are_gone(BrokerProcess& broker) {
    while (broker.client().statistics().users.size() > 1) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void measure_attach(benchmark::State& state, BrokerProcess& broker, BrokerProcess* flooded) {
    for ([[maybe_unused]] auto _ : state) {
        std::optional<Flood> flood;
        if (flooded != nullptr) {
            flood.emplace(flooded->path());
            std::this_thread::sleep_for(to_get_going);
        }
        const auto times = times_to_attach(broker, [] { std::this_thread::sleep_for(measured); });
        state.SetIterationTime(std::chrono::duration<double>(times.percent(99)).count());
        state.counters["p50"] = times.percent(50).count();
        state.counters["longest"] = times.percent(100).count();
        flood.reset();
        wait_until_all_others_are_gone(broker);
    }
}

// A process that has a large segment with all its memory, from when it is let.
class LargeSegment {
  public:
    explicit LargeSegment(const BrokerProcess& broker)
        : owner_([this, path = broker.path()] {
              Broker own(path);
              go_->pass();
              const auto array = Array<std::byte>::create(unnamed, large, {.broker = &own});
              if (madvise(const_cast<std::byte*>(array.data()), large, MADV_POPULATE_WRITE) != 0) {
                  throw std::runtime_error("cannot reserve the memory of a large segment");
              }
              reserved_->open();
              while (true) {
                  pause();
              }
          }) {}

    void reserve() {
        go_->open();
        reserved_->pass();
    }

    void kill() const { ::kill(owner_.pid(), SIGKILL); }

  private:
    Shared<Gate> go_, reserved_;
    ChildProcess owner_;
};

// The large ones at the same broker as the small one, or at another: then it is the machine that is slow.
enum class Where { here, elsewhere };

void measure_beside_large(benchmark::State& state, Where where) {
    const auto broker = new_broker();
    const auto other = new_broker();
    const BrokerProcess& with_large = where == Where::here ? *broker : *other;
    for ([[maybe_unused]] auto _ : state) {
        LargeSegment freed(with_large);
        LargeSegment reserved(with_large);
        freed.reserve();
        const auto times = times_to_attach(*broker, [&] {
            freed.kill();
            reserved.reserve();
        });
        state.SetIterationTime(std::chrono::duration<double>(times.percent(99)).count());
        state.counters["longest"] = times.percent(100).count();
        state.counters["us at most"] = times.percent(100).count() / 1000;
    }
}

benchmark::internal::Benchmark* add_one(const std::string& name, auto body) {
    return add_with_own_clock(name, body)->Iterations(1)->Repetitions(5);
}

} // namespace

void add_isolation(Report& report) {
    if (!can_become_others()) {
        std::cout << "Not root: what users notice of each other is not measured.\n";
        return;
    }
    const std::string what = "attach_p99/in_a_flood";
    static std::unique_ptr<Brokers> brokers;
    const auto add_phase = [&](const char* subject, auto flooded) {
        add_one(what + '/' + subject, [flooded](benchmark::State& state) {
            if (brokers == nullptr) {
                brokers = std::make_unique<Brokers>();
            }
            measure_attach(state, *brokers->measured, flooded(*brokers));
        });
    };
    add_phase("quiet", [](Brokers&) -> BrokerProcess* { return nullptr; });
    add_phase("flood_elsewhere", [](Brokers& both) { return both.other.get(); });
    add_phase("memshare", [](Brokers& both) { return both.measured.get(); });
    for (const char* peer : {"quiet", "flood_elsewhere"}) {
        report.compare(what, peer, std::string_view(peer) == "quiet" ? std::optional(3.0) : std::nullopt);
        report.compare_counter(what, "p50", peer);
        report.compare_counter(what, "longest", peer);
    }
    const std::string beside = "attach_p99/beside_4GiB";
    for (const auto& [subject, where] :
         {std::pair("/memshare", Where::here), std::pair("/large_elsewhere", Where::elsewhere)}) {
        add_one(beside + subject, [where](benchmark::State& state) {
            measure_beside_large(state, where);
        })->Repetitions(3);
    }
    report.bound(beside, "us at most", 5000);
    report.compare(beside, "large_elsewhere");
    report.compare_counter(beside, "longest", "large_elsewhere");
}

} // namespace memshare::bench
