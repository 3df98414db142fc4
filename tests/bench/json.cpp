// What JSON alone costs a message, beside the document tree of nlohmann that does the same.
#include "proto/calls.h"
#include "proto/varlink.h"
#include "tests/bench/benchmarks.h"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace memshare::bench {

using nlohmann::json;

namespace {

proto::Create example_call() {
    proto::Create call;
    call.id = proto::SegmentId::random();
    call.name = proto::SegmentName::parse("camera.front");
    call.form = proto::Form::array;
    call.element = element_of<std::byte>();
    call.count = 4096;
    call.mode = 0600;
    return call;
}

proto::MemoryReply example_reply() {
    proto::MemoryReply reply;
    reply.segment.id = proto::SegmentId::random();
    reply.segment.name = proto::SegmentName::parse("camera.front");
    reply.segment.form = proto::Form::array;
    reply.segment.element = element_of<std::byte>();
    reply.segment.count = 4096;
    reply.segment.size_bytes = 4096;
    reply.segment.payload_offset = 4096;
    reply.segment.mode = 0600;
    reply.segment.uid = reply.segment.gid = 1000;
    reply.segment.creator = {.pid = 12345, .program = "camera"};
    reply.segment.created_usec = 1'760'000'000'000'000;
    reply.segment.attachments = 1;
    return reply;
}

json tree_of(const proto::Element& element) {
    return {{"kind", "u8"}, {"size", element.size}, {"alignment", element.alignment}};
}

std::string call_by_tree(const proto::Create& call) {
    return json{{"method", proto::Create::method},
                {"parameters",
                 {{"id", call.id->text()},
                  {"name", call.name->text()},
                  {"form", "array"},
                  {"element", tree_of(call.element)},
                  {"count", *call.count},
                  {"mode", *call.mode}}}}
        .dump();
}

std::string reply_by_tree(const proto::MemoryReply& reply) {
    const proto::Segment& segment = reply.segment;
    return json{{"parameters",
                 {{"segment",
                   {{"id", segment.id.text()},
                    {"name", segment.name->text()},
                    {"form", "array"},
                    {"element", tree_of(segment.element)},
                    {"count", segment.count},
                    {"sizeBytes", segment.size_bytes},
                    {"payloadOffset", segment.payload_offset},
                    {"lifetime", "creator"},
                    {"mode", segment.mode},
                    {"uid", segment.uid},
                    {"gid", segment.gid},
                    {"creator", {{"pid", segment.creator.pid}, {"program", segment.creator.program}}},
                    {"createdUSec", segment.created_usec},
                    {"attachments", segment.attachments}}},
                  {"memoryFileDescriptor", reply.memory_file_descriptor}}}}
        .dump();
}

void write(benchmark::State& state, auto append) {
    std::string text;
    for ([[maybe_unused]] auto _ : state) {
        text.clear();
        append(text);
        benchmark::DoNotOptimize(text.data());
    }
    state.counters["bytes"] = static_cast<double>(text.size());
}

// Reads nothing but true, or the text was wrong.
void read(benchmark::State& state, auto understands) {
    for ([[maybe_unused]] auto _ : state) {
        if (!understands()) {
            throw std::logic_error("the benchmark reads what it cannot understand");
        }
    }
}

void add_reading(Report& report) {
    add("json_read_create/memshare", [](benchmark::State& state) {
        std::string text;
        write_call(text, example_call());
        proto::JsonDocument document;
        read(state, [&] {
            const auto call = read_call(document, text);
            const auto create =
                proto::read_parameters<proto::Create>(call->parameters, proto::Strangers::refuse);
            return create && create->count == 4096;
        });
    });
    add("json_read_create/tree_untyped", [](benchmark::State& state) {
        std::string text;
        write_call(text, example_call());
        read(state, [&] { return json::parse(text).at("parameters").at("count") == 4096; });
    });
    report.compare("json_read_create", "tree_untyped", 1.0);

    add("json_read_reply/memshare", [](benchmark::State& state) {
        std::string text;
        write_reply(text, example_reply());
        proto::JsonDocument document;
        read(state, [&] {
            const auto reply = read_reply(document, text);
            const auto memory =
                proto::read_parameters<proto::MemoryReply>(reply->parameters, proto::Strangers::ignore);
            return memory && memory->segment.count == 4096;
        });
    });
    add("json_read_reply/tree_untyped", [](benchmark::State& state) {
        std::string text;
        write_reply(text, example_reply());
        read(state, [&] { return json::parse(text).at("parameters").at("segment").at("count") == 4096; });
    });
    report.compare("json_read_reply", "tree_untyped", 1.0);
}

void add_writing(Report& report) {
    add("json_write_create/memshare", [](benchmark::State& state) {
        write(state, [call = example_call()](std::string& text) { write_call(text, call); });
    });
    add("json_write_create/tree", [](benchmark::State& state) {
        write(state, [call = example_call()](std::string& text) { text = call_by_tree(call); });
    });
    report.compare("json_write_create", "tree", 1.0);

    add("json_write_reply/memshare", [](benchmark::State& state) {
        write(state, [reply = example_reply()](std::string& text) { write_reply(text, reply); });
    });
    add("json_write_reply/tree", [](benchmark::State& state) {
        write(state, [reply = example_reply()](std::string& text) { text = reply_by_tree(reply); });
    });
    report.compare("json_write_reply", "tree", 1.0);
}

} // namespace

void add_json(Report& report) {
    add_writing(report);
    add_reading(report);
}

} // namespace memshare::bench
