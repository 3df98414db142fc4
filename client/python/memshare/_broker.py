"""What there is: the questions that a broker answers."""

import dataclasses
from typing import Optional

from . import _core, _handing
from ._core import DeadHolder


@dataclasses.dataclass(frozen=True)
class Field:
    """One member of a struct: `count` elements of a kind, `offset` bytes after its start."""

    name: str
    kind: str
    offset: int
    count: int


@dataclasses.dataclass(frozen=True)
class Element:
    """What one element is; kind is a word, as "i32" or "struct"."""

    kind: str
    size: int
    alignment: int
    name: str
    fields: tuple


@dataclasses.dataclass(frozen=True)
class SegmentInfo:
    """A segment, as the broker tells it."""

    id: str
    name: Optional[str]
    form: str
    element: Element
    count: int
    shape: tuple
    size: int
    lifetime: str
    mode: int
    uid: int
    gid: int
    creator_pid: int
    creator_program: str
    created: float
    attachments: int
    huge_pages: str
    frozen: bool
    ended: bool
    type: str


@dataclasses.dataclass(frozen=True)
class ProcessInfo:
    pid: int
    uid: int
    program: str


@dataclasses.dataclass(frozen=True)
class AttachmentInfo:
    """A process that has a segment mapped."""

    pid: int
    uid: int
    program: str
    access: str
    since: float


@dataclasses.dataclass(frozen=True)
class LockInfo:
    """A segment's lock as it was when the broker looked."""

    holder: Optional[ProcessInfo]
    waiting: bool
    recoveries: int
    last_recovery: Optional[DeadHolder]


@dataclasses.dataclass(frozen=True)
class SegmentDescription:
    segment: SegmentInfo
    attachments: tuple
    lock: LockInfo


@dataclasses.dataclass(frozen=True)
class Usage:
    used: int
    limit: int


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What is used of what is limited, in all, by resource."""

    pid: int
    started: float
    total: dict


def _of(class_, told):
    return class_(**told) if told is not None else None


def segment_info(told):
    kind, size, alignment, name, fields = told["element"]
    element = Element(kind, size, alignment, name, tuple(Field(*field) for field in fields))
    return SegmentInfo(**{**told, "element": element})


def list(pattern=""):
    """The segments that this process may read, oldest first; those whose name matches a shell pattern."""
    _handing.settle()
    return [segment_info(told) for told in _core.list(pattern)]


def describe(name_or_id):
    """All about one segment: who has it mapped, who holds its lock."""
    _handing.settle()
    told = _core.describe(name_or_id)
    lock = told["lock"]
    return SegmentDescription(
        segment_info(told["segment"]),
        tuple(AttachmentInfo(**one) for one in told["attachments"]),
        LockInfo(
            _of(ProcessInfo, lock["holder"]),
            lock["waiting"],
            lock["recoveries"],
            lock["last_recovery"],
        ),
    )


def destroy(name_or_id):
    """Ends a segment: its name is free, nobody can open it any more, and who has it mapped keeps it."""
    _core.destroy(name_or_id)


def change(name_or_id, *, lifetime=None, mode=None, group=None):
    """Changes a segment of this user's; what is None stays as it is."""
    _core.change(name_or_id, lifetime, mode, group)


def statistics():
    told = _core.statistics()
    total = {resource: Usage(**usage) for resource, usage in told["total"]}
    return Statistics(told["pid"], told["started"], total)


def broker_version():
    """The version of the broker. NoBroker: none is there."""
    return _core.version()
