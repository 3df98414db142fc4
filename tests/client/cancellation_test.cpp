// Threads that are cancelled: pthread_cancel(3) ends the thread, and never the process. Everything here is
// done by threads of children, as a failure would end the test's own process.
#include "tests/support/with_broker.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <functional>

namespace memshare::test {
namespace {

// A thread of plain POSIX, as std::thread has nothing to cancel it by.
class Thread {
  public:
    explicit Thread(std::function<void()> work) : work_(std::move(work)) {
        pthread_create(&thread_, nullptr, &run, this);
    }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
    ~Thread() = default;

    void cancel() const { EXPECT_EQ(pthread_cancel(thread_), 0); }
    bool ends_cancelled() const { // within some seconds, or the test fails by its time
        void* result = nullptr;
        pthread_join(thread_, &result);
        return result == PTHREAD_CANCELED;
    }

  private:
    static void* run(void* self) {
        static_cast<Thread*>(self)->work_();
        return nullptr;
    }

    std::function<void()> work_;
    pthread_t thread_{};
};

class ACancelledThread : public WithBroker {
  protected:
    Value<int> number = Value<int>::create("num", 0, {.broker = &broker});
    Array<int> numbers = Array<int>::create("arr", 1, {.broker = &broker});

    // Whether a child lives on that does this.
    static void expect_survival(const std::function<void()>& work) {
        ChildProcess child([&](Lines&) { work(); });
        EXPECT_EQ(child.wait(), 0);
    }
};

TEST_F(ACancelledThread, EndsItsWait) {
    expect_survival([this] {
        Broker own(daemon.socket_path());
        const auto same = Value<int>::open("num", {.broker = &own});
        const Thread waiter([&] { same.wait(0); });
        auto segment = Segment::open("num", Access::read, {}, {.broker = &own});
        EXPECT_TRUE(eventually([&] { return segment.header().change.waiting != 0; }));
        waiter.cancel();
        EXPECT_TRUE(waiter.ends_cancelled());
    });
}

TEST_F(ACancelledThread, EndsItsWaitThroughAReadOnlyHandle) {
    expect_survival([this] {
        Broker own(daemon.socket_path());
        const auto same = Value<const int>::open("num", {.broker = &own});
        const Thread waiter([&] { same.wait(0); });
        waiter.cancel();
        EXPECT_TRUE(waiter.ends_cancelled());
    });
}

TEST_F(ACancelledThread, StopsHearingOfEvents) {
    expect_survival([this] {
        const Broker own(daemon.socket_path());
        std::atomic<bool> is_ready = false;
        const Thread hearer([&] { own.watch({}, [&](const Event&) { return is_ready = true; }); });
        EXPECT_TRUE(eventually([&] { return is_ready.load(); }));
        hearer.cancel();
        EXPECT_TRUE(hearer.ends_cancelled());
    });
}

TEST_F(ACancelledThread, GetsTheLockThatItWaitsForAndEndsAfterwards) {
    expect_survival([this] {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("arr", {.broker = &own});
        same.mutex().lock();
        const Thread waiter([&] {
            same.mutex().lock();
            same[0] = 1;
            same.mutex().unlock();
            pthread_testcancel();
        });
        EXPECT_TRUE(eventually([&] { return own.describe("arr").lock.waiting; }));
        waiter.cancel();
        same.mutex().unlock();
        EXPECT_TRUE(waiter.ends_cancelled());
        EXPECT_EQ(same[0], 1);
        EXPECT_TRUE(same.mutex().try_lock());
        same.mutex().unlock();
    });
}

// Each of these is cancelled where it says so, and goes on to calls and destructors that would end it.
TEST_F(ACancelledThread, EndsNoCallAndNoDestructorInTheMiddle) {
    using Cancelled = std::function<void()>;
    const std::array<std::function<void(Broker&, const Cancelled&)>, 11> all{
        [](Broker& own, const Cancelled& cancelled) {
            cancelled();
            static_cast<void>(own.list());
            static_cast<void>(own.version());
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Value<int>::open("num", {.broker = &own});
            cancelled();
        },
        [](Broker& own, const Cancelled& cancelled) {
            cancelled();
            Value<int>::open("num", {.broker = &own});
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Value<const int>::open("num", {.broker = &own});
            cancelled();
            same.version();
        },
        [](Broker& own, const Cancelled& cancelled) {
            cancelled();
            Array<int>::create(unnamed, 1 << 20, {.reserve = true, .broker = &own});
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Value<const int>::open("num", {.broker = &own});
            const Watch watch = same.watch();
            cancelled();
            watch.clear();
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Value<const int>::open("num", {.broker = &own});
            cancelled();
            const Watch watch = same.watch();
        },
        [](Broker& own, const Cancelled& cancelled) {
            auto frozen = Value<int>::create(unnamed, 1, {.mode = 0666, .broker = &own});
            cancelled();
            EXPECT_THROW(frozen.freeze(), Error);
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Array<int>::open("arr", {.broker = &own});
            Segment::open("arr", Access::write, {}, {.broker = &own}).header().lock.word = abi::died_bit;
            same.mutex().lock();
            cancelled();
            EXPECT_TRUE(same.mutex().recovered());
            same.mutex().unlock();
        },
        [](Broker& own, const Cancelled& cancelled) {
            const auto same = Array<int>::open("arr", {.broker = &own});
            cancelled();
            EXPECT_TRUE(same.mutex().try_lock_for(seconds(1)));
            same.mutex().unlock();
        },
        [this](Broker& /*own*/, const Cancelled& cancelled) {
            const Broker connected(daemon.socket_path());
            Broker(connected).version();
            cancelled();
        },
    };
    for (const auto& one : all) {
        expect_survival([&] {
            Broker own(daemon.socket_path());
            std::atomic<bool> is_ready = false, is_cancelled = false;
            const Thread thread([&] {
                one(own, [&] {
                    is_ready = true;
                    while (!is_cancelled) {
                    }
                });
                pthread_testcancel();
            });
            EXPECT_TRUE(eventually([&] { return is_ready.load(); }));
            thread.cancel();
            is_cancelled = true;
            EXPECT_TRUE(thread.ends_cancelled());
            EXPECT_GE(own.list().size(), 2U); // the connection is in step
        });
    }
}

TEST_F(ACancelledThread, WaitsForABrokerThatDoesNotAnswerNoLongerThanItsCall) {
    expect_survival([this] {
        Broker own(daemon.socket_path(), {.timeout = milliseconds(300)});
        own.version();
        kill(daemon.pid(), SIGSTOP);
        const Thread caller([&] {
            EXPECT_EQ(error_of([&] { own.statistics(); }).code(), Errc::broker_lost);
            pthread_testcancel();
        });
        caller.cancel();
        EXPECT_TRUE(caller.ends_cancelled());
        kill(daemon.pid(), SIGCONT);
    });
}

} // namespace
} // namespace memshare::test
