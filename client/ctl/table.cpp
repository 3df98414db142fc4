#include "client/ctl/table.h"

#include "client/ctl/terminal_text.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace memshare::ctl {
namespace {

using Row = std::vector<std::string>;

// Characters, not bytes: names are UTF-8.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Names, fields and programs are other users' words, so each cell is made safe for a terminal.
std::string aligned(std::vector<Row> rows) {
    for (Row& row : rows) {
        std::ranges::transform(row, row.begin(), on_one_line);
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], width(row[column]));
        }
    }
    std::string text;
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            const bool last = column + 1 == row.size();
            text += row[column] + (last ? "\n" : std::string(widths[column] - width(row[column]) + 2, ' '));
        }
    }
    return text;
}

std::string user_name(std::uint32_t uid) {
    const passwd* user = getpwuid(uid);
    return user != nullptr ? user->pw_name : std::to_string(uid);
}

std::string process_words(const std::string& program, std::int64_t pid) {
    return program + '[' + std::to_string(pid) + ']';
}

std::string time_words(Time time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm local{};
    std::array<char, 64> text{};
    static_cast<void>(localtime_r(&seconds, &local));
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local)};
}

std::string shape_words(const std::vector<std::uint64_t>& shape) {
    std::string words;
    for (const std::uint64_t dimension : shape) {
        words += (words.empty() ? "" : " x ") + std::to_string(dimension);
    }
    return words;
}

std::string lock_words(const LockInfo& lock) {
    if (!lock.holder) {
        return "free";
    }
    return "held by " + process_words(lock.holder->program, lock.holder->pid) + " of " +
           user_name(lock.holder->uid) + (lock.waiting ? ", and waited for" : "");
}

void add_usage(std::vector<Row>& rows, const std::string& user, const std::vector<Usage>& resources) {
    for (const Usage& usage : resources) {
        rows.push_back({user, usage.resource, std::to_string(usage.used), std::to_string(usage.limit)});
    }
}

std::string shown_name(const SegmentInfo& segment) {
    return segment.name.empty() ? '(' + segment.id + ')' : segment.name;
}

std::string pages_words(HugePages pages) {
    return pages == HugePages::no ? "ordinary" : "huge: " + std::string(word_for(pages));
}

} // namespace

std::string_view word_for(Lifetime lifetime) {
    static constexpr std::array<std::string_view, 3> words{"creator", "attached", "persistent"};
    return words[static_cast<std::size_t>(lifetime)];
}

std::string_view word_for(HugePages pages) {
    static constexpr std::array<std::string_view, 4> words{"no", "transparent", "size_2m", "size_1g"};
    return words[static_cast<std::size_t>(pages)];
}

std::string_view word_for(Access access) { return access == Access::write ? "write" : "read"; }

std::string_view word_for(EventKind kind) {
    static constexpr std::array<std::string_view, 8> words{
        "ready", "created", "published", "changed", "attached", "detached", "ended", "lock_recovered"};
    return words[static_cast<std::size_t>(kind)];
}

std::string line_of(const Event& event) {
    const std::string lost = event.lost > 0 ? "(" + std::to_string(event.lost) + " events were lost)\n" : "";
    std::string line = time_words(event.time) + "  " + std::string(word_for(event.kind));
    if (event.segment) {
        line += "  " + shown_name(*event.segment) + "  " + event.segment->type();
    }
    if (event.process) {
        line += "  " + process_words(event.process->program, event.process->pid) + " of " +
                user_name(event.process->uid);
    }
    return lost + on_one_line(line) + '\n';
}

std::string octal(std::uint32_t mode) {
    std::string digits = "0000";
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, mode >>= 3) {
        *digit = static_cast<char>('0' + (mode & 7));
    }
    return digits;
}

std::string table_of(const std::vector<SegmentInfo>& segments) {
    std::vector<Row> rows{{"NAME", "TYPE", "BYTES", "OWNER", "MODE", "LIFETIME", "CREATOR", "ATTACHED"}};
    for (const SegmentInfo& segment : segments) {
        rows.push_back({shown_name(segment), segment.type(), std::to_string(segment.size_bytes),
                        user_name(segment.uid), octal(segment.mode), std::string(word_for(segment.lifetime)),
                        process_words(segment.creator_program, segment.creator_pid),
                        std::to_string(segment.attachments)});
    }
    return aligned(rows);
}

std::string description_of(const SegmentDescription& description) {
    const SegmentInfo& segment = description.segment;
    std::vector<Row> rows{{"name", segment.name.empty() ? "(none)" : segment.name},
                          {"id", segment.id},
                          {"type", segment.type()},
                          {"bytes", std::to_string(segment.size_bytes)},
                          {"pages", pages_words(segment.huge_pages)},
                          {"lifetime", std::string(word_for(segment.lifetime))},
                          {"owner", user_name(segment.uid) + ", group " + std::to_string(segment.gid)},
                          {"mode", octal(segment.mode) + (segment.frozen ? ", frozen" : "")},
                          {"creator", process_words(segment.creator_program, segment.creator_pid)},
                          {"created", time_words(segment.created)}};
    if (!segment.shape.empty()) {
        rows.insert(rows.begin() + 3, {"shape", shape_words(segment.shape)});
    }
    for (const Field& field : segment.element.fields) {
        const std::string count = field.count == 1 ? "" : '[' + std::to_string(field.count) + ']';
        rows.push_back({"field", field.name + ": " + std::string(abi::name_of(field.kind)) + count + " at " +
                                     std::to_string(field.offset)});
    }
    rows.push_back({"lock", lock_words(description.lock)});
    if (const auto& dead = description.lock.last_recovery) {
        rows.push_back({"recovered", "from " + process_words(dead->program, dead->pid) + " of " +
                                         user_name(dead->uid) + " at " + time_words(dead->time) + ", " +
                                         std::to_string(description.lock.recoveries) + " in all"});
    }
    for (const AttachmentInfo& attachment : description.attachments) {
        rows.push_back({"attached", process_words(attachment.program, attachment.pid) + " of " +
                                        user_name(attachment.uid) + " to " +
                                        std::string(word_for(attachment.access)) + " since " +
                                        time_words(attachment.since)});
    }
    return aligned(rows);
}

std::string text_of(const Statistics& statistics) {
    const Counters& counters = statistics.counters;
    std::vector<Row> usage{{"USER", "RESOURCE", "USED", "LIMIT"}};
    for (const UserUsage& user : statistics.users) {
        add_usage(usage, user_name(user.uid), user.usage);
    }
    add_usage(usage, "(all)", statistics.total);
    return aligned({{"broker", process_words("memshared", statistics.pid)},
                    {"started", time_words(statistics.started)},
                    {"calls", std::to_string(counters.calls)},
                    {"refusals", std::to_string(counters.refusals)},
                    {"sessions", std::to_string(counters.sessions)},
                    {"segments", std::to_string(counters.segments)},
                    {"attachments", std::to_string(counters.attachments)},
                    {"locks recovered", std::to_string(counters.recoveries)},
                    {"events lost", std::to_string(counters.events_lost)},
                    {"longest step", std::to_string(counters.longest_step.count()) + " us"},
                    {"steps over 5 ms", std::to_string(counters.steps_over_5_ms)}}) +
           '\n' + aligned(usage);
}

} // namespace memshare::ctl
