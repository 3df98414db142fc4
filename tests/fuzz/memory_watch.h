// The memory of each segment as the kernel has it: which one a descriptor is of, what may be done through it,
// and what its header says.
#pragma once

#include "proto/fd.h"

#include <cstdint>
#include <map>
#include <string>

namespace memshare::fuzz {

// What tells one memfd from all others for as long as it is open.
using Inode = std::uint64_t;

Inode inode_of(int fd);
bool is_writable(int fd);

class MemoryWatch {
  public:
    // A descriptor of a new segment: from here on its memory is known.
    void learn(const std::string& id, int fd);

    // Nothing (0), if no segment of this id was ever seen.
    Inode inode(const std::string& id) const;

    std::uint32_t lock_word(const std::string& id) const;
    std::uint32_t watchers(const std::string& id) const;

    // By the kernel's seals.
    bool is_sealed_for_all(const std::string& id) const;
    bool is_sealed_for_new_writers(const std::string& id) const;

  private:
    std::uint32_t word_at(const std::string& id, std::size_t offset) const;
    bool has_seal(const std::string& id, int seal) const;

    std::map<std::string, proto::Fd> by_id_;
};

// What a client that has the memory can do with it, without asking the broker.
bool add_seal(int writable, int seal);
void write_lock_word(int writable, std::uint32_t word);

} // namespace memshare::fuzz
