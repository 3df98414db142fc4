// Feeds the fuzzed function with every file of a folder, where no libFuzzer is.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: replay_message FOLDER, or replay_calls FOLDER\n";
        return 2;
    }
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string input(std::istreambuf_iterator<char>(file), {});
        std::cout << entry.path().filename().string() << '\n'
                  << std::flush; // at once: it may be the last one
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
        ++inputs;
    }
    std::cout << inputs << " inputs survived\n";
    return inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
