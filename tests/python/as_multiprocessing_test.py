"""Whatever is done to an object of ours has the same result, or raises the same, as with multiprocessing's."""

import ctypes
import decimal
import fractions
import multiprocessing
import multiprocessing.sharedctypes
import threading
import unittest

import memshare

INTEGERS = "bBhHiIlLqQ"
CTYPES = (
    ctypes.c_bool, ctypes.c_byte, ctypes.c_ubyte, ctypes.c_short, ctypes.c_ushort, ctypes.c_int, ctypes.c_uint,
    ctypes.c_long, ctypes.c_ulong, ctypes.c_longlong, ctypes.c_ulonglong, ctypes.c_size_t, ctypes.c_ssize_t,
    ctypes.c_int8, ctypes.c_uint8, ctypes.c_int16, ctypes.c_uint16, ctypes.c_int32, ctypes.c_uint32,
    ctypes.c_int64, ctypes.c_uint64, ctypes.c_float, ctypes.c_double, ctypes.c_longdouble, ctypes.c_char,
    ctypes.c_wchar, ctypes.c_int.__ctype_be__, ctypes.c_double.__ctype_be__,
)  # fmt: skip
TYPES = (*"cubBhHiIlLqQfd", *CTYPES)


class Indexed:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


class Floated:
    def __float__(self):
        return 2.5


# What somebody may want to store.
THINGS = (
    0, 1, -1, 127, 128, 255, 256, -129, 2**15, 2**16, 2**31, 2**32 + 7, -(2**31) - 1, 2**63, 2**64 - 1, 2**64,
    -(2**63) - 1, 10**30, True, False, None, 0.0, 1.5, -2.75, 1e300, -0.0, float("inf"), "", "a", "ab", "ä",
    "\U0001f600", b"", b"a", b"ab", b"\0", b"\xff", bytearray(b"z"), 1j, [], [1], (1,), {}, object,
    decimal.Decimal("1.5"), fractions.Fraction(1, 2), Indexed(5), Floated(), ctypes.c_int(3), ctypes.c_char(b"q"),
)  # fmt: skip


def outcome(call):
    """What it returns, or which exception it raises."""
    try:
        result = call()
    except Exception as error:
        return type(error)
    if isinstance(result, float):
        return repr(result)  # of nan and -0.0, too
    return result


class Common(unittest.TestCase):
    def both(self, call):
        """The outcome of call(module), the same with each of the two."""
        theirs = outcome(lambda: call(multiprocessing))
        ours = outcome(lambda: call(memshare))
        if isinstance(theirs, type) and issubclass(theirs, Exception):
            self.assertTrue(isinstance(ours, type) and issubclass(ours, theirs), (ours, theirs))
        else:
            self.assertEqual(ours, theirs)
            self.assertIs(type(ours), type(theirs))
        return theirs


class AValue(Common):
    def test_begins_as_the_same_zero(self):
        for type_ in TYPES:
            with self.subTest(type_):
                self.both(lambda module: module.Value(type_).value)
                self.both(lambda module: module.RawValue(type_).value)

    def test_begins_with_the_same_value(self):
        for type_ in TYPES:
            for thing in THINGS:
                with self.subTest(type=type_, thing=thing):
                    self.both(lambda module: module.Value(type_, thing).value)

    def test_is_assigned_as_the_same(self):
        for type_ in TYPES:
            for thing in THINGS:
                with self.subTest(type=type_, thing=thing):

                    def assign(module):
                        value = module.Value(type_)
                        try:
                            value.value = thing
                        except Exception:
                            if value.value != module.Value(type_).value:
                                raise AssertionError("what could not be stored has changed it")
                            raise
                        return value.value

                    self.both(assign)

    def test_wraps_around_when_it_is_added_to(self):
        for type_ in INTEGERS:
            with self.subTest(type_):
                largest = 2 ** (8 * ctypes.sizeof(memshare.RawValue(type_)) - (type_ in "bhilq")) - 1

                def overflow(module):
                    value = module.Value(type_, largest)
                    value.value += 1
                    return value.value

                self.both(overflow)
                value = memshare.Value(type_, largest)
                self.assertEqual(value.add(1), largest)
                self.assertEqual(value.value, overflow(memshare))

    def test_takes_no_other_number_of_arguments(self):
        self.both(lambda module: module.Value("i", 1, 2))
        self.both(lambda module: module.Value())
        self.both(lambda module: module.Value("i", value=1))

    def test_needs_a_type_that_there_is(self):
        for type_ in ("x", "", None, int, 5, "ii"):
            with self.subTest(type_):
                with self.assertRaises(Exception):
                    memshare.Value(type_)
                self.assertRaises(TypeError, memshare.Array, type_, 3)

    def test_is_no_address(self):
        for type_ in (ctypes.c_char_p, ctypes.c_void_p, ctypes.py_object, ctypes.POINTER(ctypes.c_int)):
            self.assertRaises(TypeError, memshare.Value, type_)
            self.assertRaises(TypeError, memshare.Array, type_, 2)

    def test_cannot_be_deleted_nor_read_by_another_name(self):
        def delete(module):
            del module.Value("i").value

        self.both(delete)
        self.both(lambda module: module.Value("i").valu)
        self.both(lambda module: module.Value("i").raw)

    def test_has_a_ctypes_object_inside(self):
        for type_ in TYPES:
            with self.subTest(type_):
                self.both(lambda module: type(module.Value(type_).get_obj()))
                self.both(lambda module: module.Value(type_).get_obj().value)
        value = memshare.Value("i", 5)
        value.get_obj().value = 6
        self.assertEqual(value.value, 6)
        self.assertIs(value.get_obj(), value.get_obj())

    def test_can_be_a_whole_array(self):
        def three(module):
            value = module.Value(ctypes.c_int * 3, 1, 2, 3)
            return value[:], len(value), hasattr(value, "value")

        self.both(three)
        self.both(lambda module: module.Value(ctypes.c_char * 5, b"a", b"b").value)


