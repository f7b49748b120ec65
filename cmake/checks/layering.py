#!/usr/bin/env python3
# layering.py - fail on an #include that points against the arrows of the architecture
# SPDX-License-Identifier: Apache-2.0
"""Reads every #include "…" of the tree. The table maps a folder (longest prefix wins) to the folders it may include."""
import pathlib
import re
import sys

ALLOWED = {
    "core/support": [],
    "core/layout": ["core/support"],
    "core/bytecode": ["core/support", "core/layout"],
    "core/bytecode/mlir": ["core/support", "core/layout", "core/bytecode", "core/ir"],
    "core/ir": ["core/support", "core/layout", "core/bytecode"],
    "core/analysis": ["core/support", "core/layout", "core/ir"],
    "core/target": ["core/support", "core/layout", "core/ir", "core/bytecode"],
    "core/transforms": ["core/support", "core/layout", "core/ir", "core/analysis", "core/target"],
    "core/codegen": ["core/support", "core/layout", "core/bytecode"],
    "core/interpreter": ["core/support", "core/bytecode"],
    "core/pipeline": ["core"],
    "frontends/python": ["core/support", "core/ir", "core/bytecode", "core/interpreter", "core/pipeline", "core/target",
                         "plugins/host", "runtime"],
    # Compiler and runtime by their C headers; the cache's and the registry's classes are linked in.
    "frontends/python/extension": ["frontends/compiler", "frontends/worker", "runtime", "plugins/loader", "plugins/abi", "core/support"],
    "frontends/compiler": ["frontends/python", "core", "plugins", "runtime"],
    "frontends/worker": ["core/support", "frontends/compiler", "plugins/loader"],
    "frontends/cli": ["frontends/python", "frontends/compiler", "frontends/worker", "core", "plugins", "runtime"],
    "backends/cpu": ["core/support", "core/layout", "core/bytecode", "core/codegen", "plugins/sdk", "plugins/abi",
                     "backends/cpu/image"],
    "backends/cpu/driver": ["core/support", "plugins/sdk", "plugins/abi", "backends/cpu/image"],
    "backends/cpu/image": [],
    "backends/nvidia": ["core/support", "core/layout", "core/bytecode", "core/codegen", "plugins/sdk", "plugins/abi",
                        "backends/nvidia/image", "backends/nvidia/target"],
    "backends/nvidia/driver": ["core/support", "plugins/sdk", "plugins/abi", "backends/nvidia/image", "backends/nvidia/target"],
    "backends/nvidia/image": [],
    "backends/nvidia/target": ["plugins/sdk", "plugins/abi"],
    "plugins/abi": [],
    "plugins/sdk": ["plugins/abi"],
    "plugins/loader": ["plugins/abi", "core/support"],
    "plugins/host": ["plugins/abi", "plugins/loader", "core/support", "core/layout", "core/ir", "core/bytecode",
                     "core/target"],
    "plugins/conformance": ["plugins/abi", "plugins/loader", "plugins/host", "core/support", "core/bytecode",
                            "core/interpreter"],
    "plugins/null": ["plugins/sdk", "plugins/abi"],
    "plugins/mock": ["plugins/sdk", "plugins/abi", "core/support", "core/layout", "core/bytecode", "core/interpreter"],
    "plugins/cpu": ["plugins/sdk", "plugins/abi", "backends/cpu", "backends/cpu/driver", "backends/cpu/image",
                    "core/support", "core/bytecode"],
    "plugins/nvidia": ["plugins/sdk", "plugins/abi", "backends/nvidia", "backends/nvidia/driver", "backends/nvidia/image",
                       "backends/nvidia/target", "core/support", "core/bytecode"],
    "runtime": ["core/support", "plugins/abi", "plugins/loader"],
    "cmake/pch": [],
    "tests": ["core", "plugins", "backends", "frontends", "runtime"],
}
OURS = ("core/", "plugins/", "backends/", "frontends/", "runtime/", "tests/")


def owner(path):
    best = ""
    for folder in ALLOWED:
        if (path == folder or path.startswith(folder + "/")) and len(folder) > len(best):
            best = folder
    return best


def main(root):
    bad = 0
    for file in sorted(root.rglob("*")):
        rel = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".hpp", ".cpp", ".c", ".def", ".td") or not rel.startswith(OURS):
            continue
        mine = owner(rel)
        if not mine:
            print(f"{rel}: this folder is not in the layering table of cmake/checks/layering.py")
            bad += 1
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            m = re.match(r'\s*(?:#\s*)?include\s+"([^"]+)"', line)
            if not m or not m.group(1).startswith(OURS):
                continue
            target = owner(m.group(1))
            if target != mine and not any(target == a or (a in ("core", "plugins", "runtime", "backends", "frontends", "frontends/python") and
                                                target.startswith(a + "/")) for a in ALLOWED[mine]):
                print(f"{rel}:{number}: {mine} may not include {target or m.group(1)}")
                bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()) else 0)
