"""Values and arrays with a lock, as multiprocessing has them."""

import copyreg
import ctypes
import operator
import os
import time
import uuid
import weakref

from . import _core
from ._broker import segment_info
from ._changes import Changes, Version, close_all
from ._handing import attached, reduced
from ._raw import RawArray, RawValue, initial_array, make, memory_of, raw_object, options_for
from ._structures import is_made_up, plain, structure_class
from ._types import ctype_of, element_of, type_of

# What fits on one page with its header is this process's alone until others can come to have it.
_LARGEST_ALONE = 4096 - 192

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
            seen = self._version()
        if isinstance(seen, Version):
            return self._segment.wait(seen, True, timeout)
        seen = plain(seen)
        old = bytes(seen if isinstance(seen, self._type) else self._type(seen))
        if self._length() is None and self._segment.count is not None:
            return self._wait_in_one_place(old, timeout)
        return self._segment.wait(old, False, timeout)

    def _wait_in_one_place(self, old, timeout):
        """Of what is plain memory only the versions can be awaited."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            version = self._version()
            if bytes(memoryview(self._segment)) != old:
                return True
            left = None if end is None else end - time.monotonic()
            if not self._segment.wait(version, True, left) and left is not None and left <= 0:
                return False

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

    def __copy__(self):
        raise TypeError("a handle is not copied: copy what is in it, or hand the handle itself on")

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        type_ = None if is_made_up(self._type) else self._type
        return _rebuild, (reduced(self._segment), type_, self._user_lock, self._length())

    def __repr__(self):
        if _core.SynchronizedBase.closed.__get__(self):  # as a field may be called so
            return f"<{type(self).__name__}, closed>"
        if self._segment.readonly:
            return f"<{type(self).__name__}, read-only, of {self._type.__name__}>"
        return f"<{type(self).__name__} wrapper for {_core.SynchronizedBase.get_obj(self)!r}>"


class Synchronized(Handle, _core.Value):
    """A value of a simple type. `.value` takes the lock; load, store, add and the like do not."""

    __slots__ = ()

    def _shown(self, version):
        return self._type.from_buffer_copy(version, 8).value


class SynchronizedArray(Handle, _core.Array):
    """An array. Items and slices take the lock; load, store, add and the like of one element do not."""

    __slots__ = ()

    def _shown(self, version):
        return self

    def _make_obj(self):
        return raw_object(self._type * len(self), memory_of(self._segment))

    def _copy(self):
        return (self._type * len(self)).from_buffer_copy(self._segment)

    def _get_copy(self, key):
        """An item or a slice of what is read-only, which ctypes cannot show."""
        if isinstance(key, slice):
            items = [self._get_copy(index) for index in range(len(self))[key]]
            text = {ctypes.c_char: b"", ctypes.c_wchar: ""}.get(self._type)
            return items if text is None else text.join(items)
        index = range(len(self))[operator.index(key)]
        item = self._type.from_buffer_copy(self._segment, index * ctypes.sizeof(self._type))
        return item.value if isinstance(item, ctypes._SimpleCData) else item

    def _length(self):
        return len(self)


class SynchronizedString(SynchronizedArray):
    """An array of characters of one byte: `.value` ends with the first zero, `.raw` has them all."""

    __slots__ = ()

    def _get(self, name):
        if self._segment.readonly:
            return getattr(self._copy(), name)
        with self:
            return getattr(self.get_obj(), name)

    def _set(self, name, value):
        with self:
            setattr(self.get_obj(), name, value)
        self._segment.notify_all()

    value = property(lambda self: self._get("value"), lambda self, value: self._set("value", value))
    raw = property(lambda self: self._get("raw"), lambda self, value: self._set("raw", value))


class SynchronizedSimple(Handle, _core.SynchronizedBase):
    """A value of a simple type for which other languages have no kind, as a long double."""

    __slots__ = ()

    def _shown(self, version):
        return self.value

    @property
    def value(self):
        if self.readonly:
            return self._copy().value
        with self:
            return self._copy().value

    @value.setter
    def value(self, value):
        new = self._type(value)
        with self:
            if self._has_slots():
                self._segment.store(new)
            else:
                self.get_obj().value = new.value
                self._segment.notify_all()


def wrap(segment, type_, lock, length):
    """The handle for a segment: of an array, if it has a length."""
    if length is not None:
        class_ = SynchronizedString if type_ is ctypes.c_char else SynchronizedArray
        return class_(segment, type_, lock, length)
    if not issubclass(type_, ctypes._SimpleCData):
        return structure_class(type_, Handle)(segment, type_, lock)
    has_kind = element_of(type_)[0] != "struct"
    return (Synchronized if has_kind else SynchronizedSimple)(segment, type_, lock)


def _rebuild(identity, type_, lock, length):
    segment = attached(identity)
    return wrap(segment, type_ or type_of(segment.element), lock, length)


def _options_for(type_, name, options):
    if name is None and not options and ctypes.sizeof(type_) <= _LARGEST_ALONE:
        return {"alone": True, "lifetime": "attached"}
    return options_for(name, options)


def _checked_lock(lock):
    """What the handle is given: nothing, if the lock is the segment's own."""
    if lock is True or lock is None:
        return None
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return lock


