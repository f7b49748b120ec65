"""Evaluates modules here and in CPython and compares the repr of every name that begins with `r_`.

SPDX-License-Identifier: Apache-2.0

usage: compare_with_cpython.py EVALUATOR FILE …
"""
import subprocess
import sys


def main():
    evaluator, files = sys.argv[1], sys.argv[2:]
    same = different = 0
    for path in files:
        scope = {"__name__": "module"}
        with open(path) as f:
            exec(compile(f.read(), path, "exec"), scope)
        want = {k: repr(v) for k, v in scope.items() if k.startswith("r_")}
        done = subprocess.run([evaluator, path], capture_output=True, text=True)
        got = dict(line.split(" = ", 1) for line in done.stdout.splitlines() if line.startswith("r_") and " = " in line)
        if done.returncode:
            print(f"{path}: exit {done.returncode}\n" + "\n".join(l for l in done.stdout.splitlines() if not l.startswith("r_")))
        for name, text in want.items():
            if got.get(name) == text:
                same += 1
            else:
                different += 1
                print(f"{path}: {name}: ours {got.get(name)}, CPython {text}")
    print(f"{same} passed, {different} failed")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
