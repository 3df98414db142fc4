// Without the GIL, while this thread waits for something else than Python.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// Others may run Python as long as this lives.
class WithoutGil {
  public:
    WithoutGil() noexcept : state_(PyEval_SaveThread()) {}
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;
    ~WithoutGil() { take_gil(state_); }

    // Takes the GIL for so long, and lets Python handle its signals: false, if a handler has raised
    // something, as that of Ctrl-C does.
    bool signals_are_quiet() noexcept {
        take_gil(state_);
        const bool quiet = PyErr_CheckSignals() == 0;
        state_ = PyEval_SaveThread();
        return quiet;
    }

  private:
    static void take_gil(PyThreadState* state);

    PyThreadState* state_;
};

} // namespace memshare::python
