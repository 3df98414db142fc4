"""SharedMemory and ShareableList live until unlink(), or until the last process that has had them ends."""

import gc
import multiprocessing
import pickle
import subprocess
import sys
import unittest

import memshare
import support

HOLDER = """
import memshare, sys
how, name = sys.argv[1:]
shm = memshare.SharedMemory(name, create=how == "create", size=10)
if how == "attach and close":
    shm.close()
print("has it", flush=True)
sys.stdin.readline()
"""


class Holder:
    """Another process that has created or attached a block."""

    def __init__(self, how, name):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, how, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        if self.process.stdout.readline() != "has it\n":
            raise AssertionError("it has not got it")
        return self.process

    def __exit__(self, *_):
        self.process.communicate("\n")


def exists(name):
    return name in [one.name for one in memshare.list()]


class ABlock(unittest.TestCase):
    def block(self, name=None, size=10):
        made = memshare.SharedMemory(name, create=True, size=size)
        self.addCleanup(lambda: exists(made.name) and made.unlink())
        return made

    def test_outlives_its_last_handle(self):
        made = self.block()
        made.buf[:5] = b"hello"
        name = made.name
        made.close()
        self.assertIsNone(made.buf)
        del made
        again = memshare.SharedMemory(name)
        self.assertEqual(bytes(again.buf[:5]), b"hello")

    def test_outlives_its_creator_as_long_as_another_has_had_it(self):
        for how in ("attach", "attach and close"):
            with self.subTest(how):
                name = f"outlives {how}"
                with Holder("create", name) as creator:
                    with Holder(how, name) as other:
                        creator.kill()
                        creator.wait()
                        memshare.SharedMemory(name).buf[0] = 7
                        other.kill()
                        other.wait()
                self.assertTrue(exists(name))  # this process has had it, too
                memshare.SharedMemory(name).unlink()

    def test_ends_with_the_last_process_even_by_a_kill(self):
        for kill in (False, True):
            with self.subTest(kill=kill):
                with Holder("create", "ends") as creator:
                    self.assertTrue(exists("ends"))
                    if kill:
                        creator.kill()
                self.assertTrue(support.eventually(lambda: not exists("ends")))

    def test_is_a_forked_childs_as_well(self):
        made = self.block("inherited")
        begin = multiprocessing.get_context("fork").Event()
        with support.Started(multiprocessing.get_context("fork"), begin.wait, support.LONG) as child:
            self.assertTrue(
                support.eventually(
                    lambda: child.pid in [one.pid for one in memshare.describe("inherited").attachments]
                )
            )
            begin.set()
        self.assertTrue(support.eventually(lambda: len(memshare.describe("inherited").attachments) == 1))
        del made

    def test_frees_its_name_at_once_when_it_is_unlinked(self):
        made = self.block("reused")
        other = memshare.SharedMemory("reused")
        made.buf[0] = 1
        other.unlink()
        again = self.block("reused")
        again.buf[0] = 2
        self.assertEqual((made.buf[0], other.buf[0]), (1, 1))
        with self.assertRaises(FileNotFoundError):
            made.unlink()
        self.assertTrue(exists("reused"))

    def test_that_another_process_unlinked_is_let_go_by_and_by(self):
        made = self.block("unlinked")
        support.python("import memshare; memshare.SharedMemory('unlinked').unlink()")
        segment = made._segment.id
        self.assertEqual(len(memshare.describe(segment).attachments), 1)
        made.close()
        del made
        self._cleanups.clear()  # as these keep it

        def is_gone():
            self.block().close()  # each use looks at some of what is closed
            try:
                memshare.describe(segment)
            except FileNotFoundError:
                return True
            return False

        self.assertTrue(support.eventually(is_gone))

    def test_is_closed_while_there_are_views_of_it(self):
        made = self.block()
        view = made.buf[2:4]
        made.buf[2] = 9
        made.close()
        self.assertEqual(view[0], 9)
        made.close()

    def test_has_the_size_it_was_made_with(self):
        self.assertEqual((self.block(size=5000).size, len(self.block(size=1).buf)), (5000, 1))
        for size in (0, -1):
            self.assertRaises(ValueError, memshare.SharedMemory, None, True, size)
        self.assertRaises(ValueError, memshare.SharedMemory)
        self.assertRaises(FileNotFoundError, memshare.SharedMemory, "none of that name")
        self.block("taken")
        self.assertRaises(FileExistsError, memshare.SharedMemory, "taken", True, 5)

    def test_may_be_any_segment_as_bytes(self):
        memshare.Array("i", [1, 2], name="numbers", lifetime="attached")
        made = memshare.Array("i", [1, 2], name="numbers", lifetime="attached")
        block = memshare.SharedMemory("numbers")
        self.assertEqual((block.size, block.buf[4]), (8, 2))
        block.unlink()
        del made

    def test_is_tracked_by_nobody(self):
        support.python(
            "import memshare, multiprocessing.resource_tracker as tracker\n"
            "s = memshare.SharedMemory(create=True, size=10); v = memshare.Value('i')\n"
            "l = memshare.ShareableList([1, 2]); r = memshare.RawArray('i', 1000)\n"
            "assert tracker._resource_tracker._fd is None"
        )


