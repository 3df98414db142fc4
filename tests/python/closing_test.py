"""A handle may be closed at any time, also in the middle of an operation of its own."""

import ctypes
import gc
import signal
import subprocess
import sys
import threading
import unittest
import weakref

import memshare
import support

LARGE = 100_000  # elements: the memory is unmapped at once, and an access to it would end the process


class Closing:
    """A number, a lock and an index that close a handle when they are used."""

    def __init__(self, handle=None):
        self.handle = handle

    def __index__(self):
        self.handle.close()
        return 1

    def __float__(self):
        return float(self.__index__())

    def acquire(self):
        self.handle.close()
        return True

    def release(self):
        pass


class InAnOperation(unittest.TestCase):
    def test_of_a_value_it_goes_on_to_the_end(self):
        for operate in (
            lambda value, one: setattr(value, "value", one),
            lambda value, one: value.store(one),
            lambda value, one: value.add(one),
            lambda value, one: value.exchange(one),
            lambda value, one: value.compare_exchange(one, 1),
        ):
            kept = memshare.Value("d", name="kept", lifetime="attached")
            value = memshare.open("kept")
            operate(value, Closing(value))
            self.assertTrue(value.closed)
            self.assertRaises(ValueError, value.load)
            kept.close()

    def test_of_an_array_it_goes_on_to_the_end(self):
        for operate in (
            lambda array, one: array[one],
            lambda array, one: array[one:3],
            lambda array, one: array.__setitem__(one, 5),
            lambda array, one: array.__setitem__(0, one),
            lambda array, one: array.__setitem__(slice(one, 3), [5, 6]),
            lambda array, one: array.__setitem__(slice(0, 1), [one]),
            lambda array, one: array.load(one),
            lambda array, one: array.store(0, one),
            lambda array, one: array.add(one, 1),
            lambda array, one: array.exchange(0, one),
            lambda array, one: array.compare_exchange(0, one, one),
        ):
            array = memshare.Array("i", LARGE)
            try:
                operate(array, Closing(array))
            except ValueError:  # where it needs the handle once more
                pass
            self.assertTrue(array.closed)
            self.assertRaises(ValueError, array.load, 0)

    def test_a_lock_of_ones_own_may_do_it(self):
        for operate in (
            lambda array: array[0],
            lambda array: array[:],
            lambda array: array.__setitem__(0, 1),
            lambda array: array.__setitem__(slice(0, 1), [1]),
        ):
            lock = Closing()
            lock.handle = memshare.Array("i", LARGE, lock=lock)
            operate(lock.handle)
            self.assertTrue(lock.handle.closed)

    def test_a_number_that_changes_the_list_it_is_in_does_no_harm(self):
        class Clearing(int):
            def __float__(self):
                numbers.clear()
                return 1.0

        numbers = [Clearing(1), *map(float, range(LARGE - 1))]
        array = memshare.Array("d", LARGE)
        self.assertRaises((IndexError, ValueError), array.__setitem__, slice(None), numbers)
        self.assertTrue(array.acquire(block=False))


class InAWait(unittest.TestCase):
    def test_for_the_lock_another_thread_may_do_it(self):
        kept = memshare.Value("i", name="kept", lifetime="attached")
        value = memshare.open("kept")
        with kept:
            waiting = support.started(setattr, value, "value", 5)
            self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
            value.close()
        waiting.join()
        self.assertEqual(kept.value, 5)

    def test_for_the_lock_a_signal_handler_may_do_it(self):
        kept = memshare.Value("i", name="kept", lifetime="attached")
        value = memshare.open("kept")
        before = signal.signal(signal.SIGUSR1, lambda *_: value.close())
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        program = "import memshare; v = memshare.open('kept'); v.acquire(); print(flush=True); input(); v.release()"
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            holder.stdout.readline()

            def interrupt():
                support.eventually(lambda: support.is_asleep(threading.main_thread()))
                signal.raise_signal(signal.SIGUSR1)
                support.eventually(lambda: value.closed)
                holder.stdin.write("\n")
                holder.stdin.flush()

            thread = support.started(interrupt)
            value.value = 5
            thread.join()
        self.assertTrue(value.closed)
        self.assertEqual(kept.value, 5)

    def test_for_a_change_another_thread_may_do_it(self):
        value = memshare.Value("i", name="kept", lifetime="attached")
        other = memshare.open("kept")
        waiting = support.started(value.wait, 0)
        self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
        value.close()
        other.value = 1
        waiting.join(support.LONG)
        self.assertFalse(waiting.is_alive())


    def test_for_the_lock_it_is_unlocked_at_the_end(self):
        def acquire(value):
            value.acquire()
            value.release()

        def enter(value):
            with value:
                pass

        kept = memshare.Value("i", name="kept", lifetime="attached")
        for lock in (acquire, enter):
            value = memshare.open("kept")
            with kept:
                waiting = support.started(lock, value)
                self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
                value.close()
            waiting.join()
            self.assertTrue(kept.acquire(timeout=support.LONG))
            kept.release()
            self.assertRaises(ValueError, value.release)


class InALock(unittest.TestCase):
    def test_it_is_unlocked_at_the_end(self):
        value = memshare.Value("i", name="kept", lifetime="attached")
        other = memshare.open("kept")
        with value:
            with value:
                value.close()
                self.assertRaises(ValueError, value.__enter__)
            self.assertTrue(other.get_lock().is_held())
        self.assertFalse(other.get_lock().is_held())
        other.value = 1
        self.assertRaises(ValueError, value.release)

    def test_the_memory_is_given_back_after_that(self):
        array = memshare.Array("i", LARGE)
        before = support.mappings()
        array.acquire()
        array.close()
        self.assertEqual(support.mappings(), before)
        array.release()
        self.assertEqual(support.mappings(), before - 1)


    def test_that_another_object_has_unlocked_the_memory_is_given_back_at_once(self):
        array = memshare.Array("i", LARGE)
        before = support.mappings()
        array.acquire()
        array.get_lock().release()
        array.close()
        self.assertEqual(support.mappings(), before - 1)

    def test_a_handle_that_only_an_iterator_had_stays_until_the_end(self):
        class Exhausting:
            def acquire(self):
                if not self.acquired:
                    self.acquired = True
                    list(items)

            def release(self):
                pass

        lock = Exhausting()
        lock.acquired = False
        segment = memshare.Array("i", LARGE)._segment
        items = iter(memshare._core.Array(segment, ctypes.c_int, lock))
        self.assertEqual(next(items), 0)


class Forgotten(unittest.TestCase):
    def test_handles_that_hold_themselves_are_collected(self):
        class OwnLock(Closing):
            pass

        for tie in ("lock", "object"):
            with self.subTest(tie):
                lock = OwnLock()
                value = memshare.Value("i", lock=lock if tie == "lock" else True)
                if tie == "lock":
                    lock.handle = value
                else:
                    value.get_obj().handle = value
                gone = weakref.ref(value)
                del value, lock
                gc.collect()
                self.assertIsNone(gone())


class AForkedChild(unittest.TestCase):
    def test_leaves_a_lock_of_its_parents_whatever_it_has_closed(self):
        program = """
import memshare, os
value = memshare.Value("i")
with value:
    child = os.fork()
    if child == 0:
        value.close()
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
        self.assertEqual(support.python(program), "7\n")


if __name__ == "__main__":
    unittest.main()
