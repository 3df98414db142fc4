"""CPython's own tests of multiprocessing's shared objects, with ours in their place.

They are Debian's libpython3.11-testsuite. Run under each way to start a process.
"""

import multiprocessing
import sys
import unittest

import memshare
import memshare.shared_memory
from test import _test_multiprocessing as theirs

# What is not run, and why. All else is, by every start method.
EXCLUDED = {
    "test_shared_memory_SharedMemoryServer_ignores_sigint": "it tests SharedMemoryManager, which is CPython's, "
    "and whose server, started by spawn, knows nothing of ours",
    "test_shared_memory_SharedMemoryManager_basics": "the same",
    "test_shared_memory_SharedMemoryManager_reuses_resource_tracker": "it tests that CPython's resource tracker "
    "does not complain; ours has none, and the program that it starts uses CPython's objects",
    "test_shared_memory_cleaned_after_process_termination": "it wants the resource tracker's warning of a leak; "
    "where nothing can leak, nobody warns (sharing_memory_test.py sees that the block is gone)",
}


# Also in the processes that the tests start, as those import this.
theirs.Value = memshare.Value
theirs.copy = memshare.copy
theirs.shared_memory = multiprocessing.shared_memory = memshare.shared_memory
sys.modules["multiprocessing.shared_memory"] = memshare.shared_memory


class Ours(theirs.ProcessesMixin):
    Value = staticmethod(memshare.Value)
    Array = staticmethod(memshare.Array)
    RawValue = staticmethod(memshare.RawValue)
    RawArray = staticmethod(memshare.RawArray)


def _with_ours(name, method):
    """A test class of theirs on our objects, whose processes are started by this method."""
    base = getattr(theirs, name)
    context = multiprocessing.get_context(method)
    members = {"Process": context.Process, "Lock": staticmethod(context.Lock), "__module__": __name__}
    for test in dir(base):
        if test in EXCLUDED:
            members[test] = None
    return type(f"{name.strip('_')}_{method}", (Ours, base, unittest.TestCase), members)


for _method in ("fork", "spawn", "forkserver"):
    for _name in ("_TestValue", "_TestArray", "_TestSharedCTypes", "_TestSharedMemory"):
        _class = _with_ours(_name, _method)
        globals()[_class.__name__] = _class
del _class


class TheExcludedTests(unittest.TestCase):
    def test_are_there(self):
        for name in EXCLUDED:
            self.assertTrue(hasattr(theirs._TestSharedMemory, name), name)


if __name__ == "__main__":
    unittest.main()
