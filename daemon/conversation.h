// One conversation with a client: its calls in, the broker's replies out, strictly in order.
#pragma once

#include "daemon/broker.h"
#include "daemon/peer_socket.h"
#include "proto/stream.h"

#include <asio/awaitable.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace memshare::daemon {

class Conversation final : public Line, public std::enable_shared_from_this<Conversation> {
  public:
    // Talks on a connected socket until the peer ends it or breaks the protocol, or its session ends: from
    // its user's next turn on.
    static void begin(Broker& broker, PeerSocket socket);

    Conversation(Broker& broker, std::uint32_t uid, HolderId session, PeerSocket socket);
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    ~Conversation() override;

    void hang_up() override;

  private:
    using Socket = asio::local::stream_protocol::socket;

    static void open(Broker& broker, PeerSocket socket, Admission admission);

    asio::awaitable<void> converse();
    asio::awaitable<bool> receive();
    asio::awaitable<bool> reply_to(const proto::Stream::Message& message);
    asio::awaitable<bool> send();
    asio::awaitable<void> wait_for_condition();
    asio::awaitable<bool> wait_for_news();
    void look_for_the_end();
    asio::awaitable<bool> make_way_for_descriptor();
    asio::awaitable<bool> wait_until_all_is_read();
    asio::awaitable<bool> wait_out_shortage();
    asio::awaitable<void> pause(std::chrono::milliseconds time);
    bool hold_calls();
    void rest();
    asio::awaitable<bool> wait_for(Socket::wait_type readiness);

    bool broken(std::string_view cause);

    Broker& broker_;
    std::uint32_t uid_;
    HolderId session_;
    PeerSocket connection_; // owns the descriptor
    Socket socket_;         // waits for it
    asio::steady_timer timer_;
    proto::Stream stream_;
    proto::JsonDocument document_;
    Outgoing out_;
    Charge calls_;                         // for what it holds of calls, if that is much
    std::vector<Charge> fds_in_flight_;    // that were sent, and that its peer may not have received
    std::chrono::milliseconds shortage_{}; // how long it has lasted
    std::size_t largest_call_ = 0;         // since it was idle
    bool last_had_fd_ = true;
    bool hung_up_ = false;
    bool looks_for_the_end_ = false;
};

} // namespace memshare::daemon
