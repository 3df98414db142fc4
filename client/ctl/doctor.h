// Compares what a broker says with what the kernel says of its processes.
#pragma once

#include <memshare/broker.hpp>

#include <string>
#include <vector>

namespace memshare::ctl {

struct Diagnosis {
    std::vector<std::string> findings; // what should not be, in sentences
    std::vector<std::string> notes;    // what is as it may be, or could not be looked at
    std::string looked_at;             // "3 segments with 5 attachments, ..."
};

// Looks once, and if that finds anything a second time, as processes come and go meanwhile: only what is so
// both times is a finding. Throws Error, as the broker's calls do.
Diagnosis diagnose(Broker& broker);

std::string text_of(const Diagnosis& diagnosis);

} // namespace memshare::ctl
