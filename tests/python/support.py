"""What the tests share. Each file runs with a private broker: memsharectl run -- python3 FILE."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
import unittest

# Of g++ 12: in a forked child of several threads its allocator may stay locked, and it tries memory by pipes.
ADDRESS_SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
START_METHODS = ("fork", "spawn", "forkserver")
LONG = 20  # seconds; nothing takes that long


def open_fds():
    return len(os.listdir("/proc/self/fd"))


def mappings():
    with open("/proc/self/maps") as maps:
        return sum("memshare" in line or "memfd" in line for line in maps)


def eventually(condition):
    """Whether it comes true."""
    end = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def started(work, *args):
    thread = threading.Thread(target=work, args=args)
    thread.start()
    return thread


def is_asleep(thread):
    """Whether a thread of this process sleeps in the kernel."""
    with open(f"/proc/self/task/{thread.native_id}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def python(program, *arguments, **options):
    """Another interpreter that runs this text: what it printed. It must end well and say nothing on stderr."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        capture_output=True, text=True, timeout=60, **options,
    )
    if result.returncode != 0 or result.stderr:
        raise AssertionError(f"exit {result.returncode}: {result.stderr}")
    return result.stdout


class EachStartMethod(unittest.TestCase):
    """Calls what is named each_... once for every way to start a process."""

    def __init_subclass__(cls):
        for name in [name for name in vars(cls) if name.startswith("each_")]:
            for method in START_METHODS:
                setattr(cls, f"test_{name[5:]}_by_{method}", _with_context(getattr(cls, name), method))


def _with_context(test, method):
    def run(self):
        test(self, multiprocessing.get_context(method))

    run.__doc__ = test.__doc__
    return run


class Started:
    """A process that is started on entering, and has to end well."""

    def __init__(self, context, target, *args):
        self.process = context.Process(target=target, args=args)

    def __enter__(self):
        self.process.start()
        return self.process

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        self.process.join(LONG)
        if kind is None and self.process.exitcode != 0:
            raise AssertionError(f"a process ended with {self.process.exitcode}")


def run(context, target, *args):
    with Started(context, target, *args):
        pass
