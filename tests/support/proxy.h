// A line between a client and a real broker that can be cut at a chosen call. It lies in the client's
// process, so that the broker sees the peer that it would see without it.
#pragma once

#include "tests/support/raw_peer.h"

#include <functional>
#include <string>
#include <thread>

namespace memshare::test {

class Proxy {
  public:
    enum class Fate {
        pass,
        lose_call,  // the line is cut before the broker hears the call
        lose_answer // the line is cut when the broker has carried it out
    };
    using Judge = std::function<Fate(const std::string& method)>;

    // Listens at a path for one client at a time, until it is destroyed, and asks about each call, in a
    // thread of its own.
    // `cut` is done at each cut, before the client can notice it.
    Proxy(const std::string& path, std::string broker_path, Judge judge, std::function<void()> cut = [] {});
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy(); // when the client is gone

  private:
    void serve();
    void pass_on(RawPeer client);
    bool pass_on(const RawPeer::Message& call, RawPeer& client, RawPeer& broker);

    std::string broker_path_;
    Judge judge_;
    std::function<void()> cut_;
    proto::Fd listening_;
    std::thread thread_;
};

} // namespace memshare::test
