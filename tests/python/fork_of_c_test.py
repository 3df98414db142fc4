"""Forks by C code, before and after which Python's hooks do not run: what was made before is shared, or an error."""

import ctypes
import os
import platform
import subprocess
import sys
import unittest

import memshare
import support

WITH_GIL = ctypes.PyDLL(None)  # calls by this keep the GIL
WITHOUT_GIL = ctypes.CDLL(None)
SYS_FORK = {"x86_64": 57}.get(platform.machine())


def forked(fork, work):
    """The exit code of a child by this fork that does the work: 0, or 3 for a memshare.Error."""
    pid = fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except memshare.Error:
            code = 3
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@unittest.skipIf(support.ADDRESS_SANITIZED, "its allocator may stay locked in a child")
class AForkByCCode(unittest.TestCase):
    def work(self):
        with self.value.get_lock():
            self.value.value += 1
        self.array[1] = 7
        self.named.value = 9

    def setUp(self):
        self.value = memshare.Value("i", 0)
        self.array = memshare.Array("i", 3)
        self.named = memshare.Value("i", 0, name="named", lifetime="attached")

    def expect_shared(self, fork):
        self.assertEqual(forked(fork, self.work), 0)
        self.assertEqual((self.value.value, self.array[1], self.named.value), (1, 7, 9))

    def test_with_the_gil_shares_what_was_made_before(self):
        self.expect_shared(WITH_GIL.fork)

    def test_without_the_gil_shares_what_was_made_before(self):
        self.expect_shared(WITHOUT_GIL.fork)

    def test_shares_as_well_what_was_made_after_an_earlier_one(self):
        self.expect_shared(WITH_GIL.fork)
        later = memshare.Value("i", 1)

        def work():
            later.value = 2
        self.assertEqual(forked(WITH_GIL.fork, work), 0)
        self.assertEqual(later.value, 2)

    def test_of_a_child_by_c_code_shares_with_the_grandchild(self):
        def child():
            made = memshare.Value("i", 1)

            def grandchild():
                made.value = 2
                self.value.value += 1
            assert forked(WITH_GIL.fork, grandchild) == 0 and made.value == 2
        self.assertEqual(forked(WITH_GIL.fork, child), 0)
        self.assertEqual(self.value.value, 1)

    @unittest.skipIf(SYS_FORK is None, "the number of the system call is not known here")
    def test_that_skips_all_handlers_leaves_errors_and_shares_what_has_a_name(self):
        def bare_fork():
            return WITH_GIL.syscall(SYS_FORK)

        def read():
            return self.value.value

        def write():
            self.array[0] = 1

        def lock():
            with self.value.get_lock():
                pass
        for work in (read, write, lock):
            with self.subTest(work.__name__):
                self.assertEqual(forked(bare_fork, work), 3)

        def use_what_has_a_name():
            self.named.value += 1
        self.assertEqual(forked(bare_fork, use_what_has_a_name), 0)
        self.assertEqual(self.named.value, 1)

    def test_to_execute_a_program_leaves_all_as_it_was(self):
        subprocess.run([sys.executable, "-c", ""], check=True, close_fds=False)
        self.value.value = 5
        self.assertEqual(self.value.value, 5)


if __name__ == "__main__":
    unittest.main()
