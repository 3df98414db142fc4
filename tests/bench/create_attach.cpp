// To create or attach a segment, map it and touch it, beside raw shm_open and the least of all servers.
#include "tests/bench/benchmarks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace memshare::bench {

using proto::Fd;
using proto::Mapping;

namespace {

struct Size {
    const char* name;
    std::size_t bytes;
};
constexpr std::array<Size, 2> sizes{{{"4KiB", 4096}, {"1MiB", std::size_t{1} << 20}}};
constexpr std::size_t at_a_time = 32;
constexpr const char* segment_name = "created";
constexpr double goal = 1.15;

// The only names of ours outside of the brokers. Each with its process, as several may run at once.
struct RawNames {
    std::string created = name("created"), attached = name("attached");

    RawNames() = default;
    RawNames(const RawNames&) = delete;
    RawNames& operator=(const RawNames&) = delete;
    ~RawNames() { remove(); }

    void remove() const { // also called by a signal handler
        shm_unlink(created.c_str());
        shm_unlink(attached.c_str());
    }

    static std::string name(const char* use) {
        return "/memshare-bench-" + std::to_string(getpid()) + '-' + use;
    }
};

RawNames& raw_names() {
    static RawNames names;
    return names;
}

Mapping raw_mapping(const char* name, int flags, std::size_t size, Mapping::Access access) {
    const Fd memory = Fd::adopt(shm_open(name, flags | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!memory || ((flags & O_CREAT) != 0 && ftruncate(memory.number(), static_cast<off_t>(size)) != 0)) {
        throw std::runtime_error("shm_open failed");
    }
    return Mapping::map(memory.number(), size, access).value();
}

// Touches only the first byte: to fill a page costs the same everywhere.
void write_first(std::span<std::byte> bytes) {
    *const_cast<volatile std::byte*>(bytes.data()) = std::byte{1};
}
void read_first(std::span<const std::byte> bytes) {
    benchmark::DoNotOptimize(*const_cast<const volatile std::byte*>(bytes.data()));
}

// Times only make(i), for a few at a time; to drop them, and to see that this is done, is not part of it.
template <typename Make, typename Settle>
void time_making(benchmark::State& state, Make make, Settle settle) {
    std::vector<decltype(make(std::size_t{}))> kept;
    kept.reserve(at_a_time);
    for ([[maybe_unused]] auto _ : state) {
        kept.push_back(make(kept.size()));
        if (kept.size() == at_a_time) {
            state.PauseTiming();
            kept.clear();
            settle();
            state.ResumeTiming();
        }
    }
}

const std::string& name_of_one(std::size_t number) {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all(at_a_time);
        for (std::size_t at = 0; at < at_a_time; ++at) {
            all[at] = "created-" + std::to_string(at);
        }
        return all;
    }();
    return names[number];
}

// What the minimal server handed out, until it is told that it is not needed any more.
struct MinimalHandle {
    MinimalServer* server;
    const std::string* name;
    Mapping mapping;

