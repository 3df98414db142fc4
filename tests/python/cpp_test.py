"""A C++ process and a Python process share the same values, locks and waits."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import unittest

import memshare
import support

TIMES = 1_000_000


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("heading", ctypes.c_float)]


class Sample(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_uint8), ("time", ctypes.c_int64), ("channels", ctypes.c_uint16 * 3),
        ("label", ctypes.c_char * 8), ("valid", ctypes.c_bool),
    ]  # fmt: skip


class SampleOfOtherLayout(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint8), ("time", ctypes.c_int64), ("rest", ctypes.c_uint16 * 8)]


SampleOfOtherLayout.__name__ = "Sample"


class Cpp:
    """The C++ program, at work on a segment."""

    def __init__(self, work, name, *numbers):
        arguments = [os.environ["CPP_SIDE"], work, name, *map(str, numbers)]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def hear(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        rest, _ = self.process.communicate(timeout=60)
        if kind is None and (rest or self.process.returncode not in (0, -signal.SIGKILL)):
            raise AssertionError(f"C++ ended with {self.process.returncode}, and said {rest!r}")


def count(counts, times, stop=-1):
    """As count() in cpp_side.cpp: who died in the lock, if anybody did."""
    lock, dead, i = counts.get_lock(), None, 0
    while i < times:
        with lock:
            if (died := lock.recovered()) is not None:
                counts[0] = counts[1] + counts[2]
                dead = died.pid
            counts[0] += 1
            if i == stop:
                print("inside", flush=True)
                signal.pause()
            counts[2] += 1
        i += stop != -2 or dead is not None
    return dead


COUNTER = "import memshare, cpp_test; cpp_test.count(memshare.open('counts'), {times}, {stop})"


class BothLanguages(unittest.TestCase):
    def setUp(self):
        self.counts = memshare.Array("q", 3, name="counts", lifetime="attached")

    def tearDown(self):
        self.counts.close()

    def test_count_a_million_times_each_in_one_lock(self):
        with Cpp("count", "counts", TIMES, -1) as cpp:
            self.assertEqual(cpp.hear(), "counts")
            self.assertIsNone(count(self.counts, TIMES))
        self.assertEqual(self.counts[:], [2 * TIMES, TIMES, TIMES])

    def test_count_exactly_when_cpp_is_killed_in_the_lock(self):
        stop = TIMES // 10
        with Cpp("count", "counts", TIMES, stop) as cpp:
            self.assertEqual(cpp.hear(), "counts")
            killer = threading.Thread(target=lambda: cpp.hear() == "inside" and cpp.process.kill())
            killer.start()
            self.assertEqual(count(self.counts, TIMES, -2), cpp.process.pid)
            killer.join()
        self.check(killed=1, counted=stop, other=2)

    def test_count_exactly_when_python_is_killed_in_the_lock(self):
        stop = TIMES // 10
        program = COUNTER.format(times=TIMES, stop=stop)
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as python:
            with Cpp("count", "counts", TIMES, -2) as cpp:
                self.assertEqual(cpp.hear(), "counts")
                self.assertEqual(python.stdout.readline(), "inside\n")
                python.kill()
                self.assertEqual(cpp.hear(), str(python.pid))
        self.check(killed=2, counted=stop, other=1)

    def check(self, killed, counted, other):
        """The killed one has counted so often, the other a million times after that, and nothing is lost."""
        counts = self.counts[:]
        self.assertEqual(counts[killed], counted)
        self.assertGreaterEqual(counts[other], TIMES)
        self.assertEqual(counts[0], counts[1] + counts[2])

    def test_wake_each_other(self):
        value = memshare.Value("i", 0, name="woken", lifetime="attached")
        with Cpp("wait_and_store", "woken", 0) as cpp:
            self.assertEqual(cpp.hear(), "waits")
            value.value = 1
            self.assertTrue(value.wait(1))
            self.assertEqual(value.value, 2)

    def test_wake_each_other_by_an_array(self):
        array = memshare.Array("i", 3, name="woken", lifetime="attached")
        with Cpp("wait_for_array", "woken") as cpp:
            self.assertEqual(cpp.hear(), "waits")
            array[1] = 7
            self.assertEqual(cpp.hear(), "7")

    def test_wake_each_other_in_asyncio(self):
        async def follow():
            value = memshare.Value("i", 0, name="woken", lifetime="attached")
            changes = value.changes()
            task = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
            with Cpp("store", "woken", 5):
                self.assertEqual(await asyncio.wait_for(task, support.LONG), 5)
            with Cpp("wait_and_store", "woken", 5) as cpp:
                self.assertEqual(cpp.hear(), "waits")
                value.value = 6
                while await asyncio.wait_for(anext(changes), support.LONG) != 7:
                    pass

        asyncio.run(follow())


class AStruct(unittest.TestCase):
    def test_of_cpp_is_opened_by_its_fields(self):
        with Cpp("make", "their") as cpp:
            self.assertEqual(cpp.hear(), "made")
            pose = memshare.open("their pose")
            sample = memshare.open("their sample")
            poses = memshare.open("their poses")
            self.assertEqual((pose.x, pose.y, pose.heading), (1, 2, 3))
            self.assertEqual((sample.kind, sample.time, sample.channels[:]), (1, -2, [3, 4, 5]))
            self.assertEqual((sample.label, sample.valid), (b"label", True))
            self.assertEqual([one.x for one in poses], [1, 4])
            pose.x = 10
            sample.update(lambda one: one.channels.__setitem__(1, 11))
            poses[1].y = 12
            self.assertEqual(memshare.open("their sample", type=Sample).time, -2)
            self.assertRaises(memshare.TypeMismatch, memshare.open, "their pose", type=Sample)
            cpp.process.stdin.write("\n")
            self.assertEqual(cpp.hear(), "10 11 12")

    def test_of_ctypes_is_opened_in_cpp(self):
        pose = memshare.Value(Pose, 1.5, 2.5, 3.5, name="ours", lifetime="attached")
        with Cpp("show_pose", "ours") as cpp:
            self.assertEqual(cpp.hear(), "1.5 2.5 3.5")
        self.assertEqual(pose.x, 2.5)

    def test_of_ctypes_has_its_layout_checked_in_cpp(self):
        for type_, said in (
            (Sample, "opened"),
            (SampleOfOtherLayout, "type mismatch"),
            (Pose, "type mismatch"),
            (ctypes.c_int, "type mismatch"),
        ):
            with self.subTest(type_):
                made = memshare.Value(type_, name=f"ours {id(type_)}", lifetime="attached")
                with Cpp("open_sample", made.name) as cpp:
                    self.assertEqual(cpp.hear(), said)


if __name__ == "__main__":
    unittest.main()
