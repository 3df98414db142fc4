// Anything at all, as the bytes of a peer.
//
// The input is what the peer sends, with three marks that no UTF-8 has: 0xFF ends a piece, 0xFE puts a
// descriptor beside the next piece, and at 0xFD the receiver reads once. It crosses a real socket; what comes
// out of the stream must be what went in, message for message, and each is read as a call and as a reply of
// every method. What was understood is written and read again, and must be the same. No descriptor may be
// left behind.
#include "proto/calls.h"
#include "proto/stream.h"
#include "proto/utf8.h"
#include "proto/varlink.h"
#include "tests/proto/json_model.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace memshare::proto {
namespace {

constexpr char end_of_piece = '\xFF';
constexpr char descriptor = '\xFE';
constexpr char read_once = '\xFD';

constexpr std::size_t most_bytes = 1024; // of one message
constexpr std::size_t most_fds = 253;

void must(bool holds, const char* what) {
    if (!holds) {
        std::cerr << "this does not hold: " << what << '\n';
        std::abort();
    }
}

// What the peer sends beside its bytes.
int a_descriptor() {
    static const Fd nothing = Fd::adopt(open("/dev/null", O_RDWR | O_CLOEXEC));
    return nothing.number();
}

// As no descriptor below it is free, this number grows if one is left open.
int lowest_free_descriptor() { return Fd::adopt(fcntl(a_descriptor(), F_DUPFD_CLOEXEC, 0)).number(); }

// Reads and writes, for one type of parameters: what is written must be read again as it was.
template <typename T> void read_as(const std::optional<JsonValue>& parameters) {
    const auto strict = read_parameters<T>(parameters, Strangers::refuse);
    const auto lenient = read_parameters<T>(parameters, Strangers::ignore);
    must(!strict || lenient, "what is read strictly is read leniently");
    if (!lenient) {
        return;
    }
    std::string once;
    write_reply(once, *lenient);
    JsonDocument document;
    const auto reply = read_reply(document, once);
    must(reply.has_value(), "what we write is a reply");
    const auto again = read_parameters<T>(reply->parameters, Strangers::refuse);
    must(again.has_value(), "what we write is understood");
    std::string twice;
    write_reply(twice, *again);
    must(once == twice, "what we write is read again as it was");
}

template <typename... Method>
void read_as_each(MethodList<Method...> /*methods*/, const std::optional<JsonValue>& parameters) {
    (read_as<Method>(parameters), ...);
    (read_as<typename Method::Reply>(parameters), ...);
}

// A type that is complete has sizes that fit.
void look_at_type(const std::optional<JsonValue>& parameters) {
    const auto create = read_parameters<Create>(parameters, Strangers::ignore);
    if (!create) {
        return;
    }
    Type type{.form = create->form,
              .element = create->element,
              .count = create->count.value_or(1),
              .shape = create->shape};
    if (type.complete()) {
        return;
    }
    must(type.element_bytes() / type.count == type.element.size, "the size does not overflow");
    must(type.element_bytes() <= limits::segment_bytes, "the size is bounded");
    must(type.payload_bytes() >= type.element_bytes(), "the payload has room for the elements");
    must(is_printable_utf8(type.words()), "a type can be shown");
    must((ExpectedType{.form = type.form, .element = type.element, .count = type.count}).matches(type),
         "a type matches itself");
}

void understand(std::string_view text) {
    static JsonDocument document; // what an earlier message left in it must not show
    must(test::told_by_ours(document, text) == test::JsonModel::told(text), "JSON is read as by nlohmann");
    if (const auto call = read_call(document, text)) {
        must(!call->method.empty(), "a call has a method");
        must(int{call->more} + int{call->oneway} + int{call->upgrade} <= 1, "a call has one flag");
        read_as_each(Methods{}, call->parameters);
        look_at_type(call->parameters);
    }
    if (const auto reply = read_reply(document, text)) {
        must(!reply->continues || reply->error.empty(), "an error does not continue");
        read_as_each(Methods{}, reply->parameters);
        if (const auto refusal = read_refusal(*reply)) {
            std::string once;
            write_refusal(once, *refusal);
            JsonDocument other;
            const auto again = read_refusal(*read_reply(other, once));
            must(again.has_value(), "a refusal that we write is understood");
            std::string twice;
            write_refusal(twice, *again);
            must(once == twice, "a refusal is read again as it was");
        }
    }
    const std::string shown = printable(text, 100);
    must(shown.size() <= 100 && is_printable_utf8(shown), "what is shown can be shown");
}

// Two ends of a connection, and what has to come out of the one for what went into the other.
class Wire {
  public:
    Wire() {
        std::array<int, 2> ends{-1, -1};
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "there are sockets");
        peer_ = Fd::adopt(ends[0]);
        ours_ = Fd::adopt(ends[1]);
        stream_.emplace(ours_.number(), most_bytes);
    }

