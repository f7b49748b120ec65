#!/usr/bin/env python3
# run_tests.py - what `./dev test` runs: checks, build, unit tests, lit, numerics, sanitizer builds; one closing line
# SPDX-License-Identifier: Apache-2.0
"""Prints `N passed, N failed` last and exits 1 if anything failed. Every step runs even where an earlier one failed,
except that tests need their build."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Tally:
    def __init__(self):
        self.passed, self.failed, self.failures = 0, 0, []

    def add(self, name, ok, detail=""):
        self.passed += ok
        self.failed += not ok
        if not ok:
            self.failures.append(name)
        print(f"{'ok  ' if ok else 'FAIL'} {name}{'' if ok or not detail else chr(10) + detail}", flush=True)


def run(command, log, env=None, cwd=ROOT):
    """Runs a command into a log file; returns (ok, seconds)."""
    started = time.monotonic()
    with open(log, "w") as out:
        code = subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, env=env).returncode
    return code == 0, time.monotonic() - started


def tail(log, lines=60):
    return "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-lines:])


def configure_and_build(preset, targets, jobs, tally, extra=()):
    build = ROOT / "build" / preset
    build.mkdir(parents=True, exist_ok=True)
    ok, _ = run(["cmake", "--preset", preset, f"-DPython3_EXECUTABLE={sys.executable}", *extra], build / "configure.log")
    if ok:
        ok, seconds = run(["ninja", "-C", str(build), "-j", str(jobs), "-k", "0", *targets], build / "build.log")
        tally.add(f"build {preset} ({seconds:.0f} s)", ok, tail(build / "build.log"))
    else:
        tally.add(f"configure {preset}", False, tail(build / "configure.log"))
    return ok


def count_cases(output):
    """(passed, failed) cases inside one ctest test: GoogleTest cases, lit files, our own closing lines; else (1, 0)."""
    gtest = re.search(r"\[  PASSED  \] (\d+) test", output)
    gfail = re.search(r"\[  FAILED  \] (\d+) test", output)
    if gtest or gfail:
        return int(gtest.group(1)) if gtest else 0, int(gfail.group(1)) if gfail else 0
    lit = re.search(r"^\s*Passed\s*:\s*(\d+)", output, re.M)
    if lit:
        bad = sum(int(n) for n in re.findall(r"^\s*(?:Failed|Unresolved|Timed Out|Unexpectedly Passed)\s*:\s*(\d+)", output, re.M))
        return int(lit.group(1)), bad
    ours = re.search(r"^(?:\w+: )?(\d+) passed, (\d+) failed", output, re.M)
    if ours:
        return int(ours.group(1)), int(ours.group(2))
    return 1, 0


def ctest(preset, jobs, tally, arguments=()):
    """Runs ctest and counts the cases inside each test."""
    build = ROOT / "build" / preset
    run(["ctest", "--test-dir", str(build), "-j", str(jobs), "--timeout", "900", *arguments], build / "ctest.log")
    last = build / "Testing" / "Temporary" / "LastTest.log"
    if not last.exists():
        tally.add(f"ctest {preset}", False, tail(build / "ctest.log"))
        return
    blocks = re.split(r"^\d+/\d+ Testing: ", last.read_text(errors="replace"), flags=re.M)[1:]
    if not blocks:
        tally.add(f"ctest {preset}: no test found", False)
    for block in blocks:
        name = block.split("\n", 1)[0].strip()
        ok = re.search(r"^Test (Passed\.|Pass Reason:)", block, re.M) is not None
        passed, failed = count_cases(block)
        if ok:
            tally.passed += passed
            seconds = re.search(r"Test time =\s*([\d.]+)", block)
            print(f"ok   {preset}/{name}: {passed} ({seconds.group(1) if seconds else '?'} s)", flush=True)
            for line in re.findall(r"^report: (.*)", block, re.M):
                print(f"       {line}", flush=True)
        else:
            tally.passed += passed if failed else 0
            tally.failed += max(failed, 1)
            tally.failures.append(f"{preset}/{name}")
            print(f"FAIL {preset}/{name}\n" + "\n".join(block.splitlines()[-80:]), flush=True)


# Tests of what runs at once: threads, streams, processes on one cache.
CONCURRENT = ("cpu_driver_test", "mock_test", "runtime_api_test", "runtime_cache_test", "runtime_launch_test")


def stress(preset, tally, repeats):
    """The concurrent tests over and over, in a new order each time; GoogleTest prints the seed of a failing round."""
    build = ROOT / "build" / preset
    for name in CONCURRENT:
        program = build / "bin" / name
        if not program.exists():
            continue
        log = build / f"stress-{name}.log"
        ok, seconds = run([program, f"--gtest_repeat={repeats}", "--gtest_shuffle", "--gtest_throw_on_failure=0"], log, cwd=build)
        tally.add(f"stress {preset}/{name}, {repeats} rounds ({seconds:.0f} s)", ok, tail(log))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    logs = ROOT / "build"
    logs.mkdir(exist_ok=True)

    for check in ("layering", "tree"):
        ok, _ = run([sys.executable, f"cmake/checks/{check}.py", "."], logs / f"{check}.log")
        tally.add(f"check {check}", ok, tail(logs / f"{check}.log"))
    ok, _ = run(["./dev", "format", "--check"], logs / "format.log")
    tally.add("check format", ok, tail(logs / "format.log", 20) + "\n`./dev format` mends it")

    fuzz = os.environ.get("TESSERA_FUZZ_SECONDS", "600" if arguments.full else "60")
    if configure_and_build("dev", [], arguments.jobs, tally, [f"-DTESSERA_FUZZ_SECONDS={fuzz}", f"-DTESSERA_FULL_TESTS={arguments.full}"]):
        ctest("dev", arguments.jobs, tally)
        if arguments.full:
            stress("dev", tally, 50)
        ok, seconds = run([sys.executable, "cmake/checks/tidy.py", "build/dev", "--jobs", str(arguments.jobs),
                           *(["--all"] if arguments.full else [])], logs / "tidy.log")
        tally.add(f"check clang-tidy ({seconds:.0f} s)", ok, tail(logs / "tidy.log"))

    # The sanitizer builds cover what contains no LLVM: layouts, bytecode, syntax, loader, runtime, drivers.
    for preset in ("asan", "tsan"):
        if configure_and_build(preset, [f"tessera_sanitized_tests"], arguments.jobs, tally):
            ctest(preset, arguments.jobs, tally, ["-L", "sanitized-" + preset])
            if arguments.full:
                stress(preset, tally, 10)

    # The wheel is a release build of everything: only in the long run.
    if arguments.full:
        ok, seconds = run(["./dev", "wheel"], logs / "wheel.log")
        tally.add(f"wheel ({seconds:.0f} s)", ok, tail(logs / "wheel.log"))
        for wheel in (ROOT / "dist").glob("*.whl") if ok else ():
            ok, _ = run([sys.executable, "tests/wheel/check_wheel.py", str(wheel)], logs / "check_wheel.log")
            tally.add("wheel in an environment of its own", ok, tail(logs / "check_wheel.log"))

    if tally.failures:
        print("failed: " + ", ".join(tally.failures))
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
