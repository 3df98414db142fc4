"""A program that uses the types of the package; mypy looks at it, and it runs."""

import ctypes
from typing import Optional

import memshare


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double)]


value = memshare.Value("d", 1.5)
number: float = value.value
array = memshare.Array("i", [1, 2, 3], name="typed", lifetime="attached")
item: int = array[0]
items: list[int] = array[:]
text = memshare.Array("c", b"abc")
raw: bytes = text.value
pose: Pose = memshare.Value(Pose, 1.0).load()
with array.get_lock():
    before: int = array.add(0, 1)
dead: Optional[memshare.DeadHolder] = value.get_lock().recovered()
integer: ctypes.c_int = memshare.RawValue(ctypes.c_int, 5)
names: list[Optional[str]] = [one.name for one in memshare.list("typed")]
mistake: int = value.value  # type: ignore[assignment]
print(number, item, items, raw, pose.x, before, dead, integer.value, names)
