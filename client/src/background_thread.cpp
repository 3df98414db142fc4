#include "client/src/background_thread.h"

#include <memshare/error.hpp>

#include <pthread.h>

#include <csignal>
#include <utility>

namespace memshare::client {
namespace {

// A thread that begins while this lives gets no signals: those are for the program's own threads.
class WithoutSignals {
  public:
    WithoutSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    WithoutSignals(const WithoutSignals&) = delete;
    WithoutSignals& operator=(const WithoutSignals&) = delete;
    ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

} // namespace

std::thread start_background_thread(const std::string& name, std::function<void()> work) {
    const WithoutSignals none;
    try {
        std::thread started(std::move(work));
        pthread_setname_np(started.native_handle(), name.c_str());
        return started;
    } catch (const std::system_error& failure) {
        throw Error(failure.code(), "cannot start the thread " + name);
    }
}

} // namespace memshare::client
