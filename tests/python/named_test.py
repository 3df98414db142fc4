"""What has a name can be opened by every process, looked at, changed and ended."""

import ctypes
import errno
import os
import resource
import subprocess
import time
import unittest

import memshare
import support


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("heading", ctypes.c_float)]


class Small(ctypes.Structure):
    _fields_ = [("x", ctypes.c_float), ("y", ctypes.c_float)]


class Odd(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("a", ctypes.c_byte), ("b", ctypes.c_double), ("c", ctypes.c_short * 3), ("d", ctypes.c_char * 5)]


def plain(read):
    """What can be compared, of structures their bytes."""
    if isinstance(read, list):
        return [plain(one) for one in read]
    return bytes(read) if isinstance(read, ctypes.Structure) else read


class Named(unittest.TestCase):
    def named(self, make, *args, name="it", **options):
        made = make(*args, name=name, **options)
        self.addCleanup(lambda: name in [one.name for one in memshare.list()] and memshare.destroy(name))
        return made

    def test_is_opened_as_what_it_is(self):
        for code in "cubBhHiIlLqQfd":
            with self.subTest(code):
                made = memshare.Value(code, name=code, lifetime="attached")
                opened = memshare.open(code)
                self.assertIs(type(opened), type(made))
                self.assertEqual(opened.value, made.value)
                made = memshare.Array(code, 3, name=code + "s", lifetime="attached")
                opened = memshare.open(code + "s")
                self.assertIs(type(opened), type(made))
                self.assertEqual(opened[:], made[:])

    def test_structure_is_opened_by_its_fields(self):
        for type_ in (Pose, Small, Odd):
            with self.subTest(type_):
                one, many = f"one {type_.__name__}", f"many {type_.__name__}"
                made = memshare.Value(type_, name=one, lifetime="attached")
                array = memshare.Array(type_, 3, name=many, lifetime="attached")
                opened, items = memshare.open(one), memshare.open(many)
                for name, *_ in type_._fields_[:2]:
                    setattr(opened, name, 7)
                    self.assertEqual(getattr(made, name), 7)
                    setattr(items[1], name, 8)
                    self.assertEqual(getattr(array[1], name), 8)
                self.assertEqual(ctypes.sizeof(type(items[0])), ctypes.sizeof(type_))

    def test_is_opened_raw(self):
        self.named(memshare.Array, "i", [1, 2, 3])
        raw = memshare.open("it", lock=False)
        self.assertIsInstance(raw, ctypes.Array)
        raw[0] = 9
        self.assertEqual(memshare.open("it")[:], [9, 2, 3])

    def test_read_only_is_read_only(self):
        self.named(memshare.Value, "i", 5)
        self.named(memshare.Array, "i", [1, 2], name="array")
        self.named(memshare.Value, Pose, 1, 2, 3, name="pose")
        value, array, pose = (memshare.open(name, readonly=True) for name in ("it", "array", "pose"))
        self.assertEqual((value.value, value.load(), array[:], array[0], pose.x), (5, 5, [1, 2], 1, 1.0))
        for change in (
            lambda: setattr(value, "value", 1),
            lambda: value.store(1),
            lambda: value.add(1),
            lambda: value.exchange(1),
            lambda: value.compare_exchange(5, 1),
            lambda: value.acquire(),
            lambda: value.get_lock(),
            lambda: value.notify_all(),
            lambda: array.__setitem__(0, 1),
            lambda: array.__setitem__(slice(0, 1), [1]),
            lambda: array.store(0, 1),
            lambda: setattr(pose, "x", 1),
            lambda: pose.store(Pose()),
        ):
            self.assertRaises(PermissionError, change)
        self.assertTrue(memoryview(array).readonly)
        self.assertTrue(value.readonly)
        for thing in (value, array, pose):
            self.assertRaises(PermissionError, thing.get_obj)  # as ctypes has none that is read-only
            self.assertIn("read-only", repr(thing))
        self.assertRaises(PermissionError, memshare.open, "it", readonly=True, lock=False)

    def test_read_only_is_read_as_ever(self):
        for type_, contents in (
            ("i", [1, 2, 3, 4]), ("c", b"abcd"), ("u", "abcd"), (Small, [(1, 2), (3, 4)]), (Odd, [(1,), (2,)]),
        ):  # fmt: skip
            made = self.named(memshare.Array, type_, contents, name="read")
            seen = memshare.open("read", readonly=True, type=type_)
            for read in (
                lambda array: array[1], lambda array: array[-1], lambda array: array[:], lambda array: array[::2],
                lambda array: array[5:], lambda array: array[::-1], list,
            ):  # fmt: skip
                self.assertEqual(plain(read(seen)), plain(read(made)))
            self.assertRaises(IndexError, lambda: seen[9])
            self.assertRaises(TypeError, lambda: seen["x"])
            memshare.destroy("read")
        made = self.named(memshare.Array, "c", b"ab\0d", name="text")
        text = memshare.open("text", readonly=True)
        self.assertEqual((text.value, text.raw), (b"ab", b"ab\0d"))
        made = memshare.Value(ctypes.c_longdouble, 1.5, name="long", lifetime="attached")
        made.value += 1
        self.assertEqual(memshare.open("long", readonly=True, type=ctypes.c_longdouble).value, 2.5)
        self.assertRaises(TypeError, setattr, made, "value", "word")

    def test_type_is_checked_on_request(self):
        self.named(memshare.Array, "i", 3)
        self.named(memshare.Value, Pose, name="pose")
        self.assertEqual(memshare.open("it", type="i")[:], [0, 0, 0])
        self.assertIs(memshare.open("pose", type=Pose)._type, Pose)
        for name, type_ in (("it", "d"), ("it", ctypes.c_uint), ("pose", Small), ("pose", Odd), ("pose", "i")):
            with self.assertRaises(memshare.TypeMismatch) as raised:
                memshare.open(name, type=type_)
            self.assertIsInstance(raised.exception, TypeError)
            self.assertIsInstance(raised.exception, OSError)

    def test_name_is_taken_once(self):
        self.named(memshare.Value, "i", 5)
        with self.assertRaises(memshare.NameTaken) as raised:
            memshare.Value("d", name="it")
        self.assertIsInstance(raised.exception, FileExistsError)
        self.assertEqual(raised.exception.segment, "it")
        self.assertIn('"it"', str(raised.exception))

    def test_is_opened_or_made(self):
        first = self.named(memshare.Value, "i", 5, exist_ok=True)
        second = memshare.Value("i", 6, name="it", exist_ok=True)
        self.assertEqual(second.value, 5)
        second.value = 7
        self.assertEqual(first.value, 7)
        self.assertRaises(TypeError, memshare.Value, "d", name="it", exist_ok=True)

    def test_is_listed_and_described(self):
        made = self.named(memshare.Array, "d", 6, shape=(2, 3))
        (info,) = memshare.list("i?")
        self.assertEqual((info.name, info.form, info.count, info.shape), ("it", "array", 6, (2, 3)))
        self.assertEqual((info.element.kind, info.size, info.type), ("f64", 48, "array of 6 f64"))
        self.assertEqual((info.creator_pid, info.lifetime, info.mode), (os.getpid(), "creator", 0o600))
        self.assertEqual(memshare.list("other*"), [])
        with made.get_lock():
            described = memshare.describe("it")
        self.assertEqual(described.lock.holder.pid, os.getpid())
        self.assertEqual([one.pid for one in described.attachments], [os.getpid()])
        self.assertEqual(memshare.describe(made.id).segment.name, "it")
        self.assertEqual(made.info().id, made.id)

    def test_is_ended_by_destroy(self):
        made = memshare.Value("i", 5, name="it")
        self.assertTrue(made.alive())
        memshare.destroy("it")
        self.assertFalse(made.alive())
        made.value += 1
        self.assertEqual(made.value, 6)
        for call in (memshare.open, memshare.describe, memshare.destroy):
            self.assertRaises(FileNotFoundError, call, "it")

    def test_ends_with_its_creator_unless_it_is_to_stay(self):
        support.python("import memshare; memshare.Value('i', 5, name='gone')")
        self.assertRaises(memshare.NoSuchSegment, memshare.open, "gone")
        support.python("import memshare; memshare.Value('i', 5, name='stays', lifetime='persistent')")
        self.assertEqual(memshare.open("stays").value, 5)
        memshare.change("stays", mode=0o640)
        self.assertEqual(memshare.describe("stays").segment.mode, 0o640)
        memshare.destroy("stays")

    def test_is_opened_by_its_id(self):
        value = memshare.Value("i", 5)
        self.assertIsNone(value.name)
        self.assertEqual(memshare.open(value.id).value, 5)

    def test_options_that_cannot_be_are_refused(self):
        for options in (
            {"name": ""},
            {"name": "a\nb"},
            {"name": "a" * 256},
            {"name": "x", "lifetime": "short"},
            {"name": "x", "huge_pages": "4M"},
            {"name": "x", "shape": (2, 2)},
        ):
            with self.subTest(options):
                self.assertRaises(ValueError, memshare.Array, "i", 3, **options)
        for option in ("size", "initial", "alone", "may_exist"):
            with self.assertRaisesRegex(TypeError, f"no option '{option}'; there are lifetime, mode"):
                memshare.Value("i", name="x", **{option: 3})
        for option in ("mode", "group"):
            self.assertRaises(OverflowError, memshare.Value, "i", name="x", **{option: 2**32 + 0o600})
            self.assertRaises(OverflowError, memshare.Value, "i", name="x", **{option: -1})
        with self.assertRaisesRegex(TypeError, "a shape is a sequence"):
            memshare.Array("i", 4, shape=4)
        self.assertEqual(memshare.Array("i", 4, shape=[2, 2]).info().shape, (2, 2))
        self.assertRaises(ValueError, memshare.Array, "i", 0, name="x")

    def test_reserved_memory_is_there_or_an_error(self):
        array = memshare.Array("B", 1 << 20, reserve=True)
        self.assertEqual(len(array), 1 << 20)
        with self.assertRaises(MemoryError):
            memshare.Array("B", 1 << 38, reserve=True)

    def test_too_much_is_an_error(self):
        with self.assertRaises((OSError, MemoryError)):
            memshare.RawArray("B", 1 << 45)

    def test_without_a_broker_there_is_an_error_that_says_so(self):
        environment = {**os.environ, "MEMSHARE_SOCKET": "/nonexistent/socket"}
        program = (
            "import memshare\n"
            "for make in (memshare.Value, memshare.RawValue):\n"
            "    try: make('i')\n"
            "    except memshare.NoBroker as error: print(isinstance(error, ConnectionError), error)"
        )
        for line in support.python(program, env=environment).splitlines():
            self.assertRegex(line, "^True .*no broker answers at /nonexistent/socket.*start one")


