#include "client/src/failure.h"

#include <unistd.h>

namespace memshare {
namespace {

class Category final : public std::error_category {
  public:
    const char* name() const noexcept override { return "memshare"; }

    // What a program that knows the system's conditions compares with.
    std::error_condition default_error_condition(int code) const noexcept override {
        switch (static_cast<Errc>(code)) {
            case Errc::no_such_segment:
                return std::errc::no_such_file_or_directory;
            case Errc::name_taken:
                return std::errc::file_exists;
            case Errc::access_denied:
                return std::errc::permission_denied;
            case Errc::out_of_memory:
                return std::errc::not_enough_memory;
            case Errc::invalid_argument:
                return std::errc::invalid_argument;
            case Errc::busy:
                return std::errc::device_or_resource_busy;
            default:
                return {code, *this};
        }
    }

    std::string message(int code) const override {
        switch (static_cast<Errc>(code)) {
            case Errc::no_such_segment:
                return "no such segment";
            case Errc::name_taken:
                return "name taken";
            case Errc::type_mismatch:
                return "type mismatch";
            case Errc::access_denied:
                return "access denied";
            case Errc::quota_exceeded:
                return "quota exceeded";
            case Errc::out_of_memory:
                return "out of memory";
            case Errc::invalid_argument:
                return "invalid argument";
            case Errc::no_broker:
                return "no broker";
            case Errc::broker_lost:
                return "broker lost";
            case Errc::protocol_violation:
                return "protocol violation";
            case Errc::busy:
                return "busy";
            case Errc::frozen:
                return "frozen";
            case Errc::refused:
                return "refused";
            case Errc::not_sealed:
                return "not sealed";
        }
        return "unknown error";
    }
};

} // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

struct Error::Words {
    std::string sentence, segment;
};

Error::Error(std::error_code code, std::string sentence, std::string segment)
    : std::system_error(code),
      words_(std::make_shared<Words>(Words{.sentence = std::move(sentence), .segment = std::move(segment)})) {
}

const char* Error::what() const noexcept { return words_->sentence.c_str(); }
const std::string& Error::segment() const noexcept { return words_->segment; }

} // namespace memshare

namespace memshare::client {
namespace {

std::string quoted(const std::string& name) { return '"' + name + '"'; }

// One sentence for each way to say no.
struct Sentence {
    const std::string& segment;

    Error operator()(const proto::NoSuchSegment& no) const {
        return {Errc::no_such_segment,
                "there is no segment " + quoted(no.name) + ": it was never made, or it has ended", no.name};
    }
    Error operator()(const proto::NameTaken& no) const {
        return {Errc::name_taken,
                "there is a segment " + quoted(no.name) + " already: open it, or choose another name",
                no.name};
    }
    Error operator()(const proto::TypeMismatch& no) const {
        return {Errc::type_mismatch,
                quoted(no.name) + " is a segment of another type: expected " + no.expected + ", found " +
                    no.actual,
                no.name};
    }
    Error operator()(const proto::AccessDenied& no) const {
        return {Errc::access_denied,
                "the owner or mode of " + quoted(no.name) + " does not allow this to user " +
                    std::to_string(geteuid()),
                no.name};
    }
    Error operator()(const proto::QuotaExceeded& no) const {
        return {Errc::quota_exceeded,
                "the broker's limit " + no.limit + " is " + std::to_string(no.allowed) + ", of which " +
                    std::to_string(no.used) + " are used and " + std::to_string(no.requested) +
                    " more were asked for",
                segment};
    }
    Error operator()(const proto::OutOfMemory& no) const {
        return {Errc::out_of_memory, "the machine cannot give " + std::to_string(no.requested) + " bytes",
                segment};
    }
    Error operator()(const proto::Busy& no) const {
        std::string holders;
        for (const auto& holder : no.holders) {
            holders +=
                (holders.empty() ? "" : ", ") + holder.program + '[' + std::to_string(holder.pid) + ']';
        }
        return {Errc::busy,
                quoted(no.name) + " is still mapped for writing by " +
                    (holders.empty() ? "a process forked from one that was" : holders) +
                    ": they have to let go of it first",
                no.name};
    }
    Error operator()(const proto::Frozen& no) const {
        return {Errc::frozen, quoted(no.name) + " is frozen: it can only be read, as a T that is const",
                no.name};
    }
    Error operator()(const proto::NotSealed& no) const {
        return {Errc::not_sealed,
                quoted(no.name) +
                    " is not sealed: its owner adds F_SEAL_WRITE to its memory, and then freezes it",
                no.name};
    }
    Error operator()(const proto::NotResumable& /*no*/) const {
        return {Errc::refused, "the session cannot be resumed", segment};
    }
    Error operator()(const proto::InvalidParameter& no) const {
        return {Errc::invalid_argument, "the broker does not accept this " + quoted(no.parameter), segment};
    }
    Error operator()(const proto::InterfaceNotFound& no) const {
        return {Errc::refused, "the broker does not know the interface " + no.interface, segment};
    }
    Error operator()(const proto::MethodNotFound& no) const {
        return {Errc::refused, "the broker is of another version and does not know " + no.method, segment};
    }
    Error operator()(const proto::ExpectedMore& /*no*/) const {
        return {Errc::refused, "the broker has more to say than fits into one answer", segment};
    }
    Error operator()(const proto::MethodNotImplemented& no) const {
        return {Errc::refused, "the broker does not do " + no.method + " in this way", segment};
    }
};

} // namespace

void throw_refusal(const proto::Refusal& refusal, const std::string& segment) {
    throw std::visit(Sentence{segment}, refusal);
}

void throw_unknown_refusal(std::string_view word, const std::string& segment) {
    throw Error(Errc::refused, "the broker says " + std::string(word), segment);
}

void throw_error(const proto::Error& error, const std::string& segment) {
    throw Error(error.code, "cannot " + error.sentence(), segment);
}

} // namespace memshare::client
