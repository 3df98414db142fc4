// What a broker says when it says no: each error of the interface, with what it tells.
#pragma once

#include "proto/process.h"

#include <expected>
#include <variant>

namespace memshare::proto {

struct NoSuchSegment {
    static constexpr std::string_view error = "io.memshare.Broker.NoSuchSegment";
    std::string name;
    static constexpr auto members() { return std::tuple(required("name", &NoSuchSegment::name)); }
};

struct NameTaken {
    static constexpr std::string_view error = "io.memshare.Broker.NameTaken";
    std::string name;
    static constexpr auto members() { return std::tuple(required("name", &NameTaken::name)); }
};

struct TypeMismatch {
    static constexpr std::string_view error = "io.memshare.Broker.TypeMismatch";
    std::string name, expected, actual;
    static constexpr auto members() {
        return std::tuple(required("name", &TypeMismatch::name),
                          required("expected", &TypeMismatch::expected),
                          required("actual", &TypeMismatch::actual));
    }
};

struct AccessDenied {
    static constexpr std::string_view error = "io.memshare.Broker.AccessDenied";
    std::string name;
    static constexpr auto members() { return std::tuple(required("name", &AccessDenied::name)); }
};

struct QuotaExceeded {
    static constexpr std::string_view error = "io.memshare.Broker.QuotaExceeded";
    std::string limit;
    std::uint64_t allowed = 0, used = 0, requested = 0;
    static constexpr auto members() {
        return std::tuple(
            required("limit", &QuotaExceeded::limit), required("allowed", &QuotaExceeded::allowed),
            required("used", &QuotaExceeded::used), required("requested", &QuotaExceeded::requested));
    }
};

struct OutOfMemory {
    static constexpr std::string_view error = "io.memshare.Broker.OutOfMemory";
    std::uint64_t requested = 0;
    static constexpr auto members() { return std::tuple(required("requested", &OutOfMemory::requested)); }
};

struct Busy {
    static constexpr std::string_view error = "io.memshare.Broker.Busy";
    std::string name;
    std::vector<Process> holders;
    static constexpr auto members() {
        return std::tuple(required("name", &Busy::name), required("holders", &Busy::holders));
    }
};

struct Frozen {
    static constexpr std::string_view error = "io.memshare.Broker.Frozen";
    std::string name;
    static constexpr auto members() { return std::tuple(required("name", &Frozen::name)); }
};

struct NotSealed {
    static constexpr std::string_view error = "io.memshare.Broker.NotSealed";
    std::string name;
    static constexpr auto members() { return std::tuple(required("name", &NotSealed::name)); }
};

struct NotResumable {
    static constexpr std::string_view error = "io.memshare.Broker.NotResumable";
    static constexpr auto members() { return std::tuple(); }
};

// The errors that every Varlink service has.

struct InvalidParameter {
    static constexpr std::string_view error = "org.varlink.service.InvalidParameter";
    std::string parameter;
    static constexpr auto members() {
        return std::tuple(required("parameter", &InvalidParameter::parameter));
    }
};

struct InterfaceNotFound {
    static constexpr std::string_view error = "org.varlink.service.InterfaceNotFound";
    std::string interface;
    static constexpr auto members() {
        return std::tuple(required("interface", &InterfaceNotFound::interface));
    }
};

struct MethodNotFound {
    static constexpr std::string_view error = "org.varlink.service.MethodNotFound";
    std::string method;
    static constexpr auto members() { return std::tuple(required("method", &MethodNotFound::method)); }
};

struct MethodNotImplemented {
    static constexpr std::string_view error = "org.varlink.service.MethodNotImplemented";
    std::string method;
    static constexpr auto members() { return std::tuple(required("method", &MethodNotImplemented::method)); }
};

struct ExpectedMore {
    static constexpr std::string_view error = "org.varlink.service.ExpectedMore";
    static constexpr auto members() { return std::tuple(); }
};

using Refusal = std::variant<NoSuchSegment, NameTaken, TypeMismatch, AccessDenied, QuotaExceeded, OutOfMemory,
                             Busy, Frozen, NotSealed, NotResumable, InvalidParameter, InterfaceNotFound,
                             MethodNotFound, MethodNotImplemented, ExpectedMore>;

// What a method answers: its reply, or why not.
template <typename T> using Answer = std::expected<T, Refusal>;

inline std::unexpected<Refusal> invalid(std::string parameter) {
    return std::unexpected<Refusal>(InvalidParameter{std::move(parameter)});
}

} // namespace memshare::proto
