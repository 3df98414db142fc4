"""What the Python package costs beside multiprocessing, in one run. (./dev bench)

usage: memsharectl run -- python3 tests/bench/python.py [--json FILE] [--benchmark_filter=REGEX]
FILE is Google Benchmark's JSON; what is measured here is added to it. Its other options mean nothing here.
"""

import json
import multiprocessing
import random
import re
import statistics
import sys
import time
from pathlib import Path

import memshare
import numpy

REPETITIONS = 25
SHORTEST = 0.005  # seconds of one repetition
GIB = 1 << 30

# What is timed, as a statement; what is made before; the most of the peer's time that it may take.
LINES = (
    ("create", "m.Value('d', 0.0)", "", 1 / 5),
    ("create, known to others", "known(m.Value('d', 0.0))", "", None),
    ("value get", "v.value", "v = m.Value('d', 1.5)", 1 / 3),
    ("value set", "v.value = 2.5", "v = m.Value('d', 1.5)", 1 / 3),
    ("value get, i", "v.value", "v = m.Value('i', 1)", 1 / 3),
    ("value set, i", "v.value = 2", "v = m.Value('i', 1)", 1 / 3),
    ("value get, known to others", "v.value", "v = m.Value('d', 1.5); known(v)", 1 / 3),
    ("value set, known to others", "v.value = 2.5", "v = m.Value('d', 1.5); known(v)", 1 / 3),
    ("value get, i, known to others", "v.value", "v = m.Value('i', 1); known(v)", 1 / 3),
    ("value set, i, known to others", "v.value = 2", "v = m.Value('i', 1); known(v)", 1 / 3),
    ("arr[i], known to others", "a[50]", "a = m.Array('i', 100); known(a)", 1 / 4),
    ("arr[i] = x, known to others", "a[50] = 7", "a = m.Array('i', 100); known(a)", 1 / 4),
    ("add(1)", "add(v)", "v = m.Value('q')", None),
    ("with lock", "with l: pass", "l = m.Value('i').get_lock()", None),
    ("arr[i]", "a[50]", "a = m.Array('i', 100)", 1 / 4),
    ("arr[i] = x", "a[50] = 7", "a = m.Array('i', 100)", 1 / 4),
    ("slice get of 10^6", "a[:]", "a = m.Array('d', 10**6)", None),
    ("slice set of 10^6", "a[:] = x", "a = m.Array('d', 10**6); x = a[:]", None),
    ("slice set by numpy", "a[:] = x", "a = m.Array('d', 10**6); x = numpy.arange(1e6)", None),
    ("numpy.asarray", "asarray(a)", "a = m.Array('B', 4096)", None),
)


def add_in_lock(value):
    with value.get_lock():
        value.value += 1


OURS = {
    "m": memshare,
    "known": lambda value: value.id,
    "add": lambda value: value.add(1),
    "asarray": numpy.asarray,
    "numpy": numpy,
}
PEERS = {
    "m": multiprocessing,
    "known": lambda value: value,
    "add": add_in_lock,
    "asarray": lambda array: numpy.asarray(array.get_obj()),
    "numpy": numpy,
}


CODE = """
def make({names}):
    {setup}
    def loop(turns):
        for _ in turns:
            {statement}
    return loop
"""


class Timed:
    """A statement in a loop, and its times, in nanoseconds a turn."""

    def __init__(self, name, statement, setup, names):
        self.name = name
        self.times = []
        scope = {}
        exec(CODE.format(names=", ".join(names), setup=setup or "pass", statement=statement), scope)
        self._loop = scope["make"](**names)
        self._turns = 1
        while self._measure() < SHORTEST:
            self._turns *= 2

    def _measure(self):
        start = time.perf_counter()
        self._loop(range(self._turns))
        return time.perf_counter() - start

    def repeat(self):
        self.times.append(self._measure() / self._turns * 1e9)

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def spread(self):
        """Half of what lies between the quartiles, as a part of the median."""
        first, _, third = statistics.quantiles(self.times, n=4)
        return (third - first) / 2 / self.median


def chosen(pattern):
    """Pairs of what is timed and its peer, with the goal."""
    pairs = []
    for what, statement, setup, goal in LINES:
        name = f"python/{what}"
        if re.search(pattern, name):
            ours = Timed(f"{name}/memshare", statement, setup, OURS)
            peer = Timed(f"{name}/multiprocessing", statement, setup, PEERS)
            pairs.append((name, ours, "multiprocessing", peer, goal))
    name = "python/numpy.asarray of 1 GiB"
    if re.search(pattern, name):
        large = Timed(f"{name}/memshare", "asarray(a)", f"a = m.Array('B', {GIB})", OURS)
        small = Timed(f"{name}/of 4 KiB", "asarray(a)", "a = m.Array('B', 4096)", OURS)
        pairs.append((name, large, "of 4 KiB", small, 1.0))
    return pairs


def in_words(nanoseconds):
    for unit in ("ns", "us", "ms"):
        if nanoseconds < 1000:
            return f"{nanoseconds:.3g} {unit}"
        nanoseconds /= 1000
    return f"{nanoseconds:.3g} s"


NOISE = 0.15  # by which two measurements of the same differ on a shared machine


def print_table(pairs):
    rows = [("what", "ours", "peer", "ratio", "least", "goal", "met?", "+/- ours / peer")]
    for name, ours, peer, theirs, goal in pairs:
        ratio = ours.median / theirs.median
        met = "" if goal is None else "yes" if ratio <= (goal if goal < 1 else goal + NOISE) else "NO"
        rows.append((
            name, in_words(ours.median), f"{peer} {in_words(theirs.median)}", f"{ratio:.2f}",
            f"{min(ours.times) / min(theirs.times):.2f}", "" if goal is None else f"{goal:.2f}", met,
            f"{ours.spread:.0%} / {theirs.spread:.0%}",
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def add_to_json(file, pairs):
    kept = json.loads(file.read_text()) if file.exists() else {"benchmarks": []}
    for _, ours, _, theirs, _ in pairs:
        for timed in (ours, theirs):
            for at, each in enumerate(timed.times):
                kept["benchmarks"].append({
                    "name": timed.name, "run_name": timed.name, "run_type": "iteration",
                    "repetitions": len(timed.times), "repetition_index": at, "real_time": each, "time_unit": "ns",
                })  # fmt: skip
    file.write_text(json.dumps(kept, indent=1))


def main(arguments):
    pattern, file = "", None
    for at, argument in enumerate(arguments):
        if argument.startswith("--benchmark_filter="):
            pattern = argument.partition("=")[2]
        elif argument.startswith("--benchmark_out="):
            file = Path(argument.partition("=")[2])
        elif argument == "--json":
            file = Path(arguments[at + 1])
    pairs = chosen(pattern)
    timed = [one for _, ours, _, theirs, _ in pairs for one in (ours, theirs)]
    for _ in range(REPETITIONS):
        random.shuffle(timed)  # what disturbs the machine meanwhile disturbs all alike
        for one in timed:
            one.repeat()
    if pairs:
        print_table(pairs)
    if file:
        add_to_json(file, pairs)


if __name__ == "__main__":
    main(sys.argv[1:])
