"""Beside a broker that hangs a short wait is short, and no other thread of Python stands still."""

import contextlib
import ctypes
import os
import signal
import threading
import time
import unittest

import memshare

SHORT = 0.1  # seconds, of the waits
LIMIT = 1.5  # of what is short, on a machine that is busy; a call to the broker takes 5


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


@contextlib.contextmanager
def hung_broker():
    pid = memshare.statistics().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Ticking:
    """Another thread, and the longest time for which it could not run."""

    def __enter__(self):
        self.longest, self.ends = 0, False
        started = threading.Event()

        def tick():
            last = time.monotonic()
            while not self.ends:
                started.set()
                time.sleep(0.005)
                now = time.monotonic()
                self.longest, last = max(self.longest, now - last), now

        self.thread = threading.Thread(target=tick)
        self.thread.start()
        started.wait()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()


class BesideAHungBroker(unittest.TestCase):
    def expect_short(self, operation, result=False):
        with Ticking() as other:
            start = time.monotonic()
            self.assertEqual(operation(), result)
            took = time.monotonic() - start
        self.assertLess(took, LIMIT)
        self.assertLess(other.longest, LIMIT / 2)

    def test_a_reader_waits_no_longer_than_it_says(self):
        value = memshare.Value("i", 5, name="read", lifetime="attached")
        pose = memshare.Value(Pose, name="pose", lifetime="attached")
        array = memshare.Array("i", 3, name="items", lifetime="attached")
        for wait in (
            lambda seen: seen[0].wait(5, SHORT),
            lambda seen: seen[0].wait(timeout=SHORT),
            lambda seen: seen[1].wait(Pose(), SHORT),
            lambda seen: seen[2].wait(timeout=SHORT),
            lambda seen: seen[0].wait(5, 0),
        ):
            seen = [memshare.open("read", readonly=True), memshare.open("pose", readonly=True, type=Pose),
                    memshare.open("items", readonly=True)]  # fmt: skip
            with hung_broker():
                self.expect_short(lambda: wait(seen))
        del value, pose, array

    def test_a_reader_sees_a_change(self):
        value = memshare.Value("i", 5, name="changed", lifetime="attached")
        seen = memshare.open("changed", readonly=True)
        with hung_broker():
            thread = threading.Timer(SHORT, value.store, [6])
            thread.start()
            self.expect_short(lambda: seen.wait(5, 10), True)
            thread.join()

    def test_what_is_alone_waits_no_longer_than_it_says(self):
        for wait, result in (
            (lambda value: value.wait(0, SHORT), False),
            (lambda value: value.wait(timeout=SHORT), False),
            (lambda value: value.acquire(timeout=SHORT), True),
        ):
            value = memshare.Value("i")
            with hung_broker():
                self.expect_short(lambda: wait(value), result)

    def test_a_fork_lets_other_threads_run(self):
        named = memshare.Value("i", name="forked", lifetime="attached")
        for make in (lambda: None, lambda: memshare.Value("i")):
            alone = make()
            with hung_broker():

                def fork():
                    pid = os.fork()
                    if pid == 0:
                        os._exit(0)
                    return pid

                with Ticking() as other:
                    start = time.monotonic()
                    pid = fork()
                    took = time.monotonic() - start
            os.waitpid(pid, 0)
            self.assertLess(took, 2 * LIMIT)
            self.assertLess(other.longest, LIMIT / 2)
            del alone
        del named

    def test_a_forked_child_asks_for_the_lock_no_longer_than_it_says(self):
        value = memshare.Value("i", name="locked", lifetime="attached")
        with hung_broker():
            pid = os.fork()
            if pid == 0:
                start = time.monotonic()
                has_it = value.acquire(timeout=SHORT)
                os._exit(0 if not has_it and time.monotonic() - start < LIMIT else 1)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertTrue(value.acquire(timeout=LIMIT))

    def test_closing_a_block_takes_no_time(self):
        block = memshare.SharedMemory(create=True, size=10)
        with hung_broker():
            self.expect_short(block.close, None)
        block.unlink()


if __name__ == "__main__":
    unittest.main()