class ARawValue(Common):
    def test_is_a_real_ctypes_object(self):
        for type_ in TYPES:
            with self.subTest(type_):
                self.both(lambda module: type(module.RawValue(type_)))
                self.both(lambda module: type(module.Value(type_, lock=False)))
        self.assertIs(type(memshare.RawValue("i")), ctypes.c_int)

    def test_has_no_lock(self):
        raw = memshare.RawValue("i")
        for name in ("get_lock", "get_obj", "acquire", "release", "__enter__"):
            self.assertFalse(hasattr(raw, name), name)

    def test_is_aligned_and_zeroed(self):
        for type_ in CTYPES:
            for raw in (memshare.RawValue(type_), memshare.RawArray(type_, 3)):
                self.assertEqual(ctypes.addressof(raw) % 64, 0)
                self.assertFalse(any(bytes(raw)))

    def test_keeps_its_memory_alive_by_any_part(self):
        view = memoryview(memshare.RawArray("i", [1, 2, 3]))
        self.assertEqual(bytes(view), bytes((ctypes.c_int * 3)(1, 2, 3)))
        pointer = ctypes.pointer(memshare.RawValue("i", 7))
        self.assertEqual(pointer.contents.value, 7)


class AnArray(Common):
    def test_begins_with_the_same_elements(self):
        for initial in (
            0, 1, 5, [], [1], (1, 2, 3), range(4), [1, "a"], [2**40, -1], [1.5], -1, -5, None, 1.5, "abc", b"abc",
            iter([1, 2]), {3: 4}, True, 2**80,
        ):  # fmt: skip
            for type_ in ("i", "d", "B", "c", "u", ctypes.c_bool):
                with self.subTest(type=type_, initial=initial):
                    self.both(lambda module: list(module.Array(type_, initial)))
                    self.both(lambda module: list(module.RawArray(type_, initial)))

    def test_has_the_same_items_at_every_index(self):
        for index in (0, 1, 4, 5, -1, -5, -6, 2**70, True, None, "0", 1.0, Indexed(2), Indexed(-7)):
            for type_ in ("i", "d", "u"):
                with self.subTest(type=type_, index=index):
                    initial = "hello" if type_ == "u" else range(5)
                    self.both(lambda module: module.Array(type_, initial)[index])
        self.both(lambda module: module.Array("c", b"hello")[1])

    def test_has_the_same_slices(self):
        numbers = (None, 0, 1, 3, 5, 9, -1, -3, -9)
        steps = (None, 1, 2, -1, -2, 7)
        arrays = [
            (memshare.Array(type_, initial), multiprocessing.Array(type_, initial))
            for type_, initial in (("i", range(5)), ("d", range(5)), ("c", b"hello"), ("u", "hello"), ("Q", 0))
        ]
        for start in numbers:
            for stop in numbers:
                for step in steps:
                    for ours, theirs in arrays:
                        with self.subTest(f"{start}:{stop}:{step}"):
                            self.assertEqual(ours[start:stop:step], theirs[start:stop:step])
        with self.assertRaises(ValueError):
            arrays[0][0][::0]

    def test_takes_the_same_items(self):
        for index in (0, 4, 5, -1, -6, None, "0", 1.0, Indexed(2)):
            for thing in THINGS:
                for type_ in ("i", "d", "c"):
                    with self.subTest(type=type_, index=index, thing=thing):

                        def assign(module):
                            array = module.Array(type_, 5)
                            array[index] = thing
                            return array[:]

                        self.both(assign)

    def test_takes_the_same_slices(self):
        for key in (slice(None), slice(1, 3), slice(3, 1), slice(-2, None), slice(0, 5, 2), slice(None, None, -1)):
            for things in (
                [], [1], [7, 8], (7, 8), range(5), [1, 2, 3, 4, 5], [1, "a", 3, 4, 5], [1.5] * 5, b"abcde", "abcde",
                5, None, iter([1, 2]), bytearray(b"ab"), memoryview(b"ab"), {1: 2, 3: 4}, [2**65] * 5, [True, None],
            ):  # fmt: skip
                for type_ in ("i", "d", "c", "u", "B"):
                    with self.subTest(type=type_, key=key, things=things):

                        def assign(module):
                            array = module.Array(type_, 5)
                            array[key] = things
                            return array[:]

                        self.both(assign)

    def test_cannot_lose_items(self):
        def delete(module):
            del module.Array("i", 3)[0]

        def delete_slice(module):
            del module.Array("i", 3)[:]

        self.both(delete)
        self.both(delete_slice)

    def test_of_characters_has_a_value_and_all_that_lies_there(self):
        for things in (b"", b"abc", b"a\0c", b"12345678", b"123456789", "abc", None, 5, bytearray(b"ab")):
            for name in ("value", "raw"):
                with self.subTest(things=things, name=name):

                    def assign(module):
                        array = module.Array("c", b"12345678")
                        setattr(array, name, things)
                        return array.value, array.raw

                    self.both(assign)
        self.both(lambda module: module.Array("u", "abc").value)
        self.both(lambda module: module.Array("i", 3).raw)

    def test_can_be_iterated_searched_and_compared_the_same(self):
        self.both(lambda module: 3 in module.Array("i", range(5)))
        self.both(lambda module: 9 in module.Array("i", range(5)))
        self.both(lambda module: [*reversed(module.Array("i", range(5)))])
        self.both(lambda module: sum(module.Array("d", range(5))))
        self.both(lambda module: module.Array("i", 2) == module.Array("i", 2))
        self.both(lambda module: len(module.Array("i", 0)))

    def test_has_a_ctypes_array_inside(self):
        array = memshare.Array("i", range(3))
        self.assertIsInstance(array.get_obj(), ctypes.Array)
        self.assertEqual(array.get_obj()[:], [0, 1, 2])
        self.assertIsInstance(memshare.RawArray("i", 3), ctypes.Array)
        self.both(lambda module: type(module.RawArray("d", 3)) is ctypes.c_double * 3)

    def test_may_have_structures_as_items(self):
        def points(module):
            array = module.Array(Point, [(1, 2.5), (3, 4.5)])
            array[0].x = 7
            array[1] = Point(8, 9.5)
            return [(one.x, one.y) for one in array], [one.x for one in array[::-1]]

        self.both(points)


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


