#!/usr/bin/env python3
# exports.py - libtessera.so gives tsr_* and nothing else, and needs no LLVM, MLIR or Python
# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
import sys

library, header = sys.argv[1:3]
names = {line.split()[-1].split("@")[0] for line in
         subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout.splitlines()}
needed = re.findall(r"NEEDED.*\[(.*)\]",
                    subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout)
declared = set(re.findall(r"^TSR_API .*?\b(tsr_\w+)\(", open(header).read(), re.M))
problems = [f"exported, but not declared in the header: {n}" for n in sorted(names - declared)]
problems += [f"declared, but not exported: {n}" for n in sorted(declared - names)]
problems += [f"needs {n}" for n in needed if re.search(r"LLVM|MLIR|clang|python|tbb|stdc\+\+|absl", n)]
print("\n".join(problems) or f"{len(names)} functions, needs {', '.join(needed)}")
sys.exit(bool(problems))
