"""A named structure changes as a whole, in all of its depth."""

import copy as copy_module
import ctypes
import pickle
import threading
import unittest

import memshare
import support


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("heading", ctypes.c_float)]


class Small(ctypes.Structure):
    _fields_ = [("x", ctypes.c_float), ("y", ctypes.c_float)]


class Deep(ctypes.Structure):
    _fields_ = [("inner", Pose), ("numbers", ctypes.c_int * 3), ("text", ctypes.c_char * 4)]


class Confusing(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("load", "update", "store", "readonly", "version", "shown", "closed", "close")]


class AStructure(unittest.TestCase):
    def named(self, make, *args, name="it", **options):
        made = make(*args, name=name, **options)
        self.addCleanup(lambda: name in [one.name for one in memshare.list()] and memshare.destroy(name))
        return made

    def test_changes_as_a_whole(self):
        made = self.named(memshare.Value, Pose, 1, 2, 3)
        with self.assertRaises(ZeroDivisionError):
            made.update(lambda pose: (setattr(pose, "x", 9), 1 / 0))
        self.assertEqual((made.x, made.y), (1, 2))
        made.store(Pose(4, 5, 6))
        copy = made.load()
        self.assertEqual((copy.x, copy.y, copy.heading), (4, 5, 6))
        made.get_obj().x += 1
        self.assertEqual((made.x, made.y), (5, 5))
        self.assertRaises(TypeError, made.store, Small())
        self.assertEqual(bytes(made.get_obj()), bytes(Pose(5, 5, 6)))
        made.store(memshare.Value(Pose, 7, 8, 9, name="other", lifetime="attached").get_obj())
        self.assertEqual((made.x, made.y, made.heading), (7, 8, 9))

    def test_is_written_in_its_depth(self):
        deep = self.named(memshare.Value, Deep, (1, 2, 3), (4, 5, 6), b"ab")
        deep.inner.x += 10
        deep.numbers[1] = 50
        deep.get_obj().numbers[0:1] = [40]
        deep.get_obj().inner.heading = 30
        copy = memshare.open("it", type=Deep).load()
        self.assertEqual((copy.inner.x, copy.inner.heading, copy.numbers[:], copy.text), (11, 30, [40, 50, 6], b"ab"))
        self.assertEqual((len(deep.numbers), list(deep.numbers), deep.numbers[-1]), (3, [40, 50, 6], 6))
        self.assertRaises(IndexError, deep.numbers.__setitem__, 3, 1)
        self.assertRaises(PermissionError, setattr, memshare.open("it", readonly=True, type=Deep).inner, "x", 1)
        other = self.named(memshare.Value, Deep, (7, 8, 9), name="other")
        deep.inner = other.inner
        self.assertEqual(deep.inner.heading, 9)
        for do in (copy_module.copy, copy_module.deepcopy, lambda part: pickle.loads(pickle.dumps(part))):
            copied = do(deep.inner)
            self.assertEqual((type(copied), bytes(copied)), (Pose, bytes(deep.inner)))
        self.assertEqual(bytes(deep.numbers), bytes((ctypes.c_int * 3)(40, 50, 6)))
        self.assertFalse(deep.wait(deep.get_obj(), 0))
        self.assertEqual((deep.inner.y, repr(deep.inner).startswith("<part of a shared Deep")), (8, True))

    def test_in_another_one_are_written_in_their_depth(self):
        class Path(ctypes.Structure):
            _fields_ = [("poses", Pose * 3), ("names", (ctypes.c_char * 4) * 2)]

        path = self.named(memshare.Value, Path)
        path.poses[0:2][1].x = 5
        path.poses[-1] = path.poses[1]
        path.poses[0].heading += 1
        path.names[1].value = b"ab"
        self.assertEqual([pose.x for pose in path.poses], [0, 5, 5])
        self.assertEqual((path.poses[0].heading, path.names[1].value, path.names[1][:]), (1, b"ab", b"ab\0\0"))
        self.assertRaises(IndexError, path.poses.__getitem__, 3)

    def test_in_another_one_are_assigned_by_slices(self):
        class Path(ctypes.Structure):
            _fields_ = [("poses", Pose * 4)]

        path = self.named(memshare.Value, Path)
        path.poses[2:] = [Pose(1, 2, 3), Pose(4, 5, 6)]
        path.poses[0:2] = path.poses[2:4]
        path.poses[2:4] = [path.poses[1], Pose()]
        self.assertEqual([pose.x for pose in path.poses], [1, 4, 4, 0])
        self.assertEqual(memshare.Value(Path, path.poses).poses[1].x, 4)

    def test_is_changed_by_its_own_methods(self):
        class Moving(ctypes.Structure):
            _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]

            def move(self, by):
                self.x += by
                return self.x

            def where(self):
                return self.x, self.y

        class Robot(ctypes.Structure):
            _fields_ = [("place", Moving), ("number", ctypes.c_int)]

        for name in ("it", None):
            robot = memshare.Value(Robot, name=name, lifetime="attached")
            robot.place.move(1)
            self.assertEqual((robot.place.move(by=2), robot.place.x), (3, 3))
        seen = memshare.open(self.named(memshare.Value, Robot, name="seen").name, readonly=True, type=Robot)
        self.assertRaises(PermissionError, setattr, seen.place, "x", 1)
        self.assertRaises(PermissionError, seen.place.move, 1)
        self.assertEqual((seen.place.where(), seen.place.x), ((0, 0), 0))

    def test_is_changed_by_its_parts_in_the_same_lock_as_the_whole(self):
        for lock in (True, threading.RLock()):
            value = memshare.Value(Deep, name="locked", lifetime="attached", lock=lock)
            for change in (lambda: setattr(value, "text", b"x"), lambda: setattr(value.inner, "x", 5)):
                before = bytes(value.load())
                with value.get_lock():
                    waiting = support.started(change)
                    self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))
                    self.assertEqual(bytes(value.load()), before)
                waiting.join()
                self.assertNotEqual(bytes(value.load()), before)
            value.close()

    def test_with_a_lock_of_ones_own_loses_no_update(self):
        value = self.named(memshare.Value, Pose, 1, 2, 3, lock=threading.RLock())
        other = memshare.open("it", type=Pose)
        seen = []

        def change(pose):
            writing = support.started(setattr, other, "y", 50)
            seen.append(support.eventually(lambda: support.is_asleep(writing)))
            pose.x = 10
            threads.append(writing)

        threads = []
        value.update(change)
        threads[0].join()
        self.assertEqual((seen, value.x, value.y), ([True], 10, 50))

    def test_without_a_name_that_is_frozen_is_read(self):
        value = memshare.Value(Deep, (1, 2, 3), freezable=True)
        value.freeze()
        self.assertEqual((value.inner.x, value.load().inner.y), (1, 2))
        self.assertRaises(PermissionError, setattr, value, "text", b"x")
        self.assertRaises(PermissionError, setattr, value.inner, "x", 5)

    def test_is_closed_as_other_values(self):
        before = support.open_fds()
        for _ in range(3):
            value = memshare.Value(Pose)
            value.fileno()
            changes = value.changes()
            changes.fileno()
            value.close()
            self.assertEqual(next(changes, "the end"), "the end")
        self.assertEqual(support.open_fds(), before)

    def test_may_call_its_fields_as_it_likes(self):
        for name in ("confusing", None):
            made = memshare.Value(Confusing, 1, 2, name=name, lifetime="attached")
            made.load += 1
            made.version = 5
            made.closed = 6
            changes = made.changes()
            made.update = 7
            self.assertEqual((made.load, made.update, made.readonly, made.version), (2, 7, 0, 5))
            self.assertEqual(next(changes).update, 7)
            self.assertIn("Confusing", repr(made))
            made.close += 1
            memshare.Value("i").__class__.__mro__[1].close(made)
            self.assertIn("closed", repr(made))

    def test_may_have_a_field_of_its_bases_otherwise(self):
        class Base(ctypes.Structure):
            _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]

        class Hiding(Base):
            x = property(lambda self: 42)

        class Again(Base):
            _fields_ = [("x", ctypes.c_double)]

        self.assertEqual(memshare.Value(Hiding, name="hiding", lifetime="attached").x, 42)
        again = memshare.Value(Again, name="again", lifetime="attached")
        again.x = 1.5
        fields = again.info().element.fields
        self.assertEqual([(one.name, one.kind, one.offset) for one in fields],
                         [("x", "i32", 0), ("y", "i32", 4), ("x", "f64", 8)])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
