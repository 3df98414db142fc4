"""Parts of what is not written in place: of a structure in two slots, and of what is read-only."""

import ctypes
import sys
import types

from . import _core


def refuse_to_write():
    raise PermissionError("this is mapped read-only: it cannot be written, nor locked")


class Whole:
    """A structure that is read and written as a whole: in two slots it lies now in the one, now in the other; or
    it is read-only. With a lock of the user's others may be in the segment's own, which is taken as well."""

    __slots__ = ("segment", "type", "lock")

    def __init__(self, segment, type_, lock=None):
        self.segment = segment
        self.type = type_
        self.lock = lock

    @property
    def readonly(self):
        return self.segment.readonly

    def load(self):
        return self.type.from_buffer_copy(self.segment.load() if self.segment.count is None else self.segment)

    def update(self, change):
        if self.readonly:
            refuse_to_write()
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


class ReadOnlyItem:
    """An element of a read-only array, which ctypes cannot show in place."""

    __slots__ = ("segment", "type", "offset")
    readonly = True

    def __init__(self, segment, type_, offset):
        self.segment = segment
        self.type = type_
        self.offset = offset

    def load(self):
        return self.type.from_buffer_copy(self.segment, self.offset)

    def update(self, change):
        refuse_to_write()


# Structures, unions, arrays, and the subclasses of simple types, which ctypes does not turn into numbers.
_CData = ctypes.Structure.__base__


class Part:
    """A whole, or a structure or an array inside of it. It looks like the ctypes object, also to isinstance(); each
    access reads or writes the whole, in one step of its own: `part.count += 1` is two, to be taken in the lock."""

    __slots__ = ("__whole", "__path")  # names that no field has

    def __init__(self, whole, path=()):
        object.__setattr__(self, "_Part__whole", whole)
        object.__setattr__(self, "_Part__path", path)

    __class__ = property(lambda self: type(plain(self)))  # type: ignore[assignment]

    def __in(self, structure):
        for step in self.__path:
            structure = step(structure)
        return structure

    def __read(self, step):
        read = step(self.__in(self.__whole.load()))
        return Part(self.__whole, (*self.__path, step)) if isinstance(read, _CData) else read

    def __getattr__(self, name):
        read = self.__read(lambda part: getattr(part, name))
        if not isinstance(read, types.MethodType):
            return read
        run = self.__run_on_copy if self.__whole.readonly else self.__whole.update
        return lambda *args, **kwargs: run(lambda whole: getattr(self.__in(whole), name)(*args, **kwargs))

    def __run_on_copy(self, method):
        """A method of what is read-only may read it."""
        whole = self.__whole.load()
        before = bytes(whole)
        result = method(whole)
        if bytes(whole) != before:
            refuse_to_write()
        return result

    def __setattr__(self, name, value):
        value = plain(value)
        self.__whole.update(lambda whole: setattr(self.__in(whole), name, value))

    def __getitem__(self, key):
        read = self.__read(lambda part: part[key])
        if isinstance(read, list) and read and isinstance(read[0], _CData):
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

    def __array__(self, dtype=None):
        """A copy for numpy, which cannot be written, as that would change nothing here."""
        copy = sys.modules["numpy"].array(plain(self), dtype)
        copy.flags.writeable = False
        return copy

    def __reduce_ex__(self, protocol):
        """Copied and handed on is what is in it now, as of a ctypes object inside of another one."""
        return plain(self).__reduce_ex__(protocol)

    def __repr__(self):
        return f"<part of a shared {self.__whole.type.__name__}: {self.__in(self.__whole.load())!r}>"


def plain(thing):
    """The ctypes object as it is now, of a part; such ones of a list or a tuple; anything else as it is."""
    if type(thing) is Part:
        return thing._Part__in(thing._Part__whole.load())
    if isinstance(thing, (list, tuple)) and any(type(one) is Part for one in thing):
        return [plain(one) for one in thing]
    return thing
