#include "tests/fuzz/invention.h"

#include <algorithm>

namespace memshare::fuzz {
namespace {

constexpr std::array chosen_ids{
    "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"};
constexpr std::array<std::uint32_t, 11> modes{0644, 0640, 0660, 0666, 0600, 0400,
                                              0000, 0604, 0060, 0777, 01000};
constexpr std::array<std::uint32_t, 4> groups{shared_group, 1000, 1001, 555};
constexpr std::array<std::uint32_t, 4> uids{0, 1000, 1001, 1002};
constexpr std::array lifetimes{Lifetime::creator, Lifetime::attached, Lifetime::persistent};
constexpr std::array accesses{Access::read, Access::write};
constexpr std::array<std::string_view, 2> forms{"value", "array"};
constexpr std::array<std::string_view, 3> kinds{"i32", "f64", "u8"};
constexpr std::array<std::uint64_t, 3> counts{1, 5, 9000};

} // namespace

void Invention::learn(const std::string& id) {
    if (std::ranges::find(chosen_ids, id) == chosen_ids.end()) {
        learned_.push_back(id);
    }
}

std::string Invention::id() {
    const std::size_t at = bytes_.below(chosen_ids.size() + 4);
    const std::size_t back = at - std::min(at, chosen_ids.size()); // of the newest learned ones
    if (at < chosen_ids.size() || back >= learned_.size()) {
        return chosen_ids.at(at % chosen_ids.size());
    }
    return learned_.at(learned_.size() - 1 - back);
}

Reference Invention::reference() {
    constexpr std::size_t by_name = 6;
    constexpr std::size_t by_id = 13;
    const std::size_t how = bytes_.below(16);
    const auto name = [&] { return std::string(bytes_.one_of(names)); };
    if (how < by_name) {
        return {.name = name(), .id = {}};
    }
    if (how < by_id) {
        return {.name = {}, .id = id()};
    }
    if (how == by_id) {
        return {};
    }
    if (how == by_id + 1) {
        return {.name = name(), .id = id()};
    }
    return {.name = std::string(names.front()), .id = {}};
}

int Invention::a_session() { return 1 + static_cast<int>(bytes_.below(last_session_ + 1)); }

// The next one is the most useful, and the others are wrong in one way each.
std::optional<std::uint64_t> Invention::serial(int session) {
    const std::uint64_t last = model_.last_serial(session);
    switch (bytes_.below(8)) {
        case 0:
        case 1:
            return std::nullopt;
        case 2:
            return 0;
        case 3:
            return last;
        case 4:
            return last > 0 ? last - 1 : 1;
        case 5:
            return last + 3;
        default:
            return last + 1;
    }
}

Create Invention::create() {
    Create call;
    const std::size_t flags = bytes_.next();
    if ((flags & 3) != 0) {
        call.id = bytes_.one_of(chosen_ids);
    }
    if ((flags & 4) != 0) {
        call.name = bytes_.one_of(names);
    }
    call.freezable = (flags & 0x18) == 0x18;
    call.exclusive_writer = (flags & 0x60) == 0x60;
    call.type = bytes_.one_of(types);
    call.lifetime = bytes_.perhaps(lifetimes);
    call.mode = bytes_.perhaps(modes);
    call.group = (flags & 0x80) != 0 ? bytes_.perhaps(groups) : std::nullopt;
    return call;
}

Attach Invention::attach(int session) {
    Attach call{
        .segment = reference(), .form = {}, .kind = {}, .count = {}, .inherited_from = {}, .serial = {}};
    const std::size_t flags = bytes_.next();
    call.access = (flags & 1) != 0 ? Access::write : Access::read;
    call.waits = (flags & 2) != 0;
    call.mapped = (flags & 0xc) != 0;
    if ((flags & 0xc) == 0xc) {
        call.inherited_from = static_cast<int>(bytes_.below(last_session_ + 1)); // 0 is no session
    }
    if ((flags & 0x70) == 0x70) {
        call.form = bytes_.perhaps(forms);
        call.kind = bytes_.perhaps(kinds);
        call.count = bytes_.perhaps(counts);
    }
    call.serial = serial(session);
    return call;
}

Detach Invention::detach(int session) {
    Detach call{.segment = {}, .access = bytes_.perhaps(accesses), .serial = serial(session), .attached = {}};
    constexpr std::size_t by_number = 10;
    const std::size_t how = bytes_.below(16);
    if (how < by_number) {
        call.segment = reference();
    } else {
        call.attached = how < by_number + 4 ? model_.last_attach_serial(session) : how - by_number - 4;
    }
    return call;
}

Call Invention::make(int session) {
    switch (bytes_.below(16)) {
        case 0:
        case 1:
        case 2:
            return create();
        case 3:
        case 4:
        case 5:
        case 6:
            return attach(session);
        case 7:
        case 8:
            return detach(session);
        case 9:
            return Publish{.id = id(), .name = std::string(bytes_.one_of(names))};
        case 10:
            return Destroy{reference()};
        case 11:
            return Change{.segment = reference(),
                          .lifetime = bytes_.perhaps(lifetimes),
                          .mode = bytes_.perhaps(modes),
                          .group = bytes_.perhaps(groups)};
        case 12:
            return Freeze{reference()};
        case 13:
            return Describe{reference()};
        case 14:
            return List{.pattern = bytes_.one_of(patterns), .uid = bytes_.perhaps(uids)};
        default:
            break;
    }
    constexpr std::size_t says_goodbye = 12;
    const std::size_t how = bytes_.below(16);
    if (how >= says_goodbye) {
        return Goodbye{};
    }
    return Hello{how == 0 ? std::nullopt : std::optional(a_session())};
}

// Another call of the same kind gives its part.
void Invention::change_a_part(Call& call, int session) {
    if (auto* one = std::get_if<Attach>(&call)) {
        const Attach other = attach(session);
        switch (bytes_.below(6)) {
            case 0:
                one->access = one->access == Access::read ? Access::write : Access::read;
                break;
            case 1:
                one->segment = other.segment;
                break;
            case 2:
                one->waits = !one->waits;
                break;
            case 3:
                one->mapped = !one->mapped;
                break;
            case 4:
                one->serial = other.serial;
                break;
            default:
                one->kind = bytes_.perhaps(kinds);
        }
    } else if (auto* made = std::get_if<Create>(&call)) {
        const Create other = create();
        switch (bytes_.below(4)) {
            case 0:
                made->name = other.name;
                break;
            case 1:
                made->mode = other.mode;
                break;
            case 2:
                made->type = other.type;
                break;
            default:
                made->freezable = !made->freezable;
        }
    } else if (auto* detached = std::get_if<Detach>(&call)) {
        const Detach other = detach(session);
        switch (bytes_.below(3)) {
            case 0:
                detached->access = other.access;
                break;
            case 1:
                detached->segment = other.segment;
                detached->attached = other.attached;
                break;
            default:
                detached->serial = other.serial;
        }
    } else {
        call = make(session);
    }
}

Call Invention::next(int session) {
    constexpr std::size_t again = 12;
    const std::size_t how = bytes_.below(16);
    const auto last = last_.find(session);
    Call call = how >= again && last != last_.end() ? last->second : make(session);
    if (how > again + 1) {
        change_a_part(call, session);
    }
    last_.insert_or_assign(session, call);
    return call;
}

} // namespace memshare::fuzz
