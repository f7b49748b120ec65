#!/usr/bin/env python3
# op_coverage.py - every op of the tile dialect is tested; every constraint has a check and a test that bears its name
# SPDX-License-Identifier: Apache-2.0
"""usage: op_coverage.py ROOT

The descriptions in core/ir/*.td number their constraints (C1, C2 …). Each needs a comment `<op>_c<n>` in core/ir/*.cpp, or
a trait that checks it (TRAITS), and a function `@<op>_c<n>` in tests/lit/core/ir/<op>-invalid.mlir. Each op needs
tests/lit/core/ir/<op>.mlir. The last line is `N passed, N failed`."""
import pathlib
import re
import sys

# Checked by what the op is declared with, or by the checks that several ops share.
TRAITS = {"philox_c1", "mulhiui_c1", "mulhisi_c1", "shared_slot_c1"}
SHARED = {"load": "checkAccess", "store": "checkAccess", "atomic_rmw": "checkAccess", "atomic_cas": "checkAccess",
          "dot": "checkProductShapes", "advance": "checkPerDim", "make_block_ptr": "checkPerDim"}
DEF = re.compile(r'^def Tile_\w+Op : Tile_\w+<"(\w+)"', re.M)


def main(root):
    sources = "\n".join(p.read_text() for p in sorted((root / "core/ir").glob("*.cpp")))
    passed, failures = 0, []
    for td in sorted((root / "core/ir").glob("*.td")):
        text = td.read_text()
        starts = list(DEF.finditer(text))
        for here, after in zip(starts, starts[1:] + [None]):
            op = here.group(1)
            body = text[here.start():after.start() if after else len(text)]
            tests = root / "tests/lit/core/ir"
            form = tests / f"{op.replace('_', '-')}.mlir"
            invalid = tests / f"{op.replace('_', '-')}-invalid.mlir"
            if op != "yield" and (not form.exists() or f"tile.{op}" not in form.read_text()):
                failures.append(f"{op}: no test of its form in {form.name}")
            refused = invalid.read_text() if invalid.exists() else ""
            for number in sorted(set(re.findall(r"\bC(\d+)\b", body))):
                name = f"{op}_c{number}"
                if f"@{name}(" not in refused:
                    failures.append(f"{op}: constraint C{number} has no test @{name} in {invalid.name}")
                elif not re.search(rf"\b{name}\b", sources) and name not in TRAITS and SHARED.get(op, "no such check") not in sources:
                    failures.append(f"{op}: constraint C{number} has no check tagged {name} in core/ir")
                else:
                    passed += 1
            passed += 1
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
