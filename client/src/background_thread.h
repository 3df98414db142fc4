// A thread of the library's own, which no signal of the program's comes to.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace memshare::client {

// Starts it under a name of at most 15 bytes. Throws Error, if the system has no thread to give.
std::thread start_background_thread(const std::string& name, std::function<void()> work);

} // namespace memshare::client
