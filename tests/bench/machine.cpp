#include "tests/bench/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace memshare::bench {
namespace {

// As sched_setattr(2) has it, for which the C library (2.36) has nothing.
struct SchedulingAttributes {
    std::uint32_t size = sizeof(SchedulingAttributes);
    std::uint32_t policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t nanoseconds_at_a_time = 0, deadline = 0, period = 0;
};

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) ? line : "unknown";
}

std::string processor_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown";
}

Processors own_processors() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
        throw std::system_error(errno, std::system_category(), "sched_getaffinity");
    }
    Processors processors;
    for (std::size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &allowed)) {
            processors.push_back(processor);
        }
    }
    return processors;
}

void set_affinity(const Processors& processors, pid_t thread) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    for (const std::size_t processor : processors) {
        CPU_SET(processor, &allowed);
    }
    if (sched_setaffinity(thread, sizeof(allowed), &allowed) != 0) {
        throw std::system_error(errno, std::system_category(), "sched_setaffinity");
    }
}

} // namespace

std::string machine_in_words() {
    utsname kernel{};
    uname(&kernel);
    const std::string huge_pages = "/sys/kernel/mm/transparent_hugepage/";
    std::ostringstream words;
    words << "processors:  " << all_processors().size() << " of " << sysconf(_SC_NPROCESSORS_ONLN) << ", "
          << processor_model() << ", governor "
          << first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") << '\n'
          << "kernel:      " << kernel.sysname << ' ' << kernel.release << ' ' << kernel.machine << '\n'
          << "load:        " << first_line("/proc/loadavg") << '\n'
          << "huge pages:  private " << first_line(huge_pages + "enabled") << "; shared "
          << first_line(huge_pages + "shmem_enabled") << '\n';
    return words.str();
}

const Processors& all_processors() {
    static const Processors all = own_processors();
    return all;
}

void run_on(const Processors& processors, pid_t process) {
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
        set_affinity(processors, std::stoi(task.path().filename()));
    }
}

OnlyOn::OnlyOn(const Processors& processors) { set_affinity(processors, 0); }
// Where this thread ran when this program started it may run again, so that nothing is thrown here.
OnlyOn::~OnlyOn() { set_affinity(all_processors(), 0); } // NOLINT(bugprone-exception-escape)

void prefer(pid_t process) {
    constexpr int much = -15;
    setpriority(PRIO_PROCESS, static_cast<id_t>(process), much);
    std::ofstream("/proc/" + std::to_string(process) + "/autogroup") << much; // of all its session
}

void take_short_turns() {
    SchedulingAttributes attributes{};
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    attributes.nanoseconds_at_a_time = 100'000;
    syscall(SYS_sched_setattr, 0, &attributes, 0); // from Linux 6.12 on it has this effect
}

std::vector<Setting> possible_settings() {
    if (all_processors().size() < 2) {
        return {Setting::one_core};
    }
    return {Setting::one_core, Setting::two_cores};
}

std::string name_of(Setting setting) { return setting == Setting::one_core ? "one_core" : "two_cores"; }

Processors client_processors(Setting /*setting*/) { return {all_processors().front()}; }

Processors server_processors(Setting setting) {
    return {setting == Setting::one_core ? all_processors().front() : all_processors().at(1)};
}

Processors seen_processors(Setting setting) {
    return setting == Setting::one_core ? client_processors(setting) : all_processors();
}

} // namespace memshare::bench
