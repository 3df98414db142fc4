"""What the handles of all segments have in common."""

import ctypes
import os
import sys
import weakref

from . import _core
from ._broker import segment_info
from ._changes import Changes, Version, close_all
from ._handing import attached, reduced
from ._layout import layout_of
from ._parts import plain
from ._raw import memory_of, raw_object
from ._types import spelled, type_spelled

_watches: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # those of fileno()
os.register_at_fork(after_in_child=_watches.clear)  # they tell its parent


class Handle:
    """What all handles of a segment can do."""

    __slots__ = ()

    @property
    def name(self):
        return self._segment.name

    @property
    def id(self):
        return self._segment.id

    @property
    def readonly(self):
        return self._segment.readonly

    def info(self):
        """What the segment was like when this handle was made."""
        return segment_info(_core.info(self._segment))

    def alive(self):
        """Whether others can still open it. If not, it has ended, and this handle works on."""
        return self._segment.alive()

    def _version(self):
        return Version(self._segment.version())

    @property
    def version(self):
        """Differs after every later change; wait() can wait past it."""
        return self._version()

    def wait(self, seen=None, timeout=None):
        """Waits until the value is not `seen`, or the version is another one than `seen`, or than now. Whether
        it is so, which after `timeout` seconds it may not be."""
        if seen is None:
            seen = Version(self._segment.version(timeout))
        if isinstance(seen, Version):
            return self._segment.wait(seen, True, timeout)
        if self._length() is not None:
            raise TypeError("an array is awaited by its version: only a value is by what it was")
        seen = plain(seen)
        old = bytes(seen if isinstance(seen, self._type) else self._type(seen))
        return self._segment.wait(old, False, timeout)

    def notify_all(self):
        """Wakes who waits for another version: for those who write otherwise than by this handle, as numpy."""
        self._segment.notify_all()

    def changes(self):
        """The changes from now on, as an iterator, also for `async for`."""
        return Changes(self)

    def fileno(self):
        """A descriptor for event loops: readable once there has been a change. clear() makes it unreadable."""
        return self._watch().fileno()

    def clear(self):
        """Makes fileno() unreadable until the next change; then look."""
        self._watch().clear()

    def _watch(self):
        watch = _watches.get(self)
        if watch is None:
            watch = _watches.setdefault(self, _core.watch(self._segment))  # another thread may have been sooner
            if _core.SynchronizedBase.closed.__get__(self):
                Handle.close(self)
                raise ValueError("this handle is closed")
        return watch

    def close(self):
        """Lets go of the memory, which stays as long as there are views of it."""
        if (watch := _watches.pop(self, None)) is not None:
            watch.close()
        close_all(self)
        super().close()

    def _make_obj(self):
        return raw_object(self._type, memory_of(self._segment))

    def _has_slots(self):
        """Whether it lies now here, now there."""
        return self._segment.count is None and ctypes.sizeof(self._type) not in (1, 2, 4, 8)

    def _copy(self):
        """A ctypes object with what is there now."""
        return self._type.from_buffer_copy(self._segment.load() if self._has_slots() else self._segment)

    def _length(self):
        return None

    def _layout(self):
        return layout_of(self._type)

    def __array__(self, dtype=None):
        """numpy asks for this where it gets no buffer, to say why: it would hide that, and show an object."""
        return sys.modules["numpy"].asarray(memoryview(self), dtype)

    def __copy__(self):
        raise TypeError("a handle is not copied: copy what is in it, or hand the handle itself on")

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        return _rebuild, (reduced(self._segment), spelled(self._type), self._user_lock, self._length())

    def __repr__(self):
        if _core.SynchronizedBase.closed.__get__(self):  # as a field may be called so
            return f"<{type(self).__name__}, closed>"
        if self._segment.readonly:
            return f"<{type(self).__name__}, read-only, of {self._type.__name__}>"
        return f"<{type(self).__name__} wrapper for {_core.SynchronizedBase.get_obj(self)!r}>"


def _rebuild(identity, type_, lock, length):
    from ._values import wrap  # which knows the classes of all handles

    segment = attached(identity)
    return wrap(segment, type_spelled(type_, segment.element), lock, length)
