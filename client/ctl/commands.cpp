#include "client/ctl/commands.h"

#include "client/ctl/doctor.h"
#include "client/ctl/elements.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include <memshare/segment.hpp>

#include <grp.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <iostream>
#include <mutex>
#include <stdexcept>

namespace memshare::ctl {
namespace {

Segment open(Broker& broker, const std::string& name_or_id, Access access) {
    const SegmentInfo info = broker.describe(name_or_id).segment;
    return Segment::open_by_id(info.id, access, {}, {.broker = &broker});
}

// An element is written in one piece, so that nobody ever sees half of it.
template <typename Bits> void copy_at_once(std::span<std::byte> to, std::span<const std::byte> from) {
    Bits bits{};
    std::memcpy(&bits, from.data(), sizeof(bits));
    std::atomic_ref<Bits>(*reinterpret_cast<Bits*>(to.data())).store(bits);
}

void store(std::span<std::byte> to, std::span<const std::byte> from) {
    switch (from.size()) {
        case 1:
            copy_at_once<std::uint8_t>(to, from);
            break;
        case 2:
            copy_at_once<std::uint16_t>(to, from);
            break;
        case 4:
            copy_at_once<std::uint32_t>(to, from);
            break;
        case 8:
            copy_at_once<std::uint64_t>(to, from);
            break;
        default:
            std::ranges::copy(from, to.begin());
    }
}

std::size_t index_of(std::string_view text, std::size_t count, std::size_t missing) {
    if (text.empty()) {
        return missing;
    }
    std::size_t index = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        throw std::invalid_argument('"' + std::string(text) + "\" is not an index");
    }
    if (index > count) {
        throw std::invalid_argument("index " + std::string(text) + " of an array of " +
                                    std::to_string(count));
    }
    return index;
}

ElementKind kind_of_word(const std::string& word) {
    const auto found = std::ranges::find(abi::kind_names, word);
    return static_cast<ElementKind>(found - abi::kind_names.begin());
}

} // namespace

Range Range::of(const std::string& text, std::size_t count) {
    const std::size_t colon = text.find(':');
    const auto first = std::string_view(text).substr(0, colon);
    if (colon == std::string::npos) {
        const std::size_t index = index_of(first, count, 0);
        if (index == count) {
            throw std::invalid_argument("index " + text + " of an array of " + std::to_string(count));
        }
        return {.first = index, .last = index + 1, .is_one = true};
    }
    const Range range{.first = index_of(first, count, 0),
                      .last = index_of(std::string_view(text).substr(colon + 1), count, count)};
    if (range.first > range.last) {
        throw std::invalid_argument("range " + text + " ends before it begins");
    }
    return range;
}

void list(Broker& broker, const std::string& pattern, bool as_json) {
    const auto segments = broker.list(pattern);
    std::cout << (as_json ? json_of(segments) : table_of(segments));
}

void show(Broker& broker, const std::string& name, bool as_json) {
    const auto description = broker.describe(name);
    std::cout << (as_json ? json_of(description) : description_of(description));
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
        std::cerr << "memsharectl: there are no such huge pages, so it is made of ordinary ones\n";
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
                                           : Range::of(range_text, info.count);
    const auto part = elements.subspan(range.first * element.size, (range.last - range.first) * element.size);
    std::cout << (range.is_one ? element_text(element, part) : elements_text(element, part)) << '\n';
}

namespace {

void expect_fit(const SegmentInfo& info, std::size_t bytes, std::size_t first, std::size_t room) {
    if (bytes > room) {
        throw std::invalid_argument(std::to_string(bytes / info.element.size) + " elements from index " +
                                    std::to_string(first) + " do not fit into " + info.type());
    }
}

// The fields of a struct that are not set stay as they are, so nobody else may set them meanwhile.
void set_value(Segment& segment, const std::vector<std::string>& words) {
    const SegmentInfo& info = segment.info();
    std::unique_lock lock(segment.mutex(), std::defer_lock);
    if (info.element.kind == ElementKind::structure) {
        lock.lock();
    }
    std::vector<std::byte> value(info.size_bytes);
    segment.load(value);
    const auto bytes = elements_of(info.element, words, value);
    expect_fit(info, bytes.size(), 0, value.size());
    segment.store(bytes);
}

void set_elements(const Segment& segment, const std::vector<std::string>& words, std::size_t first) {
    const SegmentInfo& info = segment.info();
    const auto room = segment.payload().subspan(first * info.element.size);
    const auto bytes = elements_of(info.element, words, room);
    expect_fit(info, bytes.size(), first, room.size());
    for (std::size_t at = 0; at < bytes.size(); at += info.element.size) {
        store(room.subspan(at), std::span(bytes).subspan(at, info.element.size));
    }
    segment.changes().notify_all();
}

} // namespace

void set(Broker& broker, const std::string& name, const std::vector<std::string>& words, std::size_t first) {
    Segment segment = open(broker, name, Access::write);
    if (first >= segment.info().count) {
        throw std::invalid_argument("index " + std::to_string(first) + " of " + segment.info().type());
    }
    if (segment.info().form == Form::value) {
        set_value(segment, words);
    } else {
        set_elements(segment, words, first);
    }
}

void destroy(Broker& broker, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        broker.destroy(name);
    }
}

std::uint32_t mode_of(const std::string& octal) {
    std::uint32_t mode = 0;
    const char* const end = octal.data() + octal.size();
    const auto [read, failure] = std::from_chars(octal.data(), end, mode, 8);
    if (failure != std::errc{} || read != end) {
        throw std::invalid_argument('"' + octal + "\" is not a mode in octal, like 0640");
    }
    return mode;
}

std::uint32_t group_of(const std::string& name_or_number) {
    if (const group* known = getgrnam(name_or_number.c_str())) {
        return known->gr_gid;
    }
    std::uint32_t gid = 0;
    const char* const end = name_or_number.data() + name_or_number.size();
    const auto [read, failure] = std::from_chars(name_or_number.data(), end, gid);
    if (failure != std::errc{} || read != end) {
        throw std::invalid_argument("there is no group \"" + name_or_number + '"');
    }
    return gid;
}

void change(Broker& broker, const std::vector<std::string>& names, const Changed& to) {
    for (const std::string& name : names) {
        broker.change(name, to);
    }
}

void freeze(Broker& broker, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        open(broker, name, Access::read).freeze();
    }
}

void stats(Broker& broker, bool as_json) {
    const Statistics statistics = broker.statistics();
    std::cout << (as_json ? json_of(statistics) : text_of(statistics));
}

bool doctor(Broker& broker) {
    const Diagnosis diagnosis = diagnose(broker);
    std::cout << text_of(diagnosis);
    return diagnosis.findings.empty();
}

void watch(Broker& broker, const std::string& pattern, bool as_json) {
    broker.watch(pattern, [as_json](const Event& event) {
        std::cout << (as_json ? json_of(event) : line_of(event)) << std::flush;
        return std::cout.good(); // whoever reads this may have heard enough
    });
}

} // namespace memshare::ctl
