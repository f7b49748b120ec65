#!/usr/bin/env python3
# run.py - random kernels as source: types, refusals and values as they were recorded
# SPDX-License-Identifier: Apache-2.0
"""usage: run.py [types|wild|flow|values …]. PYTHONPATH says which package is tested. The last line is `N passed, N failed`.

types.txt  one expression a kernel: the type is the recorded one; what Triton refuses may be more here, never less.
wild.txt   kernels that need not make sense: what Triton takes is taken, with the same types.
flow.txt   control flow that binds names in some branches, and changes their types: likewise.
values.txt kernels that run: the CPU and the interpreter put what Triton's kernels put on an H100."""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

import generate
import record
import tables

OURS = [sys.executable, "-m", "tessera.triton"]


def defect(result):
    """What no kernel may do to a front end."""
    return "the front end crashed" if result.get("kind") == "crash" else result["error"] if "E0001" in result.get("error", "") else None


def types():
    rows = [line.split("\t") for line in (record.HERE / "types.txt").read_text().splitlines()]
    text, table = tables.kernels([expression for _, expression in rows], "")
    for (expected, expression), result in zip(rows, record.ask_front_end(table, text, OURS)):
        found = record.spelled(result["prints"]) if result["ok"] else "refused"
        if defect(result):
            yield expression, defect(result)
        elif expected == "refused":
            yield expression, None
        else:
            yield expression, None if found == expected else f"{found}, Triton: {expected}: {result.get('message', '')}"


# What Triton takes and drops: a name that is None or a dtype before an `if`, and bound in one of its branches, is the same behind it.
BETTER = re.compile("it is a constant before an `if`|is of type dtype, but the (then|else) block redefines it")


def analysed(which):
    rows = [line.split() for line in (record.HERE / f"{which}.txt").read_text().splitlines()]
    text, table, made = record.analysed(which, [int(row[0]) for row in rows])
    for (seed, body, expected), one, result in zip(rows, made, record.ask_front_end(table, text, OURS)):
        name = f"{which} {seed}"
        if record.short(one[1]) != body:
            yield name, "another kernel than the recorded one: record again (docs/howto/compare-with-triton.md)"
        elif defect(result):
            yield name, f"{defect(result)}\n{one[1]}"
        elif expected == "refused":
            # What is refused has its place in the source.
            yield name, None if result["ok"] or result["place"] else f"refused without a place: {result['error']}\n{one[1]}"
        else:
            same = result["ok"] and record.short(record.spelled(result["prints"])) == expected or BETTER.search(result.get("error", ""))
            yield name, None if same else f"{result.get('error') or result['prints']}\n{one[1]}"


def values():
    rows = [line.split() for line in (record.HERE / "values.txt").read_text().splitlines()]
    made = [generate.kernel(int(row[0])) for row in rows]
    cases = generate.cases(made)
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "kernels.py").write_text(generate.file_text(made))
        pathlib.Path(folder, "cases.json").write_text(json.dumps(cases))
        for interpreted in ("0", "1"):
            subprocess.run([*OURS, str(record.HERE / "launch.py"), f"{folder}/kernels.py", f"{folder}/cases.json", f"{folder}/results"], check=True,
                           env={**os.environ, "TRITON_INTERPRET": interpreted})
            for (seed, body, expected), one, case, line in zip(rows, made, cases, open(f"{folder}/results")):
                result, name = json.loads(line), f"kernel {seed}{', interpreted' if interpreted == '1' else ''}"
                if record.short(one.text) != body:
                    yield name, "another kernel than the recorded one: record again (docs/howto/compare-with-triton.md)"
                elif "error" in result:
                    yield name, f"{result['error']} {result.get('causes', '')}\n{one.text}"
                else:
                    found = record.digest(case, zlib.decompress(base64.b64decode(result["out"])))
                    yield name, None if found == expected else f"it puts other values\n{one.text}"


def main(*names):
    passed, failed = 0, 0
    for name, checks in (("types", types), ("wild", lambda: analysed("wild")), ("flow", lambda: analysed("flow")), ("values", values)):
        if names and name not in names:
            continue
        for what, fault in checks():
            passed, failed = passed + (fault is None), failed + (fault is not None)
            if fault is not None:
                print(f"{what}\n    {fault}")
    print(f"{passed} passed, {failed} failed")
    return bool(failed or not passed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
