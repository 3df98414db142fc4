// A user's program that uses TYPE, which the test chooses.
#include <memshare/memshare.hpp>

#include <string>

std::size_t use() { return sizeof(TYPE); }
