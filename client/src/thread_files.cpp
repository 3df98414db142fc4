#include "client/src/thread_files.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

namespace memshare::client {
namespace {

using proto::Fd;
using proto::Result;

constexpr unsigned unshare_table = 2; // CLOSE_RANGE_UNSHARE
constexpr unsigned last_number = ~0U;

bool close_all(unsigned from, unsigned to, unsigned flags) {
    return from > to || syscall(SYS_close_range, from, to, flags) == 0;
}

// What this thread has of the program's would keep it open when the program closes it: the writing end of a
// pipe, for example, whose reader waits for its end.
bool leave_table_but_for(int kept) {
    const auto number = static_cast<unsigned>(kept);
    if (!close_all(number + 1, last_number, unshare_table)) {
        return false;
    }
    if (number > 0) {
        close_all(0, number - 1, 0);
    }
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO;
         ++standard) { // a diagnosis must go nowhere else
        if (standard != kept) {
            dup2(kept, standard);
        }
    }
    return true;
}

// Room for one descriptor beside a message.
struct Control {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

struct Message {
    explicit Message(std::uint64_t& number) : part{&number, sizeof(number)} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.bytes.data();
        header.msg_controllen = control.bytes.size();
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() = default;

    iovec part;
    Control control;
    msghdr header{};
};

} // namespace

ThreadFiles::ThreadFiles(int receiving)
    : has_own_table_(leave_table_but_for(receiving)), receiving_(Fd::adopt(receiving)) {}

std::optional<ThreadFiles::Sent> ThreadFiles::next() {
    if (!receiving_.is_there()) {
        return std::nullopt;
    }
    Sent sent;
    Message message(sent.number);
    if (recvmsg(receiving_.number(), &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) {
        return std::nullopt;
    }
    if (const cmsghdr* rights = CMSG_FIRSTHDR(&message.header); rights != nullptr) {
        int file = -1;
        std::memcpy(&file, CMSG_DATA(rights), sizeof(file));
        sent.file.adopt(Fd::adopt(file));
    }
    return sent;
}

Result<std::pair<Fd, Fd>> pair_of_sockets() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return proto::system_error("make a pair of sockets");
    }
    return std::pair(Fd::adopt(ends[0]), Fd::adopt(ends[1]));
}

Result<void> send_file(int socket, std::uint64_t number, int file) {
    Message message(number);
    cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(file));
    std::memcpy(CMSG_DATA(rights), &file, sizeof(file));
    if (sendmsg(socket, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        return proto::system_error("give a descriptor to a thread");
    }
    return {};
}

} // namespace memshare::client
