#include "tests/fuzz/memory_watch.h"

#include <memshare/abi/layout.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace memshare::fuzz {

Inode inode_of(int fd) {
    struct stat status{};
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool is_writable(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY; }

void MemoryWatch::learn(const std::string& id, int fd) {
    by_id_.insert_or_assign(id, proto::Fd::duplicate(fd).value());
}

Inode MemoryWatch::inode(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? 0 : inode_of(found->second.number());
}

std::uint32_t MemoryWatch::word_at(const std::string& id, std::size_t offset) const {
    std::uint32_t word = 0;
    const ssize_t size = pread(by_id_.at(id).number(), &word, sizeof(word), static_cast<off_t>(offset));
    return size == static_cast<ssize_t>(sizeof(word)) ? word : ~0U;
}

std::uint32_t MemoryWatch::lock_word(const std::string& id) const {
    return word_at(id, offsetof(abi::Header, lock) + offsetof(abi::LockLine, word));
}

std::uint32_t MemoryWatch::watchers(const std::string& id) const {
    return word_at(id, offsetof(abi::Header, change) + offsetof(abi::ChangeLine, watchers));
}

bool MemoryWatch::has_seal(const std::string& id, int seal) const {
    return (fcntl(by_id_.at(id).number(), F_GET_SEALS) & seal) != 0;
}

bool MemoryWatch::is_sealed_for_all(const std::string& id) const { return has_seal(id, F_SEAL_WRITE); }

bool MemoryWatch::is_sealed_for_new_writers(const std::string& id) const {
    return has_seal(id, F_SEAL_FUTURE_WRITE);
}

bool add_seal(int writable, int seal) { return fcntl(writable, F_ADD_SEALS, seal) == 0; }

void write_lock_word(int writable, std::uint32_t word) {
    constexpr off_t place = offsetof(abi::Header, lock) + offsetof(abi::LockLine, word);
    [[maybe_unused]] const ssize_t size = pwrite(writable, &word, sizeof(word), place);
}

} // namespace memshare::fuzz
