#!/usr/bin/env python3
# vendor_words.py - cmake/checks/tree.py finds a vendor's words in core/, in any file that belongs to the build, and no others
# SPDX-License-Identifier: Apache-2.0
"""usage: vendor_words.py TREE_PY. The last line is `N passed, N failed`."""
import pathlib
import subprocess
import sys
import tempfile

FOUND = ["nvidia", "NVIDIA's", "an H100 traps", "on H200s", "Hopper", "sm_90a", "sm90", "cuda_x", "cudaFoo", "CUDA_HOME", "isCuda()", "ptxas does", "emit_ptx(", "nvJitLink", "wgmma.mma_async",
         "the TMA engine", "AMD", "gfx942", "MI300", "hipLaunch", "an AVX-512 one", "Xeon", "spirv", "Vulkan"]
FREE = ["a target with this property", "small tiles", "chip", "ship it", "transform", "smaller", "hopping", "an arm of a branch", "b64", "assembler", "block", "subgroup"]
FILES = ["core/ir/Word.cpp", "core/ir/Word.h", "core/ir/Word.td", "core/ir/Word.def", "core/ir/CMakeLists.txt"]


def check(tree, file, word):
    """Whether the check complains of a vendor word in a tree that has `word` in `file` alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        path = root / file
        path.parent.mkdir(parents=True)
        path.write_text(f"# SPDX-License-Identifier: Apache-2.0\n# {word}\n")
        done = subprocess.run([sys.executable, tree, root], capture_output=True, text=True, timeout=60)
        return f"{file}:2: vendor word" in done.stdout


def main(tree):
    cases = [(FILES[0], w, True) for w in FOUND] + [(f, "cuda", True) for f in FILES] + [(FILES[0], w, False) for w in FREE] + [("backends/nvidia/Word.cpp", "cuda", False)]
    wrong = [c for c in cases if check(tree, c[0], c[1]) != c[2]]
    for file, word, found in wrong:
        print(f"FAIL {file}: '{word}' is {'not found' if found else 'taken for a vendor word'}")
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