# With a /dev/shm of its own, as others use this machine's.
IN_DEV_SHM = """
import os, subprocess, multiprocessing
subprocess.run(["mount", "-t", "tmpfs", "none", "/dev/shm"], check=True)
import memshare

def change(*things):
    things[0].value = 1
    found(things)

def found(things):
    assert os.listdir("/dev/shm") == [], os.listdir("/dev/shm")

kept = memshare.SharedMemory(create=True, size=10), memshare.ShareableList([1, 2])
things = memshare.Value("i"), memshare.Array("i", 10_000), memshare.RawArray("i", 3), *kept
found(things)
process = multiprocessing.get_context("fork").Process(target=change, args=things)
process.start()
process.join()
assert process.exitcode == 0 and things[0].value == 1
found(things)
print("nothing")
"""


class DevShm(unittest.TestCase):
    def test_stays_empty(self):
        result = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", IN_DEV_SHM],
            capture_output=True, text=True,
        )  # fmt: skip
        if result.stderr.startswith("unshare:"):
            self.skipTest(result.stderr.strip())
        self.assertEqual((result.stdout, result.stderr), ("nothing\n", ""))


class AList(unittest.TestCase):
    def made(self, *args):
        made = memshare.ShareableList(*args)
        self.addCleanup(made.shm.unlink)
        return made

    def test_gives_back_what_it_was_given(self):
        items = [0, -(2**63), 2**63 - 1, 1.5, True, False, None, "", "äöü", b"", b"\0a\0", "a\0", "x" * 1000]
        made = self.made(items)
        self.assertEqual([*made], items)
        self.assertEqual([*map(type, made)], [*map(type, items)])
        self.assertEqual([*memshare.ShareableList(name=made.shm.name)], items)
        self.assertEqual([*pickle.loads(pickle.dumps(made))], items)

    def test_changes_the_type_of_an_item(self):
        made = self.made([1, "text"])
        for item in (2.5, None, b"eight by", "four", False, 7):
            made[0] = item
            self.assertEqual(made[0], item)
            self.assertIs(type(made[0]), type(item))
        self.assertEqual(made[1], "text")

    def test_refuses_what_does_not_fit(self):
        made = self.made([1, "text"])
        for item in ("nine byte", b"123456789", "ääääb"):
            with self.assertRaisesRegex(ValueError, "exceeds available storage"):
                made[1] = item
        self.assertEqual([*made], [1, "text"])
        for item in ([], 1j, object()):
            self.assertRaises(TypeError, made.__setitem__, 0, item)
        with self.assertRaises(Exception):
            made[0] = 2**63
        self.assertRaises(IndexError, made.__getitem__, 2)
        self.assertRaises(IndexError, made.__setitem__, -3, 1)

    def test_is_searched(self):
        made = self.made([1, "a", 1, None])
        self.assertEqual((made.count(1), made.index("a"), len(made)), (2, 1, 4))
        self.assertRaises(ValueError, made.index, "b")
        self.assertEqual(len(self.made()), 0)

    def test_items_are_never_half_of_one_and_half_of_another(self):
        made = self.made(["a" * 1000])
        context = multiprocessing.get_context("fork")
        stop = context.Event()

        with support.Started(context, write_turns, made.shm.name, stop):
            for _ in range(2000):
                self.assertIn(made[0], ("a" * 1000, "b" * 999))
            stop.set()


def write_turns(name, stop):
    made = memshare.ShareableList(name=name)
    while not stop.is_set():
        made[0] = "b" * 999
        made[0] = "a" * 1000


class Collected(unittest.TestCase):
    def test_a_block_may_be_at_any_time(self):
        blocks = [memshare.SharedMemory(create=True, size=10) for _ in range(40)]
        for block in blocks:
            block.close()
        before = gc.get_threshold()
        gc.set_threshold(1)
        self.addCleanup(gc.set_threshold, *before)
        for _ in range(1000):
            dropped = memshare.SharedMemory(create=True, size=10)
            dropped.itself = dropped
            dropped.unlink()
        gc.set_threshold(*before)
        for block in blocks:
            block.unlink()

    def test_a_block_that_is_opened_and_closed_is_remembered_once(self):
        block = memshare.SharedMemory(create=True, size=10)
        before = support.mappings()
        for _ in range(100):
            memshare.SharedMemory(block.name).close()
        self.assertEqual(support.mappings(), before)
        block.unlink()


class InThreads(unittest.TestCase):
    def test_blocks_come_and_go(self):
        failures = []

        def use(thread):
            try:
                for number in range(100):
                    block = memshare.SharedMemory(f"block {thread} {number % 3}", create=True, size=10)
                    memshare.SharedMemory(block.name).close()
                    block.close()
                    block.unlink()
            except Exception as error:
                failures.append(error)

        threads = [support.started(use, number) for number in range(4)]
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(memshare.list("block *"), [])


if __name__ == "__main__":
    unittest.main()
