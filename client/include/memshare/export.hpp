// What of the library can be seen from outside.
#pragma once

#define MEMSHARE_EXPORT __attribute__((visibility("default")))
