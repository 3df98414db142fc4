// A user's program that takes an element of TYPE, which the test chooses, for an atomic.
#include <memshare/memshare.hpp>

struct FourShorts {
    short a, b, c, d;
};
struct alignas(8) FourAlignedShorts {
    short a, b, c, d;
};

TYPE use(const memshare::Array<TYPE>& array) { return array.atomic(0).load(); }
