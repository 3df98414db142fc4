#include "client/ctl/commands.h"

#include "client/ctl/doctor.h"
#include "client/ctl/elements.h"
#include "client/ctl/json.h"
#include "client/ctl/numbers.h"
#include "client/ctl/output.h"
#include "client/ctl/table.h"

#include <algorithm>
#include <functional>
#include <span>

namespace memshare::ctl {
namespace {

constexpr std::size_t printed_at_once = 65536;

ElementKind kind_of_word(const std::string& word) {
    const auto found = std::ranges::find(abi::kind_names, word);
    return static_cast<ElementKind>(found - abi::kind_names.begin());
}

bool is_lost(const Error& error) {
    return error.code() == Errc::no_broker || error.code() == Errc::broker_lost;
}

std::string list_of(std::span<const std::string> names) {
    std::string list;
    for (const std::string& name : names) {
        list += (list.empty() ? "\"" : ", \"") + name + '"';
    }
    return list;
}

// Calls for each name. A failure is told, and the other names have their turn all the same, unless there is
// no broker any more. Returns whether all calls succeeded.
bool for_each(const std::vector<std::string>& names, const std::function<void(const std::string&)>& call) {
    bool all_done = true;
    for (std::size_t at = 0; at < names.size(); ++at) {
        try {
            call(names[at]);
        } catch (const Error& error) {
            all_done = false;
            complain(sentence_of(error, names[at]));
            if (is_lost(error)) {
                const auto rest = std::span(names).subspan(at + 1);
                if (!rest.empty()) {
                    complain("not tried without the broker: " + list_of(rest));
                }
                break;
            }
        }
    }
    return all_done;
}

} // namespace

std::string sentence_of(const Error& error, const std::string& name) {
    const std::string sentence = error.what();
    const std::string quoted = '"' + name + '"';
    return sentence.find(quoted) == std::string::npos ? quoted + ": " + sentence : sentence;
}

Segment open(Broker& broker, const std::string& name_or_id, Access access) {
    const SegmentInfo info = broker.describe(name_or_id).segment;
    const OpenOptions options{.broker = &broker};
    return info.name == name_or_id ? Segment::open(name_or_id, access, {}, options)
                                   : Segment::open_by_id(info.id, access, {}, options);
}

void list(Broker& broker, const std::string& pattern, bool as_json) {
    const auto segments = broker.list(pattern);
    print(as_json ? json_of(segments) : table_of(segments));
}

void show(Broker& broker, const std::string& name, bool as_json) {
    const auto description = broker.describe(name);
    print(as_json ? json_of(description) : description_of(description));
}

void create(Broker& broker, CreateArguments arguments) {
    const ElementKind kind = kind_of_word(arguments.kind);
    const std::uint32_t size = abi::size_of(kind);
    const Plan plan{.form = arguments.count ? Form::array : Form::value,
                    .element = {.kind = kind, .size = size, .alignment = size, .name = {}, .fields = {}},
                    .count = arguments.count.value_or(1)};
    arguments.options.broker = &broker;
    arguments.options.shape = arguments.shape;
    const auto made = Segment::create(arguments.name, plan, std::span<const std::byte>{}, arguments.options);
    if (made.info().huge_pages != arguments.options.huge_pages) {
        complain("there are no such huge pages, so it is made of ordinary ones");
    }
}

void get(Broker& broker, const std::string& name, const std::string& range_text) {
    const Segment segment = open(broker, name, Access::read);
    const SegmentInfo& info = segment.info();
    const Element& element = info.element;
    std::span<const std::byte> elements = segment.payload();
    std::vector<std::byte> value(element.size);
    if (info.form == Form::value) {
        segment.load(value);
        elements = value;
    }
    const bool is_one = info.form == Form::value && range_text.empty();
    const Range range = range_text.empty() ? Range{.first = 0, .last = info.count, .is_one = is_one}
                                           : Range::of(range_text, info.count, info.type());
    const auto part = elements.subspan(range.first * element.size, (range.last - range.first) * element.size);
    std::string text;
    if (range.is_one) {
        append_element(text, element, part);
    } else {
        append_elements(text, element, part, [](std::string& so_far) {
            if (so_far.size() >= printed_at_once) {
                print(so_far);
                so_far.clear();
            }
        });
    }
    print(text + '\n');
}

bool destroy(Broker& broker, const std::vector<std::string>& names) {
    return for_each(names, [&](const std::string& name) { broker.destroy(name); });
}

bool change(Broker& broker, const std::vector<std::string>& names, const Changed& to) {
    return for_each(names, [&](const std::string& name) { broker.change(name, to); });
}

bool freeze(Broker& broker, const std::vector<std::string>& names) {
    return for_each(names, [&](const std::string& name) { open(broker, name, Access::read).freeze(); });
}

void stats(Broker& broker, bool as_json) {
    const Statistics statistics = broker.statistics();
    print(as_json ? json_of(statistics) : text_of(statistics));
}

bool doctor(Broker& broker) {
    const Diagnosis diagnosis = diagnose(broker);
    print(text_of(diagnosis));
    return diagnosis.findings.empty();
}

} // namespace memshare::ctl
