// Several users' processes call the service, in an order that bytes choose, and each answer is compared with
// the model's. Anything else than the model allows ends this process, after it has told all the calls.
#pragma once

#include "tests/fuzz/invention.h"
#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/service_under_test.h"

namespace memshare::fuzz {

class Play {
  public:
    explicit Play(Bytes bytes);

    // Plays to the end of the bytes, then ends all there is, and looks whether anything is left.
    // $MEMSHARE_FUZZ_TELL has the calls told also if nothing is wrong.
    void play();

  private:
    static constexpr std::size_t most_steps = 64;

    struct Process {
        User user;
        int number = 0;
        std::map<Inode, proto::Fd> writable; // descriptors that it was ever given
    };
    struct Connection {
        std::size_t process; // its place among all
        int session = 0;     // none, if it is 0
    };
    struct Session {
        std::size_t process;
        std::string token;
    };

    void step();
    void connect(Connection& connection);
    void leave(Connection& connection);
    void become(Process& process);
    void die(std::size_t process);
    void end(int session);
    void seal();
    void lock(Connection& connection);

    void call(Connection& connection, const Call& call);
    void take(Connection& connection, const Create& call, const Answer& answer);
    void take(Connection& connection, const Attach& call, const Answer& answer);
    void take(Connection& connection, const Describe& call, const Answer& answer);
    void take(Connection& connection, const List& call, const Answer& answer);
    void take(Connection& connection, const Hello& call, const Answer& answer);
    void take(Connection& connection, const Goodbye& call, const Answer& answer);
    void take(Connection& /*connection*/, const auto& /*call*/, const Answer& /*answer*/) {}
    void take_memory(const Connection& connection, Access access, const Answer& answer);

    void look_at_seals();
    void check_described(const Json& described) const;
    void check_counts() const;
    void check_headers() const;
    void finish();

    void tell(const std::string& what) { story_ += what + '\n'; }
    void must(bool holds, const std::string& what) const;

    Bytes bytes_;
    ServiceUnderTest service_;
    RightsModel model_;
    Invention invention_{bytes_, model_};
    MemoryWatch memory_;
    std::vector<Process> processes_;
    std::vector<Connection> connections_;
    std::map<int, Session> sessions_;
    int last_process_ = 0;
    std::string story_;
};

} // namespace memshare::fuzz
