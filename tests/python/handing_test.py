"""Handles go to other processes: by fork, and by pickles, which say which segment it is, not what is in it."""

import concurrent.futures
import copy
import ctypes
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import unittest

import memshare
import support


class Pose(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("n", ctypes.c_int)]


def make_all():
    """One of each kind of object, all to be changed by change_all()."""
    return [
        memshare.Value("i", 1),
        memshare.Value("d", 0.5),
        memshare.Value(ctypes.c_longdouble, 1.5),
        memshare.Value(Pose, 1.0, 2.0, 3),
        memshare.Value(Pose, 1.0, 2.0, 3, name=f"pose {os.getpid()}", exist_ok=True, lifetime="attached"),
        memshare.Array("i", [1, 2, 3]),
        memshare.Array("c", b"abc"),
        memshare.Array("u", "abc"),
        memshare.Array(Pose, 2),
        memshare.Array("d", 10_000),
        memshare.RawValue("i", 1),
        memshare.RawValue(Pose, 1.0, 2.0, 3),
        memshare.RawArray("i", [1, 2, 3]),
        memshare.Value(ctypes.c_int * 2, 1, 2),
        memshare.SharedMemory(create=True, size=10),
        memshare.ShareableList([1, "two", None]),
    ]


def contents(thing):
    if isinstance(thing, memshare.SharedMemory):
        return bytes(thing.buf)
    if isinstance(thing, memshare.ShareableList):
        return [*thing]
    if hasattr(thing, "get_obj"):
        thing = thing.load() if hasattr(thing, "x") else thing.get_obj()
    return bytes(thing) if not isinstance(thing, (ctypes.c_longdouble,)) else thing.value


def change(thing):
    if isinstance(thing, memshare.SharedMemory):
        thing.buf[0] = 7
    elif isinstance(thing, memshare.ShareableList):
        thing[0] += 1
    elif hasattr(thing, "x"):
        thing.x += 1
    elif hasattr(thing, "__len__"):
        obj = thing.get_obj() if hasattr(thing, "get_obj") else thing
        ctypes.memset(obj, 0x61, 4)
    else:
        thing.value += 1


def change_all(things):
    for thing in things:
        change(thing)


def change_and_tell(things):
    change_all(things)
    return [contents(thing) for thing in things]


def unlink_all(things):
    for thing in things:
        shm = getattr(thing, "shm", thing)
        if isinstance(shm, memshare.SharedMemory):
            shm.unlink()


def read_and_tell(queue, value):
    queue.put(value.value)


def read_late(queue, begin, *things):
    begin.wait(support.LONG)
    queue.put([contents(thing) for thing in things])


class ACopy(unittest.TestCase):
    def test_of_a_handle_there_is_none(self):
        for thing in (memshare.Value("i"), memshare.Array("i", 3), memshare.Value(Pose)):
            self.assertRaises(TypeError, copy.copy, thing)
            self.assertRaises(TypeError, copy.deepcopy, [thing])


