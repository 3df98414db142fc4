"""The memory of a block of SharedMemory returns once it is unlinked and closed, whoever has unlinked it."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
import unittest

import memshare
import support

CLOSING = """
import memshare, sys
for line in sys.stdin:
    block = memshare.SharedMemory(line.strip())
    block.buf[0]
    block.close()
    print("closed", flush=True)
"""


class Consumer:
    """Another process, which closes blocks and keeps the objects."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", CLOSING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def close(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "closed\n":
            raise AssertionError("it has not closed it")

    def __exit__(self, *_):
        self.process.communicate()
        if self.process.returncode != 0:
            raise AssertionError(f"it ended with {self.process.returncode}")


def is_kept(segment):
    """Whether anybody still has it, so that its memory cannot return."""
    try:
        return bool(memshare.describe(segment))
    except FileNotFoundError:
        return False


def returns(segment):
    return support.eventually(lambda: not is_kept(segment))


def unlink_by_memsharectl(name):
    subprocess.run([os.environ["MEMSHARECTL"], "destroy", name], check=True)


class TheMemory(unittest.TestCase):
    def block(self, name=None):
        made = memshare.SharedMemory(name, create=True, size=5000)

        def unlink():
            with contextlib.suppress(FileNotFoundError):
                made.unlink()

        self.addCleanup(unlink)
        return made, made._segment.id

    def test_returns_when_a_block_is_unlinked_that_another_process_has_closed(self):
        for unlink in (lambda made: made.unlink(), lambda made: memshare.destroy(made.name),
                       lambda made: unlink_by_memsharectl(made.name)):  # fmt: skip
            with Consumer() as other:
                made, segment = self.block()
                other.close(made.name)
                self.assertEqual(len(memshare.describe(segment).attachments), 2)
                unlink(made)
                made.close()
                self.assertTrue(returns(segment))

    def test_returns_for_each_of_many(self):
        with Consumer() as other:
            blocks = [self.block() for _ in range(20)]
            for made, _ in blocks:
                other.close(made.name)
            for made, segment in blocks:
                made.close()
                made.unlink()
            for _, segment in blocks:
                self.assertTrue(returns(segment))

    def test_returns_when_a_block_is_closed_that_was_unlinked_before(self):
        made, segment = self.block()
        other = memshare.SharedMemory(made.name)
        made.unlink()
        made.close()
        self.assertTrue(is_kept(segment))
        other.buf[0] = 1
        other.close()
        self.assertTrue(returns(segment))
        made, segment = self.block()
        support.python("import memshare, sys; memshare.SharedMemory(sys.argv[1]).unlink()", made.name)
        made.close()
        self.assertTrue(returns(segment))

    def test_returns_with_the_last_view(self):
        made, segment = self.block()
        view = made.buf[1:3]
        made.close()
        made.unlink()
        view[0] = 5
        self.assertTrue(is_kept(segment))
        del view
        self.assertTrue(returns(segment))

    def test_returns_of_a_list(self):
        items = memshare.ShareableList([1, "two"])
        segment = items.shm._segment.id
        items.shm.unlink()
        items.shm.close()
        self.assertTrue(returns(segment))
        self.assertRaisesRegex(ValueError, "closed", items.__getitem__, 0)
        self.assertRaisesRegex(ValueError, "closed", items.__setitem__, 0, 1)

    def test_returns_though_a_block_was_dropped_and_not_closed(self):
        with Consumer() as other:
            made, segment = self.block()
            name = made.name
            other.close(name)
            self._cleanups.clear()
            del made
            self.assertTrue(is_kept(segment))
            memshare.destroy(name)
            self.assertTrue(returns(segment))

    def test_is_not_kept_by_a_child_that_was_forked_after_the_close(self):
        made, segment = self.block()
        made.close()
        enough = multiprocessing.get_context("fork").Event()
        with support.Started(multiprocessing.get_context("fork"), enough.wait, support.LONG):
            made.unlink()
            self.assertTrue(returns(segment))
            enough.set()

    def test_returns_in_a_forked_child_that_closes(self):
        made, segment = self.block()
        context = multiprocessing.get_context("fork")
        closed, enough = context.Event(), context.Event()

        def close():
            made.close()
            closed.set()
            enough.wait(support.LONG)

        with support.Started(context, close):
            self.assertTrue(closed.wait(support.LONG))
            made.close()
            made.unlink()
            self.assertTrue(returns(segment))
            enough.set()


class AClosedBlock(unittest.TestCase):
    def test_is_kept_until_the_last_process_ends(self):
        made = memshare.SharedMemory("kept", create=True, size=10)
        made.close()
        made.close()
        with Consumer() as other:
            other.close("kept")
        again = memshare.SharedMemory("kept")
        again.close()
        again.unlink()
        self.assertRaises(FileNotFoundError, memshare.SharedMemory, "kept")

    def test_needs_a_thread_no_longer_than_it_is_there(self):
        made = memshare.SharedMemory(create=True, size=10)
        made.close()
        self.assertIn("memshare: closed blocks", [thread.name for thread in threading.enumerate()])
        made.unlink()
        self.assertTrue(
            support.eventually(lambda: "memshare: closed blocks" not in [thread.name for thread in threading.enumerate()])
        )

    def test_is_silent_when_the_interpreter_ends(self):
        program = (
            "import memshare, os, sys, time\n"
            "made = [memshare.SharedMemory(create=True, size=10) for _ in range(3)]\n"
            "made[0].close(); view = made[1].buf[1:]; made[1].close()\n"
            "time.sleep(float(sys.argv[1]))\n"
            "if sys.argv[2] == 'fork' and os.fork(): os.wait()\n"
        )
        for wait in ("0", "0.3"):
            for how in ("fork", "alone"):
                self.assertEqual(support.python(program, wait, how), "")


if __name__ == "__main__":
    unittest.main()
