"""Many processes count with one value, and none of them is lost."""

import multiprocessing
import os
import unittest

import memshare
import support

TIMES = 100_000


def add(value):
    for _ in range(TIMES):
        value.add(1)


def add_to_item(array):
    for _ in range(TIMES):
        array.add(1, 1)


def count_in_lock(value):
    for _ in range(TIMES):
        with value.get_lock():
            value.value += 1


def count_item_in_lock(array):
    for _ in range(TIMES):
        with array:
            array[1] += 1


def add_by_exchange(value):
    for _ in range(TIMES // 10):
        old = value.load()
        while not value.compare_exchange(old, old + 1):
            old = value.load()


def count_until_killed(value, inside):
    """Counts twice in each lock; what a kill has left half done is odd."""
    while True:
        with value.get_lock():
            value.value += 1
            if inside is not None and value.value >= TIMES:
                inside.set()
                os.kill(os.getpid(), 9)
            value.value += 1


class FourProcesses(support.EachStartMethod):
    def counted(self, context, work, shared):
        processes = [context.Process(target=work, args=(shared,)) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            self.assertEqual(process.exitcode, 0)

    def each_add_without_the_lock(self, context):
        value, array = memshare.Value("q"), memshare.Array("i", 3)
        self.counted(context, add, value)
        self.counted(context, add_to_item, array)
        self.assertEqual((value.value, array[:]), (4 * TIMES, [0, 4 * TIMES, 0]))

    def each_count_in_the_lock(self, context):
        value, array = memshare.Value("i"), memshare.Array("d", 3)
        self.counted(context, count_in_lock, value)
        self.counted(context, count_item_in_lock, array)
        self.assertEqual((value.value, array[1]), (4 * TIMES, 4 * TIMES))

    def test_exchange_what_they_compared(self):
        value = memshare.Value("d")
        self.counted(multiprocessing.get_context("fork"), add_by_exchange, value)
        self.assertEqual(value.value, 4 * TIMES / 10)


class OneKilledInTheLock(unittest.TestCase):
    def test_leaves_the_others_an_exact_count(self):
        context = multiprocessing.get_context("spawn")
        value, inside = memshare.Value("q"), context.Event()
        other = context.Process(target=count_until_killed, args=(value, inside))
        other.start()
        recovered = 0
        while recovered == 0:
            with value.get_lock():
                if (dead := value.get_lock().recovered()) is not None:
                    self.assertEqual(dead.pid, other.pid)
                    recovered = value.value
                    value.value += 1  # what it was about to do
                else:
                    value.value += 2
        other.join()
        self.assertEqual(recovered % 2, 1)
        for _ in range(TIMES):
            with value.get_lock():
                value.value += 2
        self.assertEqual(value.value, recovered + 1 + 2 * TIMES)


class Atomics(unittest.TestCase):
    def test_return_what_was_there_before(self):
        for code in "bBhHiIlLqQfd":
            with self.subTest(code):
                value = memshare.Value(code, 5)
                self.assertEqual(value.add(2), 5)
                self.assertEqual(value.exchange(9), 7)
                self.assertIs(value.compare_exchange(8, 1), False)
                self.assertIs(value.compare_exchange(9, 1), True)
                self.assertEqual(value.load(), 1)
                self.assertIsNone(value.store(3))
                self.assertEqual(value.value, 3)
                array = memshare.Array(code, [5, 6])
                self.assertEqual(array.add(-1, 2), 6)
                self.assertEqual(array.exchange(1, 9), 8)
                self.assertIs(array.compare_exchange(1, 9, 1), True)
                array.store(0, 4)
                self.assertEqual((array.load(0), array[:]), (4, [4, 1]))

    def test_do_not_wait_for_the_lock(self):
        value = memshare.Value("i")
        support.run(multiprocessing.get_context("fork"), value.acquire)  # which died with it
        with value.get_lock():
            child = multiprocessing.get_context("fork").Process(target=value.add, args=(1,))
            child.start()
            child.join()
        self.assertEqual(value.value, 1)

    def test_are_for_numbers_within_the_array(self):
        self.assertRaises(TypeError, memshare.Value("c").add, b"a")
        self.assertEqual(memshare.Value("c", b"a").exchange(b"b"), b"a")
        self.assertRaises(IndexError, memshare.Array("i", 3).add, 3, 1)
        self.assertRaises(IndexError, memshare.Array("i", 3).load, -4)
        self.assertRaises(TypeError, memshare.Array("i", 3).add, 1)
        self.assertRaises(TypeError, memshare.Value("i").compare_exchange, 1)
        self.assertRaises(TypeError, memshare.Value("i").add, "a")


if __name__ == "__main__":
    unittest.main()
