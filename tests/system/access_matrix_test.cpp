// Who may do what with whose segment: three users of two groups, and root, against every mode.
#include "tests/support/with_broker.h"

#include <array>
#include <map>
#include <sstream>

namespace memshare::test {
namespace {

// Does one thing with "num" for each line that it is told, and answers "yes", "no" or an error.
void try_what_is_told(const std::string& socket_path, Lines& parent) {
    Broker broker(socket_path);
    const auto open = [&](Access access) { Segment::open("num", access, {}, {.broker = &broker}); };
    const std::map<std::string, std::function<bool(std::uint32_t)>> actions{
        {"create",
         [&](auto mode) {
             Value<int>::create("num", 1,
                                {.lifetime = Lifetime::persistent, .mode = mode, .broker = &broker});
             return true;
         }},
        {"read", [&](auto) { return open(Access::read), true; }},
        {"write", [&](auto) { return open(Access::write), true; }},
        {"describe", [&](auto) { return broker.describe("num"), true; }},
        {"list", [&](auto) { return lists(broker, "num"); }},
        {"change", [&](auto mode) { return broker.change("num", {.mode = mode}), true; }},
        {"destroy", [&](auto) { return broker.destroy("num"), true; }}};
    for (std::string line = parent.hear(); line != "end"; line = parent.hear()) {
        std::istringstream words(line);
        std::string action;
        std::uint32_t mode = 0;
        words >> action >> mode;
        try {
            parent.say(actions.at(action)(mode) ? "yes" : "no");
        } catch (const Error& error) {
            parent.say(error.code() == Errc::access_denied     ? "no"
                       : error.code() == Errc::no_such_segment ? "no such segment"
                                                               : error.what());
        }
    }
}

class TheMatrix : public WithBroker {
  protected:
    enum Who : std::size_t { owner, of_the_group, another, root };

    std::string tries(Who who, const std::string& action, std::uint32_t mode = 0) {
        processes_[who].say(action + ' ' + std::to_string(mode));
        return processes_[who].hear();
    }

    // What the mode says, in a file's words: 6 for read and write, 4 for read.
    static bool allows(std::uint32_t mode, Who who, std::uint32_t bits) {
        static constexpr std::array<unsigned, 3> shifts{6, 3, 0};
        return who == root || (mode >> shifts.at(who) & bits) == bits;
    }

    void expect(std::uint32_t mode, Who who, const std::string& action, bool allowed) {
        const bool sees_it = who == owner || allows(mode, who, 4) || action == "list";
        EXPECT_EQ(tries(who, action, mode), allowed   ? "yes"
                                            : sees_it ? "no"
                                                      : "no such segment")
            << action << " by " << std::array{"the owner", "its group", "another", "root"}.at(who)
            << " of mode " << std::oct << mode;
    }

    void TearDown() override {
        for (ChildProcess& process : processes_) {
            process.say("end");
            EXPECT_EQ(process.wait(), 0);
        }
    }

  private:
    ChildProcess user(std::optional<User> user) {
        return ChildProcess([this](Lines& parent) { try_what_is_told(daemon.socket_path(), parent); }, user);
    }
    std::array<ChildProcess, 4> processes_{user(nobody), user(colleague), user(stranger), user({})};
};

constexpr std::array<std::uint32_t, 4> each_class{0, 2, 4, 6};

TEST_F(TheMatrix, HoldsForEveryMode) {
    if (!can_change_user()) {
        GTEST_SKIP() << "not root: this takes processes of several users";
    }
    for (const std::uint32_t of_owner : each_class) {
        for (const std::uint32_t of_group : each_class) {
            for (const std::uint32_t of_others : each_class) {
                const std::uint32_t mode = of_owner << 6 | of_group << 3 | of_others;
                ASSERT_EQ(tries(owner, "create", mode), "yes");
                for (const Who who : {owner, of_the_group, another, root}) {
                    expect(mode, who, "read", allows(mode, who, 4));
                    expect(mode, who, "write", allows(mode, who, 6));
                    expect(mode, who, "describe", allows(mode, who, 4));
                    expect(mode, who, "list", allows(mode, who, 4));
                    expect(mode, who, "change", who == owner || who == root);
                    if (who == of_the_group || who == another) {
                        expect(mode, who, "destroy", false);
                    }
                }
                expect(mode, mode % 4 == 0 ? owner : root, "destroy", true);
            }
        }
    }
}

} // namespace
} // namespace memshare::test
