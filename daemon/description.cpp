#include "daemon/description.h"

namespace memshare::daemon {

proto::Segment described(const Segment& segment) {
    proto::Segment whole = described_in_short(segment);
    whole.element.fields = segment.fields.unpacked();
    return whole;
}

proto::Segment described_in_short(const Segment& segment) {
    const Blueprint& is = segment.is;
    return {.id = is.id,
            .name = is.name,
            .form = is.type.form,
            .element = is.type.element,
            .count = is.type.count,
            .shape = is.type.shape,
            .size_bytes = is.type.element_bytes(),
            .payload_offset = is.type.payload_offset(),
            .lifetime = is.lifetime,
            .mode = is.rights.mode,
            .uid = is.rights.uid,
            .gid = is.rights.gid,
            .creator = {.pid = segment.creator_pid, .program = segment.creator_program},
            .created_usec = is.created_usec,
            .attachments = segment.attached.size(),
            .huge_pages = is.huge_pages,
            .frozen = segment.is_frozen(),
            .ended = segment.ended};
}

std::string name_of(const Segment& segment) {
    return segment.is.name ? segment.is.name->text() : segment.is.id.text();
}

} // namespace memshare::daemon
