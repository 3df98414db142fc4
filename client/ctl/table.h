// What a person reads: tables of segments, all about one, and what is used.
#pragma once

#include <memshare/broker.hpp>

#include <string>
#include <vector>

namespace memshare::ctl {

std::string table_of(const std::vector<SegmentInfo>& segments);
std::string description_of(const SegmentDescription& description);
std::string line_of(const Event& event);
std::string text_of(const Statistics& statistics);

// Each word of the interface, as in options and JSON.
std::string_view word_for(Lifetime lifetime);
std::string_view word_for(HugePages pages);
std::string_view word_for(Access access);
std::string_view word_for(EventKind kind);
std::string octal(std::uint32_t mode);

} // namespace memshare::ctl
