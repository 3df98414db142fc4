#include "daemon/log.h"

#include "daemon/log_limit.h"
#include "daemon/log_queue.h"

#include <spdlog/details/log_msg_buffer.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// Which function an entry comes from says nothing to those who read it.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

namespace memshare::daemon {
namespace {

// The service manager tells which device and inode its stream is (systemd.exec(5), $JOURNAL_STREAM); a child
// whose stderr was redirected has the variable too, but not the stream.
bool stderr_is_the_journal() {
    static const bool is_it = [] {
        struct stat status{};
        const char* stream = std::getenv("JOURNAL_STREAM");
        return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
               std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
    }();
    return is_it;
}

struct Kind {
    std::string_view name, id;
    spdlog::level::level_enum level;
};

// In the order of Report::Event. The ids are for ever.
using enum spdlog::level::level_enum;
constexpr std::array<Kind, 10> kinds{{{"lock_recovered", "4520bebf88b24addb4e9cc90254d7e07", info},
                                      {"lock_lost", "ebc8d439c17e40bcae23df005ba05bcf", err},
                                      {"conversation_ended", "9c868b0f0b9941bebabc498a89d583d1", warn},
                                      {"session_refused", "d56fdffbbac847f69e932882367cbcae", warn},
                                      {"connections_delayed", "e16e177bc26f47fa9847dc766564405b", warn},
                                      {"connections_ended", "37d8b1d604394ab3820d0c4a7864f01c", err},
                                      {"record_lost", "c87785a5c7c04d9b8223c0ab057a7a7b", err},
                                      {"configuration_refused", "b7ba38ecbc1945d7910861f241b6f03e", err},
                                      {"memory_unknown", "2f558698137941358e951a80eb7016e3", err},
                                      {"failed", "81c8d58dcf9d4786a1c7e98a59f0ded8", err}}};

int priority_of(spdlog::level::level_enum level) {
    return level == err ? LOG_ERR : level == warn ? LOG_WARNING : LOG_INFO;
}

// The unit that a process belongs to, if it lives and has one.
std::string unit_of(std::int64_t pid) {
    char* unit = nullptr;
    if (pid <= 0 || sd_pid_get_unit(static_cast<pid_t>(pid), &unit) < 0) {
        return {};
    }
    const std::unique_ptr<char, decltype(&std::free)> owned(unit, &std::free);
    return unit;
}

void write_to_journal(const Kind& kind, const Report& report) {
    std::vector<std::string> fields{"MESSAGE=" + report.sentence, "MESSAGE_ID=" + std::string(kind.id),
                                    "PRIORITY=" + std::to_string(priority_of(kind.level)),
                                    "SYSLOG_IDENTIFIER=memshared",
                                    "MEMSHARE_EVENT=" + std::string(kind.name)};
    if (!report.segment.empty()) {
        fields.push_back("MEMSHARE_SEGMENT=" + report.segment);
    }
    if (report.process) {
        fields.push_back("MEMSHARE_PID=" + std::to_string(report.process->pid));
        fields.push_back("MEMSHARE_UID=" + std::to_string(report.process->uid));
        if (auto unit = unit_of(report.process->pid); !unit.empty()) {
            fields.push_back("MEMSHARE_UNIT=" + std::move(unit));
        }
    }
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) {
        parts.push_back({.iov_base = field.data(), .iov_len = field.size()});
    }
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

// Where entries go in the end, and the queue before it.
class Log {
  public:
    explicit Log(spdlog::sink_ptr end)
        : end_(std::move(end)), queue_([end = end_](std::size_t lost) { tell_lost(*end, lost); }) {}

    const spdlog::sink_ptr& end() const { return end_; }
    LogQueue& queue() { return queue_; }
    LogLimit& limit() { return limit_; }

  private:
    static void tell_lost(spdlog::sinks::sink& end, std::size_t lost) {
        const std::string text =
            std::to_string(lost) + " entries of the log are lost: they were not read in time";
        end.log(spdlog::details::log_msg("memshared", warn, text));
    }

    spdlog::sink_ptr end_;
    LogQueue queue_;
    LogLimit limit_;
};

// Made at the start, before there is anything to log; never destroyed, as the queue's thread may still run at
// the end.
Log* the_log = nullptr; // NOLINT(*-non-const-global-variables)

// What spdlog writes to.
class QueueSink final : public spdlog::sinks::sink {
  public:
    void log(const spdlog::details::log_msg& message) override {
        the_log->queue().write(
            [copy = spdlog::details::log_msg_buffer(message)] { the_log->end()->log(copy); });
    }
    void flush() override {}
    void set_pattern(const std::string& pattern) override { the_log->end()->set_pattern(pattern); }
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
        the_log->end()->set_formatter(std::move(formatter));
    }
};

void write(const Kind& kind, const Report& report) {
    if (stderr_is_the_journal()) {
        the_log->queue().write([&kind, report] { write_to_journal(kind, report); });
    } else {
        spdlog::log(kind.level, "{}", report.sentence);
    }
}

// Whose doing an entry is, if peers can cause as many as they like; of some of them it is not known whose.
constexpr std::uint32_t unknown_user = ~std::uint32_t{0}; // no user has this uid
std::optional<std::uint32_t> limited_user(const Report& report) {
    if (report.process) {
        return report.process->uid;
    }
    const bool is_caused_by_peers =
        report.event == Report::Event::session_refused || report.event == Report::Event::connections_delayed;
    return is_caused_by_peers ? std::optional(unknown_user) : std::nullopt;
}

void tell_suppressed(LogLimit::When when) {
    for (const auto& [user, entries] : the_log->limit().take_suppressed(LogLimit::Clock::now(), when)) {
        spdlog::warn("{} entries about {} were not written: they were too many", entries,
                     user && *user != unknown_user ? "processes of uid " + std::to_string(*user)
                                                   : "processes of others");
    }
}

} // namespace

void start_log(const std::string& level) {
    the_log = new Log(stderr_is_the_journal() // NOLINT(*-owning-memory)
                          ? spdlog::sink_ptr(std::make_shared<spdlog::sinks::systemd_sink_mt>("memshared"))
                          : std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("memshared", std::make_shared<QueueSink>()));
    if (!stderr_is_the_journal()) {
        spdlog::set_pattern("%H:%M:%S.%e %^%l%$ %v");
    }
    set_log_level(level);
}

void set_log_level(const std::string& level) { spdlog::set_level(spdlog::level::from_str(level)); }

bool finish_log() {
    constexpr std::chrono::milliseconds moment{300};
    tell_suppressed(LogLimit::When::at_once);
    return the_log->queue().finish(moment);
}

void log(const Report& report) {
    const Kind& kind = kinds.at(static_cast<std::size_t>(report.event));
    if (!spdlog::should_log(kind.level)) {
        return;
    }
    tell_suppressed(LogLimit::When::in_time);
    const auto user = limited_user(report);
    if (!user || the_log->limit().allows(*user, LogLimit::Clock::now())) {
        write(kind, report);
    }
}

} // namespace memshare::daemon
