// The GIL, which a thread may lose for ever: when the interpreter ends, CPython before 3.14 ends each other
// thread that comes for the GIL, by pthread_exit(3), which unwinds its stack. What is unwound of ours would
// touch Python's objects without the GIL, and must not get as far as a noexcept, which ends the process. So
// such a thread rests where it is, as in CPython 3.14: github.com/python/cpython/issues/87135
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// Calls something of Python's that may come for the GIL, as all does that may run Python code: it does not
// throw, and if it is unwound, this thread rests.
template <typename Call> auto in_python(Call call) {
    struct Resting {
        bool is_back = false;
        Resting() = default;
        Resting(const Resting&) = delete;
        Resting& operator=(const Resting&) = delete;
        ~Resting() {
            if (!is_back) {
                rest();
            }
        }
    } unless;
    const auto result = call();
    unless.is_back = true;
    return result;
}

// Others may run Python as long as this lives.
class WithoutGil {
  public:
    WithoutGil() noexcept : state_(PyEval_SaveThread()) {}
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;
    ~WithoutGil() { take_gil(); }

    // Takes the GIL for so long, and lets Python handle its signals: false, if a handler has raised
    // something, as that of Ctrl-C does.
    bool signals_are_quiet() noexcept {
        return with_gil([] { return in_python([] { return PyErr_CheckSignals(); }) == 0; });
    }

    // Takes the GIL for as long as a call takes, which may throw.
    template <typename Call> bool with_gil(Call call) {
        take_gil();
        struct Leaving {
            WithoutGil& scope;
            explicit Leaving(WithoutGil& left) noexcept : scope(left) {}
            Leaving(const Leaving&) = delete;
            Leaving& operator=(const Leaving&) = delete;
            ~Leaving() { scope.state_ = PyEval_SaveThread(); }
        } const after(*this);
        return call();
    }

  private:
    void take_gil() noexcept {
        in_python([this] {
            PyEval_RestoreThread(state_);
            return 0;
        });
    }

    PyThreadState* state_;
};

} // namespace memshare::python
