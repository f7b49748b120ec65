#!/usr/bin/env python3
# demo.py - compiles and runs the kernels of tests/kernels on real data and checks every result against NumPy
# SPDX-License-Identifier: Apache-2.0
"""usage: demo.py --bin build/release/bin [--target cpu/native] [--interpret] [--small] [ROW…]

Inputs come from a fixed seed. Each row is one kernel: its time (median), its rate, the time of the same computation in
NumPy, and the largest error against NumPy in float64. A wrong or failed row says so, and the exit code is 1.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402  (beside this file)

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "tests" / "kernels"


class Runner:
    """Runs kernels through the `tessera` command; arrays travel as .npy files."""

    def __init__(self, options, folder):
        self.options, self.folder, self.files = options, folder, 0

    def save(self, array):
        self.files += 1
        path = self.folder / f"{self.files}.npy"
        np.save(path, array)
        return str(path)

    def argument(self, value):
        if isinstance(value, np.ndarray):
            return self.save(value)
        if isinstance(value, tuple):  # (element type, array of its bits)
            return f"*{value[0]}:{self.save(value[1])}"
        if isinstance(value, float):
            return f"fp32:{value!r}"
        return str(value)

    def launch(self, launch):
        """Runs one launch; gives (median nanoseconds, {name: array})."""
        command = [str(pathlib.Path(self.options.bin) / "tessera"), "run", str(KERNELS / launch.kernel),
                   "--grid", ",".join(map(str, launch.grid))]
        if self.options.target:
            command += ["--target", self.options.target]
        if self.options.interpret:
            command += ["--interpret"]
        else:
            command += [f"--time={self.options.repeats}"]
        for value in launch.arguments:
            command += ["--arg", self.argument(value)]
        for name, value in launch.constants.items():
            command += ["-D", f"{name}={value}"]
        paths = {}
        for name in launch.outputs:
            self.files += 1
            paths[name] = self.folder / f"{self.files}.npy"
            command += ["--out", f"{name}={paths[name]}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            text = (done.stderr or done.stdout).strip().splitlines()
            raise cases.RowFailed(f"exit {done.returncode}: " + (text[0] if text else "no message"), "\n".join(text))
        nanoseconds = None
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                nanoseconds = json.loads(line)["median_ns"]
        missing = [n for n, p in paths.items() if not p.exists()]
        if missing:
            raise cases.RowFailed(f"no output {', '.join(missing)} was written")
        return nanoseconds, {n: np.load(p) for n, p in paths.items()}


def numpy_time(function):
    """Median of a few runs, within about half a second."""
    times, end = [], time.perf_counter() + 0.5
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 9):
        start = time.perf_counter_ns()
        function()
        times.append(time.perf_counter_ns() - start)
        if sum(times) > 2e9:
            break
    return statistics.median(times)


def shown(nanoseconds):
    if nanoseconds is None:
        return "-"
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= scale:
            return f"{nanoseconds / scale:.2f} {unit}"
    return f"{nanoseconds:.0f} ns"


def run_case(case, runner):
    """A row of the table: (cells, whether it is right, details of a failure)."""
    try:
        total, results = 0, {}
        for launch in case.launches:
            spent, outputs = runner.launch(launch(results) if callable(launch) else launch)
            total = None if spent is None else total + spent
            results.update(outputs)
        error = case.check(results)
        limit = case.limit_on(runner.options.target)
        right = bool(error <= limit)  # a NaN is not
        rate = "-" if not total else f"{case.work / total:.1f} {case.unit}"
        verdict = "ok" if right else f"WRONG (limit {limit:.0e})"
        return [case.name, case.shape, shown(total), rate, shown(numpy_time(case.numpy)), f"{error:.1e}", verdict], right, ""
    except cases.RowFailed as failure:
        return [case.name, case.shape, "-", "-", "-", "-", f"FAILED: {failure.args[0]}"[:110]], False, failure.details
    except subprocess.TimeoutExpired:
        return [case.name, case.shape, "-", "-", "-", "-", "FAILED: no end after 600 s"], False, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"), help="folder of the tessera command")
    parser.add_argument("--target", default="", help="as in tessera run")
    parser.add_argument("--interpret", action="store_true", help="run in the reference interpreter (implies --small)")
    parser.add_argument("--small", action="store_true", help="small shapes")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--verbose", action="store_true", help="print whole messages of failed rows")
    parser.add_argument("rows", nargs="*", help="rows whose name contains one of these words; all by default")
    options = parser.parse_args()
    if not options.list and not (pathlib.Path(options.bin) / "tessera").exists():
        sys.exit(f"{options.bin}/tessera does not exist: build first (./dev build)")
    rows = cases.build(small=options.small or options.interpret)
    if options.rows:
        rows = [make for make in rows if any(word in make.row for word in options.rows)]
        if not rows:
            sys.exit("no row has such a name; --list shows them")
    if options.list:
        print("\n".join(make.row for make in rows))
        return 0
    widths = [30, 22, 10, 14, 10, 8, 0]
    line = lambda cells: "  ".join(f"{c:<{w}}" if i < 2 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(cells, widths))).rstrip()
    print(line(["kernel", "shape", "time", "rate", "NumPy", "error", "result"]), flush=True)
    wrong = 0
    for make in rows:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-demo-"))
        try:
            cells, right, details = run_case(make(), Runner(options, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(line(cells), flush=True)
        if details and options.verbose:
            print(details, flush=True)
        wrong += not right
    print(f"{len(rows) - wrong} passed, {wrong} failed", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    sys.exit(main())
