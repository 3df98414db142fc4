"""Nothing is left behind, however often: no descriptor, no mapping, no segment, no object.

With a debug build of Python (python3-dbg) its own count of references tells as well.
"""

import ctypes
import gc
import pickle
import resource
import sys
import unittest

import memshare
import support

ROUNDS = 100_000 if not hasattr(sys, "gettotalrefcount") else 2_000


class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_double), ("b", ctypes.c_double)]


def use_value():
    value = memshare.Value("d", 1.5)
    value.value += 1
    with value.get_lock():
        value.add(1)


def use_shared_value():
    value = memshare.Value("i", 1)
    value.get_obj().value += 1


def use_raw_value():
    memshare.RawValue("i", 1).value = 2


def use_array():
    array = memshare.Array("i", range(10))
    array[1] = 5
    array[2:4] = [1, 2]
    array[:], memoryview(array)


def use_structure():
    value = memshare.Value(Pair, 1, 2)
    value.a += 1
    value.get_obj(), value.load()


def use_named():
    made = memshare.Value(Pair, 1, 2, name="pair", lifetime="attached")
    opened = memshare.open("pair", readonly=True)
    made.a = 5
    made.get_obj().b, opened.a, opened.info()


def use_pickle():
    value = memshare.Value("i", 1)
    pickle.loads(pickle.dumps(value)).value += 1


def use_waits():
    value = memshare.Value("i", 1)
    changes = value.changes()
    changes.fileno(), value.fileno()
    value.value = 2
    next(changes)
    changes.close()


def use_shared_memory():
    block = memshare.SharedMemory(create=True, size=10)
    memshare.SharedMemory(block.name).buf[0] = 1
    block.close()
    block.unlink()


def use_list():
    made = memshare.ShareableList([1, "two", None])
    made[0] += 1
    made.shm.unlink()


def use_errors():
    for fail in (
        lambda: memshare.open("none"),
        lambda: memshare.Value("i", "x"),
        lambda: memshare.Value("i").release(),
        lambda: setattr(memshare.Value("i"), "value", "x"),
        lambda: memshare.Array("i", 3)[5],
        lambda: memshare.Array("i", 3).__setitem__(slice(0, 2), [1]),
        lambda: memshare.Value(Pair, name="two").__class__ and memoryview(memshare.open("two")),
        lambda: memshare.Value("d").wait(0.0, "long"),
        lambda: memshare.Array("i", 3, name=""),
    ):
        try:
            fail()
        except Exception:
            pass
    memshare.destroy("two")


def use_questions():
    value = memshare.Value("i", name="asked", lifetime="attached")
    memshare.list(), memshare.describe("asked"), memshare.statistics(), memshare.broker_version()
    memshare.change("asked", mode=0o640)
    del value


# What is done, and which part of all rounds it gets.
USES = (
    (use_value, 1), (use_shared_value, 1), (use_raw_value, 1), (use_array, 4), (use_structure, 4), (use_named, 10),
    (use_pickle, 10), (use_waits, 20), (use_shared_memory, 10), (use_list, 10), (use_errors, 50),
    (use_questions, 20),
)  # fmt: skip


def pages():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0])


class ManyRounds(unittest.TestCase):
    def leftovers(self):
        gc.collect()
        return support.open_fds(), support.mappings(), len(memshare.list())

    def test_leave_nothing(self):
        for use, part in USES:
            with self.subTest(use.__name__):
                for _ in range(30):
                    use()
                before, objects, size = self.leftovers(), len(gc.get_objects()), pages()
                for _ in range(ROUNDS // part):
                    use()
                self.assertEqual(self.leftovers(), before)
                self.assertLess(abs(len(gc.get_objects()) - objects), 50)
                self.assertLess(pages() - size, 1000)

    @unittest.skipUnless(hasattr(sys, "gettotalrefcount"), "only a debug build of Python counts references")
    def test_leave_no_reference(self):
        for use, _ in USES:
            with self.subTest(use.__name__):
                for _ in range(30):
                    use()
                gc.collect()
                before = sys.gettotalrefcount()
                for _ in range(200):
                    use()
                gc.collect()
                self.assertLess(abs(sys.gettotalrefcount() - before), 100)


class AThousandDescriptors(unittest.TestCase):
    def test_are_not_taken(self):
        memshare.RawValue("i")  # the connection takes one
        before = support.open_fds()
        values = [memshare.RawValue("i") for _ in range(1000)]
        self.assertEqual(support.open_fds(), before)
        self.assertLess(before, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        del values


if __name__ == "__main__":
    unittest.main()
