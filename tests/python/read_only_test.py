"""A write to a part of what is read-only or frozen is an error, whatever the part is; to read it is none."""

import ctypes
import unittest

import memshare
import numpy


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]

    def move(self):
        self.x += 1

    def sum(self):
        return self.x + self.y


class Count(ctypes.c_int):
    """ctypes shows a member of such a type as an object, which can be written."""


class Deep(ctypes.Structure):
    _fields_ = [("point", Point), ("points", Point * 2), ("numbers", ctypes.c_int * 3), ("text", ctypes.c_char * 4), ("count", Count)]


class Either(ctypes.Union):
    _fields_ = [("whole", ctypes.c_int64), ("numbers", ctypes.c_int * 2)]


class WhatIsReadOnly(unittest.TestCase):
    def read_only(self, make, type_, *args):
        """One that was opened so, and one that was frozen."""
        made = make(type_, *args, name="shown", freezable=True)
        self.addCleanup(memshare.destroy, "shown")
        yield memshare.open("shown", readonly=True, type=type_)
        made.freeze()
        yield made

    def expect_refusals(self, handle, *writes):
        before = bytes(handle) if isinstance(handle, memshare.SynchronizedArray) else bytes(handle.load())
        for number, write in enumerate(writes):
            with self.subTest(number), self.assertRaises((PermissionError, TypeError, ValueError, ctypes.ArgumentError)):
                write()
        after = bytes(handle) if isinstance(handle, memshare.SynchronizedArray) else bytes(handle.load())
        self.assertEqual(after, before)

    def test_is_not_written_by_a_part_of_an_array_s_item(self):
        for seen in self.read_only(memshare.Array, Deep, 2):
            item, sliced, counted = seen[1], seen[0:2][0], next(iter(seen))
            for part in (item, sliced, counted):
                self.expect_refusals(
                    seen,
                    lambda: setattr(part, "count", 1),
                    lambda: setattr(part.point, "x", 1),
                    lambda: setattr(part.points[1], "x", 1),
                    lambda: setattr(part.points[0:2][0], "y", 1),
                    lambda: part.points.__setitem__(0, Point(1, 2)),
                    lambda: part.numbers.__setitem__(0, 1),
                    lambda: part.numbers.__setitem__(slice(0, 3), [1, 2, 3]),
                    lambda: setattr(part, "text", b"x"),
                    lambda: setattr(part.count, "value", 1),
                    lambda: part.point.move(),
                    lambda: memoryview(part).__setitem__(0, 1),
                    lambda: numpy.asarray(part).__setitem__((), 1),
                    lambda: numpy.asarray(part)["numbers"].__setitem__(0, 1),
                    lambda: ctypes.memset(part, 1, 4),
                    lambda: Deep.from_buffer(part),
                    lambda: Deep.from_buffer(seen),
                    lambda: seen.get_obj(),
                )

    def test_is_not_written_by_a_row(self):
        for seen in self.read_only(memshare.Array, ctypes.c_double * 2, 3):
            self.expect_refusals(
                seen,
                lambda: seen[1].__setitem__(0, 5.0),
                lambda: seen[0:2][1].__setitem__(0, 5.0),
                lambda: seen[1].__setitem__(slice(0, 2), (5.0, 6.0)),
                lambda: seen.__setitem__(0, (1.0, 2.0)),
                lambda: numpy.asarray(seen)[1].__setitem__(0, 5),
                lambda: numpy.asarray(seen[1]).__setitem__(0, 5),
                lambda: setattr(numpy.asarray(seen).flags, "writeable", True),
            )

    def test_is_not_written_by_a_part_of_a_value(self):
        for seen in self.read_only(memshare.Value, Deep):
            self.expect_refusals(
                seen,
                lambda: setattr(seen.point, "x", 1),
                lambda: setattr(seen.points[1], "x", 1),
                lambda: seen.numbers.__setitem__(0, 1),
                lambda: setattr(seen, "text", b"x"),
                lambda: setattr(seen.count, "value", 1),
                lambda: seen.point.move(),
                lambda: numpy.asarray(seen.numbers).__setitem__(0, 1),
                lambda: seen.update(lambda deep: None),
            )

    def test_is_not_written_by_a_union(self):
        for seen in self.read_only(memshare.Array, Either, 2):
            self.expect_refusals(
                seen,
                lambda: setattr(seen[0], "whole", 1),
                lambda: seen[0].numbers.__setitem__(1, 1),
                lambda: seen[0:1][0].numbers.__setitem__(1, 1),
            )

    def test_is_read_in_its_parts(self):
        for seen in self.read_only(memshare.Array, Deep, [((1, 2), (), (3, 4, 5), b"ab", 6), ()]):
            part = seen[0]
            self.assertIsInstance(part, Deep)
            self.assertIsInstance(part.point, ctypes.Structure)
            self.assertEqual((part.point.x, part.point.sum(), part.numbers[1:], part.text), (1, 3, [4, 5], b"ab"))
            self.assertEqual((part.count.value, bytes(part), numpy.asarray(part)["numbers"].tolist()),
                             (6, bytes(seen)[: ctypes.sizeof(Deep)], [3, 4, 5]))  # fmt: skip
            mine = memshare.Array(Deep, 1)
            mine[0] = part
            mine[0:1] = seen[0:1]
            self.assertEqual(mine[0].numbers[:], [3, 4, 5])
            self.assertEqual(memshare.copy(part.point).y, 2)


class AMemberOfAnOddType(unittest.TestCase):
    def test_of_two_slots_is_written_as_a_whole(self):
        value = memshare.Value(Deep, name="odd", lifetime="attached")
        value.count.value = 5
        self.assertEqual((value.count.value, value.load().count.value), (5, 5))


if __name__ == "__main__":
    unittest.main()
