"""What ctypes calls a type, and what the broker calls it."""

import ctypes
import functools
from ctypes import sizeof

typecode_to_type = {
    "c": ctypes.c_char,
    "u": ctypes.c_wchar,
    "b": ctypes.c_byte,
    "B": ctypes.c_ubyte,
    "h": ctypes.c_short,
    "H": ctypes.c_ushort,
    "i": ctypes.c_int,
    "I": ctypes.c_uint,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "q": ctypes.c_longlong,
    "Q": ctypes.c_ulonglong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}

# The characters by which ctypes tells its simple types apart. What is not here has no kind: a long double.
_of_simple = {"c": "char", "u": "wchar", "?": "bool", "f": "f32", "d": "f64"}
_of_integer = {"b": "i", "B": "u", "h": "i", "H": "u", "i": "i", "I": "u", "l": "i", "L": "u", "q": "i", "Q": "u"}

_SWAPPED = "swapped"

_of_kind = {
    "i8": ctypes.c_int8,
    "u8": ctypes.c_uint8,
    "i16": ctypes.c_int16,
    "u16": ctypes.c_uint16,
    "i32": ctypes.c_int32,
    "u32": ctypes.c_uint32,
    "i64": ctypes.c_int64,
    "u64": ctypes.c_uint64,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
    "bool": ctypes.c_bool,
    "char": ctypes.c_char,
    "wchar": ctypes.c_wchar,
}


def ctype_of(typecode_or_type):
    """The ctypes type that a typecode stands for, or the type itself."""
    type_ = typecode_to_type.get(typecode_or_type, typecode_or_type)
    if not isinstance(type_, type):
        raise TypeError(f"{typecode_or_type!r} is neither a typecode nor a ctypes type")
    return type_


def _kind_of_simple(type_):
    code = type_._type_
    if code in _of_integer:
        return _of_integer[code] + str(8 * sizeof(type_))
    return _of_simple.get(code)


def _kind(type_):
    """The kind of a number or character; None for everything else, also where its bytes are swapped."""
    if issubclass(type_, ctypes._SimpleCData):
        swapped = getattr(type_, "__ctype_le__", type_) is not type_
        return None if swapped else _kind_of_simple(type_)
    return None


def _field(structure, name, type_):
    """How a field is described, or None: only numbers and characters are, and plain arrays of them."""
    count = 1
    while issubclass(type_, ctypes.Array):
        count *= type_._length_
        type_ = type_._type_
    kind = _kind(type_)
    return kind and count and (name, kind, structure.__dict__[name].offset, count)


def _fields(structure):
    """Those of its bases are first. Bit fields and nested structures are shared, but not described."""
    described = []
    for base in reversed(structure.__mro__):
        for name, type_, *bits in base.__dict__.get("_fields_", ()):
            if not bits and (field := _field(base, name, type_)):
                described.append(field)
    return tuple(described)


def _holds_addresses(type_):
    if issubclass(type_, ctypes._SimpleCData):
        return type_._type_ in "zZPO"
    if issubclass(type_, ctypes.Array):
        return _holds_addresses(type_._type_)
    return issubclass(type_, (ctypes._Pointer, ctypes._CFuncPtr))


@functools.lru_cache(maxsize=1024)
def element_of(type_):
    """An element as the core understands it: (kind, size, alignment, name, fields)."""
    if not issubclass(type_, (ctypes._SimpleCData, ctypes.Structure, ctypes.Union, ctypes.Array)):
        if issubclass(type_, (ctypes._Pointer, ctypes._CFuncPtr)):
            raise TypeError("an address means nothing in another process: share what it points to")
        raise TypeError(f"{type_.__name__} is no ctypes type")
    if _holds_addresses(type_):
        raise TypeError("an address means nothing in another process: share what it points to")
    if sizeof(type_) >= 1 << 32:
        raise ValueError(f"an element has less than 4 GiB, and a {type_.__name__} has {sizeof(type_)} bytes")
    alignment = ctypes.alignment(type_)
    if kind := _kind(type_):
        return (kind, sizeof(type_), alignment, "", ())
    if issubclass(type_, ctypes.Structure):
        return ("struct", sizeof(type_), alignment, type_.__name__, _fields(type_))
    return ("struct", sizeof(type_), alignment, "", ())


def spelled(type_):
    """What a pickle says of a ctypes type: of an array and of a swapped number, which have no names of their own, what
    they are made of; None of what was made here of the broker's description, which the other side does as well."""
    if type_.__module__ == __name__:
        return None
    if issubclass(type_, ctypes.Array) and type_ is type_._type_ * type_._length_:  # no subclass with a name
        return spelled(type_._type_), type_._length_
    native = getattr(type_, "__ctype_le__", type_)
    return type_ if native is type_ or not issubclass(type_, ctypes._SimpleCData) else (native, _SWAPPED)


def type_spelled(words, element):
    """The type that spelled() has said, of a segment of such elements."""
    if words is None:
        return type_of(element)
    if not isinstance(words, tuple):
        return words
    inner, how = words
    return inner.__ctype_be__ if how == _SWAPPED else type_spelled(inner, element) * how


@functools.lru_cache(maxsize=1024)
def type_of(element):
    """A ctypes type that lies in memory as this element does."""
    kind, size, alignment, name, fields = element
    if kind != "struct":
        return _of_kind[kind]
    plain = _structure(name or "Structure", [(n, _array(k, c)) for n, k, _, c in fields])
    if element_of(plain)[1:3] == (size, alignment) and _fields(plain) == fields:
        return plain
    return _padded(name or "Structure", size, alignment, fields)


def _structure(name, fields, pack=None):
    members = {"_fields_": fields} if pack is None else {"_pack_": pack, "_fields_": fields}
    return type(name, (ctypes.Structure,), members)


def _array(kind, count):
    return _of_kind[kind] if count == 1 else _of_kind[kind] * count


def _padded(name, size, alignment, fields):
    """Where the compiler of a struct has left gaps other than ctypes would, they are members without a name."""
    members, end = [], 0
    for field, kind, offset, count in sorted(fields, key=lambda one: one[2]):
        if offset < end:  # one over another, as in a union: they are bytes
            return _structure(name, [("bytes", ctypes.c_ubyte * size)])
        if offset > end:
            members.append((f"_{end}", ctypes.c_ubyte * (offset - end)))
        members.append((field, _array(kind, count)))
        end = offset + count * sizeof(_of_kind[kind])
    if size > end:
        members.append((f"_{end}", ctypes.c_ubyte * (size - end)))
    return _structure(name, members, pack=1)