    void send(std::string_view bytes, std::size_t fds) {
        std::vector<int> numbers(std::min(fds, most_fds), a_descriptor());
        while (!bytes.empty() && !over_) {
            const auto sent = Stream(peer_.number(), 0).send(bytes, numbers);
            must(sent.has_value(), "the socket takes what is sent");
            if (*sent == 0) { // it is full
                receive();
                continue;
            }
            sent_ += bytes.substr(0, *sent);
            sent_fds_ += std::exchange(numbers, {}).size();
            bytes.remove_prefix(*sent);
        }
    }

    void receive() {
        if (over_) {
            return;
        }
        const auto received = stream_->receive();
        over_ = !received || *received == Stream::Received::end;
        failed_ = !received;
        while (auto message = received ? stream_->take() : std::nullopt) {
            must(message->text.size() <= most_bytes, "no message is too long");
            must(expected() == message->text, "each message comes as it was sent");
            taken_fds_ += message->fds.size();
            understand(message->text);
        }
        must(taken_fds_ <= sent_fds_, "no descriptor comes from nowhere");
    }

    void finish() {
        peer_.close();
        while (!over_) {
            receive();
        }
        if (!failed_) {
            must(sent_.find('\0', taken_) == std::string::npos, "every message comes");
            must(stream_->inside_message() == (taken_ < sent_.size()), "a message that is cut off is seen");
            must(taken_fds_ == sent_fds_ || stream_->inside_message(), "every descriptor comes");
        }
    }

  private:
    // The next message of what was sent.
    std::string_view expected() {
        const std::size_t nul = sent_.find('\0', taken_);
        must(nul != std::string::npos, "no message comes that was not sent");
        const auto message = std::string_view(sent_).substr(taken_, nul - taken_);
        taken_ = nul + 1;
        return message;
    }

    Fd peer_, ours_;
    std::optional<Stream> stream_;
    std::string sent_;
    std::size_t taken_ = 0; // of what was sent
    std::size_t sent_fds_ = 0, taken_fds_ = 0;
    bool over_ = false, failed_ = false;
};

void play(std::string_view input) {
    Wire wire;
    std::string piece;
    std::size_t fds = 0;
    const auto send_piece = [&] {
        wire.send(piece, fds);
        piece.clear();
        fds = 0;
    };
    for (const char c : input) {
        if (c == end_of_piece || c == descriptor || c == read_once) {
            if (!piece.empty()) {
                send_piece();
            }
            fds += c == descriptor ? 1 : 0;
            if (c == read_once) {
                wire.receive();
            }
        } else {
            piece += c;
        }
    }
    send_piece();
    wire.finish();
}

} // namespace
} // namespace memshare::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace memshare::proto;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const int before = lowest_free_descriptor();
    understand(input);
    play(input);
    must(lowest_free_descriptor() == before, "no descriptor is left behind");
    return 0;
}
