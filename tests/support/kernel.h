// What the kernel tells about a process.
#pragma once

#include "tests/support/patience.h"

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace memshare::test {

std::size_t open_fds(pid_t process);
std::size_t mappings(pid_t process);
std::size_t resident_bytes(pid_t process);

// The time that it has spent on a processor, of its own and in the kernel.
microseconds processor_time(pid_t process);

// Lets it go before what else the machine does (if this is root's process), so that what a test measures is
// ours. It holds for the process's first thread, and for the children that it has from then on.
void prefer(pid_t process);

// To this child, and never to a whole group of processes: throws, if it has ended.
void send_signal(pid_t child, int signal);

// Stops a child (SIGSTOP) and returns when it stands still; lets it go on.
void stop(pid_t child);
void go_on(pid_t child);

// Waits for a child's end: its exit code, or the signal that it died of, negative.
int wait_for_end(pid_t child);

// A fresh folder under /tmp that every user can get through, and that goes with all that is in it.
class Folder {
  public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& file) const { return path_ + "/" + file; }

  private:
    std::string path_;
};

} // namespace memshare::test
