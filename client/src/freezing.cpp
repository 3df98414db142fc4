// How a segment is frozen: its owner seals the memory, and the broker looks.
#include "client/src/attachment.h"
#include "client/src/convert.h"
#include "client/src/failure.h"
#include "client/src/seals.h"

#include <exception>

namespace memshare::detail {

using proto::Mapping;

namespace {

// What Mutex looks at where no lock can be taken: nobody's session.
constinit const std::atomic<std::uint32_t> nobody = 0;

} // namespace

// Whether it is frozen. Throws Error (busy), if another session has it attached for writing.
bool Attachment::is_frozen_by_now() {
    try {
        connection_->call(proto::Freeze{.name = {}, .id = id_}, info_.name);
        return true;
    } catch (const Error& error) {
        if (error.code() == Errc::not_sealed) {
            return false;
        }
        if (error.code() == Errc::invalid_argument) {
            throw Error(Errc::invalid_argument, "only what was created with .freezable = true can be frozen",
                        info_.name);
        }
        throw;
    }
}

// The kernel has refused the seal. The broker may know because of which processes.
void Attachment::throw_busy() {
    if (!is_frozen_by_now()) {
        client::throw_refusal(proto::Busy{.name = info_.name.empty() ? info_.id : info_.name, .holders = {}},
                              info_.name);
    }
}

// Nothing is touched before the broker has said that only this process's own mapping is in the way. The
// descriptor to go back with is at hand before that mapping is given up: the broker need not be there for it.
void Attachment::freeze() {
    attach_again();
    if (mutex_->is_held()) {
        throw Error(Errc::busy, "what this thread has locked cannot be frozen: unlock it first", info_.name);
    }
    if (!is_frozen_by_now()) {
        const auto writable = connection_->call(again(Access::write), info_.name);
        detach(Access::write, writable.session); // this one was for its descriptor
        access_ == Access::write ? freeze_writable(writable.fd) : freeze_read_only(writable.fd);
    }
    mutex_->session_.store(&nobody);
    info_.frozen = true;
}

void Attachment::freeze_read_only(const proto::Fd& writable) {
    if (!client::seal_against_writing(writable)) {
        throw_busy();
    }
    tell_frozen();
}

void Attachment::freeze_writable(const proto::Fd& writable) {
    const auto readable = connection_->call(again(Access::read), info_.name);
    if (const auto replaced = mapping_.replace(readable.fd.number(), Mapping::Access::read); !replaced) {
        detach(Access::read, readable.session);
        client::throw_error(replaced.error(), info_.name);
    }
    std::exception_ptr failure;
    try {
        if (!client::seal_against_writing(writable)) {
            throw_busy();
        }
    } catch (const Error&) {
        failure = std::current_exception();
    }
    // If it cannot be mapped for writing again, another process has frozen it meanwhile.
    if (failure && mapping_.replace(writable.number(), Mapping::Access::write)) {
        detach(Access::read, readable.session);
        std::rethrow_exception(failure);
    }
    access_ = Access::read;
    detach(Access::write, readable.session);
    tell_frozen();
}

// The broker sees the seal when it next looks. So a broker that does not answer now is no failure.
void Attachment::tell_frozen() {
    try {
        is_frozen_by_now();
    } catch (const Error&) { // NOLINT(bugprone-empty-catch): as said above
    }
}

} // namespace memshare::detail
