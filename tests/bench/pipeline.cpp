// To create and remove segments with 32 calls in flight: what a server carries, not how long one call takes.
#include "proto/calls.h"
#include "proto/stream.h"
#include "proto/varlink.h"
#include "tests/bench/benchmarks.h"

#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

namespace memshare::bench {
namespace {

constexpr std::size_t in_flight = 32;
constexpr std::size_t segment_bytes = 4096;

std::string name_of_segment(std::size_t number) { return "flight-" + std::to_string(number); }

// What is sent: the first time to create all, and from then on to remove them and create them anew.
template <typename Bytes> struct Batches {
    Bytes create, drop, again;
};

Batches<std::string> calls() {
    Batches<std::string> batches;
    const auto append = [](std::string& batch, const auto& call, proto::Wants wants) {
        write_call(batch, call, wants);
        batch += '\0';
    };
    for (std::size_t number = 0; number < in_flight; ++number) {
        proto::Create create;
        create.id = proto::SegmentId::random();
        create.name = proto::SegmentName::parse(name_of_segment(number));
        create.form = proto::Form::array;
        create.element = element_of<std::byte>();
        create.count = segment_bytes;
        create.lifetime = proto::Lifetime::attached;
        append(batches.create, create, proto::Wants::reply);
        append(batches.drop,
               proto::Detach{.name = {}, .id = create.id, .access = {}, .serial = {}, .attached = {}},
               proto::Wants::nothing);
    }
    batches.again = batches.drop + batches.create;
    return batches;
}

Batches<std::vector<Request>> requests() {
    Batches<std::vector<Request>> batches;
    for (std::size_t number = 0; number < in_flight; ++number) {
        const std::string name = name_of_segment(number);
        batches.create.push_back(request_for(Wish::create, name, segment_bytes));
        batches.drop.push_back(request_for(Wish::drop, name));
    }
    batches.again = batches.drop;
    batches.again.insert(batches.again.end(), batches.create.begin(), batches.create.end());
    return batches;
}

void send_all(int socket, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            throw std::runtime_error("cannot send a batch");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

proto::Fd next_memory(proto::Stream& stream) {
    while (true) {
        if (auto message = stream.take()) {
            if (message->fds.size() != 1) {
                throw std::runtime_error("the broker refused: " + std::string(message->text));
            }
            return std::move(message->fds.front());
        }
        const auto received = stream.receive(proto::Stream::Wait::yes);
        if (!received || *received == proto::Stream::Received::end) {
            throw std::runtime_error("the broker hung up");
        }
    }
}

template <typename Bytes> void measure(benchmark::State& state, Setting setting, int socket,
                                       const Batches<Bytes>& batches, auto receive) {
    const OnlyOn here(client_processors(setting));
    const auto send_batch = [&](const Bytes& batch) { send_all(socket, std::as_bytes(std::span(batch))); };
    bool first = true;
    while (state.KeepRunningBatch(in_flight)) {
        send_batch(first ? batches.create : batches.again);
        first = false;
        for (std::size_t number = 0; number < in_flight; ++number) {
            const proto::Fd memory = receive();
        }
    }
    send_batch(batches.drop);
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

} // namespace

void add_pipeline(Report& report, Servers& servers) {
    constexpr double goal = 32.0 / 30.0; // 30,000 a second where the minimal server made 32,000
    for (std::size_t at = 0; at < servers.brokers.size(); ++at) {
        BrokerProcess& broker = servers.brokers[at];
        MinimalServer& server = servers.blocking[at];
        const std::string what = "create_32_in_flight/" + name_of(broker.setting());
        add(what + "/memshare", [&broker](benchmark::State& state) {
            static const auto batches = calls();
            proto::Stream stream(broker.raw_socket(), proto::limits::reply_bytes);
            measure(state, broker.setting(), broker.raw_socket(), batches,
                    [&stream] { return next_memory(stream); });
        });
        add(what + "/minimal_blocking", [&server](benchmark::State& state) {
            static const auto batches = requests();
            measure(state, server.setting(), server.socket(), batches, [&server] {
                Granted granted;
                return server.receive(granted);
            });
        });
        report.compare(what, "minimal_blocking", goal);
    }
}

} // namespace memshare::bench
