"""The two programs of every introduction to shared memory, with only the import changed."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support

VALUE = """
from multiprocessing import Process, set_start_method
from memshare import Value

def modify(number):
    number.value = 3.1415926

if __name__ == "__main__":
    set_start_method("{method}")
    num = Value("d", 0.0)
    p = Process(target=modify, args=(num,))
    p.start()
    p.join()
    print(num.value)
"""

ARRAY = """
from multiprocessing import Process, set_start_method
from memshare import Array

def fill(array):
    for i in range(len(array)):
        array[i] = i

if __name__ == "__main__":
    set_start_method("{method}")
    arr = Array("i", 5)
    p = Process(target=fill, args=(arr,))
    p.start()
    p.join()
    print(arr[:])
"""


class TheProgram(unittest.TestCase):
    def printed(self, program, method):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "program.py")
            file.write_text(program.format(method=method))
            result = subprocess.run(
                [sys.executable, "-W", "error", file], capture_output=True, text=True, timeout=60
            )
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_that_sets_a_value_prints_it(self):
        for method in support.START_METHODS:
            with self.subTest(method):
                self.assertEqual(self.printed(VALUE, method), "3.1415926\n")

    def test_that_fills_an_array_prints_it(self):
        for method in support.START_METHODS:
            with self.subTest(method):
                self.assertEqual(self.printed(ARRAY, method), "[0, 1, 2, 3, 4]\n")


if __name__ == "__main__":
    unittest.main()
