"""Machines to try things on: a root of Debian with processes and namespaces of its own, and tests that say what they
found there in sentences."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds; only ever spent in full by a test that fails
SKIPPED = 77
SYSTEMD = "/lib/systemd/systemd", "--system", "--unit=basic.target"  # not what else is installed here


def eventually(is_so):
    """Looks again and again until it is so. False, if it never is."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.01)
    return False


class NotHere(Exception):
    """This computer lets nobody start a machine."""


class Machine:
    """A machine that runs, on what is at a root; what happens there leaves that as it is."""

    def __init__(self, root="/", program=SYSTEMD):
        self.scratch = tempfile.mkdtemp(prefix="memshare-systemd-")
        self.log = Path(self.scratch, "log")
        self.program = program
        self.booted = subprocess.Popen(
            [HERE / "boot", root, self.scratch, *program], stdin=subprocess.DEVNULL, stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT)
        try:
            in_time = eventually(lambda: self.booted.poll() is not None or self.is_running())
        except BaseException:
            self.end()
            raise
        if in_time and self.booted.poll() is None:
            return
        said = self.log.read_text(errors="replace").strip()
        self.end()
        if self.booted.returncode == SKIPPED:
            raise NotHere(said.rpartition("\n")[2])
        raise RuntimeError(f"{program[0]} does not run: {said}")

    def first_process(self):
        """The number of the machine's first process, once that runs its program."""
        for child in Path(f"/proc/{self.booted.pid}/task/{self.booted.pid}/children").read_text().split():
            try:
                if Path(f"/proc/{child}/cmdline").read_text().split("\0")[0] == self.program[0]:
                    return child
            except OSError:
                pass  # a helper of the start, which has ended
        return None

    def is_running(self):
        if self.first_process() is None:
            return False
        return self.program != SYSTEMD or self.ask("systemctl", "is-system-running").stdout.strip() in (
            "running", "degraded")

    def inside(self, *command):
        """What runs a command in the machine."""
        return ["nsenter", "--target", self.first_process(), "--all", "--root", "--wd", *command]

    def begin(self, *command):
        """Starts a program with pipes to it."""
        return subprocess.Popen(
            self.inside(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, *command):
        return subprocess.run(
            self.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def path(self, path):
        """Where a path of the machine's is for us."""
        return Path(f"/proc/{self.first_process()}/root{path}")

    def bring(self, *files, folder="/tmp"):
        """Copies files to the machine, and says where they are there."""
        for file in files:
            shutil.copy(file, self.path(folder))
        return [f"{folder}/{Path(file).name}" for file in files]

    def end(self):
        self.booted.kill()  # and all that it has started
        self.booted.wait(PATIENCE)
        eventually(self.cgroup_is_gone)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def cgroup_is_gone(self):
        """Its cgroup, and those in it; they can be when all of their processes are."""
        tree = Path(self.scratch, "cgroup")
        if not tree.exists():
            return True
        remove = """mount -t cgroup2 cgroup2 "$1" || exit 0
                    [ ! -e "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} \\;
                    [ ! -e "$1/$2" ]"""
        return subprocess.run(["unshare", "--mount", "sh", "-c", remove, "sh", tree, Path(self.scratch).name],
                              stderr=subprocess.DEVNULL).returncode == 0


class Report(unittest.TextTestResult):
    """Each check as a sentence, and how many of them passed."""

    passed = 0

    def getDescription(self, test):
        if not isinstance(test, unittest.TestCase):
            return str(test)  # what comes before the tests of a class
        return f"{test.subject} " + test.id().rpartition(".")[2].removeprefix("test_").replace("_", " ")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def judge(*cases):
    """Runs all tests of some classes: the exit code that says how they went."""
    tests = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase, cases))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Report).run(tests)
    print(f"{result.passed} passed, {len(result.failures + result.errors)} failed")
    return 0 if result.wasSuccessful() else 1
