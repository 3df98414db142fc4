#include "tests/system/attack/attacks.h"

#include "tests/system/attack/field_descriptions.h"
#include "tests/system/attack/folder_lock.h"
#include "tests/system/attack/half_messages.h"
#include "tests/system/attack/idle_connections.h"
#include "tests/system/attack/initial_contents.h"
#include "tests/system/attack/inode_locks.h"
#include "tests/system/attack/kept_segments.h"
#include "tests/system/attack/lingering_sockets.h"
#include "tests/system/attack/list_patterns.h"
#include "tests/system/attack/no_calls.h"
#include "tests/system/attack/punched_headers.h"
#include "tests/system/attack/repeated_attaches.h"
#include "tests/system/attack/spliced_pages.h"
#include "tests/system/attack/unread_replies.h"
#include "tests/system/attack/watched_deaths.h"

namespace memshare::test {

std::span<const Attack> all_attacks() {
    static constexpr std::array all{Attack{"calls far ahead", attack::calls_far_ahead},
                                    Attack{"field descriptions", attack::field_descriptions},
                                    Attack{"folder lock", attack::folder_lock},
                                    Attack{"half messages", attack::half_messages},
                                    Attack{"idle connections", attack::idle_connections},
                                    Attack{"initial contents", attack::initial_contents},
                                    Attack{"inode locks", attack::inode_locks},
                                    Attack{"kept segments", attack::kept_segments},
                                    Attack{"lingering sockets", attack::lingering_sockets},
                                    Attack{"list patterns", attack::list_patterns},
                                    Attack{"no calls", attack::no_calls},
                                    Attack{"punched headers", attack::punched_headers},
                                    Attack{"repeated attaches", attack::repeated_attaches},
                                    Attack{"spliced pages", attack::spliced_pages},
                                    Attack{"unread replies", attack::unread_replies},
                                    Attack{"untouched memory", attack::untouched_memory},
                                    Attack{"watched deaths", attack::watched_deaths}};
    return all;
}

} // namespace memshare::test
