// memsharectl, as it is typed: what each command prints, and what it says to a mistake.
#include "tests/client/ctl/memsharectl.h"

#include "proto/limits.h"
#include "tests/support/kernel_setting.h"
#include "tests/support/raw_peer.h"

#include <array>
#include <regex>

namespace memshare::test {
namespace {

TEST_F(Memsharectl, CreatesSetsGetsAndDestroysAValue) {
    EXPECT_EQ(output("create num f64"), "");
    EXPECT_EQ(output("set num -2.5"), "");
    EXPECT_EQ(output("get num"), "-2.5\n");
    EXPECT_EQ(Value<double>::open("num", {.broker = &broker}).load(), -2.5);
    EXPECT_EQ(output("destroy num"), "");
    EXPECT_TRUE(contains(mistake("get num"), "no segment \"num\""));
}

TEST_F(Memsharectl, ReservesTheMemoryOfASegmentOrMakesNone) {
    output("create --reserve arr u8 --count 1000000");
    EXPECT_TRUE(contains(mistake("create --reserve more u8 --count 549755813888"), "cannot reserve"));
    EXPECT_EQ(broker.list().size(), 1U);
}

TEST_F(Memsharectl, SaysWhatPagesASegmentHas) {
    EXPECT_TRUE(contains(output("create --huge-pages transparent num f64"), "made of ordinary ones"));
    EXPECT_TRUE(contains(output("show num"), "pages     ordinary"));
    EXPECT_FALSE(contains(output("list --json"), "hugePages"));
    EXPECT_TRUE(contains(mistake("create --huge-pages size_3m more f64"), "huge-pages"));
}

class MemsharectlWithAPool : protected WithPool, public Memsharectl {};

TEST_F(MemsharectlWithAPool, SaysThatASegmentHasPagesOfIt) {
    NEEDS_FREE_PAGES_OF_2M(1);
    EXPECT_EQ(output("create --huge-pages size_2m num f64"), "");
    EXPECT_TRUE(contains(output("show num"), "pages     huge: size_2m"));
    EXPECT_TRUE(contains(output("list --json"), "\"hugePages\": \"size_2m\""));
}

TEST_F(Memsharectl, GetsAndSetsRangesOfAnArray) {
    output("create arr i32 --count 5");
    output("set arr 1 2 3 4 5");
    output("set arr --at 3 -- -4");
    EXPECT_EQ(output("get arr"), "[1, 2, 3, -4, 5]\n");
    EXPECT_EQ(output("get arr 1:3"), "[2, 3]\n");
    EXPECT_EQ(output("get arr :2"), "[1, 2]\n");
    EXPECT_EQ(output("get arr 4"), "5\n");
    EXPECT_TRUE(contains(mistake("get arr 5"), "index 5"));
    EXPECT_TRUE(contains(mistake("set arr --at 4 1 2"), "do not fit"));
    EXPECT_TRUE(contains(mistake("set arr one"), "one"));
}

TEST_F(Memsharectl, WakesWhoWaitsForWhatItSets) {
    const auto numbers = Array<int>::create("arr", 3, {.broker = &broker});
    const Version seen = numbers.version();
    output("set arr 1 2 3");
    EXPECT_NE(numbers.version(), seen);
}

struct Place {
    double x, y;
    std::array<std::int32_t, 3> steps;
};
MEMSHARE_STRUCT(Place, x, y)

TEST_F(Memsharectl, ReadsAndWritesTheFieldsOfALargeStruct) {
    const auto place = Value<Place>::create("place", {1, 2, {7, 8, 9}}, {.broker = &broker});
    EXPECT_EQ(output("get place"), "{x: 1, y: 2}\n");
    output("set place y=-3");
    output("set place x=4");
    EXPECT_EQ(output("get place"), "{x: 4, y: -3}\n");
    EXPECT_EQ(place.load().steps[2], 9);
    EXPECT_TRUE(contains(mistake("set place z=1"), "z=1"));
}

TEST_F(Memsharectl, ListsAndShowsWhatThereIs) {
    const auto mine = Array<int>::create("mine", 3, {.mode = 0640, .broker = &broker});
    const auto other = Value<float>::create("other", 0, {.broker = &broker});
    const std::string all = output("list");
    EXPECT_TRUE(contains(all, "NAME")) << all;
    EXPECT_TRUE(contains(all, "array of 3 i32")) << all;
    EXPECT_TRUE(contains(all, "value of f32")) << all;
    EXPECT_FALSE(contains(output("list 'm*'"), "f32"));
    const std::string shown = output("show mine");
    EXPECT_TRUE(contains(shown, "mode      0640")) << shown;
    EXPECT_TRUE(contains(shown, "lock      free")) << shown;
}

TEST_F(Memsharectl, ShowsWhoHoldsTheLock) {
    const auto mine = Value<int>::create("mine", 3, {.broker = &broker});
    const std::scoped_lock lock(mine.mutex());
    EXPECT_TRUE(contains(output("show mine"), "held by ")) << output("show mine");
    EXPECT_TRUE(contains(output("show mine --json"), "\"holder\"")) << output("show mine --json");
}

TEST_F(Memsharectl, PrintsWhatHappens) {
    ChildProcess watching =
        ChildProcess::program({MEMSHARECTL, "--socket", daemon.socket_path(), "watch", "--json", "n*"}, {});
    EXPECT_TRUE(contains(watching.hear(), R"("kind":"ready")"));
    output("create num f64");
    EXPECT_TRUE(contains(watching.hear(), R"("kind":"created")"));
}

TEST_F(Memsharectl, TakesNumbersBelowZeroForWhatTheyAre) {
    output("create temperatures f64 --count 3");
    output("set temperatures 18.5 -19 -.5");
    EXPECT_EQ(output("get temperatures"), "[18.5, -19, -0.5]\n");
    output("set temperatures -1 --at 2");
    output("set --at=1 -- temperatures -2");
    EXPECT_EQ(output("get temperatures"), "[18.5, -2, -1]\n");
}

// Which of its two slots holds depends on how often it was stored.
TEST_F(Memsharectl, PrintsTheSameOfALargeValueByARange) {
    struct Pair {
        std::int64_t one, other;
    };
    auto pair = Value<Pair>::create("pair", {1, 2}, {.broker = &broker});
    for (int stored = 0; stored < 2; ++stored) {
        pair.store({stored, stored});
        const std::string all = output("get pair");
        EXPECT_EQ(output("get pair 0"), all);
        EXPECT_EQ(output("get pair :"), "[" + all.substr(0, all.size() - 1) + "]\n");
    }
}

TEST_F(Memsharectl, SaysWhatIsWrongWithItsWords) {
    EXPECT_TRUE(contains(mistake("create num number"), "i8"));
    EXPECT_TRUE(contains(mistake("create num f64 --mode 9"), "mode"));
    EXPECT_TRUE(contains(mistake("create num f64 --shape 2,3 --count 5"), "multiply"));
    EXPECT_TRUE(contains(mistake("create num f64 --count 0"), "--count"));
    EXPECT_TRUE(contains(mistake("frobnicate"), "no command frobnicate"));
    EXPECT_NE((*this)("").exit_code, 0);
}

TEST_F(Memsharectl, HelpsWithEveryCommand) {
    for (const char* command : {"list", "show", "create", "get", "set", "destroy", "chmod", "chown",
                                "persist", "freeze", "stats", "doctor", "watch", "run"}) {
        EXPECT_TRUE(contains(output("--help"), command));
        EXPECT_TRUE(contains(output(std::string(command) + " --help"), "Usage")) << command;
    }
}

TEST_F(Memsharectl, SaysHowToStartABrokerIfThereIsNone) {
    const Said said = run(std::string(MEMSHARECTL) + " --socket /nowhere/none list");
    EXPECT_NE(said.exit_code, 0);
    EXPECT_TRUE(contains(said.text, "memsharectl run")) << said.text;
}

TEST_F(Memsharectl, ChangesWhoMayUseASegmentAndHowLongItStays) {
    const auto num = Value<double>::create("num", 1, {.broker = &broker});
    output("chmod 0640 num");
    output("chown :" + std::to_string(stranger.gid) + " num");
    output("persist num");
    const auto segment = broker.describe("num").segment;
    EXPECT_EQ(segment.mode, 0640U);
    EXPECT_EQ(segment.gid, stranger.gid);
    EXPECT_EQ(segment.lifetime, Lifetime::persistent);
    output("chown :root num");
    EXPECT_EQ(broker.describe("num").segment.gid, 0U);
}

TEST_F(Memsharectl, SaysWhatIsWrongWithAModeOrAGroup) {
    output("create num f64");
    EXPECT_TRUE(contains(mistake("chmod rw num"), "octal"));
    EXPECT_TRUE(contains(mistake("chmod 04644 num"), "mode"));
    EXPECT_TRUE(contains(mistake("chown :nosuchgroup num"), "nosuchgroup"));
    EXPECT_TRUE(contains(mistake("chown root num"), "only its group"));
    EXPECT_TRUE(contains(mistake("chmod 0640"), "NAME"));
    EXPECT_TRUE(contains(mistake("create other f64 --mode 9"), "octal"));
}

TEST_F(Memsharectl, FreezesWhatNobodyElseCanWrite) {
    output("create num f64 --freezable");
    auto writer = std::optional(Value<double>::open("num", {.broker = &broker}));
    EXPECT_TRUE(contains(mistake("freeze num"), "still mapped for writing"));
    writer.reset();
    broker.version();
    broker.list();
    output("freeze num");
    EXPECT_TRUE(broker.describe("num").segment.frozen);
    EXPECT_TRUE(contains(mistake("set num 1"), "\"num\" is frozen"));
    output("create fixed f64");
    EXPECT_TRUE(contains(mistake("freeze fixed"), "freezable"));
}

TEST_F(Memsharectl, ShowsWhatIsUsedOfWhichLimit) {
    output("create num f64 --lifetime persistent");
    const std::string text = output("stats");
    EXPECT_TRUE(contains(text, "started")) << text;
    EXPECT_TRUE(contains(text, "USER")) << text;
    const std::regex bytes("  bytes +4096 +" + std::to_string(proto::limits::bytes_per_user));
    EXPECT_TRUE(std::regex_search(text, bytes)) << text;
    const Json all = Json::parse(output("stats --json"));
    EXPECT_EQ(all["users"][0]["uid"], getuid());
    EXPECT_EQ(all["counters"]["segments"], 1);
    constexpr std::size_t only_of_users = 2; // keptSegments and keptBytes
    EXPECT_EQ(all["total"].size() + only_of_users, all["users"][0]["usage"].size());
    EXPECT_EQ(all["total"][1]["resource"], "segments");
    EXPECT_EQ(all["total"][1]["used"], 1);
    EXPECT_EQ(all["total"][1]["limit"], proto::limits::segments_total);
}

class MemsharectlDoctor : public Memsharectl {};

TEST_F(MemsharectlDoctor, FindsNothingWhereAllIsWell) {
    const auto mine = Value<int>::create("num", 1, {.broker = &broker});
    const auto opened = Value<const int>::open("num", {.broker = &broker});
    const std::string text = output("doctor");
    EXPECT_TRUE(contains(text, "1 segments with 1 attachments")) << text;
    EXPECT_TRUE(contains(text, "and the broker: 0 findings")) << text;
}

TEST_F(MemsharectlDoctor, FindsWhoIsSaidToHaveWhatItHasNot) {
    ChildProcess other([&](Lines& parent) {
        parent.hear();
        RawPeer peer(daemon.socket_path()); // it lets go of what it gets, and says nothing of that
        peer.call("Attach", {{"name", "num"}, {"access", "read"}});
        parent.say("attached");
        parent.hear();
    });
    const auto mine = Value<int>::create("num", 1, {.broker = &broker}); // of which that one inherits nothing
    other.say("attach");
    ASSERT_EQ(other.hear(), "attached");
    EXPECT_TRUE(contains(mistake("doctor"), "\"num\" is attached to ctl_test[" + std::to_string(other.pid()) +
                                                "], which has it neither mapped nor open"));
    other.say("end");
    EXPECT_EQ(other.wait(), 0);
    EXPECT_TRUE(contains(output("doctor"), "0 findings"));
}

TEST_F(MemsharectlDoctor, NotesWhoHasASegmentWithoutASession) {
    const auto mine = Value<int>::create("num", 1, {.broker = &broker});
    const ChildProcess forked([](Lines& parent) { parent.hear(); });
    const std::string text = output("doctor");
    EXPECT_TRUE(contains(text, "note: ctl_test[" + std::to_string(forked.pid()) + "] has " + mine.info().id))
        << text;
}

} // namespace
} // namespace memshare::test
