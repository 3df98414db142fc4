"""What is frozen is written by nobody, and nothing is frozen under who may write it."""

import threading
import unittest

import numpy

import memshare
import support


class WhatIsFrozen(unittest.TestCase):
    def named(self, make, *args, name="it", **options):
        made = make(*args, name=name, **options)
        self.addCleanup(lambda: name in [one.name for one in memshare.list()] and memshare.destroy(name))
        return made

    def test_is_frozen_for_ever(self):
        value = self.named(memshare.Value, "i", 5, freezable=True)
        value.freeze()
        self.assertEqual(value.value, 5)
        for change in (lambda: setattr(value, "value", 6), lambda: value.store(6), lambda: value.add(1)):
            self.assertRaises(PermissionError, change)

    def test_is_not_frozen_under_a_view_that_can_write(self):
        array = self.named(memshare.Array, "i", [5, 6], freezable=True)
        for view_of in (numpy.asarray, memoryview, lambda array: array.get_obj(), lambda _: memshare.open("it")):
            view = view_of(array)
            self.assertRaises(memshare.Busy, array.freeze)
            view[0] = 7
            self.assertEqual(array[0], 7)
            del view
        array.get_obj()  # which only the array itself has
        array.freeze()
        self.assertRaises(PermissionError, array.__setitem__, 0, 8)
        self.assertFalse(numpy.asarray(array).flags.writeable)
        self.assertEqual(array[:], [7, 6])

    def test_is_not_frozen_under_a_thread_that_waits(self):
        value = self.named(memshare.Value, "i", 5, freezable=True)
        waiting = support.started(value.wait, 5)
        self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
        self.assertRaises(memshare.Busy, value.freeze)
        value.store(6)
        waiting.join()
        value.freeze()

    def test_is_not_frozen_under_a_thread_that_has_locked_it(self):
        value = self.named(memshare.Value, "i", 5, freezable=True)
        locked, enough = threading.Event(), threading.Event()

        def hold():
            with value:
                locked.set()
                enough.wait(support.LONG)
                value.value = 6

        holding = support.started(hold)
        locked.wait(support.LONG)
        self.assertRaises(memshare.Busy, value.freeze)
        enough.set()
        holding.join()
        value.freeze()
        self.assertEqual(value.value, 6)

    def test_is_not_written_by_an_operation_that_freezes_it(self):
        class Freezing:
            def __index__(self):
                frozen.freeze()
                return 1

            def __float__(self):
                return float(self.__index__())

            def acquire(self):
                frozen.freeze()

            def release(self):
                pass

        for operation in (
            lambda: setattr(frozen, "value", Freezing()),
            lambda: frozen.store(Freezing()),
            lambda: frozen.add(Freezing()),
            lambda: frozen.exchange(Freezing()),
            lambda: frozen.compare_exchange(0, Freezing()),
        ):
            frozen = memshare.Value("d", freezable=True)
            self.assertRaises(PermissionError, operation)
            self.assertEqual(frozen.value, 0)
            frozen = memshare.Value("d", freezable=True, lock=Freezing())
            self.assertRaises(PermissionError, setattr, frozen, "value", 1.0)
        for operation in (
            lambda: frozen.__setitem__(Freezing(), 1),
            lambda: frozen.__setitem__(slice(Freezing(), 2), [1]),
            lambda: frozen.store(0, Freezing()),
            lambda: frozen.add(Freezing(), 1),
        ):
            frozen = memshare.Array("i", 3, freezable=True)
            self.assertRaises(PermissionError, operation)
            self.assertEqual(frozen[:], [0, 0, 0])


if __name__ == "__main__":
    unittest.main()
