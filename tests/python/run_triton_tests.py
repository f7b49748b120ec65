#!/usr/bin/env python3
# run_triton_tests.py - Triton's own behaviour tests, run against this package: how many pass
# SPDX-License-Identifier: Apache-2.0
"""usage: run_triton_tests.py TRITON_SOURCE [--python PYTHON] [--jobs N] [--device cpu] [--all] [--values] [--file NAME]… [--log FILE]

TRITON_SOURCE is a checkout of Triton 3.6. Tests run on the CPU device through the drop-in, or on another (`--device cuda`, with --all and jobs). Without --all only those
count that Triton's own interpreter can run (its marker `interpreter`). With --values what tests say of IR and PTX is left out, so that values are compared that stand behind
it. The interpreter to use needs torch, NumPy, pytest and pytest-xdist.
Prints a row a file and the share of all; every failure with the last line of its message goes to the log."""
import argparse
import ast
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

FILES = ["language/test_core.py", "language/test_standard.py", "language/test_random.py", "language/test_conversions.py",
         "language/test_block_pointer.py", "language/test_tuple.py", "language/test_tensor_descriptor.py", "test_debug.py",
         "language/test_subprocess.py", "language/test_annotations.py", "language/test_libdevice.py", "language/test_compile_errors.py",
         "language/test_decorator.py", "runtime/test_autotuner.py", "runtime/test_cache.py", "runtime/test_launch.py", "test_knobs.py"]
# Run upstream with a process for each test.
FORKED = ("test_debug.py",)
# All of whose tests count, marked or not: they need no GPU.
WHOLE = ("language/test_compile_errors.py", "language/test_decorator.py", "runtime/", "test_knobs.py", "test_debug.py",
         "language/test_subprocess.py", "language/test_libdevice.py", "language/test_annotations.py")


ABOUT_TEXT = re.compile(r"\b(?:ttir|ttgir|llir|ptx|asm\[|asm\.)")


def without_text(tests, folder):
    """A copy of Triton's tests that asserts nothing of IR and PTX."""
    copy = pathlib.Path(shutil.copytree(tests, pathlib.Path(folder) / "test"))
    for file in copy.rglob("test_*.py"):
        source = file.read_text()
        lines = source.split("\n")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Assert) and ABOUT_TEXT.search(ast.get_source_segment(source, node)):
                whole = slice(node.lineno - 1, node.end_lineno)
                lines[whole] = [" " * node.col_offset + "pass"] + [""] * (node.end_lineno - node.lineno)
        file.write_text("\n".join(lines))
    return copy


def run(file, options, folder):
    report = pathlib.Path(folder) / "report.xml"
    tests = pathlib.Path(options.source) / "python/test"
    command = [options.python, "-m", "tessera.triton", "-m", "pytest", f"unit/{file}", "--device", options.device, "-q", "-p", "no:cacheprovider", "-p", "forked_tests",
               f"--junitxml={report}", "--tb=short", "-x" if options.stop else "--maxfail=100000"]
    if file in FORKED:
        command += ["--fork-all"]
    if options.jobs > 1:
        command += ["-n", str(options.jobs)]
    if options.device == "cuda" and options.jobs > 1:
        command += ["-p", "lost_device", "--max-worker-restart", "200"]
    if not options.all and not file.startswith(WHOLE):
        command += ["-m", "interpreter"]
    if options.k:
        command += ["-k", options.k]
    here = str(pathlib.Path(__file__).resolve().parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), here))),
                   "TRITON_CACHE_DIR": str(pathlib.Path(folder) / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=without_text(tests, folder) if options.values else tests, env=environment, capture_output=True, text=True)
    if not report.exists():
        return collections.Counter(error=1), [(file, "no report: " + (done.stdout + done.stderr)[-2000:])]
    counts, failures = collections.Counter(), []
    for case in ElementTree.parse(report).iter("testcase"):
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        kind = "failed" if bad is not None else "skipped" if case.find("skipped") is not None else "passed"
        counts[kind] += 1
        if bad is not None:
            failures.append((f"{file}::{case.get('name')}", (bad.get("message") or bad.text or "").strip()))
    return counts, failures


def last_line(message):
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--values", action="store_true")
    parser.add_argument("--stop", action="store_true", help="stop a file at its first failure")
    parser.add_argument("-k", default="")
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--log", default="triton-failures.txt")
    options = parser.parse_args()
    total, everything = collections.Counter(), []
    for file in options.file or FILES:
        with tempfile.TemporaryDirectory() as folder:
            counts, failures = run(file, options, folder)
        total.update(counts)
        everything += failures
        print(f"{file:42} {counts['passed']:6} passed {counts['failed'] + counts['error']:6} failed {counts['skipped']:6} skipped",
              flush=True)
    with open(options.log, "w") as log:
        groups = collections.defaultdict(list)
        for name, message in everything:
            groups[re.sub(r"\d+|0x[0-9a-f]+|'[^']*'", "#", last_line(message))].append((name, message))
        for group in sorted(groups.values(), key=len, reverse=True):
            log.write(f"==== {len(group)} like {last_line(group[0][1])}\n")
            log.writelines(f"{name}\n" for name, _ in group[:400])
            log.write("\n" + group[0][1][-3000:] + "\n\n")
    ran = total["passed"] + total["failed"] + total["error"]
    print(f"{total['passed']} passed, {total['failed'] + total['error']} failed: {100 * total['passed'] / max(ran, 1):.2f} % of {ran}; "
          f"failures: {options.log}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
