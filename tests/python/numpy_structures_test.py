"""numpy sees rows as dimensions, and parts of structures as they are: never as text, which loses its last zeros."""

import ctypes
import pickle
import unittest

import memshare
import numpy


class Inner(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("m", (ctypes.c_float * 2) * 3)]


class Outer(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("inner", Inner), ("inners", Inner * 2), ("last", ctypes.c_byte)]


class Swapped(ctypes.BigEndianStructure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_short * 3), ("c", ctypes.c_double)]


class Number(ctypes.Union):
    _fields_ = [("whole", ctypes.c_int64), ("real", ctypes.c_double)]


class Bits(ctypes.Structure):
    _fields_ = [("low", ctypes.c_int, 3), ("high", ctypes.c_int, 29), ("x", ctypes.c_double), ("number", Number)]


class Packed(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("flag", ctypes.c_bool), ("long", ctypes.c_longdouble), ("letter", ctypes.c_wchar), ("text", ctypes.c_char * 5)]


class Nothing(ctypes.Structure):
    _fields_ = []


def described(dtype):
    """A dtype with its names, offsets and dimensions, and no more: ctypes pads otherwise."""
    if dtype.subdtype is not None:
        inner = described(dtype.base)
        return (inner[0], dtype.shape + inner[1]) if dtype.base.subdtype else (inner, dtype.shape)
    if dtype.names is None:
        return dtype.str
    return dtype.itemsize, [(name, dtype.fields[name][1], described(dtype.fields[name][0])) for name in dtype.names]


class Rows(unittest.TestCase):
    def test_are_dimensions(self):
        for element, count, dtype, shape in (
            (ctypes.c_double * 4, 3, "f8", (3, 4)),
            ((ctypes.c_ubyte * 3) * 2, 4, "u1", (4, 2, 3)),
            (ctypes.c_int.__ctype_be__ * 2, 3, ">i4", (3, 2)),
            (ctypes.c_char * 5, 2, "S1", (2, 5)),
            (Inner * 2, 3, numpy.dtype(Inner), (3, 2)),
            (Number * 2, 3, "u1", (3, 2, 8)),
            (ctypes.c_int * 1, 1, "i4", (1, 1)),
        ):
            with self.subTest(element):
                made = memshare.Array(element, count, name="rows", lifetime="attached")
                for handle in (made, memshare.open("rows", type=element), memshare.open("rows", readonly=True, type=element)):
                    seen = numpy.asarray(handle)
                    self.assertEqual((described(seen.dtype), seen.shape), (described(numpy.dtype(dtype)), shape))
                    self.assertEqual(memoryview(handle).nbytes, count * ctypes.sizeof(element))
                self.assertEqual(numpy.asarray(made).ctypes.data, ctypes.addressof(made.get_obj()))
                del made, handle, seen

    def test_of_a_value_are_the_dimensions_of_an_array(self):
        value = memshare.Value(ctypes.c_double * 4)
        self.assertEqual(numpy.asarray(value).shape, (4,))

    def test_lie_within_the_dimensions_of_their_array(self):
        cube = memshare.Array(ctypes.c_float * 2, 6, shape=(3, 2))
        self.assertEqual(numpy.asarray(cube).shape, (3, 2, 2))
        numpy.asarray(cube)[2, 1, 0] = 7
        self.assertEqual(cube[5][:], [7, 0])

    def test_keep_their_zeros(self):
        rows = memshare.Array(ctypes.c_double * 2, 1, name="zeros")
        for seen in (rows, memshare.open("zeros"), memshare.open("zeros", type=ctypes.c_double * 2)):
            self.assertEqual(numpy.asarray(seen).tobytes(), bytes(16))
            self.assertNotIn("S", str(numpy.asarray(seen).dtype))

    def test_come_with_a_handle_that_is_handed_on(self):
        rows = memshare.Array(ctypes.c_double * 4, 3)
        numpy.asarray(rows)[1, 2] = 5
        self.assertEqual(numpy.asarray(pickle.loads(pickle.dumps(rows)))[1, 2], 5)


