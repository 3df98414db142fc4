// Makes a value and an array, waits until another program has filled them, and prints what it finds.
#include <memshare/memshare.hpp>

#include <iostream>

int main() {
    auto num = memshare::Value<double>::create("num", 0.0);
    auto arr = memshare::Array<int>::create("arr", 5);

    std::cout << "made num and arr\n" << std::flush; // the script waits for this line
    std::cin.get();                                  // and tells us here that they are filled

    std::cout.precision(8);
    std::cout << num.load() << "\n[";
    for (const char* between = ""; const int element : arr) {
        std::cout << between << element;
        between = ", ";
    }
    std::cout << "]\n" << std::flush;
    std::cin.get();
}
