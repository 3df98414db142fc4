"""SharedMemory and ShareableList, with the interface of multiprocessing.shared_memory.

No process tracks what others have: a segment lives until unlink(), or until the last process that created or
attached it has ended, however that ends.
"""

import functools
import operator
import secrets
import struct
import types

from . import _core
from ._blocks import blocks

__all__ = ["SharedMemory", "ShareableList"]

_USE_POSIX = True  # as far as anybody asks: what is unlinked is gone
_SHM_NAME_PREFIX = "psm_"

_ELEMENT = ("u8", 1, 1, "", ())


def _make_filename():
    return _SHM_NAME_PREFIX + secrets.token_hex(4)


class SharedMemory:
    """A block of bytes with a name. `buf` shows it, until close(); the block is there until unlink(), or until
    the last process that has had it ends."""

    def __init__(self, name=None, create=False, size=0, *, track=True):
        size = operator.index(size)
        if size < 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different from zero")
        if not create and name is None:
            raise ValueError("'name' can only be None if create=True")
        if create:
            segment = _created(name, size)
        else:
            segment = _core.open(name)
        self._segment = blocks.add(segment)
        self._lock = _core.lock(self._segment)
        self._id = self._segment.id
        self._name = self._segment.name
        self._buf = memoryview(self._segment)
        self._size = self._buf.nbytes

    @property
    def buf(self):
        """A memoryview of the block; None after close()."""
        return self._buf

    @property
    def name(self):
        return self._name

    @property
    def size(self):
        return self._size

    def close(self):
        """Lets go of the buffer, and of the memory as soon as the block has ended. Views of it stay good, and keep it."""
        if self._buf is None:
            return
        try:
            self._buf.release()
        except BufferError:  # somebody has a view of it
            pass
        segment = self._segment
        self._buf = self._lock = self._segment = None
        blocks.close(segment)

    def unlink(self):
        """Ends the block: its name is free. FileNotFoundError: it has ended already."""
        try:
            _core.destroy(self._id)
        except _core.NoSuchSegment:
            blocks.remove(self._id)
            raise
        blocks.remove(self._id)  # not before, as this may be the last process that has it

    def __del__(self):
        if getattr(self, "_buf", None) is not None:
            segment, self._segment = self._segment, None
            self._buf = self._lock = None
            blocks.close(segment)

    def __reduce__(self):
        return self.__class__, (self.name, False, self.size)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.name!r}, size={self.size})"


def _created(name, size):
    if name is not None:
        return _core.create(_ELEMENT, size, name=name, lifetime="attached")
    while True:
        try:
            return _core.create(_ELEMENT, size, name=_make_filename(), lifetime="attached")
        except _core.NameTaken:
            continue


# Of each item: where it starts, how much room it has, how much of that it takes, and what it is.
_RECORD = struct.Struct("<QIIc7x")
_COUNT = struct.Struct("<Q")
_INTEGER = struct.Struct("<q")
_FLOAT = struct.Struct("<d")
_ROOM = 8  # of an item, and what the room of text is a multiple of

_formats = {b"q": "q", b"d": "d", b"?": "xxxxxxx?", b"n": "xxxxxx?x"}


def _packed(item):
    """What an item is, and its bytes."""
    if getattr(item, "ndim", None) == 0:  # one of numpy's
        item = item.item()
    if item is None:
        return b"n", b""
    if isinstance(item, bool):
        return b"?", bytes([item])
    if isinstance(item, int):
        return b"q", _INTEGER.pack(item)
    if isinstance(item, float):
        return b"d", _FLOAT.pack(item)
    if isinstance(item, str):
        return b"s", item.encode()
    if isinstance(item, bytes):
        return b"b", item
    raise TypeError(f"a {type(item).__name__} cannot be shared: only int, float, bool, str, bytes and None can")


def _room(item, raw):
    """As multiprocessing counts it: of the characters, rounded up from one more than there are."""
    if not isinstance(item, (str, bytes)):
        return _ROOM
    return max(_ROOM * (len(item) // _ROOM + 1), -len(raw) // _ROOM * -_ROOM)


def _unpacked(code, raw):
    if code == b"q":
        return _INTEGER.unpack(raw)[0]
    if code == b"d":
        return _FLOAT.unpack(raw)[0]
    if code == b"?":
        return raw != b"\0"
    if code == b"s":
        return raw.decode()
    return raw if code == b"b" else None


class ShareableList:
    """A list of a fixed length that processes share, of int, float, bool, str, bytes and None. What an item is
    may change; str and bytes have the room that the first one took, up to the next multiple of eight. Each
    item is read and written in the lock of its segment."""

    def __init__(self, sequence=None, *, name=None):
        if name is not None and sequence is None:
            self.shm = SharedMemory(name)
        else:
            self.shm = self._created(list(sequence or ()), name)
        self._length = _COUNT.unpack_from(self.shm.buf, 0)[0]

    @staticmethod
    def _created(items, name):
        packed = [_packed(item) for item in items]
        offset = _COUNT.size + len(packed) * _RECORD.size
        records, contents = [], []
        for item, (code, raw) in zip(items, packed):
            room = _room(item, raw)
            records.append(_RECORD.pack(offset, room, len(raw), code))
            contents.append(raw.ljust(room, b"\0"))
            offset += room
        shm = SharedMemory(name, create=True, size=offset)
        shm.buf[:offset] = b"".join([_COUNT.pack(len(packed)), *records, *contents])
        return shm

    def _locked(self):
        if self.shm._lock is None:
            raise ValueError("this list is closed")
        return self.shm._lock

    def _place(self, position, what="index"):
        position = operator.index(position)
        if not -self._length <= position < self._length:
            raise IndexError(f"{what} out of range")
        return _COUNT.size + _RECORD.size * (position % self._length)

    def __getitem__(self, position):
        place = self._place(position)
        with self._locked():
            offset, _, length, code = _RECORD.unpack_from(self.shm.buf, place)
            raw = bytes(self.shm.buf[offset : offset + length])
        return _unpacked(code, raw)

    def __setitem__(self, position, value):
        place = self._place(position, "assignment index")
        code, raw = _packed(value)
        with self._locked():
            offset, room, _, _ = _RECORD.unpack_from(self.shm.buf, place)
            if len(raw) > room:
                raise ValueError("bytes/str item exceeds available storage")
            self.shm.buf[offset : offset + len(raw)] = raw
            _RECORD.pack_into(self.shm.buf, place, offset, room, len(raw), code)

    def __len__(self):
        return self._length

    def _get_packing_format(self, position):
        _, room, _, code = _RECORD.unpack_from(self.shm.buf, self._place(position))
        return _formats.get(code, f"{room}s")

    @property
    def format(self):
        """What the items are, as the struct module says it."""
        return "".join(map(self._get_packing_format, range(self._length)))

    def count(self, value):
        """How many items are equal to this."""
        return sum(item == value for item in self)

    def index(self, value):
        """Where the first item is that is equal to this. ValueError: none is."""
        for position, item in enumerate(self):
            if item == value:
                return position
        raise ValueError(f"{value!r} is not in this list")

    def __reduce__(self):
        return functools.partial(self.__class__, name=self.shm.name), ()

    def __repr__(self):
        return f"{self.__class__.__name__}({list(self)}, name={self.shm.name!r})"

    __class_getitem__ = classmethod(types.GenericAlias)
