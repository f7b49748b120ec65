#!/usr/bin/env python3
# tree.py - vendor words in core/, source files that no CMake list names, file sizes, banned names
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import subprocess
import sys

# Starts of words: a vendor's names, its products', its instructions' and its tools'. A word begins behind anything but a letter or digit (cuda_x, cudaFoo, "ptxas").
VENDOR = re.compile(r"(?<![A-Za-z0-9])("
                    r"nvidia|cuda|cublas|cudnn|cutlass|nvvm|nvptx|nvcc|nvrtc|nvlink|nvjitlink|ptx|sass\b|cubin|fatbin|wgmma|tcgen05|mbarrier|ldmatrix|stmatrix|warpgroup|tma\b|"
                    r"[abhpv][1-3]00s?\b|gb?[hb]200|geforce|volta|turing|ampere|hopper|blackwell|lovelace|sm_?\d|"
                    r"amd|rocm|hip\b|hip[A-Z]|hsaco|mfma|wmma|[cr]dna\d?\b|gfx\d|mi\d{3}|radeon|epyc|ryzen|zen\d|"
                    r"intel|xeon|avx|vnni|amx|sse\d|neon|sve\b|spir-?v|vulkan|opencl|sycl|level.zero|qualcomm|adreno)", re.I)
BANNED = re.compile(r"(Util|Utils|Utility|Helper|Helpers|Common|Misc|Manager|New|V2|Final)(?=[A-Z._]|$)")
CODE = (".cpp", ".h", ".hpp", ".c", ".td", ".py", ".def")
# Hard limits in lines (style.md): a header 400 (the abi 700), a .td 500, everything else 800.
HEADER, ABI_HEADER, TD, SOURCE = 400, 700, 500, 800


def limit(rel):
    if rel.endswith(".td"):
        return TD
    if rel.startswith("plugins/abi/"):
        return ABI_HEADER
    if rel.endswith((".h", ".hpp")):
        return HEADER
    return SOURCE


def files(root):
    try:
        out = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
        names = out.stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if "build/" not in p.as_posix()]
    return sorted(n for n in names if (root / n).is_file())


def main(root):
    bad = []
    lists = {}
    for rel in files(root):
        if rel.endswith("CMakeLists.txt"):
            lists[rel.rsplit("/", 1)[0] if "/" in rel else ""] = (root / rel).read_text()
    for rel in files(root):
        path = root / rel
        if rel.startswith("core/") and (rel.endswith(CODE) or path.name == "CMakeLists.txt"):
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if m := VENDOR.search(line) or VENDOR.search(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", line)):  # isCuda: two words
                    bad.append(f"{rel}:{number}: vendor word '{m.group(0)}' in core/: say what the target does, not whose it is")
        if not rel.endswith(CODE) or rel.startswith(("tests/kernels/", "tests/lit/")):
            continue
        text = path.read_text(errors="replace")
        lines = text.count("\n")
        if lines > limit(rel):
            bad.append(f"{rel}: {lines} lines, the limit is {limit(rel)}: split it into parts that have names")
        if BANNED.search(path.stem):
            bad.append(f"{rel}: '{BANNED.search(path.stem).group(1)}' is no name: say what it is")
        if "SPDX-License-Identifier" not in text[:2500] and lines > 0:
            bad.append(f"{rel}: no SPDX line at the top")
        if rel.endswith((".cpp", ".c")) and not rel.startswith("cmake/"):
            folder = rel.rsplit("/", 1)[0]
            listed = False
            while True:
                relative = rel[len(folder) + 1:] if folder else rel
                if folder in lists and re.search(r"(^|[\s\"/(])" + re.escape(relative) + r"($|[\s\")])", lists[folder]):
                    listed = True
                    break
                if not folder:
                    break
                folder = folder.rsplit("/", 1)[0] if "/" in folder else ""
            if not listed:
                bad.append(f"{rel}: no CMakeLists.txt names this file")
    for line in bad:
        print(line)
    return len(bad)


if __name__ == "__main__":
    sys.exit(1 if main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()) else 0)
