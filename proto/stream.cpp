#include "proto/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace memshare::proto {
namespace {

constexpr std::size_t most_fds = 253; // SCM_MAX_FD: the kernel lets no message have more
constexpr std::size_t read_bytes = 4096;
constexpr std::size_t kept_bytes = 65536; // of a buffer that was larger once

// Room for the descriptors of one message. Not initialised on purpose: the kernel writes what is read, and a
// kilobyte of zeros a call would be felt.
struct Control {
    Control() {} // NOLINT(*-member-init, *-use-equals-default)
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> bytes;
};

// Takes every descriptor out of a received message, before anything is judged.
std::vector<Fd> take_fds(msghdr& header) {
    std::vector<Fd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const auto number = [part](std::size_t at) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + at * sizeof(int), sizeof(int));
            return Fd::adopt(fd);
        };
        try {
            fds.reserve(fds.size() + count);
        } catch (...) { // for want of memory: then they are closed
            for (std::size_t at = 0; at < count; ++at) {
                number(at);
            }
            throw;
        }
        for (std::size_t at = 0; at < count; ++at) {
            fds.push_back(number(at));
        }
    }
    return fds;
}

Result<std::optional<std::size_t>> none_or_error() {
    if (errno == EAGAIN || errno == EINTR) {
        return std::nullopt;
    }
    return system_error("receive a message");
}

} // namespace

std::optional<Stream::Message> Stream::take() {
    const std::size_t nul = std::string_view(buffer_.data(), end_).find('\0', searched_);
    if (nul == std::string_view::npos) {
        searched_ = end_;
        return std::nullopt;
    }
    Message message{std::string_view(buffer_).substr(start_, nul - start_), std::exchange(fds_, {})};
    start_ = searched_ = nul + 1;
    return message;
}

// Moves what is unread to the front, and grows only for a message that needs it.
void Stream::make_room() {
    if (start_ == end_) {
        start_ = end_ = searched_ = last_begin_ = 0;
        if (buffer_.size() > kept_bytes) {
            std::string().swap(buffer_); // to assign an empty one keeps the memory
        }
    } else if (start_ > 0 && buffer_.size() - end_ < read_bytes) {
        std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
        end_ -= start_;
        searched_ -= start_;
        last_begin_ -= start_;
        start_ = 0;
    }
    if (buffer_.size() - end_ < read_bytes) {
        buffer_.resize(std::max(2 * buffer_.size(), end_ + read_bytes));
    }
}

void Stream::give_back_memory(std::size_t bytes) {
    if (start_ == end_ && buffer_.capacity() > bytes) {
        start_ = end_ = searched_ = last_begin_ = 0;
        std::string().swap(buffer_);
    }
}

// One read: how many bytes came, or nothing yet.
Result<std::optional<std::size_t>> Stream::read(Wait wait, std::vector<Fd>& fds) {
    Control control;
    iovec part{buffer_.data() + end_, buffer_.size() - end_};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    const ssize_t size = recvmsg(socket_, &header, (wait == Wait::no ? MSG_DONTWAIT : 0) | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        return none_or_error();
    }
    fds = take_fds(header);
    if ((header.msg_flags & MSG_CTRUNC) != 0) { // there is room for as many as a message can have
        return system_error("receive the descriptors of a message", EMFILE);
    }
    return static_cast<std::size_t>(size);
}

// The same where no descriptor is wanted. Received, it would have to be closed, and that can take as long as
// the other end likes. So the bytes are looked at first, without room for descriptors: the kernel tells
// whether there are any, and then nothing is received. What comes after the look is left to the next one.
Result<std::optional<std::size_t>> Stream::read_without_descriptors(Wait wait) {
    iovec part{buffer_.data() + end_, buffer_.size() - end_};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const int how = wait == Wait::no ? MSG_DONTWAIT : 0;
    if (descriptors_ == Descriptors::refused) {
        const ssize_t seen = recvmsg(socket_, &header, how | MSG_PEEK);
        if (seen < 0) {
            return none_or_error();
        }
        if ((header.msg_flags & MSG_CTRUNC) != 0) {
            return protocol_error("take descriptors: no call brings any");
        }
        part.iov_len = static_cast<std::size_t>(seen);
    }
    const ssize_t size = part.iov_len == 0 ? 0 : recv(socket_, part.iov_base, part.iov_len, how);
    if (size < 0) {
        return none_or_error();
    }
    return static_cast<std::size_t>(size);
}

Result<Stream::Received> Stream::receive(Wait wait) {
    make_room();
    const bool in_message = inside_message();
    std::vector<Fd> fds;
    const auto size = descriptors_ == Descriptors::taken ? read(wait, fds) : read_without_descriptors(wait);
    if (!size) {
        return std::unexpected(size.error());
    }
    if (!*size) {
        return Received::nothing_yet;
    }
    if (**size == 0) {
        return Received::end;
    }
    const std::string_view news(buffer_.data() + end_, **size);
    end_ += news.size();
    if (!fds.empty()) {
        const std::size_t nul = news.find('\0');
        const bool several = nul != std::string_view::npos && nul + 1 != news.size();
        if (in_message || several || !fds_.empty()) {
            return protocol_error("tell which message some descriptors belong to");
        }
        fds_ = std::move(fds);
    }
    if (!is_within_limit(news.size())) {
        return protocol_error("receive a message of more than " + std::to_string(most_bytes_) + " bytes");
    }
    return Received::something;
}

// Whether each message that ends in what has just been received, and the one that has come in part, is short
// enough.
bool Stream::is_within_limit(std::size_t news) {
    const std::string_view received(buffer_.data(), end_);
    std::size_t from = end_ - news;
    while (true) {
        const std::size_t nul = received.find('\0', from);
        if (std::min(nul, end_) - last_begin_ > most_bytes_) {
            return false;
        }
        if (nul == std::string_view::npos) {
            return true;
        }
        last_begin_ = from = nul + 1;
    }
}

Result<std::size_t> Stream::send(std::string_view bytes, std::span<const int> fds) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()}; // NOLINT(*-const-cast): sendmsg only reads it
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    Control control;
    if (!fds.empty()) {
        const std::size_t size = std::min(fds.size(), most_fds) * sizeof(int);
        header.msg_control = control.bytes.data();
        header.msg_controllen = CMSG_SPACE(size);
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(size);
        std::memcpy(CMSG_DATA(rights), fds.data(), size);
    }
    const ssize_t size = sendmsg(socket_, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return 0;
        }
        return system_error("send a message");
    }
    return static_cast<std::size_t>(size);
}

} // namespace memshare::proto