class AHandle(support.EachStartMethod):
    def setUp(self):
        self.things = make_all()
        self.addCleanup(unlink_all, self.things)
        self.before = [contents(thing) for thing in self.things]

    def check_changed(self, told=None):
        for thing, before in zip(self.things, self.before):
            self.assertNotEqual(contents(thing), before, thing)
        if told is not None:
            self.assertEqual([contents(thing) for thing in self.things], told)

    def each_goes_to_a_process_as_an_argument(self, context):
        support.run(context, change_all, self.things)
        self.check_changed()

    def each_goes_through_a_pool(self, context):
        with context.Pool(1) as pool:
            told = pool.apply(change_and_tell, (self.things,))
        self.check_changed(told)

    def each_goes_through_an_executor(self, context):
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            told = executor.submit(change_and_tell, self.things).result(support.LONG)
        self.check_changed(told)

    def each_goes_through_a_queue_and_back(self, context):
        there, back = context.Queue(), context.Queue()
        with support.Started(context, echo, there, back):
            there.put(self.things)
            returned = back.get(timeout=support.LONG)
        self.check_changed([contents(thing) for thing in returned])

    def test_is_pickled_by_its_identity(self):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for thing in self.things:
                with self.subTest(thing=thing, protocol=protocol):
                    again = pickle.loads(pickle.dumps(thing, protocol))
                    self.assertEqual(contents(again), contents(thing))
                    change(again)
                    self.assertEqual(contents(again), contents(thing))
                    if not isinstance(thing, ctypes._SimpleCData):
                        self.assertIs(type(again), type(thing))

    def test_goes_to_an_unrelated_interpreter(self):
        value = memshare.Value("i", 5)
        array = memshare.Array("d", [1, 2, 3])
        program = "import pickle, sys; v, a = pickle.load(sys.stdin.buffer); v.value += 1; a[1] = v.value"
        subprocess.run([sys.executable, "-c", program], input=pickle.dumps((value, array)), check=True)
        self.assertEqual((value.value, array[:]), (6, [1.0, 6.0, 3.0]))

    def test_that_is_gone_says_so_when_it_is_unpickled(self):
        for make in (lambda: memshare.Value("i", 5), lambda: memshare.RawArray("i", 5)):
            pickled = pickle.dumps(make())
            with self.assertRaises(memshare.NoSuchSegment) as raised:
                pickle.loads(pickled)
            self.assertIsInstance(raised.exception, FileNotFoundError)

    def test_is_read_only_still_after_it_was_pickled(self):
        made = memshare.Value("i", 5, name="readable")
        seen = pickle.loads(pickle.dumps(memshare.open("readable", readonly=True)))
        self.assertEqual(seen.value, 5)
        with self.assertRaises(PermissionError):
            seen.value = 6
        del made

    def test_shares_its_lock_with_the_one_it_was_pickled_from(self):
        value = memshare.Value("i")
        again = pickle.loads(pickle.dumps(value))
        lock = pickle.loads(pickle.dumps(value.get_lock()))
        with value.get_lock():
            self.assertTrue(again.get_lock().is_held())
            self.assertTrue(lock.is_held())

    def test_of_other_ctypes_objects_pickles_as_ever(self):
        memshare.RawValue("i")
        self.assertEqual(pickle.loads(pickle.dumps(ctypes.c_int(5))).value, 5)
        with support.Started(
            multiprocessing.get_context("spawn"), change_all, [multiprocessing.RawValue("i")]
        ):
            pass

    def each_goes_with_a_lock_of_ones_own(self, context):
        value = memshare.Value("i", lock=context.Lock())
        support.run(context, change, value)
        self.assertEqual(value.value, 1)


def echo(there, back):
    things = there.get(timeout=support.LONG)
    change_all(things)
    back.put(things)


class ATemporary(support.EachStartMethod):
    def each_lives_until_the_child_has_it(self, context):
        queue, begin = context.Queue(), context.Event()
        process = context.Process(
            target=read_late,
            args=(queue, begin, memshare.Value("i", 5), memshare.Array("i", [1]), memshare.RawValue("i", 9)),
        )
        process.start()
        gc.collect()
        begin.set()
        told = queue.get(timeout=support.LONG)
        process.join()
        self.assertEqual([int.from_bytes(one, "little") for one in told], [5, 1, 9])

    def each_is_gone_when_the_child_is(self, context):
        before = memshare.list()
        process = context.Process(target=change, args=(memshare.Value("i", 5),))
        process.start()
        process.join()
        self.assertEqual(process.exitcode, 0)
        self.assertEqual(memshare.list(), before)

    def each_is_gone_if_the_child_cannot_be_started(self, context):
        before = memshare.list()
        if context.get_start_method() != "fork":  # which pickles nothing
            with self.assertRaises(Exception):
                context.Process(target=change, args=(memshare.Value("i", 5), lambda: None)).start()
        gc.collect()
        self.assertEqual(memshare.list(), before)

    def each_is_the_childs_alone_once_the_child_has_it(self, context):
        queue, begin = context.Queue(), context.Event()
        value = memshare.Value("i", 5)
        name = value.id
        with support.Started(context, hold, queue, begin, value) as process:
            pid = queue.get(timeout=support.LONG)
            self.assertEqual(pid, process.pid)
            del value
            self.assertEqual([one.pid for one in self.attachments(name)], [pid])
            begin.set()
        self.assertEqual(self.attachments(name), ())

    @staticmethod
    def attachments(name):
        memshare.list()
        try:
            return memshare.describe(name).attachments
        except memshare.NoSuchSegment:
            return ()


def hold(queue, begin, value):
    with value.get_lock():
        queue.put(os.getpid())
        begin.wait(support.LONG)