class Small(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]


class Line(ctypes.Structure):
    _fields_ = [("start", Point), ("end", Point), ("weights", ctypes.c_int * 3), ("bits", ctypes.c_int, 3)]


class Named(Point):
    _fields_ = [("value", ctypes.c_short)]


class AStructure(Common):
    def test_has_its_fields_as_attributes(self):
        for type_ in (Point, Small):

            def fields(module):
                value = module.Value(type_, 3, 4)
                value.x *= 2
                return value.x, value.y, value.get_obj().x, type(value).__name__, type(value.get_obj())

            self.both(fields)
            self.both(lambda module: module.Value(type_, 1, 2, 3))
            self.both(lambda module: module.Value(type_).z)
            self.both(lambda module: module.RawValue(type_, 1, y=2))
            self.both(lambda module: setattr(module.Value(type_), "x", "word"))

    def test_may_hold_structures_arrays_and_bits(self):
        def line(module):
            value = module.Value(Line)
            value.start.x = 1
            value.get_obj().end.y = 2.5
            value.weights[1] = 7
            value.bits = 9
            return value.start.x, value.end.y, value.weights[:], value.bits

        self.both(line)

    def test_may_have_a_base_and_a_field_called_value(self):
        value = memshare.Value(Named, 1, 2.5, 3)
        value.value += 1
        self.assertEqual((value.x, value.y, value.value), (1, 2.5, 4))

    def test_may_be_a_union(self):
        class Both(ctypes.Union):
            _fields_ = [("i", ctypes.c_int), ("f", ctypes.c_float)]

        def union(module):
            value = module.Value(Both)
            value.f = 1.0
            return value.i

        self.both(union)


