// What there is, kept beyond the end of this process: the registry's records in a ledger, the descriptors in
// a vault. Without a service manager that keeps the two, it does nothing.
#pragma once

#include "daemon/registry.h"
#include "daemon/report.h"

namespace memshare::daemon {

// The lock that a session may have held of a segment when it detached.
struct Held {
    Remains remains;
    std::uint32_t owner = 0; // the segment's
    HolderId holder = 0;
    Record record;
};

class Archive final : public Keeper {
  public:
    // Keeps nothing.
    Archive() = default;
    Archive(std::unique_ptr<Ledger> ledger, std::unique_ptr<Vault> vault)
        : ledger_(std::move(ledger)), vault_(std::move(vault)) {}

    // Fills an empty registry with what is kept, and has all that happens there kept from now on. An error
    // (too many open files), if this process may not open all of it: then it stays as it is.
    struct Restored {
        std::vector<HolderId> ended; // sessions that had, but may have left something behind
        std::vector<Held> held;
    };
    proto::Result<Restored> restore(Registry& registry, Quota& quota, const Tell& tell);

    // Whether anything is.
    bool keeps() const { return ledger_ != nullptr; }

    // Keeps a descriptor that is to be found again. An error, if there is no room for one more.
    proto::Result<Deposit> deposit(const std::shared_ptr<Memory>& memory);
    proto::Result<Deposit> deposit(const std::shared_ptr<const proto::Fd>& process);

    void keep(Session& session) override;
    void keep_progress(Session& session) override;
    void keep(Segment& segment) override;
    void keep(const Session& session, const Segment& segment, Attachment& attachment) override;

    // That a session ends: from here on it does, whatever happens to this process.
    void keep_the_end_of(Session& session);

    // From here on all that was said to be kept is, as one.
    void commit();

    // Whose steps are to be made; to be asked only if anything is kept.
    Vault& vault() { return *vault_; }

  private:
    template <typename Of> void write(Record& record, const Of& what);
    void write(Session& session, bool ended);

    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Vault> vault_;
    std::vector<Record> unread_;
    std::string text_;
};

} // namespace memshare::daemon
