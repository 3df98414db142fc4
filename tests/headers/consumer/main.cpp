// A program of somebody else's. There is no broker for it, which it should be told in a sentence.
#include <memshare/memshare.hpp>

#include <iostream>

int main() {
    memshare::Broker nobody("/nonexistent/socket");
    try {
        memshare::Value<double>::create("num", 0.0, {.broker = &nobody});
    } catch (const memshare::Error& error) {
        std::cout << error.what() << '\n';
        return error.code() == memshare::Errc::no_broker ? 0 : 1;
    }
    return 1;
}
