"""Values and arrays with a lock, as multiprocessing has them."""

import copyreg
import ctypes
import operator
import uuid

from . import _core
from ._handing import attached, reduced
from ._handle import Handle
from ._parts import Part, ReadOnlyItem, plain
from ._raw import RawArray, RawValue, initial_array, make, memory_of, options_for, raw_object
from ._structures import structure_class
from ._types import ctype_of, element_of, type_of

# What fits on one page with its header is this process's alone until others can come to have it.
_LARGEST_ALONE = 4096 - 192

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

    def _get_readonly(self, key):
        """An item or a slice of what is read-only, which ctypes cannot show."""
        if isinstance(key, slice):
            items = [self._get_readonly(index) for index in range(len(self))[key]]
            text = {ctypes.c_char: b"", ctypes.c_wchar: ""}.get(self._type)
            return items if text is None else text.join(items)
        index = range(len(self))[operator.index(key)]
        item = ReadOnlyItem(self._segment, self._type, index * ctypes.sizeof(self._type))
        return item.load().value if issubclass(self._type, ctypes._SimpleCData) else Part(item)

    def _length(self):
        return len(self)

    def _set_item(self, key, value):
        self.get_obj()[key] = plain(value)


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
