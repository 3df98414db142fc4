"""Every program of client/python/README.md prints what stands below it, and the examples work."""

import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import memshare
import support

FOLDER = Path(__file__).resolve().parent.parent.parent / "client/python"
PROGRAMS = re.findall(r"```python\n(.*?)```\n```\n(.*?)```\n", (FOLDER / "README.md").read_text(), re.DOTALL)


class TheReadme(unittest.TestCase):
    def test_has_programs_that_print_what_it_says(self):
        self.assertGreater(len(PROGRAMS), 10)
        for program, printed in PROGRAMS:
            with self.subTest(program), tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "program.py")
                file.write_text(program)
                result = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=60)
                self.assertEqual((result.stdout, result.stderr), (printed, ""))

    def test_has_no_program_without_what_it_prints(self):
        self.assertEqual((FOLDER / "README.md").read_text().count("```python\n"), len(PROGRAMS))


class TheExample(unittest.TestCase):
    def printed(self, name, *arguments):
        result = subprocess.run(
            [sys.executable, "-W", "error", FOLDER / "examples" / name, *arguments],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_histogram_counts_every_digit(self):
        self.assertEqual(self.printed("histogram.py"), "[93, 116, 103, 103, 93, 97, 94, 95, 101, 105] of 1000\n")

    def test_frames_shows_no_half_frame(self):
        self.assertEqual(self.printed("frames.py", "300"), "the last of 300 frames is of 44\n")

    def test_follow_prints_changes_until_ctrl_c(self):
        value = memshare.Value("i", name="followed", lifetime="attached")
        array = memshare.Array("i", 2, name="followed too", lifetime="attached")
        with subprocess.Popen(
            [sys.executable, "-u", FOLDER / "examples/follow.py", "followed", "followed too"],
            stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            self.assertEqual(process.stdout.readline(), "followed: value of i32\n")
            self.assertEqual(process.stdout.readline(), "followed too: array of 2 i32\n")
            self.assertTrue(support.eventually(lambda: len(memshare.describe("followed").attachments) == 2))
            value.value = 5
            self.assertEqual(process.stdout.readline(), "followed: 5\n")
            array[1] = 7
            self.assertEqual(process.stdout.readline(), "followed too: [0, 7]\n")
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
