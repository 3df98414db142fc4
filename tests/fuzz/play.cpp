#include "tests/fuzz/play.h"

#include "tests/fuzz/call_json.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <iostream>

namespace memshare::fuzz {
namespace {

constexpr std::uint32_t holder_bits = (1U << 30) - 1;

const std::array users{User{0, 0, {}}, User{1000, 1000, {shared_group}}, User{1001, 1001, {shared_group}},
                       User{1002, 1002, {}}};

Json told(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

} // namespace

Play::Play(Bytes bytes) : bytes_(bytes) {
    for (const std::size_t user : {0U, 1U, 1U, 2U, 3U}) {
        processes_.push_back({.user = users.at(user), .number = ++last_process_, .writable = {}});
    }
    for (const std::size_t process : {1U, 1U, 2U, 3U, 3U, 4U, 4U, 0U}) {
        connections_.push_back({.process = process});
    }
}

void Play::must(bool holds, const std::string& what) const {
    if (!holds) {
        std::cerr << story_ << "this does not hold: " << what << '\n';
        std::abort();
    }
}

void Play::play() {
    for (std::size_t step = 0; step < most_steps && !bytes_.are_over(); ++step) {
        this->step();
        look_at_seals();
        check_counts();
        if (!service_.has_work()) {
            check_headers();
        }
    }
    finish();
}

void Play::step() {
    constexpr std::size_t calls = 12;
    const std::size_t how = bytes_.below(calls + 8);
    Connection& connection = connections_.at(bytes_.below(connections_.size()));
    if (connection.session == 0) {
        connect(connection);
    }
    switch (how) {
        case calls: // seldom: the kernel takes milliseconds for that
            seal();
            break;
        case calls + 2:
            lock(connection);
            break;
        case calls + 3:
            leave(connection);
            break;
        case calls + 4:
            die(connection.process);
            break;
        case calls + 5:
            tell("the work that waits is done");
            service_.work();
            break;
        case calls + 6:
            become(processes_.at(connection.process));
            break;
        default:
            call(connection, invention_.next(connection.session));
    }
}

void Play::connect(Connection& connection) {
    const Process& process = processes_.at(connection.process);
    const HolderId holder = service_.open(process.number, process.user);
    connection.session = static_cast<int>(holder);
    model_.open(connection.session, process.number, process.user);
    sessions_[connection.session].process = connection.process;
    invention_.learn_session(connection.session);
    const Answer hello = service_.answer(holder, {{"method", "io.memshare.Broker.Hello"}});
    sessions_[connection.session].token = hello.parameters.at("token");
    tell("session " + std::to_string(holder) + " of user " + std::to_string(process.user.uid) +
         ", in process " + std::to_string(process.number));
}

// The connection breaks. Its session goes on without one, if it has anything.
void Play::leave(Connection& connection) {
    tell("the connection of session " + std::to_string(connection.session) + " breaks");
    if (model_.holds_nothing(connection.session)) {
        end(connection.session);
    }
    connection.session = 0;
}

// From now on its new connections are another user's. Its sessions stay as they are, until it goes on with
// one.
void Play::become(Process& process) {
    process.user = bytes_.one_of(users);
    tell("process " + std::to_string(process.number) + " becomes user " + std::to_string(process.user.uid));
}

void Play::die(std::size_t process) {
    tell("process " + std::to_string(processes_.at(process).number) + " is killed");
    std::vector<int> ended;
    for (const auto& [number, session] : sessions_) {
        if (session.process == process && model_.lives(number)) {
            ended.push_back(number);
        }
    }
    for (const int session : ended) {
        end(session);
    }
    processes_.at(process).writable.clear();
    processes_.at(process).number = ++last_process_;
    for (Connection& connection : connections_) {
        if (connection.process == process) {
            connection.session = 0;
        }
    }
}

void Play::end(int session) {
    service_.end(static_cast<HolderId>(session));
    model_.end(session);
}

// A process seals memory that it was given, through its own descriptor; it need not have it attached any
// more.
void Play::seal() {
    constexpr std::array seals{F_SEAL_WRITE, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL};
    const std::string id = invention_.id();
    const int added = bytes_.one_of(seals);
    const Inode inode = memory_.inode(id);
    for (const Process& process : processes_) {
        const auto descriptor = process.writable.find(inode);
        if (descriptor != process.writable.end()) {
            const bool done = add_seal(descriptor->second.number(), added);
            tell("process " + std::to_string(process.number) + " adds seal " + std::to_string(added) +
                 " to " + id + (done ? "" : ", in vain"));
            return;
        }
    }
}

// What the kernel allowed is so, in the model too.
void Play::look_at_seals() {
    for (const auto& [id, known] : model_.segments()) {
        RightsModel::Segment& segment = *model_.find(id);
        segment.sealed_for_all = memory_.is_sealed_for_all(id);
        segment.sealed_for_new_writers = memory_.is_sealed_for_new_writers(id);
    }
}

void Play::lock(Connection& connection) {
    const std::string id = invention_.id();
    const RightsModel::Segment* segment = model_.find(id);
    if (segment == nullptr || segment->exclusive_writer ||
        !segment->attachments.contains(connection.session) ||
        segment->attachments.at(connection.session).writers == 0 ||
        (memory_.lock_word(id) & holder_bits) != 0) {
        return;
    }
    const Process& process = processes_.at(connection.process);
    write_lock_word(process.writable.at(memory_.inode(id)).number(),
                    static_cast<std::uint32_t>(connection.session));
    tell("session " + std::to_string(connection.session) + " locks " + id);
}

void Play::call(Connection& connection, const Call& call) {
    const int session = connection.session;
    const Json json = json_of(call, [this](int number) {
        const auto known = sessions_.find(number);
        return known != sessions_.end() ? known->second.token : "11111111-1111-4111-8111-111111111111";
    });
    tell("session " + std::to_string(session) + " calls " + json.dump());
    const Answers allowed = model_.answers(session, call);
    const Answer answer = service_.answer(static_cast<HolderId>(session), json);
    tell("    " + (answer.error.empty() ? answer.parameters.dump() : answer.error));
    if (!allowed.contains(answer.error)) {
        std::string all;
        for (const std::string& one : allowed) {
            all += (all.empty() ? "" : " or ") + (one.empty() ? "success" : one);
        }
        must(false, "the answer is " + all);
    }
    if (!answer.error.empty()) {
        must(answer.fd < 0, "a refusal brings no descriptor");
        model_.refused(session, call, answer.error);
        return;
    }
    const bool gives_memory = std::holds_alternative<Create>(call) || std::holds_alternative<Attach>(call);
    must(gives_memory == (answer.fd >= 0), "a descriptor comes with memory, and with nothing else");
    const std::string id = gives_memory ? std::string(answer.parameters.at("segment").at("id")) : "";
    if (gives_memory) {
        const std::string meant = model_.meant(session, call);
        must(meant.empty() || meant == id, "the segment is the one that was asked for");
        if (model_.find(id) == nullptr) {
            memory_.learn(id, answer.fd);
            invention_.learn(id);
        }
    }
    model_.succeeded(session, call, id);
    std::visit([&](const auto& one) { take(connection, one, answer); }, call);
}

void Play::take(Connection& connection, const Create& /*call*/, const Answer& answer) {
    take_memory(connection, Access::write, answer);
}

void Play::take(Connection& connection, const Attach& call, const Answer& answer) {
    take_memory(connection, call.access, answer);
}

void Play::take_memory(const Connection& connection, Access access, const Answer& answer) {
    const std::string id = answer.parameters.at("segment").at("id");
    const RightsModel::Segment* segment = model_.find(id);
    must(segment != nullptr && memory_.inode(id) == inode_of(answer.fd),
         "the descriptor is of the segment that was asked for");
    must(is_writable(answer.fd) == (access == Access::write), "the descriptor is as the access");
    struct stat status{};
    must(fstat(answer.fd, &status) == 0 && (status.st_mode & 0777) == 0600,
         "nobody else can open the memory anew");
    const auto attachment = segment->attachments.find(connection.session);
    must(attachment != segment->attachments.end() &&
             (access == Access::read ? attachment->second.readers : attachment->second.writers) > 0,
         "what the session is given counts as attached");
    check_described(answer.parameters.at("segment"));
    if (access == Access::write) {
        processes_.at(connection.process)
            .writable.insert_or_assign(memory_.inode(id), proto::Fd::duplicate(answer.fd).value());
    }
}

void Play::take(Connection& connection, const Describe& /*call*/, const Answer& answer) {
    check_described(answer.parameters.at("segment"));
    const RightsModel::Segment& segment = *model_.find(std::string(answer.parameters.at("segment").at("id")));
    std::multiset<std::pair<std::uint32_t, std::string>> expected;
    std::multiset<std::pair<std::uint32_t, std::string>> seen;
    for (const auto& [session, attachment] : segment.attachments) {
        expected.emplace(model_.user(session).uid,
                         word_of(attachment.writers > 0 ? Access::write : Access::read));
    }
    for (const Json& one : answer.parameters.at("attachments")) {
        seen.emplace(one.at("uid"), one.at("access"));
    }
    must(seen == expected || !model_.may(connection.session, Access::read, segment),
         "the attachments are those that there are");
}

void Play::take(Connection& connection, const List& call, const Answer& answer) {
    std::set<std::string> seen;
    for (const Json& one : answer.parameters.at("segments")) {
        check_described(one);
        must(seen.insert(one.at("id")).second, "each segment is listed once");
    }
    must(seen == model_.listed(connection.session, call),
         "all that the caller may read is listed, and no more");
}

void Play::take(Connection& connection, const Hello& call, const Answer& answer) {
    const int session = answer.parameters.at("holder");
    must(session == call.resumes.value_or(connection.session), "the session is the one that the token is of");
    must(answer.session == answer.parameters.at("holder"), "the connection goes on as this session's");
    must(answer.parameters.at("token") == Json(sessions_.at(session).token), "a session keeps its token");
    for (Connection& other : connections_) {
        if (&other != &connection && other.session == session) {
            other.session = 0;
        }
    }
    connection.session = session;
}

void Play::take(Connection& connection, const Goodbye& /*call*/, const Answer& answer) {
    must(answer.ends_connection, "a session's end is its connection's");
    connection.session = 0;
}

void Play::check_described(const Json& described) const {
    const RightsModel::Segment* segment = model_.find(std::string(described.at("id")));
    must(segment != nullptr, "what is told of exists");
    must(described.value("name", Json()) == told(segment->name), "its name is told");
    must(described.at("form") == segment->type.form && described.at("count") == segment->type.count &&
             described.at("element").at("kind") == segment->type.kind,
         "its type is told");
    must(described.at("lifetime") == word_of(segment->lifetime), "its lifetime is told");
    must(described.at("mode") == segment->mode && described.at("uid") == segment->uid &&
             described.at("gid") == segment->gid,
         "its rights are told");
    must(described.at("frozen") == segment->is_frozen(), "it is told whether it is frozen");
    must(described.value("ended", false) == segment->ended, "it is told whether it has ended");
    must(described.at("attachments") == segment->attachments.size(), "its attachments are counted");
}

void Play::check_counts() const {
    using daemon::Resource;
    const auto named = [](const auto& one) { return one.second.name && !one.second.ended; };
    must(service_.sessions() == model_.sessions() && service_.used(Resource::sessions) == model_.sessions(),
         "sessions are counted");
    must(service_.used(Resource::segments) == model_.segments().size(), "segments are counted");
    must(service_.used(Resource::attachments) == model_.attachments(), "attachments are counted");
    must(service_.used(Resource::names) ==
             static_cast<std::uint64_t>(std::ranges::count_if(model_.segments(), named)),
         "names are counted");
}

// When no work waits, each header says how many wait, and no lock is held by a session that cannot have it.
void Play::check_headers() const {
    for (const auto& [id, segment] : model_.segments()) {
        if (segment.exclusive_writer || segment.sealed_for_all || segment.sealed_for_new_writers) {
            continue; // the broker cannot write there any more
        }
        const auto waits = [](const auto& one) { return one.second.waits; };
        must(memory_.watchers(id) == std::ranges::count_if(segment.attachments, waits),
             "the header of " + id + " counts those who wait");
        const auto holder = static_cast<int>(memory_.lock_word(id) & holder_bits);
        const auto attachment = segment.attachments.find(holder);
        must(holder == 0 || (attachment != segment.attachments.end() && attachment->second.writers > 0),
             "the holder of the lock of " + id + " can write there");
    }
}

void Play::finish() {
    service_.work();
    look_at_seals();
    check_headers();
    tell("all processes are killed");
    for (std::size_t process = 0; process < processes_.size(); ++process) {
        die(process);
    }
    service_.work();
    check_counts();
    Connection& root = connections_.back();
    processes_.at(root.process).user = users.front();
    connect(root);
    while (!model_.segments().empty()) {
        call(root, Destroy{{.name = {}, .id = model_.segments().begin()->first}});
    }
    call(root, Goodbye{});
    service_.work();
    for (std::size_t resource = 0; resource < daemon::resources; ++resource) {
        must(service_.used(static_cast<daemon::Resource>(resource)) == 0,
             std::string(daemon::name_of(static_cast<daemon::Resource>(resource))) + " are given back");
    }
    if (std::getenv("MEMSHARE_FUZZ_TELL") != nullptr) {
        std::cerr << story_;
    }
}

} // namespace memshare::fuzz
