// A user's program for the thread sanitizer: what the locks, values and waits of the library order is no
// race, though the library itself is not compiled with a sanitizer. Each wait here is one of the library's
// slow ways.
#include <memshare/memshare.hpp>

#include <cstdint>
#include <cstdlib>
#include <thread>

using namespace std::chrono_literals;

namespace {

int plain = 0; // what is ordered

// One thread takes the lock while the other one sleeps on it in this way, and then touches what is ordered.
template <typename Lock> void meet(memshare::Array<int>& array, Lock lock) {
    auto segment = memshare::Segment::open("arr", memshare::Access::read);
    auto& word = segment.header().lock.word;
    memshare::Mutex& mutex = array.mutex();
    mutex.lock();
    std::thread other([&] {
        while (!lock(mutex)) {
        }
        ++plain;
        mutex.unlock();
    });
    while ((word.load(std::memory_order_relaxed) & memshare::abi::waiting_bit) == 0) {
        std::this_thread::yield();
    }
    ++plain;
    mutex.unlock();
    other.join();
}

} // namespace

int main() {
    auto array = memshare::Array<int>::create("arr", 1);
    meet(array, [](memshare::Mutex& mutex) { return mutex.lock(), true; });
    meet(array, [](memshare::Mutex& mutex) { return mutex.try_lock_for(10s); });
    meet(array,
         [](memshare::Mutex& mutex) { return mutex.try_lock_until(std::chrono::system_clock::now() + 10s); });

    // A lock that is marked, as by the broker, is not taken at the first look either.
    auto segment = memshare::Segment::open("arr", memshare::Access::write);
    segment.header().lock.word.store(memshare::abi::died_bit, std::memory_order_relaxed);
    const auto count = [&] {
        while (!array.mutex().try_lock()) {
        }
        ++plain;
        array.mutex().unlock();
    };
    std::thread one(count), two(count);
    one.join();
    two.join();

    auto value = memshare::Value<int>::create("num");
    std::thread waiter([&] {
        value.wait(0);
        ++plain;
    });
    ++plain;
    value.store(1);
    waiter.join();

    struct Large {
        std::uint64_t words[5];
    };
    auto large = memshare::Value<Large>::create("large");
    std::thread updater([&] {
        for (int round = 0; round < 1000; ++round) {
            large.update([](Large& is) { ++is.words[4]; });
        }
    });
    while (large.load().words[4] < 1000) {
    }
    updater.join();

    const auto seen = array.version();
    std::thread reader([&] {
        array.wait(seen);
        ++plain;
    });
    ++plain;
    array.notify_all();
    reader.join();
    return plain == 12 ? EXIT_SUCCESS : EXIT_FAILURE;
}