def _initial(type_, args):
    if not args:
        return None
    return type_(*args) if issubclass(type_, ctypes._SimpleCData) else type_(*map(plain, args))


def Value(typecode_or_type, *args, lock=True, ctx=None, name=None, exist_ok=False, **options):
    """A value with a lock, zero or initialised by *args. With a name other processes can open it, until this
    one ends, or as `lifetime` says. With exist_ok it is opened, if it is there."""
    type_ = ctype_of(typecode_or_type)
    if lock is False:
        return RawValue(type_, *args, name=name, exist_ok=exist_ok, **options)
    lock = _checked_lock(lock)
    if issubclass(type_, ctypes.Array):
        return _array(type_, type_(*args) if args else None, lock, name, exist_ok, options)
    element = element_of(type_)
    initial = _initial(type_, args)
    options = _options_for(type_, name, options)
    if name is None and element[0] == "struct":  # get_obj() is to be in one place
        segment = make(type_, initial, **options)
    else:
        segment = _core.create(element, None, initial, name=name, may_exist=exist_ok, **options)
    return wrap(segment, type_, lock, None)


def Array(typecode_or_type, size_or_initializer, *, lock=True, ctx=None, name=None, exist_ok=False, **options):
    """An array with a lock, of zeros or of an initialiser's elements. Names and options are as Value's; `shape`
    gives numpy its dimensions."""
    type_ = ctype_of(typecode_or_type)
    if lock is False:
        return RawArray(type_, size_or_initializer, name=name, exist_ok=exist_ok, **options)
    lock = _checked_lock(lock)
    element_of(type_)
    whole, initial = initial_array(type_, size_or_initializer)
    return _array(whole, initial, lock, name, exist_ok, options)


def _array(whole, initial, lock, name, exist_ok, options):
    if whole._length_ == 0:
        initial = None
    segment = make(whole, initial, name=name, may_exist=exist_ok, **_options_for(whole, name, options))
    return wrap(segment, whole._type_, lock, whole._length_)


def synchronized(obj, lock=None, ctx=None):
    """A handle with a lock for a raw object."""
    memory = getattr(obj, "_wrapper", None)
    if not hasattr(memory, "segment"):
        raise TypeError(f"{obj!r} is no raw object of memshare's")
    type_ = type(obj)
    if issubclass(type_, ctypes.Array):
        return wrap(memory.segment, type_._type_, _checked_lock(lock), type_._length_)
    return wrap(memory.segment, type_, _checked_lock(lock), None)


def open(name, *, readonly=False, type=None, lock=True):
    """Opens what there is by its name or id: a value or an array, or with lock=False a raw object. `type`, a
    typecode or a ctypes type, is what its elements are expected to be. NoSuchSegment, TypeMismatch,
    AccessDenied."""
    type_ = ctype_of(type) if type is not None else None
    segment = _opened(name, readonly=readonly, element=element_of(type_) if type_ else None)
    type_ = type_ or type_of(segment.element)
    if lock is False:
        if segment.readonly:
            raise PermissionError("a raw object can be written: what is read-only is opened with its lock")
        return raw_object(type_ if segment.count is None else type_ * segment.count, memory_of(segment))
    return wrap(segment, type_, _checked_lock(lock), segment.count)


def _opened(name, **expected):
    try:
        return _core.open(name, **expected)
    except _core.NoSuchSegment:
        if not _is_id(name):
            raise
    return _core.open(name, by_id=True, **expected)


def _is_id(name):
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def _lock_of(identity):
    return _core.lock(attached(identity))


copyreg.pickle(_core.Lock, lambda lock: (_lock_of, (reduced(lock._segment),)))
