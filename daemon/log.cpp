#include "daemon/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace memshare::daemon {
namespace {

// The service manager tells which device and inode its stream is (systemd.exec(5), $JOURNAL_STREAM); a child
// whose stderr was redirected has the variable too, but not the stream.
bool stderr_is_the_journal() {
    struct stat status{};
    const char* stream = std::getenv("JOURNAL_STREAM");
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

} // namespace

void start_log(const std::string& level) {
    const bool journal = stderr_is_the_journal();
    spdlog::set_default_logger(journal ? spdlog::systemd_logger_st("memshared")
                                       : spdlog::stderr_color_mt("memshared"));
    if (!journal) {
        spdlog::set_pattern("%H:%M:%S.%e %^%l%$ %v");
    }
    set_log_level(level);
}

void set_log_level(const std::string& level) { spdlog::set_level(spdlog::level::from_str(level)); }

} // namespace memshare::daemon
