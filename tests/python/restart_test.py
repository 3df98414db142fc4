"""A broker that is killed, and another one that comes: what this process has stays good, and calls go on."""

import os
import socket
import subprocess
import tempfile
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


if __name__ == "__main__":
    unittest.main()
