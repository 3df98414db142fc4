// The archive that the service manager keeps from one process of ours to the next.
#pragma once

#include "daemon/archive.h"
#include "daemon/service_manager.h"

namespace memshare::daemon {

// From what it has kept, or a new one, if that is nothing yet; one that keeps nothing, if there is nobody who
// does. From here on it is kept. An error, if what there is cannot be read: then it stays as it is.
proto::Result<std::unique_ptr<Archive>> open_archive(KeptDescriptors kept);

} // namespace memshare::daemon
