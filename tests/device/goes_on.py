#!/usr/bin/env python3
# goes_on.py - a run of random kernels goes on where its processes end
# SPDX-License-Identifier: Apache-2.0
"""usage: goes_on.py DEVICE-KERNELS-CHECK

Every process of the run ends at its fourth kernel, as by a fault on a device: that kernel fails, and the others run in the next process.
Prints `1 passed, 0 failed`, or what the run said and `0 passed, 1 failed`."""
import re
import subprocess
import sys

OPTIONS = ["--device", "simt", "--first-seed", "6", "--random", "4", "--threads", "1", "--processes", "1", "--end-at", "3"]


def main():
    done = subprocess.run([sys.argv[1], *OPTIONS], capture_output=True, text=True, timeout=280)
    said = done.stdout + done.stderr
    ok = done.returncode == 1 and "failed, lost: 3\n" in said and re.search(r"^9 passed, 3 failed", said, re.M)
    if not ok:
        print("".join(f"| {line}\n" for line in said.splitlines()) + f"| exit code {done.returncode}")
    print("1 passed, 0 failed" if ok else "0 passed, 1 failed")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
