#!/usr/bin/env python3
# statements.py - every form of statement and expression: what kernels may write, and what is said about the rest
# SPDX-License-Identifier: Apache-2.0
"""usage: statements.py TESSERA-SEMA [PATTERN]

Each case of tests/language/statements.txt is the body of a kernel (p: *fp32, n: i32, N: constexpr 4), behind a line
`== NAME` or `== NAME ! MESSAGE`; with a message the kernel must be refused with it, else it must compile. The last line is
`N passed, N failed`."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def main(sema, pattern=""):
    text = (HERE / "statements.txt").read_text()
    helpers, *cases = re.split(r"^== ", text, flags=re.M)
    rows = []
    for case in cases:
        head, body = case.split("\n", 1)
        name, _, error = head.partition(" ! ")
        if pattern in name:
            rows.append((name.strip(), error.strip(), body.strip("\n")))
    with tempfile.TemporaryDirectory() as folder:
        source = helpers
        for i, (_, _, body) in enumerate(rows):
            source += f"@triton.jit\ndef k{i}(p, n, N: tl.constexpr):\n" + re.sub(r"^(?=.)", "    ", body, flags=re.M) + "\n\n\n"
        path = pathlib.Path(folder, "statements.py")
        path.write_text(source)

        def check(index):
            name, error, body = rows[index]
            run = subprocess.run([sema, f"{path}:k{index}", "--signature=*fp32:16,i32", "-DN=4"], capture_output=True, text=True)
            first = "\n".join(line for line in run.stderr.splitlines() if re.search(r": (error|bug)", line))
            if error:
                good = run.returncode == 1 and error in first and ": bug" not in first
                return None if good else f"{name}\n    expected: {error}\n    got: {first or 'it compiles'}"
            return None if run.returncode == 0 else f"{name}\n    {first or run.stderr[-400:]}"

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [f for f in pool.map(check, range(len(rows))) if f]
    print("\n".join(failures))
    print(f"{len(rows) - len(failures)} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
