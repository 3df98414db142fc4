// One conversation with a client: its calls in, the broker's replies out, strictly in order.
#pragma once

#include "daemon/broker.h"
#include "proto/stream.h"

#include <asio/awaitable.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <memory>

namespace memshare::daemon {

class Conversation final : public Line, public std::enable_shared_from_this<Conversation> {
  public:
    // Talks on a connected socket until the peer ends it or breaks the protocol, or its session ends: from
    // its user's next turn on.
    static void begin(Broker& broker, proto::Fd socket);

    Conversation(Broker& broker, std::uint32_t uid, HolderId session, proto::Fd socket);

    void hang_up() override;

  private:
    using Socket = asio::local::stream_protocol::socket;

    static void open(Broker& broker, proto::Fd socket, Admission admission);

    asio::awaitable<void> converse();
    asio::awaitable<bool> receive();
    asio::awaitable<bool> reply_to(const proto::Stream::Message& message);
    asio::awaitable<bool> send();
    asio::awaitable<void> wait_for_condition();
    asio::awaitable<bool> wait_for_news();
    void look_for_the_end();
    asio::awaitable<bool> wait_until_all_is_read();
    asio::awaitable<bool> wait_for(Socket::wait_type readiness);

    bool broken(std::string_view cause);

    Broker& broker_;
    std::uint32_t uid_;
    HolderId session_;
    Socket socket_;
    asio::steady_timer timer_;
    proto::Stream stream_;
    proto::JsonDocument document_;
    Outgoing out_;
    bool last_had_fd_ = true;
    bool hung_up_ = false;
    bool looks_for_the_end_ = false;
};

} // namespace memshare::daemon
