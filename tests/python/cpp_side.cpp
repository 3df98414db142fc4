// The C++ side of the tests of both languages: cpp_side WORK NAME [NUMBER...]. It says what it is about to
// do, or what it has found, a line each.
#include <memshare/memshare.hpp>

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

struct Pose {
    double x, y;
    float heading;
};
MEMSHARE_STRUCT(Pose, x, y, heading)

struct Sample {
    std::uint8_t kind;
    std::int64_t time;
    std::uint16_t channels[3]; // NOLINT(modernize-avoid-c-arrays): what a field of a struct may be
    char label[8];             // NOLINT(modernize-avoid-c-arrays): the same
    bool valid;
};
MEMSHARE_STRUCT(Sample, kind, time, channels, label, valid)

namespace {

using memshare::Array;
using memshare::Value;
using Arguments = std::span<char*>;

long number(const char* text) { return std::strtol(text, nullptr, 10); }
void say(const auto& what) { std::cout << what << '\n' << std::flush; }

// Counts in three numbers: in all, of this side, of the other. At `stop` it stays inside of the lock, with
// one of them done; at -1 it never does; at -2 neither, and what it counts before the other dies in the lock
// comes on top.
void count(const std::string& name, Arguments numbers) {
    const auto counts = Array<std::int64_t>::open(name);
    const long times = number(numbers[0]);
    const long stop = number(numbers[1]);
    bool is_due = stop != -2;
    say("counts");
    for (long i = 0; i < times; i += is_due ? 1 : 0) {
        const std::scoped_lock lock(counts.mutex());
        if (const auto dead = counts.mutex().recovered()) {
            counts[0] = counts[1] + counts[2];
            say(dead->pid);
            is_due = true;
        }
        ++counts[0];
        if (i == stop) {
            say("inside");
            pause();
        }
        ++counts[1];
    }
}

void wait_and_store(const std::string& name, Arguments numbers) {
    auto value = Value<int>::open(name);
    say("waits");
    value.wait(static_cast<int>(number(numbers[0])));
    value.store(value.load() + 1);
}

void store(const std::string& name, Arguments numbers) {
    Value<int>::open(name).store(static_cast<int>(number(numbers[0])));
}

void wait_for_array(const std::string& name, Arguments /*numbers*/) {
    const auto array = Array<int>::open(name);
    const auto seen = array.version();
    say("waits");
    array.wait(seen);
    say(array[1]);
}

void show_pose(const std::string& name, Arguments /*numbers*/) {
    auto value = Value<Pose>::open(name);
    const Pose pose = value.load();
    std::cout << pose.x << ' ' << pose.y << ' ' << pose.heading << '\n';
    value.update([](Pose& changed) { changed.x += 1; });
}

void open_sample(const std::string& name, Arguments /*numbers*/) {
    try {
        Value<Sample>::open(name);
        say("opened");
    } catch (const memshare::Error& error) {
        say(error.code().message());
    }
}

void make(const std::string& name, Arguments /*numbers*/) {
    const auto pose = Value<Pose>::create(name + " pose", {1, 2, 3});
    const auto sample = Value<Sample>::create(name + " sample", {1, -2, {3, 4, 5}, "label", true});
    const auto poses = Array<Pose>::create(name + " poses", {{1, 2, 3}, {4, 5, 6}});
    say("made");
    std::cin.get();
    std::cout << pose.load().x << ' ' << sample.load().channels[1] << ' ' << poses[1].y << '\n';
}

} // namespace

int main(int argc, char** argv) {
    const std::map<std::string, void (*)(const std::string&, Arguments)> works{
        {"count", count},         {"wait_and_store", wait_and_store},
        {"store", store},         {"wait_for_array", wait_for_array},
        {"show_pose", show_pose}, {"open_sample", open_sample},
        {"make", make},
    };
    const Arguments arguments(argv, static_cast<std::size_t>(argc));
    works.at(arguments[1])(arguments[2], arguments.subspan(3));
}
