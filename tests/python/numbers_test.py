"""Every number that has __index__() or __float__() is one: those of numpy as those of Python; and a handle is none."""

import ctypes
import decimal
import math
import unittest

import memshare
import numpy

INTEGERS = [kind for kind in numpy.sctypeDict.values() if issubclass(kind, numpy.integer) and kind is not numpy.timedelta64]
FLOATS = (numpy.float16, numpy.float32, numpy.float64, numpy.longdouble)


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


class Index:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


class ANumberOfNumpy(unittest.TestCase):
    def test_is_a_length(self):
        for kind in {*INTEGERS, Index}:
            self.assertEqual(len(memshare.Array("d", kind(5))), 5)
            self.assertEqual(len(memshare.RawArray("d", kind(5))), 5)
            self.assertEqual(memshare.Array("i", 4, shape=(kind(2), kind(2))).info().shape, (2, 2))
            shm = memshare.SharedMemory(create=True, size=kind(100))
            self.assertEqual((shm.size, type(shm.size)), (100, int))
            shm.unlink()
        self.assertEqual(memshare.Array("i", numpy.arange(3))[:], [0, 1, 2])
        self.assertEqual(memshare.Array("i", numpy.array([7]))[:], [7])
        self.assertEqual(len(memshare.Array("i", numpy.array(7))), 7)

    def test_that_is_no_length_is_refused(self):
        for make in (lambda size: memshare.Array("i", size), lambda size: memshare.SharedMemory(create=True, size=size)):
            for wrong in (numpy.float64(3), 3.0, None, decimal.Decimal(3), numpy.array([1.5])[0], object()):
                self.assertRaises(TypeError, make, wrong)
            self.assertRaises(ValueError, make, numpy.int64(-1))
            for large in (2**63, 2**64, Index(2**70)):
                self.assertRaises((OverflowError, ValueError, memshare.Error), make, large)

    def test_is_a_value(self):
        for kind in INTEGERS:
            for value in (memshare.Value("i", kind(3)), memshare.Value("d", kind(3)), memshare.Value("?" and ctypes.c_bool, kind(3))):
                self.assertEqual(value.value, 3 if value._type is not ctypes.c_bool else True)
                value.value = kind(1)
                value.store(kind(2))
                self.assertEqual(value.exchange(kind(1)), 2 if value._type is not ctypes.c_bool else True)
                self.assertEqual(value.compare_exchange(kind(1), kind(1)), True)
        for kind in FLOATS:
            value = memshare.Value("d", kind(1.5))
            value.add(kind(1))
            self.assertEqual(value.value, 2.5)
            self.assertRaises(TypeError, memshare.Value, "i", kind(1.5))

    def test_is_an_index(self):
        array = memshare.Array("i", 300)
        items = memshare.ShareableList(range(30))
        self.addCleanup(items.shm.unlink)
        for kind in {*INTEGERS, Index}:
            array[kind(100)] = kind(7)
            array.store(kind(101), kind(8))
            self.assertEqual((array[kind(100)], array.load(kind(101)), array[kind(100) : kind(102)]), (7, 8, [7, 8]))
            self.assertEqual(items[kind(29)], 29)
            items[kind(28)] = 28
        for wrong in (numpy.float64(1), 1.0, "1", None):
            for thing in (array, items):
                self.assertRaises(TypeError, thing.__getitem__, wrong)
                self.assertRaises(TypeError, thing.__setitem__, wrong, 1)

    def test_is_an_item_of_a_list(self):
        items = memshare.ShareableList([numpy.int32(1), numpy.float32(2.5), numpy.bool_(True), numpy.str_("a"), numpy.bytes_(b"b")])
        self.addCleanup(items.shm.unlink)
        self.assertEqual(list(items), [1, 2.5, True, "a", b"b"])
        self.assertEqual([type(item) for item in items], [int, float, bool, str, bytes])
        self.assertRaises(TypeError, memshare.ShareableList, [numpy.arange(2)])
        self.assertRaises(TypeError, memshare.ShareableList, [decimal.Decimal(1)])

    def test_is_a_mode_and_a_group(self):
        for kind in (numpy.int64, numpy.uint32, Index):
            made = memshare.Value("i", name="moded", mode=kind(0o640), group=kind(0))
            self.assertEqual((made.info().mode, made.info().gid), (0o640, 0))
            memshare.change("moded", mode=kind(0o600), group=kind(0))
            memshare.destroy("moded")
        for wrong, error in ((numpy.float64(1), TypeError), (numpy.int64(-1), OverflowError), (2**32, OverflowError), ("6", TypeError)):
            self.assertRaises(error, memshare.Value, "i", name="moded", mode=wrong)
            self.assertRaises(error, memshare.change, "moded", mode=wrong)
            self.assertRaises(error, memshare.change, "moded", group=wrong)

    def test_is_a_timeout(self):
        value = memshare.Value("i")
        pose = memshare.Value(Point)
        for wait in (lambda time: value.wait(0, time), lambda time: value.wait(timeout=time), lambda time: pose.wait(Point(), timeout=time)):
            for kind in (*FLOATS, numpy.int8, numpy.uint64, int, float, Index):
                self.assertFalse(wait(kind(0)))
            for past in (-1, -0.5, -math.inf, numpy.float32(-1), -(10**30)):
                self.assertFalse(wait(past))
            for wrong, error in ((math.nan, ValueError), (numpy.float32("nan"), ValueError), ("1", TypeError), (1j, TypeError),
                                 (10**400, OverflowError)):  # fmt: skip
                self.assertRaises(error, wait, wrong)
        for far in (math.inf, 1e300, numpy.float64("inf"), 10**30, numpy.finfo(float).max):
            self.assertTrue(value.wait(5, far))
            self.assertTrue(value.acquire(timeout=far))
            value.release()
        self.assertRaises(ValueError, value.acquire, timeout=math.nan)


class AHandle(unittest.TestCase):
    def test_is_no_number(self):
        for thing in (
            memshare.Value("i", 825373492), memshare.Value("d", 1), memshare.Value("c", b"1"), memshare.Array("c", b"12"),
            memshare.Array("B", b"12"), memshare.Value(ctypes.c_longdouble, 1), memshare.Array("i", 1),
            memshare.Value("i", 5, name="number", lifetime="attached"), memshare.open("number", readonly=True),
        ):  # fmt: skip
            for convert in (int, float, complex, round, math.trunc, math.sqrt, hex, abs, "%d".__mod__, "{:d}".format,
                            lambda it: it + 1, lambda it: 1 + it, lambda it: it < 1, lambda it: -it,
                            lambda it: [1, 2][it], range, decimal.Decimal, ctypes.c_int, ctypes.c_double):  # fmt: skip
                with self.subTest(thing, convert=convert):
                    self.assertRaises(TypeError, convert, thing)
            self.assertTrue(bool(thing))
            self.assertEqual((thing == 825373492, thing == thing, thing in {thing}), (False, True, True))

    def test_that_is_closed_is_no_number(self):
        value = memshare.Value("i", 5)
        value.close()
        self.assertRaises(TypeError, int, value)


if __name__ == "__main__":
    unittest.main()
