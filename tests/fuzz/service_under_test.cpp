#include "tests/fuzz/service_under_test.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>

namespace memshare::fuzz {
namespace {

// Of this process, which lives on: the fuzzer says when a session's process ends.
std::shared_ptr<const proto::Fd> some_process() {
    static const auto process = std::make_shared<const proto::Fd>(
        proto::Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0U))));
    return process;
}

// "io.memshare.Broker.NoSuchSegment" is "NoSuchSegment"; of InvalidParameter the parameter is told too.
std::string short_name(const Json& reply) {
    const std::string full = reply.at("error");
    std::string name = full.substr(full.rfind('.') + 1);
    if (name == "InvalidParameter") {
        name += " " + std::string(reply.at("parameters").at("parameter"));
    }
    return name;
}

} // namespace

HolderId ServiceUnderTest::open(int process, const User& user) {
    const auto number = static_cast<std::uint64_t>(process);
    auto charge = service_.admit(user.uid);
    auto session =
        service_.welcome({.caller = {.uid = user.uid, .gid = user.gid, .groups = daemon::Groups(user.groups)},
                          .pid = 1000 + process,
                          .process_inode = 5000 + number,
                          .program = "program",
                          .process = some_process()},
                         {.charge = std::move(charge).value()});
    return session.value();
}

Answer ServiceUnderTest::answer(HolderId session, const Json& call) {
    const std::string text = call.dump();
    proto::JsonDocument document;
    const auto read = proto::read_call(document, text);
    last_ = {};
    service_.answer(session, read.value(), last_);
    while (last_.condition && !last_.condition->met) {
        work_once();
    }
    while (last_.text.empty() && last_.next) { // the reply is made in steps
        last_.next(last_);
    }
    Answer answer{.error = {}, .parameters = {}, .session = last_.session, .ends_connection = last_.hang_up};
    if (last_.condition && last_.condition->refusal) {
        last_.text.clear();
        last_.fd = -1;
        proto::write_refusal(last_.text, *last_.condition->refusal);
    }
    registry_.take_released();
    const Json reply = Json::parse(last_.text);
    if (reply.contains("error")) {
        answer.error = short_name(reply);
    } else {
        answer.parameters = reply.at("parameters");
    }
    answer.fd = last_.fd;
    last_.next = nullptr;
    last_.stream = {};
    return answer;
}

void ServiceUnderTest::end(HolderId session) {
    service_.end_session(*registry_.find_session(session));
    registry_.take_released();
}

void ServiceUnderTest::work() {
    while (has_work()) {
        work_once();
    }
}

void ServiceUnderTest::work_once() {
    if (waiting_.empty()) {
        throw std::logic_error("an answer waits for work that nobody does");
    }
    daemon::Work work = std::move(waiting_.front());
    waiting_.pop_front();
    if (auto done = work.run()) {
        done();
    }
    registry_.take_released();
}

} // namespace memshare::fuzz
