#include "daemon/closer.h"

#include "proto/limits.h"
#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

using test::is_open;
using test::open_fds;

std::vector<std::shared_ptr<Memory>> memories(std::size_t count, std::uint64_t bytes) {
    std::vector<std::shared_ptr<Memory>> made;
    while (made.size() < count) {
        made.push_back(std::make_shared<Memory>(*Memory::create(proto::SegmentId::random(), bytes)));
    }
    return made;
}

TEST(ACloser, ClosesLittleAtOnce) {
    Closer closer;
    auto little = memories(3, 4096);
    const int number = little.front()->writable();
    closer.close(std::move(little));
    EXPECT_FALSE(is_open(number));
}

TEST(ACloser, HasClosedMuchByItsEnd) {
    const std::size_t before = open_fds();
    {
        Closer closer;
        for (int i = 0; i < 10; ++i) {
            closer.close(memories(10, proto::limits::close_inline_bytes + 1));
        }
    }
    EXPECT_EQ(open_fds(), before);
}

TEST(ACloser, CountsManyThatAreSmallAsMuch) {
    const std::size_t before = open_fds();
    {
        Closer closer;
        closer.close(memories(20, proto::limits::close_inline_bytes / 10));
    }
    EXPECT_EQ(open_fds(), before);
}

TEST(ACloser, ClosesNothingIfThereIsNothing) {
    Closer closer;
    closer.close({});
}

} // namespace
} // namespace memshare::daemon
