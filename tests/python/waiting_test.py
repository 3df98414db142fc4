"""Waiting for changes: asleep, as an iterator, in asyncio and in any other event loop."""

import asyncio
import ctypes
import gc
import multiprocessing
import os
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import memshare
import support


class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_double), ("b", ctypes.c_double)]


class AWait(unittest.TestCase):
    def test_ends_with_another_value(self):
        for code, old, new in (("d", 0.0, 1.5), ("i", 0, 7), ("c", b"\0", b"x"), ("u", "\0", "y"), ("B", 0, 255)):
            with self.subTest(code):
                value = memshare.Value(code)
                thread = support.started(lambda: setattr(value, "value", new))
                self.assertIs(value.wait(old), True)
                self.assertEqual(value.value, new)
                thread.join()

    def test_ends_at_once_if_it_is_another_one_already(self):
        value = memshare.Value("i", 5)
        self.assertTrue(value.wait(4, timeout=0))
        self.assertTrue(value.wait(4))

    def test_ends_when_its_time_is_over(self):
        for thing in (memshare.Value("i", 5), memshare.Array("i", 3), memshare.Value(Pair)):
            start = time.monotonic()
            self.assertIs(thing.wait(timeout=0.05), False)
            self.assertGreaterEqual(time.monotonic() - start, 0.05)
            self.assertIs(thing.wait(thing.version, 0), False)
            self.assertIs(thing.wait(timeout=-1), False)
        self.assertIs(memshare.Value("i", 5).wait(5, 0.01), False)

    def test_ends_past_a_version(self):
        for thing, change in (
            (memshare.Value("i"), lambda one: one.store(1)),
            (memshare.Value("i"), lambda one: one.add(1)),
            (memshare.Value("i"), lambda one: one.exchange(2)),
            (memshare.Value("i"), lambda one: one.compare_exchange(one.load(), one.load() + 1)),
            (memshare.Value("i"), lambda one: setattr(one, "value", 3)),
            (memshare.Value(Pair), lambda one: setattr(one, "a", 3)),
            (memshare.Value(Pair, name="pair", lifetime="attached"), lambda one: setattr(one, "a", 3)),
            (memshare.Value("i"), lambda one: one.notify_all()),
            (memshare.Array("i", 3), lambda one: one.__setitem__(1, 5)),
            (memshare.Array("i", 3), lambda one: one.__setitem__(slice(0, 2), [5, 6])),
            (memshare.Array("i", 3), lambda one: one.store(1, 5)),
            (memshare.Array("i", 3), lambda one: one.add(1, 5)),
            (memshare.Array("c", 3), lambda one: setattr(one, "value", b"a")),
            (memshare.Array("i", 3), lambda one: one.notify_all()),
        ):
            with self.subTest(thing):
                seen = thing.version
                self.assertFalse(thing.wait(seen, 0))
                change(thing)
                self.assertTrue(thing.wait(seen, 0))
                thread = support.started(thing.wait)
                self.assertTrue(support.eventually(lambda: support.is_asleep(thread)))
                change(thing)
                thread.join()
                thing.close()

    def test_of_a_structure_ends_with_another_one(self):
        for name in ("pair", None):
            value = memshare.Value(Pair, 1.0, 2.0, name=name, lifetime="attached")
            self.assertIs(value.wait(Pair(1.0, 2.0), 0.01), False)
            thread = support.started(lambda: value.update(lambda pair: setattr(pair, "b", 3.0)))
            self.assertIs(value.wait(Pair(1.0, 2.0)), True)
            thread.join()
            self.assertEqual(value.b, 3.0)

    def test_works_read_only(self):
        value = memshare.Value("i", 1, name="seen")
        seen = memshare.open("seen", readonly=True)
        thread = support.started(lambda: value.store(2))
        self.assertTrue(seen.wait(1))
        thread.join()

    def test_lets_other_threads_run(self):
        value = memshare.Value("i")
        thread = support.started(value.wait, 0)
        self.assertTrue(support.eventually(lambda: support.is_asleep(thread)))
        value.value = 1
        thread.join()

    def test_for_a_lock_lets_other_threads_run(self):
        value = memshare.Value("i")
        value.acquire()
        thread = support.started(lambda: value.acquire() and value.release())
        self.assertTrue(support.eventually(lambda: support.is_asleep(thread)))
        value.release()
        thread.join()

    def test_takes_a_timeout_that_is_a_number(self):
        value = memshare.Value("i")
        self.assertRaises(TypeError, value.wait, 0, "long")
        self.assertRaises(ValueError, value.wait, 0, float("nan"))
        value.store(1)
        self.assertTrue(value.wait(0, float("inf")))

    def test_of_an_array_takes_no_value(self):
        self.assertRaises(TypeError, memshare.Array("i", 3).wait, 0)


