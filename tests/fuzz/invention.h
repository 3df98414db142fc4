// Makes up calls from bytes: most of them make sense, as the inventor knows what there is, and the others
// nearly do.
#pragma once

#include "tests/fuzz/bytes.h"
#include "tests/fuzz/rights_model.h"

#include <map>

namespace memshare::fuzz {

class Invention {
  public:
    // Both are borrowed.
    Invention(Bytes& bytes, const RightsModel& model) : bytes_(bytes), model_(model) {}

    // The next call of a session: a new one, its last one again, or its last one with one part changed.
    Call next(int session);

    // An id that a client could know: one of a few that clients choose, or one of the broker's.
    std::string id();

    // Remembers the id of a new segment, if the broker chose it.
    void learn(const std::string& id);

    // Sessions are numbered from 1 on; Hello may name the token of any of them, or a wrong one.
    void learn_session(int session) { last_session_ = static_cast<std::size_t>(session); }

  private:
    Call make(int session);
    Create create();
    Attach attach(int session);
    Detach detach(int session);
    Reference reference();
    int a_session();
    std::optional<std::uint64_t> serial(int session);
    void change_a_part(Call& call, int session);

    Bytes& bytes_;
    const RightsModel& model_;
    std::vector<std::string> learned_;
    std::map<int, Call> last_;
    std::size_t last_session_ = 0;
};

} // namespace memshare::fuzz
