#include "client/src/connection.h"
#include "client/src/convert.h"
#include "client/src/reference.h"
#include "proto/socket_path.h"
#include <memshare/broker.hpp>

#include <unistd.h>

#include <cstdlib>

namespace memshare {
namespace {

std::string local_socket_path() {
    if (const char* told = std::getenv("MEMSHARE_SOCKET"); told != nullptr && *told != '\0') {
        return told;
    }
    const auto own = proto::user_socket_path();
    return own && access(own->c_str(), F_OK) == 0 ? *own : proto::system_socket_path;
}

// As the names that it is for.
std::string pattern_of(std::string_view text) { return std::string(proto::without_leading_slashes(text)); }

} // namespace

Broker& Broker::local() {
    // Never destroyed: segments of static duration may still need it at exit.
    static Broker& broker = *new Broker(local_socket_path());
    return broker;
}

Broker::Broker(std::string_view socket_path, const BrokerOptions& options)
    : connection_(
          std::make_shared<detail::Connection>(proto::absolute_socket_path(socket_path), options.timeout)) {}

std::vector<SegmentInfo> Broker::list(std::string_view pattern) {
    std::vector<SegmentInfo> segments;
    const proto::List list{.pattern = pattern_of(pattern), .uid = {}};
    for (const proto::List::Reply& batch : connection_->call_for_more(list)) {
        for (const auto& segment : batch.segments) {
            segments.push_back(client::info_of(segment));
        }
    }
    return segments;
}

SegmentDescription Broker::describe(std::string_view name_or_id) {
    const auto reply = client::by_name_or_id(name_or_id, [&](const proto::SegmentReference& one) {
        return connection_->call(proto::Describe{one.name, one.id}, std::string(name_or_id)).reply;
    });
    SegmentDescription description{
        .segment = client::info_of(reply.segment), .attachments = {}, .lock = client::info_of(reply.lock)};
    for (const auto& attachment : reply.attachments) {
        description.attachments.push_back(client::info_of(attachment));
    }
    return description;
}

void Broker::destroy(std::string_view name_or_id) {
    client::by_name_or_id(name_or_id, [&](const proto::SegmentReference& one) {
        return connection_->call(proto::Destroy{one.name, one.id}, std::string(name_or_id)).reply;
    });
}

void Broker::change(std::string_view name_or_id, const Changed& to) {
    client::by_name_or_id(name_or_id, [&](const proto::SegmentReference& one) {
        proto::Change call{
            .name = one.name, .id = one.id, .lifetime = {}, .mode = to.mode, .group = to.group};
        if (to.lifetime) {
            call.lifetime = client::lifetime_of(*to.lifetime);
        }
        return connection_->call(call, std::string(name_or_id)).reply;
    });
}

void Broker::watch(std::string_view pattern, const std::function<bool(const Event&)>& each) const {
    detail::Connection own(socket_path(), connection_->timeout());
    own.call_for_ever(proto::Watch{.pattern = pattern_of(pattern), .uid = {}},
                      [&](const proto::Watch::Reply& reply) { return each(client::info_of(reply.event)); });
}

Statistics Broker::statistics() { return client::info_of(connection_->call(proto::Statistics{}).reply); }

std::string Broker::version() { return connection_->version(); }

std::chrono::milliseconds Broker::timeout() const noexcept { return connection_->timeout(); }

CallLimit::CallLimit(std::chrono::milliseconds longest) noexcept : before_(detail::call_limit()) {
    detail::call_limit() = std::min(before_, longest);
}
CallLimit::~CallLimit() { detail::call_limit() = before_; }

const std::string& Broker::socket_path() const { return connection_->socket_path(); }

} // namespace memshare
