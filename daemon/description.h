// A segment in the words of the interface.
#pragma once

#include "daemon/registry.h"

namespace memshare::daemon {

proto::Segment described(const Segment& segment);

// The same without the fields of its element, so that it is short.
proto::Segment described_in_short(const Segment& segment);
// Its name, or the id of one that has none.
std::string name_of(const Segment& segment);

} // namespace memshare::daemon