class AStructure(unittest.TestCase):
    def test_in_another_one_is_seen_in_its_depth(self):
        outer = memshare.Array(Outer, 2)
        seen = numpy.asarray(outer)
        self.assertEqual(described(seen.dtype), described(numpy.dtype(Outer)))
        seen["inner"]["m"][1, 2] = [3, 4]
        seen["inners"]["a"] = [[1, 2], [3, 4]]
        self.assertEqual((outer[1].inner.m[2][:], outer[1].inners[1].a, outer[0].inners[0].a), ([3, 4], 4, 1))

    def test_of_the_other_byte_order_is_seen_in_that(self):
        swapped = memshare.Array(Swapped, [(1, (2, 3, 4), 5)])
        seen = numpy.asarray(swapped)
        self.assertEqual(described(seen.dtype), described(numpy.dtype(Swapped)))
        self.assertEqual((seen["a"].tolist(), seen["b"].tolist(), seen["c"].tolist()), ([1], [[2, 3, 4]], [5]))
        seen["a"] = 7
        self.assertEqual(swapped[0].a, 7)

    def test_with_bit_fields_and_unions_shows_their_bytes(self):
        bits = memshare.Array(Bits, [(5, 1, 2.5)])
        bits[0].number.whole = 258
        seen = numpy.asarray(bits)
        self.assertEqual(seen.dtype.names, ("_0", "x", "number"))
        self.assertEqual((seen["x"][0], seen["number"][0].tolist()), (2.5, [2, 1, 0, 0, 0, 0, 0, 0]))
        self.assertEqual(seen["_0"][0].tobytes(), bytes(bits)[:4])

    def test_that_is_packed_is_seen_where_its_members_are(self):
        packed = memshare.Array(Packed, [(True, 1.5, "ä")])
        ctypes.memmove(ctypes.addressof(packed.get_obj()) + Packed.text.offset, b"a\0b", 3)
        seen = numpy.asarray(packed)
        self.assertEqual([seen.dtype.fields[name][1] for name in seen.dtype.names], [0, 1, 17, 21])
        self.assertEqual((bool(seen["flag"][0]), float(seen["long"][0]), seen["letter"][0]), (True, 1.5, "ä"))
        self.assertEqual(seen["text"][0].tobytes(), b"a\0b\0\0")

    def test_whose_members_cannot_be_named_apart_is_bytes(self):
        class Base(ctypes.Structure):
            _fields_ = [("x", ctypes.c_int)]

        class Again(Base):
            _fields_ = [("x", ctypes.c_int)]

        class Colon(ctypes.Structure):
            _fields_ = [("a:b", ctypes.c_double)]

        for type_ in (Again, Colon, Number):
            self.assertEqual(numpy.asarray(memshare.Array(type_, 3)).shape, (3, 8))

    def test_that_is_a_value_has_no_dimensions(self):
        for value in (memshare.Value(Outer), memshare.Value(Swapped, 1)):
            self.assertEqual(numpy.asarray(value).shape, ())

    def test_that_was_opened_by_its_description_has_no_text(self):
        kept = memshare.Array(Outer, 1, name="described")
        seen = numpy.asarray(memshare.open("described"))
        self.assertEqual((seen["x"].shape, seen.itemsize), ((1,), ctypes.sizeof(Outer)))
        self.assertFalse([name for name in seen.dtype.names if seen.dtype[name].base.kind in "SU"])
        del kept


class Nobody(unittest.TestCase):
    """An array without elements, and a handle without a buffer."""

    def test_is_seen_as_none(self):
        for element, shape in (("f", (0,)), ("c", (0,)), (ctypes.c_double * 4, (0, 4)), (Inner, (0,))):
            with self.subTest(element):
                for empty in (memshare.Array(element, 0), memshare.Array(element, [])):
                    for seen in (empty, pickle.loads(pickle.dumps(empty))):
                        self.assertEqual((numpy.asarray(seen).shape, memoryview(seen).nbytes), (shape, 0))
                        self.assertEqual((len(seen), len(seen[:]), bytes(seen)), (0, 0, b""))
                self.assertEqual(numpy.asarray(memshare.RawArray(element, 0)).size, 0)

    def test_is_an_object_of_numpy(self):
        closed, two_slots = memshare.Value("i"), memshare.Value(Outer, name="two slots", lifetime="attached")
        closed.close()
        array = memshare.Array("i", 3)
        array.close()
        for handle, why in ((closed, "closed"), (array, "closed"), (two_slots, "two slots")):
            with self.assertRaisesRegex((ValueError, BufferError), why):
                numpy.asarray(handle)


if __name__ == "__main__":
    unittest.main()
