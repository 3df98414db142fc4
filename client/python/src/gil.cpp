#include "client/python/src/gil.h"

#include <unistd.h>

namespace memshare::python {
namespace {

// Where a thread stays that CPython would end, until the process does.
class Rest {
  public:
    Rest() = default;
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    ~Rest() {
        while (is_ending_) {
            pause();
        }
    }
    void goes_on() noexcept { is_ending_ = false; }

  private:
    bool is_ending_ = true;
};

} // namespace

// When the interpreter ends, CPython before 3.14 ends here, by pthread_exit(3), every other thread that comes
// for the GIL. What is unwound then must not get as far as a noexcept, which would end the process. (CPython
// 3.14 lets such threads hang as well: github.com/python/cpython/issues/87135)
[[gnu::noinline]] void WithoutGil::take_gil(PyThreadState* state) {
    Rest rest;
    PyEval_RestoreThread(state);
    rest.goes_on();
}

} // namespace memshare::python
