"""Values of a ctypes.Structure, field by field."""

import ctypes
import types
import weakref

from . import _core
from ._raw import memory_of, raw_object
from ._types import element_of, type_of

_classes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

# Fields of these names are only reached by get_obj(), as handles need them.
_OURS = {"_copy", "_length", "_make_obj", "_segment", "_shown", "_type", "_user_lock", "_version"}
_OURS |= {"_get_copy", "_has_slots", "_wait_in_one_place", "_watch"}


def is_made_up(type_):
    """Whether a type was made here, of what the broker tells, so that no other process finds it by its name."""
    return type_.__module__ == type_of.__module__


def _field_names(type_):
    """Those of its bases as well; its own last."""
    for base in reversed(type_.__mro__):
        yield from (field[0] for field in base.__dict__.get("_fields_", ()))


class _Whole:
    """A structure that is read and written as a whole: in two slots it lies now in the one, now in the other; or
    it is read-only. With a lock of the user's others may be in the segment's own, which is taken as well."""

    __slots__ = ("segment", "type", "lock")

    def __init__(self, segment, type_, lock=None):
        self.segment = segment
        self.type = type_
        self.lock = lock

    def load(self):
        return self.type.from_buffer_copy(self.segment.load() if self.segment.count is None else self.segment)

    def update(self, change):
        if self.segment.readonly:
            raise PermissionError("this is mapped read-only: it cannot be written, nor locked")
        if self.lock is not None:
            self.lock.acquire()
        try:
            with _core.lock(self.segment):
                structure = self.load()
                result = change(structure)
                self.segment.store(structure)
                return result
        finally:
            if self.lock is not None:
                self.lock.release()


_AGGREGATES = (ctypes.Structure, ctypes.Union, ctypes.Array)


class Part:
    """A structure in two slots, or a structure or an array inside of it. It looks like the ctypes object; each
    access reads or writes the whole, in one step of its own: `part.count += 1` is two, to be taken in the lock."""

    __slots__ = ("__whole", "__path")  # names that no field has

    def __init__(self, whole, path=()):
        object.__setattr__(self, "_Part__whole", whole)
        object.__setattr__(self, "_Part__path", path)

    def __in(self, structure):
        for step in self.__path:
            structure = step(structure)
        return structure

    def __read(self, step):
        read = step(self.__in(self.__whole.load()))
        return Part(self.__whole, (*self.__path, step)) if isinstance(read, _AGGREGATES) else read

    def __getattr__(self, name):
        read = self.__read(lambda part: getattr(part, name))
        if isinstance(read, types.MethodType) and not self.__whole.segment.readonly:
            return lambda *args, **kwargs: self.__whole.update(
                lambda whole: getattr(self.__in(whole), name)(*args, **kwargs)
            )
        return read

    def __setattr__(self, name, value):
        value = plain(value)
        self.__whole.update(lambda whole: setattr(self.__in(whole), name, value))

    def __getitem__(self, key):
        read = self.__read(lambda part: part[key])
        if isinstance(read, list) and read and isinstance(read[0], _AGGREGATES):
            return [self[index] for index in range(*key.indices(len(self)))]
        return read

    def __setitem__(self, key, value):
        value = plain(value)
        self.__whole.update(lambda whole: self.__in(whole).__setitem__(key, value))

    def __len__(self):
        return len(self.__in(self.__whole.load()))

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __bytes__(self):
        return bytes(plain(self))

    def __reduce_ex__(self, protocol):
        """Copied and handed on is what is in it now, as of a ctypes object inside of another one."""
        return plain(self).__reduce_ex__(protocol)

    def __repr__(self):
        return f"<part of a shared {self.__whole.type.__name__}: {self.__in(self.__whole.load())!r}>"


def plain(thing):
    """The ctypes object as it is now, of a part; such ones of a list or a tuple; anything else as it is."""
    if isinstance(thing, (list, tuple)):
        return [plain(one) for one in thing] if any(isinstance(one, Part) for one in thing) else thing
    return thing._Part__in(thing._Part__whole.load()) if isinstance(thing, Part) else thing


def _whole_of(handle, lock=None):
    return _Whole(handle._segment, handle._type, lock)


def _property(name):
    def read(self):
        if self._has_slots() or self._segment.readonly:
            return getattr(Part(_whole_of(self, self._user_lock)), name)
        with self:
            return getattr(_core.SynchronizedBase.get_obj(self), name)

    def write(self, value):
        value = plain(value)
        _Structure.update(self, lambda structure: setattr(structure, name, value))

    return property(read, write)


class _Structure:
    """Of a named one, whose kind C++ knows as Value<T>, each change is of the whole: a reader sees the old one
    or the new one. One without a name is plain memory, in one place, as multiprocessing has it. (A field may
    be called as one of these methods, so they call each other by their class.)"""

    __slots__ = ()

    def load(self):
        """A copy of the whole."""
        if self._segment.readonly:
            return self._copy()
        with self:
            return self._copy()

    def store(self, structure):
        """Stores a whole one."""
        structure = plain(structure)
        if element_of(type(structure)) != element_of(self._type):
            raise TypeError(f"this is a {self._type.__name__}, not a {type(structure).__name__}")
        raw = bytes(structure)
        _Structure.update(self, lambda own: ctypes.memmove(ctypes.addressof(own), raw, len(raw)))

    def update(self, change):
        """Calls change(structure) with a copy, in the lock, and stores it; if that raises, nothing happens."""
        if self._segment.readonly:
            raise PermissionError("this is mapped read-only: it cannot be written, nor locked")
        if self._segment.count is None:
            _whole_of(self, self._user_lock).update(change)
            return
        with self:
            structure = self._copy()
            change(structure)
            own = _core.SynchronizedBase.get_obj(self)
            ctypes.memmove(ctypes.addressof(own), bytes(structure), ctypes.sizeof(structure))
        self._segment.notify_all()

    def _shown(self, version):
        return _Structure.load(self)

    def _make_obj(self):
        if self._has_slots():
            return Part(_whole_of(self))  # to be used in the lock
        return raw_object(self._type, memory_of(self._segment))


def structure_class(type_, handle):
    """The class of handles for a structure, with a property for each field."""
    class_ = _classes.get(type_)
    if class_ is None:
        fields = {name: _property(name) for name in _field_names(type_) if name not in _OURS}
        name = "Synchronized" + type_.__name__
        class_ = _classes[type_] = type(name, (_Structure, handle, _core.SynchronizedBase), {"__slots__": (), **fields})
    return class_
