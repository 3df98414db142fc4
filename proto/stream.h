// One end of a Varlink connection: messages that end with NUL, and the descriptors that travel beside them.
//
// One framing for both sides: the daemon waits for its sockets elsewhere, in coroutines, and a client here.
#pragma once

#include "proto/fd.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::proto {

class Stream {
  public:
    struct Message {
        std::string_view text; // without its NUL; valid until the next take() or receive()
        std::vector<Fd> fds;
    };

    enum class Received { something, nothing_yet, end };
    enum class Wait { no, yes };

    // The other end's descriptors.
    enum class Descriptors {
        taken,   // with the message that they lie beside
        refused, // the first is an error, at once; it stays in the socket, and is closed with that
        barred,  // the kernel lets none in, so that there is nothing to look for
    };

    // Of a connected socket, which is borrowed. No message may be longer than `most_bytes`.
    Stream(int socket, std::size_t most_bytes, Descriptors descriptors = Descriptors::taken)
        : socket_(socket), most_bytes_(most_bytes), descriptors_(descriptors) {}

    // From here on.
    void set_descriptors(Descriptors descriptors) { descriptors_ = descriptors; }

    // The next whole message of what was received, if there is one.
    std::optional<Message> take();

    // Reads once what the socket has. If it is told to wait, then as long as a blocking socket is set to, and
    // `nothing_yet` means that this has passed, or a signal come. An error, after which the stream is of no
    // more use: a message that is too long, descriptors that do not lie beside the first byte of a message or
    // could lie beside one of several, descriptors that are refused, or lost for want of room, or the
    // socket's own.
    Result<Received> receive(Wait wait = Wait::no);

    // Whether a message has come in part: at the end of the stream it was cut off.
    bool inside_message() const { return !unread().empty(); }

    // The memory that it holds for what comes, in bytes; down to this, if nothing waits in it.
    std::size_t held_bytes() const { return buffer_.capacity(); }
    void give_back_memory(std::size_t bytes);

    // Sends as much of a message as the socket takes, and the borrowed descriptors with its first byte;
    // returns how many bytes went. None is no failure: try again when the socket is writable.
    Result<std::size_t> send(std::string_view bytes, std::span<const int> fds);

  private:
    std::string_view unread() const { return std::string_view(buffer_).substr(start_, end_ - start_); }
    void make_room();
    Result<std::optional<std::size_t>> read(Wait wait, std::vector<Fd>& fds);
    Result<std::optional<std::size_t>> read_without_descriptors(Wait wait);
    bool is_within_limit(std::size_t news);

    int socket_;
    std::size_t most_bytes_;
    Descriptors descriptors_;
    std::string buffer_; // what is received and not taken yet is at start_ to end_
    std::size_t start_ = 0, end_ = 0;
    std::size_t searched_ = 0;   // no NUL before this
    std::size_t last_begin_ = 0; // where the message begins that has come in part
    std::vector<Fd> fds_;        // they belong to the message at start_
};

} // namespace memshare::proto