class AForkedChild(unittest.TestCase):
    def in_child(self, work):
        """What work() returns there, in eval's words."""
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writes, repr(work()).encode())
            finally:
                os._exit(0)
        os.close(writes)
        with open(reads, "rb") as told:
            words = told.read().decode()
        os.waitpid(child, 0)
        return eval(words)

    def test_has_a_connection_and_a_session_of_its_own(self):
        value = memshare.Value("i")

        def work():
            with value.get_lock():
                return os.getpid(), memshare.describe(value.id).lock.holder.pid, value.get_lock().is_held()

        pid, holder, held = self.in_child(work)
        self.assertEqual(pid, holder)
        self.assertTrue(held)
        self.assertIsNone(memshare.describe(value.id).lock.holder)

    def test_keeps_what_it_inherited_whoever_ends_first(self):
        program = """
import memshare, os, sys
value, array, raw = memshare.Value("i", 5), memshare.Array("i", [1, 2]), memshare.RawValue("i", 7)
shm = memshare.SharedMemory("inherited", create=True, size=10)
if os.fork():
    os._exit(0)
sys.stdin.readline()  # the parent is gone
value.value += 1
array[0] += 1
with value.get_lock():
    print(value.value, array[:], raw.value, value.alive(), memshare.SharedMemory("inherited").size, flush=True)
"""
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            process.wait()
            process.stdin.write("\n")
            process.stdin.close()
            self.assertEqual(process.stdout.read(), "6 [2, 2] 7 True 10\n")

    # A hook that waits for a lock, after ours: others run in the midst of a fork. (Where logging is imported later
    # than we are, its hook lets only one at a time as far as that.)
    AMID = """
import logging, os, threading, time
lock = threading.Lock()
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
def contend():
    while True:
        with lock:
            time.sleep(0.002)
        time.sleep(0.0001)
threading.Thread(target=contend, daemon=True).start()
"""

    def test_is_waited_for_in_each_of_several_threads(self):
        program = """
import memshare
def fork():
    for _ in range(30):
        value = memshare.Value("i", 5)
        child = os.fork()
        if child == 0:
            try:
                with value:
                    os._exit(value.value)
            finally:
                os._exit(1)
        value.close()
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
codes = []
memshare.list()
before = len(os.listdir("/proc/self/fd"))
threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(codes == [5] * 120, len(os.listdir("/proc/self/fd")) - before)
"""
        self.assertEqual(support.python(self.AMID + program), "True 0\n")

    def test_is_waited_for_and_no_other_one(self):
        program = """
import memshare
value = memshare.Value("i", 5)
end, of_parent = os.pipe()
def fork_what_lives():
    for _ in range(20):
        if os.fork() == 0:
            os.close(of_parent)
            os.read(end, 1)
            os._exit(0)
def fork_what_ends():
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
start = time.monotonic()
threads = [threading.Thread(target=work) for work in (fork_what_lives, fork_what_ends)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(time.monotonic() - start < 8)
"""
        self.assertEqual(support.python(self.AMID + program), "True\n")

    def test_may_freeze_what_a_thread_of_its_parent_waits_for(self):
        value = memshare.Value("i", 5, freezable=True)
        waiting = support.started(value.wait, 5)
        self.assertTrue(support.eventually(lambda: support.is_asleep(waiting)))

        def freeze():
            try:
                value.freeze()
            except memshare.Busy as error:
                return "another thread" in str(error)

        self.assertIs(self.in_child(freeze), False)  # it is for its parent that it is busy
        value.value = 6
        waiting.join()

    def test_has_not_what_its_parent_has_locked(self):
        value = memshare.Value("i")
        with value.get_lock():
            self.assertEqual(self.in_child(lambda: (value.acquire(False), raised(value.release))), (False, True))

    def test_that_is_killed_in_the_lock_passes_it_on(self):
        value = memshare.Value("i")
        child = os.fork()
        if child == 0:
            value.acquire()
            os.kill(os.getpid(), 9)
        os.waitpid(child, 0)
        with value.get_lock() as locked:
            self.assertTrue(locked)
            self.assertEqual(value.get_lock().recovered().pid, child)
        with value.get_lock():
            self.assertIsNone(value.get_lock().recovered())

    def test_takes_nothing_from_its_parent_when_it_ends(self):
        value, raw = memshare.Value("i", 5), memshare.RawArray("i", 3)
        self.in_child(lambda: value.value)
        self.in_child(lambda: None)
        self.assertTrue(value.alive())
        self.assertTrue(memshare.synchronized(raw).alive())
        self.assertEqual(value.value, 5)

    def test_makes_values_that_end_with_it(self):
        before = memshare.list()
        self.assertEqual(self.in_child(lambda: memshare.Value("i", 7, name="child's").value), 7)
        self.assertTrue(support.eventually(lambda: memshare.list() == before))

    def test_of_a_child_has_what_both_made(self):
        first = memshare.Value("i", 1)

        def work():
            second = memshare.Value("i", 2)
            told = self.in_child(lambda: (first.add(10), second.add(10), first.value, second.value))
            return told, first.value, second.value

        self.assertEqual(self.in_child(work), ((1, 2, 11, 12), 11, 12))
        self.assertEqual(first.value, 11)

    def test_says_so_if_its_parent_had_no_room_to_share(self):
        program = """
import memshare, os, pickle
values = [memshare.Value("i", i) for i in range(20)]
array = memshare.Array("i", 3)
lock = values[19].get_lock()
child = os.fork()
if child == 0:
    told = []
    for call in (
        lambda: [value.value for value in values[:10]],
        lambda: values[10].value, lambda: values[19].load(), lambda: values[19].store(1), lambda: values[19].add(1),
        lambda: setattr(values[19], "value", 1), lambda: array[0], lambda: array.store(0, 1), lambda: array[:],
        lambda: values[19].acquire(), lambda: lock.acquire(), lambda: lock.release(), lambda: lock.__enter__(),
        lambda: values[19].get_obj(), lambda: memoryview(array), lambda: values[19].wait(0, 1),
        lambda: pickle.dumps(array), lambda: values[19].id, lambda: len(memshare.list()),
    ):
        try:
            told.append(call())
        except memshare.QuotaExceeded as error:
            assert "could not be shared when its process was forked" in str(error), error
            told.append("no room")
    print(*told, sep="; ", flush=True)
    os._exit(0)
os.waitpid(child, 0)
values[19].value += 1
print(values[19].value)
"""
        ctl = [os.environ["MEMSHARECTL"], "run", "--daemon", narrow_daemon(self), "--"]
        result = subprocess.run(
            [*ctl, sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.stdout, f"{[*range(10)]}; {'no room; ' * 17}10\n20\n")

    def test_leaves_a_block_that_it_could_not_share(self):
        program = """
import memshare, os
values = [memshare.Value("i", i) for i in range(20)]
with values[19]:
    child = os.fork()
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
        ctl = [os.environ["MEMSHARECTL"], "run", "--daemon", narrow_daemon(self), "--"]
        result = subprocess.run(
            [*ctl, sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        self.assertEqual((result.stdout, result.stderr), ("7\n", ""))

    def test_says_so_if_there_was_no_broker_to_share(self):
        program = """
import memshare, os, signal, sys, time
broker = memshare.statistics().pid
value, known = memshare.Value("i", 1), memshare.Value("i", 1)
known.id
os.kill(broker, signal.SIGKILL)
start = time.monotonic()
child = os.fork()
if child == 0:
    try:
        value.value = 7
    except memshare.BrokerLost as error:
        print("could not be shared" in str(error), known.load(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(value.value, time.monotonic() - start < 5)
"""
        ctl = [os.environ["MEMSHARECTL"], "run", "--"]
        result = subprocess.run(
            [*ctl, sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(result.stdout, "True 1\n1 True\n")

    def test_leaves_no_descriptor_behind(self):
        value = memshare.Value("i")
        self.in_child(lambda: value.value)
        memshare.list()
        before = support.open_fds()
        for _ in range(20):
            self.in_child(lambda: value.value)
        memshare.list()
        self.assertEqual(support.open_fds(), before)


def narrow_daemon(test):
    """A program that starts the broker with room for ten segments."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    program = os.path.join(folder.name, "memshared")
    daemon = os.path.join(os.path.dirname(os.path.abspath(os.environ["MEMSHARECTL"])), "memshared")
    with open(program, "w") as script:
        script.write(f'#!/bin/sh\nexec "{daemon}" --segments-per-user 10 "$@"\n')
    os.chmod(program, 0o755)
    return program


def raised(call):
    try:
        call()
    except AssertionError:
        return True
    return False


if __name__ == "__main__":
    unittest.main()
