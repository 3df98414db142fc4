"""Values of a ctypes.Structure, field by field."""

import ctypes
import weakref

from . import _core
from ._raw import memory_of, raw_object
from ._types import element_of, type_of

_classes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_views: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def is_made_up(type_):
    """Whether a type was made here, of what the broker tells, so that no other process finds it by its name."""
    return type_.__module__ == type_of.__module__


def _field_names(type_):
    """Those of its bases as well; its own last."""
    for base in reversed(type_.__mro__):
        yield from (field[0] for field in base.__dict__.get("_fields_", ()))


def _property(name):
    def read(self):
        if self.readonly or self._has_slots():
            return getattr(self.load(), name)
        with self:
            return getattr(self.get_obj(), name)

    def write(self, value):
        self.update(lambda structure: setattr(structure, name, value))

    return property(read, write)


class _Structure(_core.SynchronizedBase):
    """Of a named one, whose kind C++ knows as Value<T>, each change is of the whole: a reader sees the old one
    or the new one. One without a name is plain memory, in one place, as multiprocessing has it."""

    __slots__ = ()

    def _has_slots(self):
        return self._segment.count is None and ctypes.sizeof(self._type) not in (1, 2, 4, 8)

    def load(self):
        """A copy of the whole."""
        if self.readonly:
            return self._copy()
        with self:
            return self._copy()

    def _copy(self):
        is_value = self._segment.count is None
        return self._type.from_buffer_copy(self._segment.load() if is_value else self._segment)

    def store(self, structure):
        """Stores a whole one."""
        if element_of(type(structure)) != element_of(self._type):
            raise TypeError(f"this is a {self._type.__name__}, not a {type(structure).__name__}")
        self.update(lambda own: ctypes.memmove(ctypes.addressof(own), bytes(structure), ctypes.sizeof(own)))

    def update(self, change):
        """Calls change(structure) with a copy, in the lock, and stores it; if that raises, nothing happens."""
        if self.readonly:
            raise PermissionError("this is mapped read-only: it cannot be written, nor locked")
        with self:
            structure = self._copy()
            change(structure)
            if self._segment.count is None:
                self._segment.store(structure)
            else:
                ctypes.memmove(ctypes.addressof(self.get_obj()), bytes(structure), ctypes.sizeof(structure))
        if self._segment.count is not None:
            self._segment.notify_all()

    def shown(self, version):
        return self.load()

    def _make_obj(self):
        if self._has_slots():
            return _view_class(self._type)(self._segment)
        return raw_object(self._type, memory_of(self._segment))


def structure_class(type_, handle):
    """The class of handles for a structure, with a property for each field."""
    class_ = _classes.get(type_)
    if class_ is None:
        fields = {name: _property(name) for name in _field_names(type_)}
        name = "Synchronized" + type_.__name__
        class_ = _classes[type_] = type(name, (_Structure, handle), {"__slots__": (), **fields})
    return class_


def _view_property(name):
    def read(self):
        return getattr(self._load(), name)

    def write(self, value):
        with _core.lock(self._segment):
            structure = self._load()
            setattr(structure, name, value)
            self._segment.store(bytes(structure))

    return property(read, write)


def _view_class(type_):
    """What get_obj() gives of a structure that lies now here, now there: fields are read and written in the
    whole; what is inside of a field is a copy."""
    class_ = _views.get(type_)
    if class_ is None:

        def __init__(self, segment):
            self._segment = segment

        def _load(self):
            return type_.from_buffer_copy(self._segment.load())

        fields = {name: _view_property(name) for name in _field_names(type_)}
        members = {"__init__": __init__, "_load": _load, **fields}
        class_ = _views[type_] = type(type_.__name__, (type_,), members)
    return class_
