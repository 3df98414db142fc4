#include "client/src/spare_pages.h"

#include <array>
#include <cstring>
#include <utility>

namespace memshare::client {
namespace {

constexpr std::size_t page = 4096;

// Of one thread, so that nobody waits for another. In a forked child they are copies, as good as any.
class SparePages {
  public:
    SparePages() = default;
    SparePages(const SparePages&) = delete;
    SparePages& operator=(const SparePages&) = delete;
    ~SparePages() { count_ = pages_.size(); } // what static objects give back after this is not kept

    proto::Mapping take() { return count_ == 0 ? proto::Mapping() : std::move(pages_[--count_]); }

    void keep(proto::Mapping memory) noexcept {
        if (count_ < pages_.size()) {
            pages_[count_++] = std::move(memory);
        }
    }

    static SparePages& of_this_thread() {
        static thread_local SparePages pages;
        return pages;
    }

  private:
    std::array<proto::Mapping, 16> pages_;
    std::size_t count_ = 0;
};

} // namespace

proto::Result<proto::Mapping> memory_of_zeros(std::size_t size) {
    if (size > page) {
        return proto::Mapping::of_zeros(size);
    }
    if (proto::Mapping spare = SparePages::of_this_thread().take()) {
        std::memset(spare.bytes().data(), 0, page);
        return spare;
    }
    return proto::Mapping::of_zeros(page);
}

void give_back(proto::Mapping memory) noexcept {
    if (memory.bytes().size() == page) {
        SparePages::of_this_thread().keep(std::move(memory));
    }
}

} // namespace memshare::client