# Each waits for ever; Ctrl-C ends it.
WAITS = {
    "wait": "value.wait(0)",
    "wait for a version": "value.wait()",
    "wait of an array": "memshare.Array('i', 3).wait()",
    "changes": "next(value.changes())",
    "lock": "value.acquire()",
    "item": "value.value",
    "with": "value.__enter__()",
}

WAITER = """
import memshare, os, signal, sys, threading
value = memshare.Value("i")
def hold():
    value.acquire()
    held.set()
    threading.Event().wait()
held = threading.Event()
if "{what}" in ("lock", "item", "with"):
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
print("waits", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


class CtrlC(unittest.TestCase):
    def test_ends_a_wait(self):
        for what, wait in WAITS.items():
            with self.subTest(what):
                program = WAITER.format(what=what, wait=wait)
                with subprocess.Popen(
                    [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
                ) as process:
                    self.assertEqual(process.stdout.readline(), "waits\n")
                    task = Path(f"/proc/{process.pid}/task/{process.pid}/wchan")
                    self.assertTrue(support.eventually(lambda: "futex" in task.read_text()))
                    process.send_signal(signal.SIGINT)
                    start = time.monotonic()
                    self.assertEqual(process.stdout.readline(), "interrupted\n")
                    self.assertLess(time.monotonic() - start, 1)
                self.assertEqual(process.returncode, 0)

    def test_does_not_end_a_wait_whose_handler_raises_nothing(self):
        value = memshare.Value("i")
        came = []
        before = signal.signal(signal.SIGUSR1, lambda *_: came.append(1) or value.store(1))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        main = threading.main_thread()

        def interrupt():
            support.eventually(lambda: support.is_asleep(main))
            os.kill(os.getpid(), signal.SIGUSR1)

        thread = support.started(interrupt)
        self.assertTrue(value.wait(0))
        thread.join()
        self.assertEqual(came, [1])


# Each is done by a thread that nobody waits for.
AT_THE_END = {
    "wait": "value.wait()",
    "lock": "value.acquire()",
    "changes": "list(value.changes())",
    "calls": "while True: memshare.list()",
    "lock of one's own": "own.value",
    "number": "other.value = Number()",
    "number without the lock": "other.store(Number())",
    "index": "array[Number()] = 1",
    "slice": "array[Number():] = [1, 2]",
    "timeout": "other.acquire(timeout=Number())",
}

ENDING = """
import memshare, threading, time
value, other, array = memshare.Value("i"), memshare.Value("d"), memshare.Array("i", 3)
lock = threading.RLock()
own = memshare.Value("i", lock=lock)
lock.acquire()
class Number:
    def __index__(self):
        time.sleep(0.2)
        return 1
    def __float__(self):
        return float(self.__index__())
