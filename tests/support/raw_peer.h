// A Varlink client made by hand: it knows nothing of ours, and can send what no client of ours would.
#pragma once

#include "proto/fd.h"
#include "tests/support/patience.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::test {

using Json = nlohmann::json;

class RawPeer {
  public:
    struct Message {
        Json json;
        std::vector<proto::Fd> fds;

        std::string error() const { return json.value("error", ""); }
        const Json& operator[](const std::string& parameter) const {
            return json.at("parameters").at(parameter);
        }
    };

    explicit RawPeer(const std::string& socket_path);
    explicit RawPeer(proto::Fd connected) : socket_(std::move(connected)) {}

    // Sends bytes as they are, with descriptors beside the first. False, if the other end is gone, or takes
    // no more for a while (for nothing at all, if it is not to wait).
    bool send(std::string_view bytes, std::span<const int> fds = {});
    bool send_what_goes(std::string_view bytes);

    // Sends one call, as "io.memshare.Broker.METHOD" if the method has no dot.
    bool send_call(const std::string& method, const Json& parameters = Json::object(),
                   const Json& flags = Json::object());

    // The next message; nothing, if the connection has ended.
    std::optional<Message> receive();

    // Sends one call and waits for its answer. Throws, if none comes.
    Message call(const std::string& method, const Json& parameters = Json::object());

    // Whether the other end has ended the connection, now or soon. What comes before is thrown away.
    bool is_ended();

    int socket() const { return socket_.number(); }
    void close() { socket_.close(); }

    static std::string text_of(const std::string& method, const Json& parameters = Json::object(),
                               const Json& flags = Json::object());

  private:
    proto::Fd socket_;
};

// The parameters of a Create of an array of numbers; add to them with merge_patch() or [].
Json array_of_i32(const std::string& name, std::size_t count = 1);

} // namespace memshare::test
