// Each allocation of a call's fails once: then it has done all or nothing, and the next call gets its own
// answer. A program of its own, as it replaces operator new, for the library as well.
#include "tests/client/failing_memory.h"
#include "tests/support/with_broker.h"

namespace memshare::test {
namespace {

class WithoutMemory : public WithBroker {
  protected:
    // Lets each allocation of the work fail in turn, until there are no more; `afterwards` is done each time.
    void let_each_fail(const std::function<void()>& work, const std::function<void()>& afterwards) {
        bool failed = true;
        for (int nth = 0; failed; ++nth) {
            ASSERT_LT(nth, 10'000);
            let_allocation_fail(nth);
            try {
                work();
            } catch (const std::bad_alloc&) {
                // the one that was to fail
            } catch (const Error&) {
                // what came of it
            }
            failed = let_no_allocation_fail();
            SCOPED_TRACE("allocation " + std::to_string(nth) + " failed");
            afterwards();
            ++times_;
        }
    }

    int times() const { return times_; }

    std::uint64_t attachments(const std::string& name) {
        client.list("none"); // so that all is told
        return broker.describe(name).segment.attachments;
    }

    Broker client{daemon.socket_path()};

  private:
    int times_ = 0;
};

TEST_F(WithoutMemory, AnOpenAttachesNothingAndTheNextOneWhatItIsToldTo) {
    const auto one = Value<int>::create("one", 1, {.broker = &broker});
    const auto other = Value<int>::create("other", 2, {.broker = &broker});
    client.version();
    std::optional<Value<int>> opened;
    let_each_fail([&] { opened.emplace(Value<int>::open("one", {.broker = &client})); },
                  [&] {
                      opened.reset();
                      EXPECT_EQ(Value<int>::open("other", {.broker = &client}).load(), 2);
                      EXPECT_EQ(attachments("one"), 1U);
                      EXPECT_EQ(attachments("other"), 1U);
                  });
    EXPECT_GT(times(), 5);
}

TEST_F(WithoutMemory, ACreateMakesNothingOrTheWholeSegment) {
    client.version();
    const CreateOptions options{.lifetime = Lifetime::persistent, .broker = &client};
    std::optional<Value<int>> created;
    let_each_fail([&] { created.emplace(Value<int>::create("mine", 1, options)); },
                  [&] {
                      created.reset();
                      client.list("none"); // so that all is told
                      const auto made = broker.list("mine");
                      if (!made.empty()) {
                          EXPECT_EQ(made.front().attachments, 0U);
                          broker.destroy("mine");
                      }
                      EXPECT_EQ(broker.statistics().total.at(1).used, 0U) << "segments";
                  });
    EXPECT_GT(times(), 5);
}

TEST_F(WithoutMemory, AListLeavesNoAnswerForTheNextCall) {
    std::vector<Value<int>> many; // more than come in one piece
    for (int number = 0; number < 140; ++number) {
        many.push_back(Value<int>::create(unnamed, number, {.broker = &broker}));
    }
    let_each_fail([&] { client.list(); },
                  [&] {
                      EXPECT_EQ(error_of([&] { client.change("none", {.mode = 0640}); }).code(),
                                Errc::no_such_segment);
                  });
    EXPECT_GT(times(), 5);
}

} // namespace
} // namespace memshare::test
