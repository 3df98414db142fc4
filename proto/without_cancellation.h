// Calls that must not end the thread in the middle. (pthread_cancel(3))
#pragma once

#include <pthread.h>

namespace memshare::proto {

// A thread that is cancelled unwinds its stack from the next call that waits, such as read(2) and close(2).
// Where a function is noexcept, or an exchange with a peer is half done, that would end the process or leave
// a wrong answer behind. While this lives, the cancellation of the calling thread is postponed. It costs no
// system call.
class WithoutCancellation {
  public:
    WithoutCancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    WithoutCancellation(const WithoutCancellation&) = delete;
    WithoutCancellation& operator=(const WithoutCancellation&) = delete;
    ~WithoutCancellation() { pthread_setcancelstate(before_, nullptr); }

  private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

} // namespace memshare::proto
