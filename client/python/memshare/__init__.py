"""Shared memory with an owner: values and arrays between any processes.

The objects are those of multiprocessing.Value and Array, and with a name every process can open them.
"""

from ._broker import (
    AttachmentInfo,
    DeadHolder,
    Element,
    Field,
    LockInfo,
    ProcessInfo,
    SegmentDescription,
    SegmentInfo,
    Statistics,
    Usage,
    broker_version,
    change,
    describe,
    destroy,
    list,
    statistics,
)
from ._changes import Changes, Version
from ._core import (
    AccessDenied,
    BrokerLost,
    Busy,
    Error,
    Frozen,
    InvalidArgument,
    Lock,
    NameTaken,
    NoBroker,
    NoSuchSegment,
    OutOfMemory,
    QuotaExceeded,
    SynchronizedBase,
    TypeMismatch,
)
from ._raw import RawArray, RawValue, copy
from .shared_memory import ShareableList, SharedMemory
from ._values import (
    Array,
    Synchronized,
    SynchronizedArray,
    SynchronizedString,
    Value,
    open,
    synchronized,
)
from ._version import __version__


# Not those by which "from memshare import *" would hide what Python or multiprocessing calls so.
_hiding = {"Lock", "list", "open"}
__all__ = [name for name in globals() if not name.startswith("_") and name not in _hiding]