class ALock(Common):
    def test_comes_with_the_value_always_the_same(self):
        for made in (memshare.Value("i"), memshare.Array("i", 3), memshare.Value("i", lock=None)):
            self.assertIs(made.get_lock(), made.get_lock())

    def test_of_ones_own_comes_back(self):
        for lock in (multiprocessing.Lock(), multiprocessing.RLock(), threading.Lock()):
            for made in (memshare.Value("i", lock=lock), memshare.Array("i", 3, lock=lock)):
                self.assertIs(made.get_lock(), lock)
                with made:
                    self.assertFalse(lock.acquire(False) and isinstance(lock, type(threading.Lock())))
                made.acquire()
                made.release()

    def test_of_ones_own_is_taken_for_every_access(self):
        class Counting:
            taken = 0
            inside = False

            def acquire(self):
                self.taken += 1
                self.inside = True

            def release(self):
                self.inside = False

        lock = Counting()
        value = memshare.Value("i", lock=lock)
        array = memshare.Array("i", 3, lock=lock)
        text = memshare.Array("c", 3, lock=lock)
        structure = memshare.Value(Small, lock=multiprocessing.RLock())
        for count, access in enumerate(
            [
                lambda: value.value,
                lambda: setattr(value, "value", 1),
                lambda: array[0],
                lambda: array.__setitem__(0, 1),
                lambda: array[:],
                lambda: array.__setitem__(slice(None), [1, 2, 3]),
            ],
            1,
        ):
            access()
            self.assertEqual((lock.taken, lock.inside), (count, False))
        self.assertEqual(structure.x, 0)
        self.assertRaises(TypeError, text.__setitem__, 0, "no")
        self.assertFalse(lock.inside)

    def test_must_be_one(self):
        for lock in ("no lock", 5, object()):
            with self.subTest(lock):
                self.both(lambda module: module.Value("i", lock=lock))
                self.both(lambda module: module.Array("i", 3, lock=lock))

    def test_is_recursive(self):
        value = memshare.Value("i")
        with value.get_lock(), value, value.get_lock():
            value.value += 1
        self.assertFalse(value.get_lock().is_held())

    def test_belongs_to_its_thread(self):
        value = memshare.Value("i")
        value.acquire()
        found = []

        def other():
            found.append(value.acquire(False))
            found.append(value.acquire(timeout=0.01))
            found.append(value.get_lock().acquire(True, 0))
            found.append(outcome(value.release))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        value.release()
        self.assertEqual(found, [False, False, False, AssertionError])
        self.assertRaises(AssertionError, value.release)

    def test_says_by_a_bool_whether_it_was_taken(self):
        for call in (
            lambda value: value.acquire(),
            lambda value: value.acquire(False),
            lambda value: value.acquire(block=True, timeout=1),
            lambda value: value.acquire(True, -1),
            lambda value: value.acquire(timeout=None),
            lambda value: value.get_lock().acquire(block=False),
            lambda value: value.__enter__(),
        ):
            self.both(lambda module: call(module.Value("i")))
        self.both(lambda module: module.Value("i").acquire(timeout="long"))
        self.both(lambda module: module.Value("i").release())
        self.both(lambda module: module.Value("i").get_lock().release())

    def test_is_passed_between_threads_that_wait(self):
        value = memshare.Value("i")

        def count():
            for _ in range(10_000):
                with value.get_lock():
                    value.value += 1

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(value.value, 40_000)


class ACopy(Common):
    def test_is_another_object_of_the_same_contents(self):
        first = memshare.RawValue(Point, 1, 2.5)
        second = memshare.copy(first)
        first.x = 9
        self.assertEqual((second.x, second.y), (1, 2.5))
        self.assertIs(type(second), Point)

    def test_of_a_raw_object_is_synchronized_in_place(self):
        for raw in (memshare.RawValue("i", 3), memshare.RawArray("i", [1]), memshare.RawValue(Point, 1)):
            handle = memshare.synchronized(raw)
            with handle.get_lock():
                self.assertEqual(bytes(handle.get_obj()), bytes(raw))
        self.assertRaises(TypeError, memshare.synchronized, ctypes.c_int(3))


if __name__ == "__main__":
    unittest.main()
