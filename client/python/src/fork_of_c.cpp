#include "client/python/src/fork_of_c.h"

#include "client/python/src/gil.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_object.h"

#include <pthread.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace memshare::python {
namespace {

// A thread that shares all with the GIL, for one that forks without it.
class Helper {
  public:
    // Returns when all is shared; without, if the GIL does not become free in time: perhaps its holder waits
    // for something of the thread that forks.
    static void share() {
        const auto helper = std::make_shared<Helper>();
        std::thread([helper] { helper->work(); }).detach();
        std::unique_lock lock(helper->mutex_);
        helper->change_.wait_for(lock, longest_with_gil, [&] { return helper->is_done_; });
        helper->is_late_ = true;
    }

  private:
    void work() {
        const auto state = in_python([] { return PyGILState_Ensure(); });
        if (!is_late()) {
            share_all();
        }
        PyGILState_Release(state);
        const std::scoped_lock lock(mutex_);
        is_done_ = true;
        change_.notify_one();
    }

    bool is_late() {
        const std::scoped_lock lock(mutex_);
        return is_late_;
    }

    std::mutex mutex_;
    std::condition_variable change_;
    bool is_done_ = false, is_late_ = false;
};

// NOLINTNEXTLINE(*-avoid-non-const-global-variables): of the thread
constinit thread_local bool by_python = false;

void before_fork_of_c() noexcept {
    if (by_python || Py_IsInitialized() == 0 || !has_segments()) {
        return;
    }
    if (PyGILState_Check() != 0) {
        share_all();
        return;
    }
    try {
        Helper::share();
    } catch (...) { // NOLINT(bugprone-empty-catch): without memory or threads nothing is shared, and the
                    // child says so
    }
}

} // namespace

bool& is_forked_by_python() noexcept { return by_python; }

void share_before_forks_of_c() noexcept {
    static const int registered = pthread_atfork(before_fork_of_c, nullptr, nullptr);
    static_cast<void>(registered); // it fails only for want of memory: then a child finds copies, and says so
}

} // namespace memshare::python
