// How others tell another process something: by a word, by a descriptor, or by a condition variable.
#pragma once

#include "proto/fd.h"
#include "tests/bench/hop.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

namespace memshare::bench {

// One of each for either way.
template <typename One> class Both {
  public:
    Both& in_child() { return *this; } // the child has inherited it

    void send(Way way, std::uint64_t number) { of(way).send(number); }
    void wait(Way way, std::uint64_t number) { of(way).wait(number); }

  private:
    One& of(Way way) { return way == Way::there ? there_ : back_; }

    One there_, back_;
};

// A futex, which always calls the kernel.
class FutexWord {
  public:
    void send(std::uint64_t number) {
        word_->store(static_cast<std::uint32_t>(number));
        abi::futex_wake_one(*word_);
    }
    void wait(std::uint64_t number) {
        const auto wanted = static_cast<std::uint32_t>(number);
        for (std::uint32_t seen = word_->load(); seen != wanted; seen = word_->load()) {
            abi::futex_wait(*word_, seen, nullptr);
        }
    }

  private:
    Shared<std::atomic<std::uint32_t>> word_;
};

// A word that is looked at until it is what it shall be: the limit.
class SpinningWord {
  public:
    void send(std::uint64_t number) { word_->store(number); }
    void wait(std::uint64_t number) {
        while (word_->load() != number) {
        }
    }

  private:
    Shared<std::atomic<std::uint64_t>> word_;
};

class EventDescriptor {
  public:
    void send(std::uint64_t /*number*/) { eventfd_write(event_.number(), 1); }
    void wait(std::uint64_t /*number*/) {
        eventfd_t count = 0;
        eventfd_read(event_.number(), &count);
    }

  private:
    proto::Fd event_ = proto::Fd::adopt(eventfd(0, EFD_CLOEXEC));
};

class Pipe {
  public:
    Pipe() {
        std::array<int, 2> ends{-1, -1};
        static_cast<void>(pipe2(ends.data(), O_CLOEXEC));
        out_ = proto::Fd::adopt(ends[0]);
        in_ = proto::Fd::adopt(ends[1]);
    }
    void send(std::uint64_t /*number*/) { static_cast<void>(!write(in_.number(), "", 1)); }
    void wait(std::uint64_t /*number*/) {
        char byte = 0;
        static_cast<void>(!read(out_.number(), &byte, 1));
    }

  private:
    proto::Fd out_, in_;
};

// The C library's condition variable, between processes.
class Condition {
  public:
    Condition() {
        pthread_mutexattr_t of_mutex;
        pthread_mutexattr_init(&of_mutex);
        pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED);
        pthread_mutex_init(&shared_->mutex, &of_mutex);
        pthread_mutexattr_destroy(&of_mutex);
        pthread_condattr_t of_condition;
        pthread_condattr_init(&of_condition);
        pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_SHARED);
        pthread_cond_init(&shared_->changed, &of_condition);
        pthread_condattr_destroy(&of_condition);
    }
    void send(std::uint64_t number) {
        pthread_mutex_lock(&shared_->mutex);
        shared_->number = number;
        pthread_mutex_unlock(&shared_->mutex);
        pthread_cond_signal(&shared_->changed);
    }
    void wait(std::uint64_t number) {
        pthread_mutex_lock(&shared_->mutex);
        while (shared_->number != number) {
            pthread_cond_wait(&shared_->changed, &shared_->mutex);
        }
        pthread_mutex_unlock(&shared_->mutex);
    }

  private:
    struct Number {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        std::uint64_t number;
    };
    Shared<Number> shared_;
};

} // namespace memshare::bench
