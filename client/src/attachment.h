// One segment that this process has mapped, and whom to tell when it is not any more.
#pragma once

#include "client/src/connection.h"
#include "client/src/read_only_after_fork.h"
#include "client/src/reserve.h"
#include "client/src/seals.h"
#include "proto/calls.h"
#include "proto/mapping.h"
#include <memshare/changes.hpp>
#include <memshare/error.hpp>
#include <memshare/mutex.hpp>
#include <memshare/segment.hpp>

#include <concepts>
#include <memory>
#include <optional>

namespace memshare::detail {

class Attachment {
  public:
    // By a Create or an Attach about a segment, in the caller's words. Once the broker has answered, whatever
    // fails here detaches again; and what a Create made is undone, as is what the broker did if its answer
    // cannot be taken, for want of a descriptor. Reserved is all of its memory taken now, as is a new one's
    // of a pool. Throws Error.
    template <typename Method>
    static std::shared_ptr<Attachment> by(const Method& call, const std::shared_ptr<Connection>& connection,
                                          Access access, std::string_view segment, bool reserved = false) {
        auto answered = call_or_undo(call, *connection, segment);
        std::shared_ptr<Attachment> made;
        try {
            made = std::make_shared<Attachment>(connection, answered.session, answered.reply.segment, access);
            made->map(answered.fd);
            if constexpr (std::same_as<Method, proto::Create>) {
                if (call.exclusive_writer) {
                    made->read_only_after_fork_.emplace(made->memory(), made->access_);
                }
            }
            const auto pages = answered.reply.segment.huge_pages;
            if (reserved || (std::same_as<Method, proto::Create> && proto::are_pooled(pages))) {
                client::reserve(made->memory(), answered.fd.number(), pages);
            }
            if constexpr (std::same_as<Method, proto::Create>) {
                if (call.exclusive_writer) {
                    client::seal_against_new_writers(answered.fd);
                }
            }
        } catch (...) {
            if (std::same_as<Method, proto::Create> || !made) { // it may live longer than this attachment
                undo(call, *connection);
            }
            throw;
        }
        return made;
    }

    // One that the broker is not told of before share(). Throws Error.
    static std::shared_ptr<Attachment> alone(const proto::Create& planned,
                                             const std::shared_ptr<Connection>& connection);

    Attachment(std::shared_ptr<Connection> connection, const client::Session& session,
               const proto::Segment& segment, Access access);
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    ~Attachment(); // unmaps and tells the broker; never throws and never waits for an answer

    Connection& connection() { return *connection_; }
    const proto::SegmentId& id() const { return id_; }
    const SegmentInfo& info() const { return info_; }
    Access access() const { return access_; }
    void set_name(std::string_view name) { info_.name = name; }

    // All that is mapped, the elements in it, and the whole of the payload, which for a value of two slots is
    // both of them.
    std::span<std::byte> memory() const { return mapping_.bytes(); }
    std::span<std::byte> elements() const { return memory().subspan(info_.payload_offset, info_.size_bytes); }

    abi::Header& header() const { return *reinterpret_cast<abi::Header*>(memory().data()); }
    Mutex& mutex() { return *mutex_; }
    Changes changes();
    client::Patience& lock_patience() { return lock_patience_; }
    client::Patience& wait_patience() { return wait_patience_; }

    // What changes with each change.
    Version state();

    // In a forked child: makes this an attachment of its own, under its own session. What ended meanwhile is
    // attached all the same. Throws Error, as a call does: frozen, if the segment is.
    void attach_again();

    // Whether this process was forked from the one that made or opened it.
    bool is_inherited() const { return session_.load()->holder() == 0 || inherited_; }

    // Makes what is this process's alone a segment of the broker's, in the same place. Throws Error; then it
    // is as before.
    void share();
    bool is_shared() const { return !planned_; }

    // From here on every change wakes who waits for one, though this process cannot say that somebody does.
    void count_as_watcher();

    // Who died holding the lock, as the broker knows it.
    DeadHolder last_recovery();

    // Whether the segment has not ended, as the broker says.
    bool alive();

    // Ends all writing to the segment. What is mapped stays where it is, read-only.
    void freeze();

  private:
    template <typename Method>
    static auto call_or_undo(const Method& call, Connection& connection, std::string_view segment) {
        try {
            return connection.call(call, std::string(segment));
        } catch (const Error& error) {
            if (error.code() == Errc::protocol_violation) {
                connection.catch_up_now(); // and take it back
            }
            throw;
        }
    }
    static void undo(const proto::Create& call, Connection& connection);
    static void undo(const proto::Attach& call, Connection& connection);

    std::size_t checked_size(const proto::Fd& memory) const;
    void map(const proto::Fd& memory);
    void make_mutex() { mutex_.emplace(header().lock, session_.load()->word(), *this); }
    bool is_frozen_by_now();
    [[gnu::cold]] void throw_busy();
    void freeze_read_only(const proto::Fd& writable);
    void freeze_writable(const proto::Fd& writable);
    void tell_frozen();
    proto::Attach again(Access access) const;
    void detach(Access access, const client::Session& session);

    std::shared_ptr<Connection> connection_;
    std::atomic<const client::Session*> session_; // which the connection keeps
    proto::SegmentId id_;
    SegmentInfo info_;
    std::atomic<Access> access_;
    proto::Mapping mapping_;
    std::unique_ptr<proto::Create> planned_; // what share() will ask for
    std::atomic<bool> inherited_ = false;
    std::atomic<std::uint32_t> watcher_ = 0; // the holder id under which the broker counts it as one
    client::Patience lock_patience_, wait_patience_;
    std::optional<Mutex> mutex_;
    std::optional<client::ReadOnlyAfterFork> read_only_after_fork_;
};

} // namespace memshare::detail
