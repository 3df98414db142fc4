"""numpy sees the memory itself, with its types and dimensions."""

import ctypes
import gc
import unittest

import memshare
import numpy
import support


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("heading", ctypes.c_float)]


class Odd(ctypes.Structure):
    _pack_ = 1
    _fields_ = [
        ("a", ctypes.c_byte), ("b", ctypes.c_longlong), ("c", ctypes.c_short * 3), ("d", ctypes.c_char * 5),
        ("e", ctypes.c_bool), ("f", ctypes.c_uint * 2 * 2),
    ]  # fmt: skip


DTYPES = {
    "b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32", "I": "uint32", "l": "int64",
    "L": "uint64", "q": "int64", "Q": "uint64", "f": "float32", "d": "float64", "c": "S1", "u": "U1",
}  # fmt: skip


class AnArray(unittest.TestCase):
    def test_of_any_type_is_seen_as_that_type(self):
        for code, dtype in DTYPES.items():
            for made in (memshare.Array(code, 3), memshare.RawArray(code, 3)):
                if code == "u" and isinstance(made, ctypes.Array):
                    continue  # a ctypes array of wide characters is nothing that numpy can take
                with self.subTest(code, made=made):
                    seen = numpy.asarray(made)
                    self.assertEqual((seen.dtype, seen.shape), (numpy.dtype(dtype), (3,)))
        self.assertEqual(numpy.asarray(memshare.Array(ctypes.c_bool, 3)).dtype, numpy.dtype(bool))

    def test_is_seen_itself_not_a_copy(self):
        array = memshare.Array("d", 5)
        seen = numpy.asarray(array)
        seen[:] = numpy.arange(5)
        self.assertEqual(array[:], [0, 1, 2, 3, 4])
        array[2] = 9
        self.assertEqual(seen[2], 9)
        self.assertFalse(seen.flags.owndata)
        self.assertTrue(numpy.shares_memory(seen, numpy.asarray(array.get_obj())))

    def test_takes_arrays_in_slices(self):
        array = memshare.Array("d", 5)
        array[:] = numpy.arange(5.0)
        self.assertEqual(array[:], [0, 1, 2, 3, 4])
        array[1:3] = numpy.array([7, 8])  # of another type
        self.assertEqual(array[:], [0, 7, 8, 3, 4])
        with self.assertRaises(ValueError):
            array[:] = numpy.arange(4.0)

    def test_has_the_dimensions_it_was_made_with(self):
        array = memshare.Array("i", range(6), shape=(2, 3), name="matrix")
        for seen in (numpy.asarray(array), numpy.asarray(memshare.open("matrix"))):
            self.assertEqual(seen.tolist(), [[0, 1, 2], [3, 4, 5]])

    def test_that_is_read_only_cannot_be_written(self):
        made = memshare.Array("i", [1, 2, 3], name="readable")
        seen = numpy.asarray(memshare.open("readable", readonly=True))
        self.assertFalse(seen.flags.writeable)
        self.assertEqual(seen.tolist(), [1, 2, 3])
        with self.assertRaises(ValueError):
            seen[0] = 1
        del made

    def test_stays_mapped_as_long_as_it_is_seen(self):
        seen = numpy.asarray(memshare.Array("d", [1, 2, 3]))
        gc.collect()
        self.assertEqual(seen.tolist(), [1, 2, 3])
        array = memshare.Array("d", [1, 2, 3])
        part = numpy.asarray(array)[1:]
        array.close()
        part += 1
        self.assertEqual(part.tolist(), [3, 4])
        before = len(memshare.list())
        del part, seen
        self.assertEqual(len(memshare.list()), before - 2)


