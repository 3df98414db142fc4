#include "tests/fuzz/call_json.h"

namespace memshare::fuzz {

using Json = nlohmann::json;

const char* word_of(Access access) { return access == Access::read ? "read" : "write"; }

const char* word_of(Lifetime lifetime) {
    switch (lifetime) {
        case Lifetime::creator:
            return "creator";
        case Lifetime::attached:
            return "attached";
        case Lifetime::persistent:
            break;
    }
    return "persistent";
}

namespace {

struct Written {
    const char* method;
    Json parameters = Json::object();

    void add(const char* name, const auto& value) {
        if (value) {
            parameters[name] = *value;
        }
    }
    void add_flag(const char* name, bool value) {
        if (value) {
            parameters[name] = true;
        }
    }
    void add(const std::optional<Lifetime>& lifetime) {
        if (lifetime) {
            parameters["lifetime"] = word_of(*lifetime);
        }
    }
    void add(const std::optional<Access>& access) {
        if (access) {
            parameters["access"] = word_of(*access);
        }
    }
    void add(const Reference& reference) {
        add("name", reference.name);
        add("id", reference.id);
    }
};

Written written(const Create& call) {
    Written to{"Create"};
    to.add("id", call.id);
    to.add("name", call.name);
    to.parameters["form"] = call.type.form;
    to.parameters["element"]["kind"] = call.type.kind;
    to.parameters["count"] = call.type.count;
    to.add(call.lifetime);
    to.add("mode", call.mode);
    to.add("group", call.group);
    to.add_flag("freezable", call.freezable);
    to.add_flag("exclusiveWriter", call.exclusive_writer);
    return to;
}

Written written(const Attach& call) {
    Written to{"Attach"};
    to.add(call.segment);
    to.add(std::optional(call.access));
    to.add("form", call.form);
    if (call.kind) {
        to.parameters["element"]["kind"] = *call.kind;
    }
    to.add("count", call.count);
    to.add_flag("mapped", call.mapped);
    to.add_flag("waits", call.waits);
    to.add("serial", call.serial);
    return to;
}

Written written(const Detach& call) {
    Written to{"Detach"};
    to.add(call.segment);
    to.add(call.access);
    to.add("serial", call.serial);
    to.add("attached", call.attached);
    return to;
}

Written written(const Change& call) {
    Written to{"Change"};
    to.add(call.segment);
    to.add(call.lifetime);
    to.add("mode", call.mode);
    to.add("group", call.group);
    return to;
}

Written with_reference(const char* method, const Reference& reference) {
    Written to{method};
    to.add(reference);
    return to;
}

Written written(const Destroy& call) { return with_reference("Destroy", call.segment); }
Written written(const Freeze& call) { return with_reference("Freeze", call.segment); }
Written written(const Describe& call) { return with_reference("Describe", call.segment); }
Written written(const Publish& call) { return {"Publish", {{"id", call.id}, {"name", call.name}}}; }
Written written(const Goodbye& /*call*/) { return {"Goodbye"}; }

Written written(const List& call) {
    Written to{"List"};
    if (!call.pattern.text.empty()) {
        to.parameters["pattern"] = call.pattern.text;
    }
    to.add("uid", call.uid);
    return to;
}

} // namespace

Json json_of(const Call& call, const TokenOf& token_of) {
    Written to = std::visit(
        [&](const auto& one) {
            if constexpr (std::is_same_v<decltype(one), const Hello&>) {
                Written hello{"Hello"};
                if (one.resumes) {
                    hello.parameters["resumeToken"] = token_of(*one.resumes);
                }
                return hello;
            } else if constexpr (std::is_same_v<decltype(one), const Attach&>) {
                Written attach = written(one);
                if (one.inherited_from) {
                    attach.parameters["inheritedFrom"] = token_of(*one.inherited_from);
                }
                return attach;
            } else {
                return written(one);
            }
        },
        call);
    return {{"method", std::string("io.memshare.Broker.") + to.method}, {"parameters", to.parameters}};
}

} // namespace memshare::fuzz
