#include "client/ctl/json.h"

#include "client/ctl/table.h"

#include <nlohmann/json.hpp>

namespace memshare::ctl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int indent = 2;

Json element_json(const Element& element) {
    Json json{{"kind", abi::name_of(element.kind)}, {"size", element.size}, {"alignment", element.alignment}};
    if (!element.name.empty()) {
        json["name"] = element.name;
    }
    for (const Field& field : element.fields) {
        json["fields"].push_back({{"name", field.name},
                                  {"kind", abi::name_of(field.kind)},
                                  {"offset", field.offset},
                                  {"count", field.count}});
    }
    return json;
}

Json segment_json(const SegmentInfo& segment) {
    Json json{{"id", segment.id}};
    if (!segment.name.empty()) {
        json["name"] = segment.name;
    }
    json["form"] = segment.form == Form::value ? "value" : "array";
    json["element"] = element_json(segment.element);
    json["count"] = segment.count;
    if (!segment.shape.empty()) {
        json["shape"] = segment.shape;
    }
    json["sizeBytes"] = segment.size_bytes;
    json["payloadOffset"] = segment.payload_offset;
    json["lifetime"] = word_for(segment.lifetime);
    json["mode"] = segment.mode;
    json["uid"] = segment.uid;
    json["gid"] = segment.gid;
    json["creator"] = {{"pid", segment.creator_pid}, {"program", segment.creator_program}};
    json["createdUSec"] = segment.created.time_since_epoch().count();
    json["attachments"] = segment.attachments;
    if (segment.huge_pages != HugePages::no) {
        json["hugePages"] = word_for(segment.huge_pages);
    }
    json["frozen"] = segment.frozen;
    if (segment.ended) {
        json["ended"] = true;
    }
    return json;
}

Json process_json(const ProcessInfo& process) {
    return {{"pid", process.pid}, {"uid", process.uid}, {"program", process.program}};
}

Json lock_json(const LockInfo& lock) {
    Json json = Json::object();
    if (lock.holder) {
        json["holder"] = process_json(*lock.holder);
    }
    json["waiting"] = lock.waiting;
    json["recoveries"] = lock.recoveries;
    if (const auto& dead = lock.last_recovery) {
        json["lastRecovery"] = {{"pid", dead->pid},
                                {"uid", dead->uid},
                                {"program", dead->program},
                                {"timeUSec", dead->time.time_since_epoch().count()}};
    }
    return json;
}

Json usage_json(const std::vector<Usage>& resources) {
    Json json = Json::array();
    for (const Usage& usage : resources) {
        json.push_back({{"resource", usage.resource}, {"used", usage.used}, {"limit", usage.limit}});
    }
    return json;
}

} // namespace

std::string json_of(const Event& event) {
    Json json{{"kind", word_for(event.kind)}, {"timeUSec", event.time.time_since_epoch().count()}};
    if (event.segment) {
        json["segment"] = segment_json(*event.segment);
    }
    if (event.process) {
        json["process"] = process_json(*event.process);
    }
    if (event.lost > 0) {
        json["lost"] = event.lost;
    }
    return json.dump() + '\n';
}

std::string json_of(const std::vector<SegmentInfo>& segments) {
    Json json{{"segments", Json::array()}};
    for (const SegmentInfo& segment : segments) {
        json["segments"].push_back(segment_json(segment));
    }
    return json.dump(indent) + '\n';
}

std::string json_of(const SegmentDescription& description) {
    Json json{{"segment", segment_json(description.segment)}, {"attachments", Json::array()}};
    for (const AttachmentInfo& attachment : description.attachments) {
        json["attachments"].push_back({{"pid", attachment.pid},
                                       {"uid", attachment.uid},
                                       {"program", attachment.program},
                                       {"access", word_for(attachment.access)},
                                       {"sinceUSec", attachment.since.time_since_epoch().count()}});
    }
    json["lock"] = lock_json(description.lock);
    return json.dump(indent) + '\n';
}

std::string json_of(const Statistics& statistics) {
    const Counters& counters = statistics.counters;
    Json json{{"pid", statistics.pid},
              {"startedUSec", statistics.started.time_since_epoch().count()},
              {"users", Json::array()}};
    for (const UserUsage& user : statistics.users) {
        json["users"].push_back({{"uid", user.uid}, {"usage", usage_json(user.usage)}});
    }
    json["total"] = usage_json(statistics.total);
    json["counters"] = {{"calls", counters.calls},
                        {"refusals", counters.refusals},
                        {"sessions", counters.sessions},
                        {"segments", counters.segments},
                        {"attachments", counters.attachments},
                        {"recoveries", counters.recoveries},
                        {"eventsLost", counters.events_lost},
                        {"longestStepUSec", counters.longest_step.count()},
                        {"stepsOver5Ms", counters.steps_over_5_ms}};
    return json.dump(indent) + '\n';
}

} // namespace memshare::ctl
