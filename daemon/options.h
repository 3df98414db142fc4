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

    // Reads both; the command line wins. Returns the exit code instead, if that is all: after --help and
    // --version, and after a mistake, which it has explained on stderr.
    static std::expected<Options, int> read(int argc, char** argv);

    // The same once more: the command line has not changed, but the file may have.
    std::expected<Options, int> read_again() const { return read(argc_, argv_); }

  private:
    int argc_ = 0;
    char** argv_ = nullptr;
};

} // namespace memshare::daemon
