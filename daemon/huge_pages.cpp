#include "daemon/huge_pages.h"

#include <fstream>
#include <optional>
#include <string>

namespace memshare::daemon {
namespace {

const std::string kernel_memory = "/sys/kernel/mm/";
constexpr std::uint64_t KiB = 1024;

std::optional<std::uint64_t> number_in(const std::string& path) {
    std::uint64_t number = 0;
    return std::ifstream(path) >> number ? std::optional(number) : std::nullopt;
}

// Of "always within_size [advise] never": "advise".
std::string chosen_in(const std::string& path) {
    std::string line;
    std::ifstream file(path);
    std::getline(file, line);
    const auto start = line.find('[');
    const auto end = line.find(']');
    return start < end && end != std::string::npos ? line.substr(start + 1, end - start - 1) : "";
}

std::string size_folder(std::uint64_t bytes) { return "hugepages-" + std::to_string(bytes / KiB) + "kB/"; }

} // namespace

// Since Linux 6.10 each size has a setting of its own, which may be to inherit the one for all.
bool gives_on_advice(std::uint64_t bytes) {
    const std::string folder = kernel_memory + "transparent_hugepage/";
    const auto huge = number_in(folder + "hpage_pmd_size");
    if (!huge || bytes < *huge) {
        return false;
    }
    const std::string for_all = chosen_in(folder + "shmem_enabled");
    const std::string for_size = chosen_in(folder + size_folder(*huge) + "shmem_enabled");
    const std::string& how = for_size.empty() || for_size == "inherit" ? for_all : for_size;
    return for_all != "deny" &&
           (how == "advise" || how == "within_size" || how == "always" || how == "force");
}

bool may_be_pooled(proto::HugePages pages, std::uint64_t bytes) {
    const std::string folder = kernel_memory + "hugepages/" + size_folder(proto::page_bytes(pages));
    const auto free = number_in(folder + "free_hugepages");
    const auto reserved = number_in(folder + "resv_hugepages");
    return !free || !reserved || (*free > *reserved && *free - *reserved >= bytes / proto::page_bytes(pages));
}

} // namespace memshare::daemon
