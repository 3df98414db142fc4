#include "tests/fuzz/rights_model.h"

#include <algorithm>
#include <utility>

namespace memshare::fuzz {
namespace {

constexpr std::uint32_t root = 0;

} // namespace

void RightsModel::open(int session, int process, const User& user) {
    Session& opened = sessions_[session];
    opened.process = process;
    opened.user = user;
}

void RightsModel::end(int session) {
    std::vector<std::string> ids;
    for (const auto& [id, segment] : segments_) {
        ids.push_back(id);
    }
    for (const std::string& id : ids) {
        Segment& segment = segments_.at(id);
        if (segment.creator == session && segment.lifetime == Lifetime::creator && !segment.ended) {
            end_segment(segment);
        }
        if (Segment* left = find(id); left != nullptr && has(session, *left)) {
            drop_attachment(session, *left);
        }
    }
    sessions_.erase(session);
}

bool RightsModel::holds_nothing(int session) const {
    return std::ranges::none_of(segments_, [&](const auto& one) {
        const Segment& segment = one.second;
        return has(session, segment) ||
               (segment.creator == session && segment.lifetime == Lifetime::creator && !segment.ended);
    });
}

Answers RightsModel::answers(int session, const Call& call) const {
    return std::visit([&](const auto& one) { return answers_to(session, one); }, call);
}

void RightsModel::succeeded(int session, const Call& call, const std::string& id) {
    std::visit([&](const auto& one) { done(session, one, id); }, call);
}

const RightsModel::Segment* RightsModel::find(const std::string& id) const {
    const auto found = segments_.find(id);
    return found == segments_.end() ? nullptr : &found->second;
}

RightsModel::Segment* RightsModel::find(const std::string& id) {
    return const_cast<Segment*>(std::as_const(*this).find(id));
}

bool RightsModel::is_in_group(int session, std::uint32_t gid) const {
    const User& user = sessions_.at(session).user;
    return user.gid == gid || std::ranges::find(user.groups, gid) != user.groups.end();
}

bool RightsModel::owns(int session, const Segment& segment) const {
    const std::uint32_t uid = sessions_.at(session).user.uid;
    return uid == root || uid == segment.uid;
}

// The first class that the user is of counts, also where a later one would allow more.
bool RightsModel::may(int session, Access access, const Segment& segment) const {
    const std::uint32_t uid = sessions_.at(session).user.uid;
    if (uid == root) {
        return true;
    }
    std::uint32_t bits = segment.mode & 07;
    if (uid == segment.uid) {
        bits = segment.mode >> 6 & 07;
    } else if (is_in_group(session, segment.gid)) {
        bits = segment.mode >> 3 & 07;
    }
    return (bits & 04) != 0 && (access == Access::read || (bits & 02) != 0);
}

const RightsModel::Segment* RightsModel::find_live(const Reference& reference) const {
    for (const auto& [id, segment] : segments_) {
        if (!segment.ended && (reference.name ? segment.name == reference.name : id == *reference.id)) {
            return &segment;
        }
    }
    return nullptr;
}

// A session that has a segment attached may name it by its id also when it has ended.
const RightsModel::Segment* RightsModel::find_attached(int session, const Reference& reference) const {
    if (reference.id && !reference.name) {
        const Segment* segment = find(*reference.id);
        if (segment != nullptr && has(session, *segment)) {
            return segment;
        }
    }
    return find_live(reference);
}

// For the calls that only the owner may make. A segment that the caller may not read is as if there were
// none.
const RightsModel::Segment* RightsModel::find_for(int session, const Reference& reference,
                                                  Answers& wrong) const {
    if (reference.name.has_value() == reference.id.has_value()) {
        wrong.insert(reference.name ? "InvalidParameter id" : "InvalidParameter name");
        return nullptr;
    }
    const Segment* segment = find_live(reference);
    if (segment == nullptr) {
        wrong.insert("NoSuchSegment");
        return nullptr;
    }
    if (!owns(session, *segment)) {
        const bool reads = may(session, Access::read, *segment);
        wrong.insert(reads ? "AccessDenied" : "NoSuchSegment");
        if (has(session, *segment)) { // its rights have changed since: it knows of the segment anyway
            wrong.insert("AccessDenied");
        }
        if (!segment->is_whole()) {
            wrong.insert("NoSuchSegment");
        }
        return nullptr;
    }
    return segment;
}

void RightsModel::end_segment(Segment& segment) {
    segment.ended = true;
    forget_if_unused(segment);
}

void RightsModel::forget_if_unused(Segment& segment) {
    if (segment.ended && segment.attachments.empty()) {
        segments_.erase(std::string(segment.id));
    }
}

void RightsModel::drop_attachment(int session, Segment& segment) {
    segment.attachments.erase(session);
    const bool ends_unattached = segment.lifetime == Lifetime::attached || !segment.name;
    if (segment.attachments.empty() && ends_unattached) {
        segment.ended = true;
    }
    forget_if_unused(segment);
}

std::set<std::string> RightsModel::listed(int session, const List& call) const {
    std::set<std::string> ids;
    for (const auto& [id, segment] : segments_) {
        bool matches = call.pattern.text.empty();
        for (std::size_t at = 0; at < names.size(); ++at) {
            matches = matches || (segment.name == names.at(at) && call.pattern.matches.at(at));
        }
        if (matches && !segment.ended && segment.is_whole() && may(session, Access::read, segment) &&
            (!call.uid || *call.uid == segment.uid)) {
            ids.insert(id);
        }
    }
    return ids;
}

std::size_t RightsModel::attachments() const {
    std::size_t all = 0;
    for (const auto& [id, segment] : segments_) {
        all += segment.attachments.size();
    }
    return all;
}

} // namespace memshare::fuzz
