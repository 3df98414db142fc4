// From the death of a process that holds a lock until the one that waits for it has it. No peer can do that.
#include "tests/bench/benchmarks.h"
#include "tests/bench/shared.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace memshare::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t much = std::size_t{512} << 20;

// Private memory, touched page by page: all of it has to be given back when the process dies.
void hold_memory(std::size_t bytes) {
    if (bytes == 0) {
        return;
    }
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::runtime_error("cannot map the memory of a process that is to die");
    }
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    std::memset(memory, 1, bytes);
}

[[noreturn]] void stay() {
    while (true) {
        pause();
    }
}

struct Scene {
    Gate held, passed_on;
    Clock::time_point passed_on_at;
};

// A segment whose lock a child of this process holds.
class HeldLock {
  public:
    HeldLock(BrokerProcess& broker, std::size_t holders_memory)
        : broker_path_(broker.path()),
          segment_(Segment::create(name_, plan, std::span<const std::byte>{},
                                   {.lifetime = Lifetime::attached, .broker = &broker.client()})),
          holder_([this, holders_memory] {
              hold_memory(holders_memory);
              const auto segment = open();
              segment.mutex().lock();
              scene_->held.open();
              stay();
          }) {
        scene_->held.pass();
    }

    // How long after the holder's death another child has the lock, which already waits for it.
    std::chrono::duration<double> time_to_next() {
        const ChildProcess next([this] {
            const auto segment = open();
            segment.mutex().lock();
            scene_->passed_on_at = Clock::now();
            scene_->passed_on.open();
            stay();
        });
        const auto& word = segment_.header().lock.word;
        while ((word.load() & abi::waiting_bit) == 0) { // from then on it is about to sleep, or sleeps
            std::this_thread::yield();
        }
        const auto killed_at = kill_holder();
        scene_->passed_on.pass();
        return scene_->passed_on_at - killed_at;
    }

    // How long after it the kernel says that the holder is dead, to whoever asked for that.
    std::chrono::duration<double> time_to_pidfd() {
        const auto holder = proto::Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, holder_.pid(), 0)));
        const auto killed_at = kill_holder();
        pollfd dead{.fd = holder.number(), .events = POLLIN, .revents = 0};
        if (poll(&dead, 1, -1) != 1) {
            throw std::runtime_error("cannot wait for the end of a process");
        }
        return Clock::now() - killed_at;
    }

  private:
    static inline const Plan plan{.form = Form::value, .element = element_of<std::uint64_t>(), .count = 1};

    Segment open() const {
        Broker of_its_own(broker_path_);
        return Segment::open(name_, Access::write, {}, {.broker = &of_its_own});
    }
    Clock::time_point kill_holder() const {
        const auto now = Clock::now();
        kill(holder_.pid(), SIGKILL);
        return now;
    }

    std::string broker_path_;
    std::string name_ = new_name();
    Segment segment_;
    Shared<Scene> scene_;
    ChildProcess holder_;
};

void add_size(Report& report, BrokerProcess& broker, const std::string& size, std::size_t memory) {
    const std::string what = "recovery/" + size;
    const auto add_one = [&](const char* subject, auto measure) {
        add_with_own_clock(what + '/' + subject, [&broker, memory, measure](benchmark::State& state) {
            for ([[maybe_unused]] auto _ : state) {
                HeldLock lock(broker, memory);
                state.SetIterationTime((lock.*measure)().count());
            }
        })->Iterations(1);
    };
    add_one("memshare", &HeldLock::time_to_next);
    add_one("pidfd", &HeldLock::time_to_pidfd);
    report.compare(what, "pidfd");
}

} // namespace

void add_recovery(Report& report, Servers& servers) {
    BrokerProcess& broker = servers.brokers.back();
    add_size(report, broker, "small", 0);
    report.limit("recovery/small", std::chrono::milliseconds{2});
    add_size(report, broker, "512MiB", much);
}

} // namespace memshare::bench