class AHandle(unittest.TestCase):
    def test_can_be_closed_while_there_are_views(self):
        array = memshare.Array("i", [1, 2, 3])
        view, obj = memoryview(array), array.get_obj()
        array.close()
        self.assertTrue(array.closed)
        self.assertEqual((view.tolist(), obj[:]), ([1, 2, 3], [1, 2, 3]))
        for use in (lambda: array[0], lambda: array.get_obj(), lambda: array.acquire(), lambda: array.id):
            self.assertRaises(ValueError, use)
        value = memshare.Value("i")
        value.close()
        value.close()
        self.assertRaises(ValueError, lambda: value.value)
        self.assertRaises(ValueError, value.add, 1)
        self.assertIn("closed", repr(value))

    def test_shows_what_it_is(self):
        self.assertEqual(repr(memshare.Value("i", 5)), "<Synchronized wrapper for c_int(5)>")
        self.assertRegex(repr(memshare.Array("i", 5)), "^<SynchronizedArray wrapper for <.*c_int_Array_5")

    def test_takes_no_descriptor(self):
        program = """
import memshare, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
values = [memshare.Value("i", i) for i in range(1000)]
raws = [memshare.RawValue("i", i) for i in range(1000)]
named = [memshare.Value("i", i, name=str(i)) for i in range(1000)]
assert len(memshare.list()) == 3000
print(sum(one.value for one in values + raws + named))
"""
        self.assertEqual(support.python(program), f"{3 * sum(range(1000))}\n")


    @unittest.skipIf(support.ADDRESS_SANITIZED, "the sanitizer tries memory by pipes of its own")
    def test_without_descriptors_an_error_says_so(self):
        value = memshare.Value("i", name="there", lifetime="attached")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        last = os.open("/dev/null", os.O_RDONLY)
        os.close(last)
        resource.setrlimit(resource.RLIMIT_NOFILE, (last, before[1]))
        try:
            for call in (lambda: memshare.open("there"), lambda: memshare.Value("i").id, value.fileno):
                with self.assertRaises(OSError) as raised:
                    call()
                self.assertEqual(raised.exception.errno, errno.EMFILE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        self.assertEqual(memshare.open("there").value, 0)
        self.assertEqual([one.name for one in memshare.list()], ["there"])

    def test_that_is_described_at_too_great_length_is_an_error_at_once(self):
        fields = [(f"{'x' * 100}{number}", ctypes.c_byte) for number in range(1500)]
        start = time.monotonic()
        with self.assertRaisesRegex(memshare.InvalidArgument, "too long for a broker"):
            memshare.Value(type("Wide", (ctypes.Structure,), {"_fields_": fields}), name="wide")
        self.assertLess(time.monotonic() - start, 2)
        with self.assertRaisesRegex(ValueError, "less than 4 GiB"):
            memshare.Value(type("Vast", (ctypes.Structure,), {"_fields_": [("x", ctypes.c_char * 2**32)]}))


class TheShell(unittest.TestCase):
    def ctl(self, *arguments):
        return subprocess.run([os.environ["MEMSHARECTL"], *arguments], capture_output=True, text=True, check=True)

    @unittest.skipUnless("MEMSHARECTL" in os.environ, "this takes memsharectl: run it by ctest")
    def test_reads_and_writes_what_python_makes(self):
        made = memshare.Array("d", [1, 2, 3], name="numbers")
        pose = memshare.Value(Pose, 1, 2, 3, name="pose")
        self.assertEqual(self.ctl("get", "numbers").stdout, "[1, 2, 3]\n")
        self.assertIn("heading: 3", self.ctl("get", "pose").stdout)
        self.ctl("set", "numbers", "4", "5", "6")
        self.assertEqual(made[:], [4, 5, 6])
        self.ctl("create", "shells", "i32", "--count", "3")
        self.assertEqual(memshare.open("shells")[:], [0, 0, 0])
        memshare.destroy("shells")
        del pose


if __name__ == "__main__":
    unittest.main()