class AStructure(unittest.TestCase):
    def test_is_a_structured_dtype(self):
        for type_ in (Pose, Odd):
            for made in (memshare.Array(type_, 2), memshare.Value(type_)):
                with self.subTest(made):
                    seen = numpy.asarray(made)
                    expected = numpy.dtype(type_)
                    self.assertEqual(seen.dtype.itemsize, ctypes.sizeof(type_))
                    for name in expected.names:
                        there, ours = expected.fields[name], seen.dtype.fields[name]
                        self.assertEqual(there[1], ours[1], name)
                        if name != "d":  # of characters ctypes makes one, we as many as there are
                            self.assertEqual(there[0].itemsize, ours[0].itemsize, name)

    def test_is_read_and_written_by_fields(self):
        array = memshare.Array(Pose, [(1, 2, 3), (4, 5, 6)])
        seen = numpy.asarray(array)
        self.assertEqual(seen["x"].tolist(), [1, 4])
        seen["heading"] *= 2
        self.assertEqual([pose.heading for pose in array], [6, 12])
        odd = memshare.Array(Odd, 2)
        seen = numpy.asarray(odd)
        seen["c"][1] = [7, 8, 9]
        seen["b"][0] = -5
        self.assertEqual((odd[1].c[:], odd[0].b), ([7, 8, 9], -5))

    def test_with_two_slots_has_no_place_to_be_seen(self):
        value = memshare.Value(Pose, 1, 2, 3, name="two slots")
        with self.assertRaisesRegex(BufferError, "two slots"):
            memoryview(value)


class AValue(unittest.TestCase):
    def test_is_seen_as_an_array_without_dimensions(self):
        value = memshare.Value("d", 1.5)
        seen = numpy.asarray(value)
        self.assertEqual((seen.shape, seen.dtype, float(seen)), ((), numpy.dtype("float64"), 1.5))
        seen[...] = 2.5
        self.assertEqual(value.value, 2.5)


class SharedMemory(unittest.TestCase):
    def test_is_a_buffer_for_numpy(self):
        shm = memshare.SharedMemory(create=True, size=80)
        self.addCleanup(shm.unlink)
        seen = numpy.ndarray((10,), dtype=numpy.float64, buffer=shm.buf)
        seen[:] = range(10)
        other = memshare.SharedMemory(shm.name)
        self.assertEqual(numpy.frombuffer(other.buf)[9], 9)
        shm.close()
        self.assertEqual(seen.sum(), 45)


class TheBufferProtocol(unittest.TestCase):
    def test_is_as_plain_as_it_is_asked_to_be(self):
        array = memshare.Array("i", range(6), shape=(2, 3))
        view = memoryview(array)
        self.assertEqual((view.format, view.shape, view.strides), ("i", (2, 3), (12, 4)))
        self.assertEqual((view.nbytes, view.c_contiguous, view.readonly), (24, True, False))
        self.assertEqual(bytes(array), bytes(view))
        self.assertEqual(view.cast("B").nbytes, 24)
        self.assertEqual(bytes(memshare.Value("d", 1.5)), bytes(ctypes.c_double(1.5)))

    def test_has_rows_and_no_columns_to_give(self):
        from _testbuffer import PyBUF_ANY_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, ndarray

        for shape, columns in (((2, 3), False), ((6,), True)):
            array = memshare.Array("i", range(6), shape=shape)
            self.assertTrue(ndarray(array, getbuf=PyBUF_ANY_CONTIGUOUS | PyBUF_FORMAT).c_contiguous)
            if columns:
                self.assertTrue(ndarray(array, getbuf=PyBUF_F_CONTIGUOUS | PyBUF_FORMAT).f_contiguous)
            else:
                self.assertRaises(BufferError, ndarray, array, getbuf=PyBUF_F_CONTIGUOUS | PyBUF_FORMAT)

    def test_is_silent_when_the_interpreter_ends(self):
        self.assertEqual(
            support.python(
                "import memshare, numpy\n"
                "a = memshare.Array('d', 1000); v = memshare.Value('i', name='v'); r = memshare.RawArray('i', 3)\n"
                "n = numpy.asarray(a); m = memoryview(v); w = v.fileno(); c = v.changes(); c.fileno()\n"
                "s = memshare.SharedMemory(create=True, size=100); t = s.buf[1:]; l = memshare.ShareableList([1])\n"
                "lock = v.get_lock(); lock.acquire(); cycle = [a, v, r, n]; cycle.append(cycle)\n"
            ),
            "",
        )


if __name__ == "__main__":
    unittest.main()
