// The end of gigabytes takes the kernel hundreds of milliseconds, and nobody else any.
#include "tests/system/disturbed.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <iostream>

namespace memshare::test {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t large = (sanitized ? std::size_t{256} : std::size_t{2048}) << 20;
constexpr milliseconds slow_anyway{sanitized ? 500
                                             : 0}; // sanitizers make everything else slow, but not the kernel

void touch(std::span<char> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += page) {
        bytes[at] = 1;
    }
}

// What the close of as much memory takes who does it himself.
microseconds raw_close() {
    const int memory = memfd_create("raw", MFD_CLOEXEC);
    EXPECT_EQ(ftruncate(memory, large), 0);
    void* mapped = mmap(nullptr, large, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    touch({static_cast<char*>(mapped), large});
    munmap(mapped, large);
    const auto start = Clock::now();
    close(memory);
    return std::chrono::duration_cast<microseconds>(Clock::now() - start);
}

// How much shared memory there is on this machine.
std::size_t shared_bytes() {
    std::ifstream file("/proc/meminfo");
    std::string word;
    while (file >> word && word != "Shmem:") {
    }
    std::size_t kilobytes = 0;
    file >> kilobytes;
    return 1024 * kilobytes;
}

class AHugeSegment : public WithBroker {
  protected:
    ChildProcess holder(const std::function<Array<const char>(Broker&)>& hold) {
        ChildProcess process([&](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto held = hold(own);
            parent.say("held");
            parent.hear();
        });
        process.hear();
        return process;
    }

    ChildProcess creator() {
        return holder([&](Broker& own) {
            const auto made = Array<char>::create("huge", large, {.broker = &own});
            touch(made.span());
            return Array<const char>::open("huge", {.broker = &own});
        });
    }

    // Kills the last one who holds it, and returns how long another's calls took meanwhile.
    microseconds longest_call_while(ChildProcess& last) {
        const std::size_t before = shared_bytes();
        Bystander bystander(daemon.socket_path());
        prefer(daemon.pid());
        prefer(bystander.pid());
        last.kill();
        EXPECT_TRUE(eventually([&] { return shared_bytes() + large / 2 < before; }));
        return bystander.leave().longest;
    }
};

// Beside each other in one run, as a busy machine slows both: had the loop waited for the close, it would
// have taken as long as that.
void report(microseconds longest, microseconds raw) {
    std::cout << "    longest call meanwhile " << longest.count() << " us; raw close " << raw.count()
              << " us\n";
    EXPECT_LT(longest, std::max<microseconds>(raw / 4, slow_anyway));
}

TEST_F(AHugeSegment, WhoseCreatorIsKilledDelaysNobody) {
    const auto raw = raw_close();
    auto process = creator();
    report(longest_call_while(process), raw);
}

TEST_F(AHugeSegment, WhoseLastReaderIsKilledDelaysNobody) {
    const auto raw = raw_close();
    auto process = creator();
    auto reader = holder([](Broker& own) { return Array<const char>::open("huge", {.broker = &own}); });
    process.kill();
    EXPECT_TRUE(eventually([&] { return !lists(broker, "huge"); }));
    report(longest_call_while(reader), raw);
}

} // namespace
} // namespace memshare::test
