"""The stubs say what the package has, and type checkers understand it."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import memshare

HERE = Path(__file__).parent
PACKAGE = Path(memshare.__file__).parent


class TheStubs(unittest.TestCase):
    def mypy(self, *arguments):
        where = {name: str(PACKAGE.parent) for name in ("MYPYPATH", "PYTHONPATH")}
        with tempfile.TemporaryDirectory() as folder:  # for its cache
            result = subprocess.run(
                [sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=folder, env=os.environ | where
            )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_are_there_and_say_so(self):
        for name in ("py.typed", "__init__.pyi", "shared_memory.pyi"):
            self.assertTrue((PACKAGE / name).exists())

    def test_agree_with_the_package(self):
        self.mypy("mypy.stubtest", "memshare", "--ignore-missing-stub", "--allowlist", HERE / "stubs_allowed.txt")

    def test_are_strictly_checked_in_a_program_that_runs(self):
        self.mypy("mypy", "--strict", HERE / "typed_program.py")
        said = subprocess.run([sys.executable, HERE / "typed_program.py"], capture_output=True, text=True)
        self.assertEqual(said.stdout, "1.5 1 [1, 2, 3] b'abc' 1.0 1 None 5 ['typed']\n")
        self.assertEqual(said.stderr, "")


if __name__ == "__main__":
    unittest.main()
