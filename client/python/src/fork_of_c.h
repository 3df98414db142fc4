// Forks by C code, before which Python's hooks do not run: uWSGI's, and those of programs that embed Python.
#pragma once

namespace memshare::python {

// From here on all that is this process's alone becomes the broker's before a fork(3) by any code
// (pthread_atfork(3)). To be called when there is a connection: what is called last is run first, and the
// library's own handler waits for calls to end.
void share_before_forks_of_c() noexcept;

// Of this thread: Python itself forks, and its hook has shared all that it could.
bool& is_forked_by_python() noexcept;

} // namespace memshare::python
