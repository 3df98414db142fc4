"""Raw objects: real ctypes objects in shared memory, without a lock."""

import copyreg
import ctypes
import operator

from . import _core
from ._handing import attached, reduced
from ._parts import plain
from ._types import ctype_of, element_of, spelled, type_spelled


class _Memory:
    """Where a raw object lies. It is the object's `_wrapper`, as multiprocessing calls it, which then knows how
    to pickle it as well."""

    __slots__ = ("segment",)

    def __init__(self, segment):
        self.segment = segment

    def create_memoryview(self):
        return memoryview(self.segment).cast("B")

    def __reduce__(self):
        return _attached_memory, (reduced(self.segment),)


def memory_of(segment):
    return _Memory(segment)


def _attached_memory(identity):
    return _Memory(attached(identity))


def raw_object(type_, memory):
    """An object of a ctypes type at the start of a segment, which lives as long as it or a part of it."""
    _register(type_)
    object_ = type_.from_buffer(memory.segment)
    object_._wrapper = memory
    return object_


class _Original:
    """A raw object while the copy module or a pickle takes it apart. A pickle says where it lies, and gives that
    memory to _rebuild(); the copy module gives this itself, and gets a copy."""

    __slots__ = ("object",)

    def __init__(self, object_):
        self.object = object_

    def __reduce__(self):
        return self.object._wrapper.__reduce__()

    def __deepcopy__(self, memo):
        return self


def _rebuild(type_, memory, length):
    if isinstance(memory, _Original):
        return copy(memory.object)
    type_ = type_spelled(type_, memory.segment.element)
    return raw_object(type_ if length is None else type_ * length, memory)


def _reduce(object_):
    if not isinstance(getattr(object_, "_wrapper", None), _Memory):  # it is not ours, or a part of one
        return object_.__reduce__()
    if isinstance(object_, ctypes.Array):
        return _rebuild, (spelled(object_._type_), _Original(object_), object_._length_)
    return _rebuild, (spelled(type(object_)), _Original(object_), None)


_registered = set()


def _register(type_):
    """From here on objects of this type are pickled by their place, if it is ours; others as ever."""
    if type_ not in _registered:
        copyreg.pickle(type_, _reduce)
        _registered.add(type_)


def make(type_, initial, lock=False, **options):
    """A segment of plain memory for one object of any ctypes type. Whatever is not an array of its elements is
    an array of one, which always lies in the same place; a value of more than eight bytes has two."""
    if issubclass(type_, ctypes.Array):
        element, count = element_of(type_._type_), type_._length_
    elif _is_one_piece(type_):
        element, count = element_of(type_), None
    else:
        element, count = element_of(type_), 1
    if count == 0:
        if options.get("name") is not None:
            raise ValueError("a named array has at least one element")
        count = 1  # there is no memory of no size: nobody sees this one
    return _core.create(element, count, initial, **options)


def _is_one_piece(type_):
    size = ctypes.sizeof(type_)
    return size in (1, 2, 4, 8)


def initial_array(type_, size_or_initializer):
    """The type of the whole array, and an object with its contents, or None for zeros."""
    try:
        length = len(size_or_initializer)
    except TypeError:  # a number of elements, of Python or of numpy
        try:
            return type_ * operator.index(size_or_initializer), None
        except TypeError:
            kind = type(size_or_initializer).__name__
            raise TypeError(f"an array is made of its length or a sequence of its elements, not of a {kind}") from None
    type_ = type_ * length
    return type_, type_(*map(plain, size_or_initializer))


def RawValue(typecode_or_type, *args, name=None, exist_ok=False, **options):
    """A ctypes object in shared memory, zero or initialised by *args, without a lock."""
    type_ = ctype_of(typecode_or_type)
    element_of(type_ if not issubclass(type_, ctypes.Array) else type_._type_)
    initial = type_(*args) if args else None
    segment = make(type_, initial, name=name, may_exist=exist_ok, **options_for(name, options))
    return raw_object(type_, _Memory(segment))


def RawArray(typecode_or_type, size_or_initializer, *, name=None, exist_ok=False, **options):
    """A ctypes array in shared memory, of zeros or of an initialiser's elements, without a lock."""
    type_ = ctype_of(typecode_or_type)
    element_of(type_)
    type_, initial = initial_array(type_, size_or_initializer)
    initial = initial if type_._length_ else None
    segment = make(type_, initial, name=name, may_exist=exist_ok, **options_for(name, options))
    return raw_object(type_, _Memory(segment))


_options = ("lifetime", "mode", "group", "huge_pages", "reserve", "freezable", "exclusive_writer", "shape")


def options_for(name, options):
    """What the core is told, beside the name. What has no name is everybody's who has it: it ends with the last of
    them."""
    for option in options:
        if option not in _options:
            raise TypeError(f"there is no option {option!r}; there are {', '.join(_options)}")
    if name is None:
        options.setdefault("lifetime", "attached")
    return options


def copy(obj):
    """A new raw object with the contents of this ctypes object."""
    obj = plain(obj)
    type_ = type(obj)
    return raw_object(type_, _Memory(make(type_, obj, lifetime="attached")))
