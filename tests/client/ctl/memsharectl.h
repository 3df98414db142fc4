// memsharectl as it is typed, with a broker to ask.
#pragma once

#include "tests/support/with_broker.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace memshare::test {

struct Said {
    int exit_code = 0;
    std::string text; // on stdout and stderr
};

class Memsharectl : public WithBroker {
  protected:
    // Words for a shell, after the program's name.
    Said operator()(const std::string& words) const {
        return run(std::string(MEMSHARECTL) + " --socket " + daemon.socket_path() + ' ' + words);
    }
    // A script, in which $m is the program's name and its --socket.
    Said script(const std::string& words) const {
        return run("m='" + std::string(MEMSHARECTL) + " --socket " + daemon.socket_path() + "'; {\n" + words +
                   "\n}");
    }
    static Said run(const std::string& command) {
        Said said;
        FILE* out = popen((command + " 2>&1").c_str(), "re");
        std::array<char, 4096> part{};
        while (const std::size_t size = std::fread(part.data(), 1, part.size(), out)) {
            said.text.append(part.data(), size);
        }
        const int how = pclose(out);
        said.exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
        return said;
    }
    std::string output(const std::string& words) const {
        const Said said = (*this)(words);
        EXPECT_EQ(said.exit_code, 0) << words << ": " << said.text;
        return said.text;
    }
    std::string mistake(const std::string& words) const {
        const Said said = (*this)(words);
        EXPECT_NE(said.exit_code, 0) << words << ": " << said.text;
        return said.text;
    }
};

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace memshare::test
