"""A copy is a copy, or an error; it is never the same memory under another name."""

import copy
import ctypes
import multiprocessing
import multiprocessing.sharedctypes
import pickle
import unittest

import memshare
import support


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("inner", ctypes.c_int * 2)]


WAYS = (copy.copy, copy.deepcopy, memshare.copy, multiprocessing.sharedctypes.copy)


def raw_objects():
    yield memshare.RawArray("d", 3)
    yield memshare.RawArray("i", [0])
    yield memshare.RawArray(ctypes.c_double * 2, 3)
    yield memshare.RawArray(Point, 2)
    yield memshare.RawValue("i")
    yield memshare.RawValue(Point)
    yield memshare.RawValue(ctypes.c_int * 3)
    yield memshare.RawArray(ctypes.c_int.__ctype_be__, 3)
    yield memshare.Array("d", 3).get_obj()
    yield memshare.Value(Point).get_obj()
    yield memshare.Array(Point, 3, name="copied", lifetime="attached").get_obj()
    yield memshare.open("copied", lock=False)


def fill(raw):
    ctypes.memset(ctypes.addressof(raw), 1, ctypes.sizeof(raw))


class ARawObject(unittest.TestCase):
    def test_is_copied_with_its_contents(self):
        for way in WAYS:
            for raw in raw_objects():
                with self.subTest(raw, way=way):
                    fill(raw)
                    twin = way(raw)
                    self.assertEqual((type(twin), bytes(twin)), (type(raw), bytes(raw)))
                    ctypes.memset(ctypes.addressof(raw), 2, ctypes.sizeof(raw))
                    self.assertEqual(bytes(twin), b"\1" * ctypes.sizeof(raw))

    def test_is_copied_once_where_it_is_twice(self):
        raw = memshare.RawArray("i", 3)
        twins = copy.deepcopy([raw, {"again": raw}])
        twins[0][1] = 5
        self.assertEqual((twins[1]["again"][1], raw[1]), (5, 0))

    def test_s_copy_is_shared_as_well(self):
        for way in WAYS[:3]:
            raw = memshare.RawArray("i", 3)
            twin = way(raw)
            support.run(multiprocessing.get_context("spawn"), fill, twin)
            self.assertEqual((bytes(twin), bytes(raw)), (b"\1" * 12, bytes(12)))

    def test_s_parts_are_copied_out_of_it(self):
        points = memshare.RawArray(Point, 2)
        memshare.RawValue(Point), memshare.RawArray("i", 2)  # so that their types are known
        for way in WAYS:
            for part in (points[1], points[1].inner):
                twin = way(part)
                fill(part)
                self.assertEqual((type(twin), bytes(twin)), (type(part), bytes(ctypes.sizeof(part))))
                ctypes.memset(ctypes.addressof(part), 0, ctypes.sizeof(part))

    def test_is_itself_in_a_pickle(self):
        for raw in raw_objects():
            again = pickle.loads(pickle.dumps(raw))
            fill(raw)
            self.assertEqual((type(again), bytes(again)), (type(raw), bytes(raw)))

    def test_leaves_copies_of_others_as_they_are(self):
        memshare.RawArray("d", 3), memshare.RawValue(Point)
        theirs = multiprocessing.RawArray("d", 3)
        twin = copy.copy(theirs)
        twin[0] = 5
        self.assertEqual((theirs[0], twin[0]), (0, 5))
        for way in (copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))):
            mine = Point(1)
            way(mine).x = 2
            self.assertEqual(mine.x, 1)


class AHandle(unittest.TestCase):
    def test_is_not_copied(self):
        value, array = memshare.Value("i"), memshare.Array("i", 3)
        for thing in (
            value, array, memshare.Value(Point), memshare.Array("c", 3), memshare.Value(Point, name="it", lifetime="attached"),
            value.get_lock(), array.changes(),
        ):  # fmt: skip
            for way in WAYS:
                with self.subTest(thing, way=way):
                    self.assertRaises((TypeError, RuntimeError), way, thing)

    def test_is_copied_part_by_part(self):
        array = memshare.Array(Point, 2)
        named = memshare.Value(Point, 1, (2, 3), name="parts", lifetime="attached")
        seen = memshare.open("parts", readonly=True, type=Point)
        for part in (array[1], array[0:2][0], named.inner, named.get_obj(), seen.inner):
            for way in WAYS[:3]:
                twin = way(part)
                self.assertEqual(bytes(twin), bytes(part))
                fill(twin)
                self.assertNotEqual(bytes(twin), bytes(part))


if __name__ == "__main__":
    unittest.main()
