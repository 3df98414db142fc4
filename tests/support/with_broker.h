// The usual test: a broker of its own, and this process connected to it.
#pragma once

#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include <memshare/memshare.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace memshare::test {

class WithBroker : public testing::Test {
  public:
    explicit WithBroker(const BrokerProcess::Arguments& arguments = {}) : daemon(arguments) {}

  protected:
    BrokerProcess daemon;
    Broker broker{daemon.socket_path()};
};

// The error that a call ends with. Throws, if there is none.
Error error_of(const auto& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error where one is due");
}

// Takes a lock that this process died holding, and lets it go.
inline void expect_to_inherit(Mutex& mutex, pid_t dead) {
    ASSERT_TRUE(mutex.try_lock_for(long_enough));
    const auto from = mutex.recovered();
    mutex.unlock();
    ASSERT_TRUE(from);
    EXPECT_EQ(from->pid, dead);
}

// Whether this broker lists a segment of this name.
inline bool lists(Broker& broker, std::string_view name) { return !broker.list(name).empty(); }

} // namespace memshare::test
