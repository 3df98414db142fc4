#include "client/ctl/doctor.h"

#include "client/ctl/processes.h"
#include "client/ctl/terminal_text.h"
#include <memshare/error.hpp>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <map>
#include <set>
#include <string_view>
#include <thread>

namespace memshare::ctl {
namespace {

constexpr std::chrono::milliseconds between_looks{500};
constexpr std::uint64_t own_descriptors = 64; // that a broker has for itself, at most

using Words = std::initializer_list<std::string_view>;

std::string sentence_of(Words words) {
    std::string sentence;
    for (const std::string_view word : words) {
        sentence += word;
    }
    return sentence;
}

// One look at everything.
class Look {
  public:
    explicit Look(Broker& broker) : statistics_(broker.statistics()), processes_(all_holdings()) {
        for (const SegmentInfo& segment : broker.list()) {
            look_at(broker, segment);
        }
        look_for_strangers();
        look_at_broker();
        diagnosis_.looked_at = std::to_string(attached_.size()) + " segments with " +
                               std::to_string(attachments_) + " attachments, " +
                               std::to_string(processes_.segments.size()) + " processes that have them, " +
                               (broker_was_seen_ ? "and the broker" : "and not the broker");
    }

    Diagnosis diagnosis() && { return std::move(diagnosis_); }

  private:
    void find(Words words) { diagnosis_.findings.push_back(sentence_of(words)); }
    void note(Words words) { diagnosis_.notes.push_back(sentence_of(words)); }

    // Each process that is said to have it has to have it.
    void look_at(Broker& broker, const SegmentInfo& segment) {
        std::vector<AttachmentInfo> all;
        try {
            all = broker.describe(segment.id).attachments;
        } catch (const Error& error) {
            if (error.code() == Errc::no_such_segment) {
                return; // it has ended meanwhile
            }
            throw;
        }
        std::set<std::int64_t>& pids = attached_[segment.id];
        const std::string name = segment.name.empty() ? segment.id : '"' + segment.name + '"';
        for (const AttachmentInfo& one : all) {
            ++attachments_;
            pids.insert(one.pid);
            const std::string who = one.program + '[' + std::to_string(one.pid) + ']';
            if (one.pid == 0) {
                continue; // the broker does not see it either
            }
            if (!is_there(one.pid)) {
                find({name, " is attached to ", who, ", which does not run"});
            } else if (!processes_.closed.contains(one.pid) && !has(one.pid, segment.id)) {
                find({name, " is attached to ", who, ", which has it neither mapped nor open"});
            }
        }
    }

    bool has(std::int64_t pid, const std::string& id) const {
        const auto found = processes_.segments.find(pid);
        return found != processes_.segments.end() && found->second.contains(id);
    }

    // Others may have what they inherited, or were given, or what has ended.
    void look_for_strangers() {
        for (const auto& [pid, ids] : processes_.segments) {
            if (pid == statistics_.pid) {
                continue;
            }
            const std::string who = name_of_process(pid) + '[' + std::to_string(pid) + ']';
            std::size_t unknown = 0;
            for (const std::string& id : ids) {
                const auto known = attached_.find(id);
                unknown += known == attached_.end() ? 1U : 0U;
                if (known != attached_.end() && !known->second.contains(pid)) {
                    note({who, " has ", id, " without a session of its own: it was forked, or given it"});
                }
            }
            if (unknown > 0) {
                note(
                    {who, " has memory of ", std::to_string(unknown),
                     " segments that have ended, that this user may not read, or that are another broker's"});
            }
        }
        if (!processes_.closed.empty()) {
            note({std::to_string(processes_.closed.size()),
                  " processes of others could not be looked at: root could"});
        }
    }

    // It has a descriptor of each segment and of the process of each session, and no more than it says.
    void look_at_broker() {
        const auto files = open_files(statistics_.pid);
        broker_was_seen_ = files && name_of_process(statistics_.pid) == "memshared";
        if (!broker_was_seen_) {
            note({"the broker's process could not be looked at"});
            return;
        }
        expect("processes open", files->pidfds, "sessions");
        expect("segments open", files->memory.size(), "segments");
        std::uint64_t bytes = 0;
        for (const auto& [id, size] : files->memory) {
            bytes += size;
        }
        expect("bytes of memory open", bytes, "bytes");
        if (const std::uint64_t counted = used("descriptors"); files->all > counted + own_descriptors) {
            find({"the broker has ", std::to_string(files->all), " descriptors open, and accounts for ",
                  std::to_string(counted)});
        }
    }

    void expect(const std::string& what, std::uint64_t seen, const std::string& resource) {
        if (const std::uint64_t said = used(resource); seen != said) {
            find({"the broker has ", std::to_string(seen), " ", what, ", and says that there are ",
                  std::to_string(said), " ", resource});
        }
    }

    std::uint64_t used(const std::string& resource) const {
        const auto found = std::ranges::find(statistics_.total, resource, &Usage::resource);
        return found != statistics_.total.end() ? found->used : 0;
    }

    Statistics statistics_;
    Holdings processes_;
    std::map<std::string, std::set<std::int64_t>> attached_; // the pids, by id
    std::size_t attachments_ = 0;
    bool broker_was_seen_ = false;
    Diagnosis diagnosis_;
};

} // namespace

Diagnosis diagnose(Broker& broker) {
    Diagnosis first = Look(broker).diagnosis();
    if (first.findings.empty()) {
        return first;
    }
    std::this_thread::sleep_for(between_looks);
    Diagnosis second = Look(broker).diagnosis();
    std::erase_if(second.findings, [&](const std::string& sentence) {
        return std::ranges::find(first.findings, sentence) == first.findings.end();
    });
    return second;
}

std::string text_of(const Diagnosis& diagnosis) {
    std::string text;
    for (const std::string& sentence : diagnosis.findings) {
        text += "finding: " + on_one_line(sentence) + '\n';
    }
    for (const std::string& sentence : diagnosis.notes) {
        text += "note: " + on_one_line(sentence) + '\n';
    }
    return text + "looked at " + diagnosis.looked_at + ": " + std::to_string(diagnosis.findings.size()) +
           " findings\n";
}

} // namespace memshare::ctl
