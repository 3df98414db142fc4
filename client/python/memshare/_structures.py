"""Values of a ctypes.Structure, field by field."""

import ctypes
import weakref

from . import _core
from ._parts import Part, Whole, plain, refuse_to_write
from ._raw import memory_of, raw_object
from ._types import element_of

_classes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

# Fields of these names are only reached by get_obj(), as handles need them.
_OURS = {"_copy", "_layout", "_length", "_make_obj", "_segment", "_shown", "_type", "_user_lock", "_version"}
_OURS |= {"_has_slots", "_watch"}


def _field_names(type_):
    """Those of its bases as well; its own last."""
    for base in reversed(type_.__mro__):
        yield from (field[0] for field in base.__dict__.get("_fields_", ()))


def _whole_of(handle, lock=None):
    return Whole(handle._segment, handle._type, lock)


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
            refuse_to_write()
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
