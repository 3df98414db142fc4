"""How a buffer describes an element, for numpy and memoryviews (PEP 3118)."""

import ctypes
import functools
from ctypes import sizeof

_NATIVE = {"u": "w"}  # where ctypes has another character than PEP 3118
_FIXED = {"u": "w", "l": "q", "L": "Q"}  # with "=", "<" and ">" a long has four bytes


@functools.lru_cache(maxsize=1024)
def layout_of(type_):
    """The format of the innermost items of a ctypes type, and the dimensions of an element: a row of four doubles
    is ("d", (4,)). Bytes that no format can describe, as a union's, are numbers of a byte each: text of them would
    lose its last zeros."""
    dimensions, inner = _without_dimensions(type_)
    if issubclass(inner, ctypes._SimpleCData):
        format_ = _swapped(inner) or _NATIVE.get(inner._type_, inner._type_)
    else:
        format_ = _structure(inner)
    if format_ is None:
        return b"B", (*dimensions, sizeof(inner))
    return format_.encode(), dimensions


def _without_dimensions(type_):
    dimensions = []
    while issubclass(type_, ctypes.Array):
        dimensions.append(type_._length_)
        type_ = type_._type_
    return tuple(dimensions), type_


def _swapped(simple):
    """The format of a number with the other byte order; None for a native one."""
    if getattr(simple, "__ctype_le__", simple) is simple:
        return None
    return ">" + _FIXED.get(simple._type_, simple._type_)


def _fixed(simple):
    if simple._type_ == "g":  # a long double has no standard size
        return "^g"
    return _swapped(simple) or "=" + _FIXED.get(simple._type_, simple._type_)


def _part(type_):
    """A member of a structure, with its dimensions; each member says its byte order, which would else be that of
    the one before."""
    dimensions, inner = _without_dimensions(type_)
    format_ = None
    if issubclass(inner, ctypes._SimpleCData):
        format_ = _fixed(inner)
    elif (structure := _structure(inner)) is not None:
        format_ = "=" + structure
    if format_ is None:
        dimensions, format_ = (*dimensions, sizeof(inner)), "=B"
    return f"({','.join(map(str, dimensions))})" * bool(dimensions) + format_


def _members(structure):
    """(offset, size, format, name), those of its bases as well. The bit fields of a unit are its bytes."""
    units = set()
    for base in structure.__mro__:
        for name, type_, *bits in base.__dict__.get("_fields_", ()):
            offset = base.__dict__[name].offset
            if not bits and sizeof(type_):
                yield offset, sizeof(type_), _part(type_), name
            elif bits and offset not in units:
                units.add(offset)
                yield offset, sizeof(type_), f"({sizeof(type_)})=B", f"_{offset}"


def _structure(type_):
    """None, if members lie over one another or their names cannot be told apart in a format."""
    if not issubclass(type_, ctypes.Structure):
        return None
    format_, end, names = "", 0, {""}
    for offset, size, part, name in sorted(_members(type_)):
        if offset < end or name in names or set(name) & set(":{}"):
            return None
        gap = f"{offset - end}x" if offset > end else ""
        format_ += f"{gap}{part}:{name}:"
        end = offset + size
        names.add(name)
    if not format_:
        return None
    return "T{" + format_ + (f"{sizeof(type_) - end}x" if sizeof(type_) > end else "") + "}"