    MinimalHandle(MinimalServer& from, const std::string& named, Mapping memory)
        : server(&from), name(&named), mapping(std::move(memory)) {}
    MinimalHandle(MinimalHandle&& other) noexcept = default;
    MinimalHandle& operator=(MinimalHandle&&) = delete;
    MinimalHandle(const MinimalHandle&) = delete;
    MinimalHandle& operator=(const MinimalHandle&) = delete;
    ~MinimalHandle() {
        if (mapping) {
            mapping.unmap();
            server->drop(*name);
        }
    }
};

// A round trip: whatever was told before is done by then.
void settle_ours(Broker& client) { client.list("nothing has this name"); }
void settle_minimal(MinimalServer& server) {
    static const std::string name = "settled";
    const MinimalHandle last(server, name, server.create(name, abi::page));
}

void create_ours(benchmark::State& state, BrokerProcess& broker, std::size_t size) {
    const OnlyOn here(client_processors(broker.setting()));
    const CreateOptions options{.lifetime = Lifetime::attached, .broker = &broker.client()};
    time_making(
        state,
        [&](std::size_t number) {
            auto array = Array<std::byte>::create(name_of_one(number), size, options);
            write_first(array.span());
            return array;
        },
        [&] { settle_ours(broker.client()); });
}

void create_minimal(benchmark::State& state, MinimalServer& server, std::size_t size) {
    const OnlyOn here(client_processors(server.setting()));
    time_making(
        state,
        [&](std::size_t number) {
            MinimalHandle handle(server, name_of_one(number), server.create(name_of_one(number), size));
            write_first(handle.mapping.bytes());
            return handle;
        },
        [&] { settle_minimal(server); });
}

void create_and_drop_ours(benchmark::State& state, BrokerProcess& broker, std::size_t size) {
    const OnlyOn here(client_processors(broker.setting()));
    // With this lifetime its end here ends the segment; by default the end of this process would.
    const CreateOptions options{.lifetime = Lifetime::attached, .broker = &broker.client()};
    for ([[maybe_unused]] auto _ : state) {
        auto array = Array<std::byte>::create(segment_name, size, options);
        write_first(array.span());
    }
}

void create_and_drop_raw(benchmark::State& state, Setting setting, std::size_t size) {
    const OnlyOn here(client_processors(setting));
    const char* name = raw_names().created.c_str();
    for ([[maybe_unused]] auto _ : state) {
        auto memory = raw_mapping(name, O_CREAT | O_EXCL | O_RDWR, size, Mapping::Access::write);
        write_first(memory.bytes());
        memory.unmap();
        shm_unlink(name);
    }
}

void create_and_drop_minimal(benchmark::State& state, MinimalServer& server, std::size_t size) {
    const OnlyOn here(client_processors(server.setting()));
    for ([[maybe_unused]] auto _ : state) {
        auto memory = server.create(segment_name, size);
        write_first(memory.bytes());
        memory.unmap();
        server.drop(segment_name);
    }
}

template <typename Byte> void attach_ours(benchmark::State& state, BrokerProcess& broker, std::size_t size) {
    const std::string name = new_name();
    const auto kept =
        Array<std::byte>::create(name, size, {.lifetime = Lifetime::attached, .broker = &broker.keeper()});
    write_first(kept.span());
    const OnlyOn here(client_processors(broker.setting()));
    const OpenOptions options{.broker = &broker.client()};
    time_making(
        state,
        [&](std::size_t /*number*/) {
            auto array = Array<Byte>::open(name, options);
            read_first(std::as_bytes(array.span()));
            return array;
        },
        [&] { settle_ours(broker.client()); });
}

void attach_raw(benchmark::State& state, Setting setting, std::size_t size, Mapping::Access access) {
    const char* name = raw_names().attached.c_str();
    const auto kept = raw_mapping(name, O_CREAT | O_EXCL | O_RDWR, size, Mapping::Access::write);
    write_first(kept.bytes());
    const OnlyOn here(client_processors(setting));
    const int flags = access == Mapping::Access::write ? O_RDWR : O_RDONLY;
    for ([[maybe_unused]] auto _ : state) {
        const auto memory = raw_mapping(name, flags, size, access);
        read_first(memory.bytes());
    }
    shm_unlink(name);
}

void attach_minimal(benchmark::State& state, MinimalServer& server, std::size_t size, Wish wish) {
    const auto kept = server.create(segment_name, size);
    write_first(kept.bytes());
    {
        const OnlyOn here(client_processors(server.setting()));
        static const std::string name = segment_name;
        time_making(
            state,
            [&](std::size_t /*number*/) {
                MinimalHandle handle(server, name, server.attach(segment_name, wish));
                read_first(handle.mapping.bytes());
                return handle;
            },
            [&] { settle_minimal(server); });
    }
    server.drop(segment_name);
}

// The same for each kind of minimal server; the goal is against the one that waits as we do: for many
// clients, and on two processors awake for a moment. One that blocks on its only client serves nobody else,
// and is shown beside it.
void add_minimal(Report& report, Servers& servers, std::size_t at, const std::string& what,
                 std::optional<double> its_goal, auto measure) {
    const bool both_can_look = servers.brokers[at].setting() == Setting::two_cores;
    const auto one = [&](const std::string& peer, MinimalServer& server, std::optional<double> peer_goal) {
        add(what + '/' + peer, [&server, measure](benchmark::State& state) { measure(state, server); });
        report.compare(what, peer, peer_goal);
    };
    one("minimal_blocking", servers.blocking[at], {});
    if (both_can_look) {
        one("minimal_spinning", servers.spinning[at], its_goal);
    } else {
        one("minimal_epoll", servers.epoll[at], its_goal);
    }
}

void add_create(Report& report, Servers& servers, std::size_t at, const Size& size) {
    BrokerProcess& broker = servers.brokers[at];
    const std::string what = std::string("create/") + size.name + '/' + name_of(broker.setting());
    const std::size_t bytes = size.bytes;
    add(what + "/memshare", [&broker, bytes](benchmark::State& state) { create_ours(state, broker, bytes); });
    add_minimal(report, servers, at, what, goal, [bytes](benchmark::State& state, MinimalServer& server) {
        create_minimal(state, server, bytes);
    });
}

// The whole life of a segment: here the end counts as well.
void add_create_and_drop(Report& report, Servers& servers, std::size_t at, const Size& size) {
    BrokerProcess& broker = servers.brokers[at];
    const std::string what = std::string("create_and_drop/") + size.name + '/' + name_of(broker.setting());
    const std::size_t bytes = size.bytes;
    add(what + "/memshare",
        [&broker, bytes](benchmark::State& state) { create_and_drop_ours(state, broker, bytes); });
    add_minimal(report, servers, at, what, {}, [bytes](benchmark::State& state, MinimalServer& server) {
        create_and_drop_minimal(state, server, bytes);
    });
    add(what + "/shm_open", [setting = broker.setting(), bytes](benchmark::State& state) {
        create_and_drop_raw(state, setting, bytes);
    });
    report.compare(what, "shm_open");
}

template <typename Byte> void add_attach(Report& report, Servers& servers, std::size_t at, const Size& size) {
    BrokerProcess& broker = servers.brokers[at];
    constexpr bool reads = std::is_const_v<Byte>;
    const std::string what =
        std::string("attach/") + size.name + (reads ? "/read" : "/write") + '/' + name_of(broker.setting());
    const std::size_t bytes = size.bytes;
    add(what + "/memshare",
        [&broker, bytes](benchmark::State& state) { attach_ours<Byte>(state, broker, bytes); });
    add_minimal(report, servers, at, what, goal, [bytes](benchmark::State& state, MinimalServer& server) {
        attach_minimal(state, server, bytes, reads ? Wish::attach_to_read : Wish::attach_to_write);
    });
    add(what + "/shm_open", [setting = broker.setting(), bytes](benchmark::State& state) {
        attach_raw(state, setting, bytes, reads ? Mapping::Access::read : Mapping::Access::write);
    });
    report.compare(what, "shm_open");
}

} // namespace

Servers::Servers() {
    for (const Setting setting : possible_settings()) {
        brokers.emplace_back(setting);
        blocking.emplace_back(setting, Waiting::blocking);
        epoll.emplace_back(setting, Waiting::epoll);
        spinning.emplace_back(setting, Waiting::spinning);
    }
}

void add_create_and_attach(Report& report, Servers& servers) {
    for (std::size_t at = 0; at < servers.brokers.size(); ++at) {
        for (const Size& size : sizes) {
            add_create(report, servers, at, size);
            add_create_and_drop(report, servers, at, size);
        }
        for (const Size& size : sizes) {
            add_attach<std::byte>(report, servers, at, size);
            add_attach<const std::byte>(report, servers, at, size);
        }
    }
}

void remove_raw_names_when_interrupted() {
    raw_names(); // made before a handler can need it
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action{};
        action.sa_handler = [](int signal) {
            raw_names().remove();
            static_cast<void>(raise(signal));
        };
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        static_cast<void>(sigaction(number, &action, nullptr));
    }
}

} // namespace memshare::bench
