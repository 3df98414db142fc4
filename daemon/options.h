// What the daemon was told: by its command line, and by its configuration file.
#pragma once

#include "daemon/quota.h"

#include <optional>
#include <string>

namespace memshare::daemon {

class Options {
  public:
    std::string socket; // empty: the default for whoever runs it
    std::string log_level = "info";
    Limits limits;
    bool only_check = false; // whether all of it is right

    // Why there is nothing to run: --help and --version were asked for, or something is wrong.
    struct Ending {
        int exit_code = 0;
        std::string text; // for stdout, or for stderr if something is wrong
    };

    // Reads both; the command line wins.
    static std::expected<Options, Ending> read(int argc, char** argv);

    // The same once more: the command line has not changed, but the file may have.
    std::expected<Options, Ending> read_again() const { return read(argc_, argv_); }

  private:
    int argc_ = 0;
    char** argv_ = nullptr;
};

} // namespace memshare::daemon
