// Opens a value and an array that another program has made, by their names, and fills them.
#include <memshare/memshare.hpp>

#include <numeric>

int main() {
    memshare::Value<double>::open("num").store(3.1415926);
    auto arr = memshare::Array<int>::open("arr");
    std::iota(arr.begin(), arr.end(), 0); // NOLINT(modernize-use-ranges): std::ranges::iota is C++23
}
