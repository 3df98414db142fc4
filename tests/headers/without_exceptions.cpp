// A program without exceptions, which uses all that is compiled into it.
#include <memshare/memshare.hpp>

struct Pose {
    double x, y;
    float heading;
};
MEMSHARE_STRUCT(Pose, x, y, heading)

using namespace std::chrono_literals;

int main() {
    auto number = memshare::Value<int>::create("num");
    number.fetch_add(1);
    number.update([](int& is) { is *= 2; });
    static_cast<void>(number.wait_for(2, 1ms));
    auto pose = memshare::Value<Pose>::create("pose");
    pose.store({});
    pose.update([](Pose& is) { is.x = 1; });
    pose.wait(Pose{});
    auto numbers = memshare::Array<int>::create("arr", 5);
    const std::scoped_lock both(numbers.mutex(), pose.mutex());
    numbers.atomic(1).fetch_add(1);
    numbers.notify_all();
    return numbers.at(1) + static_cast<int>(memshare::Broker::local().list().size());
}
