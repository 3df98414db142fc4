"""A broker that is killed, and another one that comes: what this process has stays good, and calls go on."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

DAEMON = os.path.join(os.path.dirname(os.path.abspath(os.environ["MEMSHARECTL"])), "memshared")
FOLDER = tempfile.TemporaryDirectory()
os.environ["MEMSHARE_SOCKET"] = os.path.join(FOLDER.name, "socket")

import memshare  # noqa: E402: only now it knows which broker
import support  # noqa: E402


def setUpModule():
    unittest.addModuleCleanup(FOLDER.cleanup)


def listens():
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(os.environ["MEMSHARE_SOCKET"]) == 0


class Broker:
    """One of this test's own, that hears at once."""

    def start(self):
        self.process = subprocess.Popen([DAEMON, "--socket", os.environ["MEMSHARE_SOCKET"], "--log-level", "error"])
        if not support.eventually(listens):
            raise AssertionError("it does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()


class ABrokerThatIsKilled(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.broker.start()
        self.addCleanup(lambda: self.broker.kill())
        self.value = memshare.Value("i", 1, name="number")
        self.array = memshare.Array("i", 100_000, name="numbers")
        self.unnamed = memshare.Value("i", 1)

    def test_leaves_data_locks_and_waits_as_they_are(self):
        self.broker.kill()
        self.value.value += 1
        with self.value:
            self.array[:3] = [1, 2, 3]
        waiting = support.started(self.value.wait, 2)
        self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
        self.value.add(1)
        waiting.join()
        self.assertEqual((self.value.value, self.array[:4], self.unnamed.value), (3, [1, 2, 3, 0], 1))

    def test_is_waited_for_by_calls(self):
        self.broker.kill()
        thread = support.started(self.broker.start)
        self.assertEqual(memshare.Value("i", 5, name="another").value, 5)
        thread.join()

    def test_does_not_come_again_as_calls_say(self):
        self.broker.kill()
        start = time.monotonic()
        with self.assertRaises(memshare.BrokerLost) as raised:
            memshare.list()
        self.assertIsInstance(raised.exception, ConnectionError)
        self.assertLess(time.monotonic() - start, support.LONG)
        self.assertEqual(self.value.value, 1)

    def test_is_not_needed_to_close_shared_memory(self):
        blocks = [memshare.SharedMemory(create=True, size=10) for _ in range(4)]
        self.broker.kill()
        start = time.monotonic()
        blocks.pop().close()
        blocks.pop()
        self.assertLess(time.monotonic() - start, 1)

    def test_is_not_asked_by_who_only_makes_shared_memory(self):
        """An old block's end is noticed some time: that nobody can be asked about it is no error of a new one's."""
        other = memshare.SharedMemory(create=True, size=10)
        other.close()
        self.broker.kill()
        self.broker.start()
        for _ in range(3):
            memshare.SharedMemory(create=True, size=10).unlink()

    def test_and_one_that_comes_keep_apart_what_each_of_them_knew(self):
        """(Where nothing keeps what the first one had: under systemd nothing is lost.)"""
        self.broker.kill()
        self.broker.start()
        self.assertFalse(self.value.alive())
        self.assertRaises(memshare.NoSuchSegment, memshare.open, "number")
        with memshare.Value("i", 5, name="number") as locked:
            self.assertTrue(locked)
        self.assertEqual(self.value.value, 1)
        with self.value:
            self.value.value += 1
        self.assertTrue(self.unnamed.alive())

        child = os.fork()
        if child == 0:
            try:
                self.unnamed.value += 1
                try:
                    self.value.value += 1
                except memshare.NoSuchSegment:
                    os._exit(self.value.load())
            finally:
                os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 2)
        self.assertEqual(self.unnamed.value, 2)


class ABrokerThatHangs(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.broker.start()
        self.addCleanup(lambda: self.broker.kill())
        self.known = memshare.Value("i", name="known", freezable=True)
        self.seen = memshare.open("known", readonly=True)
        self.broker.process.send_signal(signal.SIGSTOP)

    def interrupted(self, call):
        """How long it takes until a signal's handler has ended it."""
        class Interrupt(Exception):
            pass

        def interrupt(*_):
            raise Interrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            self.assertRaises(Interrupt, call)
        finally:
            signal.signal(signal.SIGALRM, before)
        return time.monotonic() - start

    def test_does_not_keep_signals_from_being_heard(self):
        value = memshare.Value("i")
        for call in (memshare.list, lambda: value.id, lambda: value.wait(0)):
            self.assertLess(self.interrupted(call), 3)

    def test_does_not_keep_other_threads_from_running(self):
        for call in (
            lambda: memshare.Value("i").id,
            self.known.fileno,
            self.known.freeze,
            lambda: self.seen.version,
        ):
            ran = []

            def run():
                while not done.is_set():
                    ran.append(time.monotonic())
                    time.sleep(0.001)

            done = threading.Event()
            thread = support.started(run)
            self.assertRaises(memshare.BrokerLost, call)
            done.set()
            thread.join()
            self.assertLess(max(after - before for before, after in zip(ran, ran[1:])), 2.5)

    def test_does_not_keep_a_forked_childs_threads_from_running(self):
        child = os.fork()
        if child == 0:
            try:
                start = time.monotonic()
                longest = [0]

                def run():
                    last = start
                    while not done.is_set():
                        time.sleep(0.001)
                        now = time.monotonic()
                        longest[0] = max(longest[0], now - last)
                        last = now

                done = threading.Event()
                thread = support.started(run)
                if not self.known.acquire(timeout=0.1):
                    done.set()
                    thread.join()
                    os._exit(7 if longest[0] < 2.5 else 8)
            finally:
                os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)

    def test_does_not_keep_a_fork_for_long(self):
        value = memshare.Value("i", 1)
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        self.assertLess(time.monotonic() - start, 4)
        self.assertEqual(value.value, 1)


if __name__ == "__main__":
    unittest.main()
