// The archive that the service manager keeps from one process of ours to the next.
#pragma once

#include "daemon/archive.h"
#include "daemon/service_manager.h"

namespace memshare::daemon {

// From what it has kept, or a new one, if that is nothing yet; one that keeps nothing, if there is nobody who
// does. From here on it is kept. What is of another format, or damaged, stays as it is, and the log says so.
// An error, if no archive can be begun.
proto::Result<std::unique_ptr<Archive>> open_archive(KeptDescriptors kept);

} // namespace memshare::daemon
