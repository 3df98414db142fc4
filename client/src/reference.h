// Which segment a user means: by a name or an id, whichever the word is.
#pragma once

#include "client/src/failure.h"
#include "proto/calls.h"

namespace memshare::client {

inline proto::SegmentName name_of(std::string_view text) {
    auto name = proto::SegmentName::parse(text);
    if (!name) {
        throw Error(Errc::invalid_argument,
                    "a segment's name has 1 to " + std::to_string(proto::limits::name_bytes) +
                        " bytes of UTF-8 without control characters",
                    std::string(text));
    }
    return *std::move(name);
}

inline proto::SegmentId id_of(std::string_view text) {
    const auto id = proto::SegmentId::parse(text);
    if (!id) {
        throw Error(Errc::invalid_argument, "a segment's id is a UUID", std::string(text));
    }
    return *id;
}

// Calls with the word as a name, and if there is no such segment and it can be an id, with it as one.
auto by_name_or_id(std::string_view word, auto call) {
    const auto id = proto::SegmentId::parse(word);
    try {
        return call(proto::SegmentReference{.name = name_of(word), .id = {}});
    } catch (const Error& error) {
        if (error.code() != Errc::no_such_segment || !id) {
            throw;
        }
    }
    return call(proto::SegmentReference{.name = {}, .id = id});
}

} // namespace memshare::client
