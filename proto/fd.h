// A file descriptor with one owner. A bare int in our signatures is always borrowed.
#pragma once

#include "proto/error.h"

namespace memshare::proto {

class Fd {
  public:
    Fd() = default;
    Fd(Fd&& other) noexcept : number_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { close(); }

    // Takes ownership of an open descriptor.
    static Fd adopt(int number) { return Fd(number); }

    // Another descriptor, close-on-exec, of the same open file as a borrowed one.
    static Result<Fd> duplicate(int number);

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }

    // Gives up ownership: from here on the caller closes it.
    [[nodiscard]] int release();

    void close();

  private:
    explicit Fd(int number) : number_(number) {}

    int number_ = -1;
};

} // namespace memshare::proto
