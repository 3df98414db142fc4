// What a program reads: the same as the broker's own JSON.
#pragma once

#include <memshare/broker.hpp>

#include <string>
#include <vector>

namespace memshare::ctl {

std::string json_of(const std::vector<SegmentInfo>& segments);
std::string json_of(const SegmentDescription& description);
std::string json_of(const Statistics& statistics);

// On one line, so that a stream of them can be read line by line.
std::string json_of(const Event& event);

} // namespace memshare::ctl