def work():
    begun.set()
    {work}
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.1)  # so that the thread comes back while the interpreter ends
late = Late()
begun = threading.Event()
value.acquire()
threading.Thread(target=work, daemon=True).start()
begun.wait()
time.sleep(0.05)
lock.release()
"""


class ADaemonThread(unittest.TestCase):
    def test_does_not_disturb_the_end_of_the_program(self):
        for what, work in AT_THE_END.items():
            with self.subTest(what):
                self.assertEqual(support.python(ENDING.format(work=work)), "")


class Changes(unittest.TestCase):
    def test_are_given_one_after_the_other(self):
        value = memshare.Value("i")
        seen = []
        with value.changes() as changes:
            for number in (1, 2, 3):
                value.store(number)
                seen.append(next(changes))
        self.assertEqual(seen, [1, 2, 3])

    def test_of_an_array_give_the_array(self):
        array = memshare.Array("i", 3)
        changes = array.changes()
        array[1] = 5
        self.assertIs(next(changes), array)

    def test_that_come_together_are_one(self):
        value = memshare.Value("i")
        changes = value.changes()
        value.store(1)
        value.store(2)
        self.assertEqual(next(changes), 2)
        value.store(3)
        self.assertEqual(next(changes), 3)

    def test_end_when_they_or_their_handle_are_closed(self):
        for what in ("changes", "handle"):
            value = memshare.Value("i")
            changes = value.changes()
            seen = []
            thread = support.started(lambda: seen.extend(changes))
            self.assertTrue(support.eventually(lambda: support.is_asleep(thread)))
            (changes if what == "changes" else value).close()
            thread.join(support.LONG)
            self.assertFalse(thread.is_alive())
            self.assertEqual(seen, [])

    def test_end_also_when_a_change_comes_with_the_closing(self):
        for _ in range(20):
            value = memshare.Value("i")
            changes = value.changes()
            seen = []
            thread = support.started(lambda: seen.append(list(changes)))
            self.assertTrue(support.eventually(lambda: support.is_asleep(thread)))
            value.value = 5
            value.close()
            thread.join(support.LONG)
            self.assertIn(seen, ([[]], [[5]]))

    def test_of_a_structure_give_the_structure(self):
        for name in (None, "pair"):
            value = memshare.Value(Pair, name=name, lifetime="attached")
            changes = value.changes()
            value.b = 1.5
            self.assertEqual(next(changes).b, 1.5)


class InAsyncio(unittest.IsolatedAsyncioTestCase):
    async def test_changes_are_awaited(self):
        value = memshare.Value("i")
        seen = []

        async def follow():
            async for number in value.changes():
                seen.append(number)
                if number == 3:
                    return

        task = asyncio.create_task(follow())
        for number in (1, 2, 3):
            await asyncio.sleep(0)
            value.store(number)
            while number not in seen:
                await asyncio.sleep(0)
        await task
        self.assertEqual(seen, [1, 2, 3])

    async def test_a_change_by_another_process_is_awaited(self):
        value = memshare.Value("i")
        changes = value.changes()
        with support.Started(multiprocessing.get_context("spawn"), store_seven, value):
            self.assertEqual(await asyncio.wait_for(anext(changes), support.LONG), 7)

    async def test_a_wait_can_be_cancelled(self):
        value = memshare.Value("i")
        changes = value.changes()
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(changes), 0.01)
        value.store(1)
        self.assertEqual(await anext(changes), 1)
        await changes.aclose()

    async def test_two_tasks_share_what_comes(self):
        value = memshare.Value("i")
        changes = value.changes()
        tasks = [asyncio.create_task(anext(changes)) for _ in range(2)]
        seen = []
        for number in (1, 2):
            await asyncio.sleep(0)
            value.store(number)
            done, tasks = await asyncio.wait(tasks, timeout=support.LONG, return_when=asyncio.FIRST_COMPLETED)
            seen.extend(task.result() for task in done)
        self.assertEqual(seen, [1, 2])

    async def test_closing_ends_a_wait_and_leaves_nothing(self):
        for what in ("changes", "handle"):
            for close in (lambda thing: thing.close(), lambda thing: asyncio.to_thread(thing.close)):
                value = memshare.Value("i")
                changes = value.changes()
                tasks = [asyncio.create_task(anext(changes, "the end")) for _ in range(2)]
                await asyncio.sleep(0)
                descriptor = changes.fileno()
                if (thread := close(changes if what == "changes" else value)) is not None:
                    await thread
                ends = await asyncio.wait_for(asyncio.gather(*tasks), support.LONG)
                self.assertEqual(ends, ["the end", "the end"])
                self.assertFalse(asyncio.get_running_loop().remove_reader(descriptor))
                self.assertRaises(OSError, os.fstat, descriptor)
                self.assertRaises(ValueError, changes.fileno)
                self.assertEqual(await anext(changes, "the end"), "the end")

    async def test_a_loop_that_is_closed_leaves_nothing(self):
        value = memshare.Value("i")
        changes = value.changes()

        def run():
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(lambda *_: None)  # it says that a task was pending
            task = loop.create_task(anext(changes))
            loop.run_until_complete(asyncio.sleep(0.01))
            self.assertFalse(task.done())
            loop.close()

        changes.fileno()
        before = support.open_fds()
        await asyncio.to_thread(run)
        gc.collect()
        changes.close()
        self.assertEqual(support.open_fds(), before - 2)  # of its own, and of the thread that watched

    async def test_the_loop_goes_on_meanwhile(self):
        value = memshare.Value("i")
        task = asyncio.ensure_future(anext(value.changes()))
        for _ in range(100):
            await asyncio.sleep(0)
        self.assertFalse(task.done())
        value.store(1)
        self.assertEqual(await task, 1)

    async def test_a_handle_is_a_reader_of_the_loop(self):
        value = memshare.Value("i")
        came = asyncio.get_running_loop().create_future()

        def read():
            value.clear()
            came.set_result(value.value)

        asyncio.get_running_loop().add_reader(value, read)
        value.store(4)
        self.assertEqual(await came, 4)
        asyncio.get_running_loop().remove_reader(value)


class AForkedChild(unittest.TestCase):
    PROGRAM = """
import asyncio, memshare, os, select, sys
value = memshare.Value("i", name="watched", lifetime="attached")
changes = value.changes()
changes.clear()
value.fileno()
if os.fork():
    value.value = 1
    if not select.select([value], [], [], 20)[0] or not select.select([changes], [], [], 20)[0]:
        print("the parent sees nothing")
    os._exit(0)
value.clear(), changes.clear()  # its own, not its parent's
sys.stdin.readline()  # that is gone
value.clear()
value.value = 9
print(bool(select.select([value], [], [], 20)[0]), asyncio.run(asyncio.wait_for(anext(changes), 20)), flush=True)
"""

    @unittest.skipIf(support.ADDRESS_SANITIZED, "the sanitizer cannot fork beside the thread that watches")
    def test_sees_changes_as_its_parent_does(self):
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", self.PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            process.wait(support.LONG)
            process.stdin.write("\n")
            process.stdin.close()
            self.assertEqual(process.stdout.read(), "True 9\n")


def store_seven(value):
    value.value = 7


class ADescriptor(unittest.TestCase):
    def is_readable(self, thing):
        return bool(select.select([thing], [], [], 0)[0])

    def test_is_readable_after_a_change(self):
        for thing in (memshare.Value("i"), memshare.Value("i").changes()):
            handle = getattr(thing, "_handle", thing)
            self.assertFalse(self.is_readable(thing))
            handle.store(1)
            self.assertTrue(select.select([thing], [], [], support.LONG)[0])
            thing.clear()
            self.assertFalse(self.is_readable(thing))
            thing.close()

    def test_works_with_selectors(self):
        value, array = memshare.Value("i"), memshare.Array("i", 3)
        with selectors.DefaultSelector() as selector:
            selector.register(value, selectors.EVENT_READ, "value")
            selector.register(array, selectors.EVENT_READ, "array")
            array[0] = 1
            self.assertEqual([key.data for key, _ in selector.select(support.LONG)], ["array"])
            array.clear()
            value.value = 1
            self.assertEqual([key.data for key, _ in selector.select(support.LONG)], ["value"])

    def test_is_closed_with_its_handle(self):
        memshare.Value("i").fileno()
        before = support.open_fds()
        for close in (True, False):
            value = memshare.Value("i")
            value.fileno()
            self.assertEqual(support.open_fds(), before + 2)  # of its own, and of the thread that watches
            if close:
                value.close()
            else:
                del value
            self.assertEqual(support.open_fds(), before)


if __name__ == "__main__":
    unittest.main()
