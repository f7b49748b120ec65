#!/usr/bin/env python3
# dots.py - every kind of matrix product for every NVIDIA architecture: which instruction, and registers and spills where an assembler is
# SPDX-License-Identifier: Apache-2.0
"""usage: dots.py TESSERA [--table] [--every N] [--only PATTERN]

Compiles op x type x shape x warps x architecture. Fails where a compile fails, where the instruction is not the one that EXPECTED
names, where the assembler warns of serialised products, and where more than SPILLED_BYTES are spilled. --table prints a line a product; prints
`N passed, N failed`."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KERNELS = '''
import triton
import triton.language as tl


@triton.jit
def matmul(a, b, c, K, a_row, a_column, b_row, b_column, c_row, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, PRECISION: tl.constexpr, OUT: tl.constexpr):
    row = tl.program_id(0) * M + tl.arange(0, M)
    column = tl.program_id(1) * N + tl.arange(0, N)
    k = tl.arange(0, STEP)
    left = a + row[:, None] * a_row + k[None, :] * a_column
    right = b + k[:, None] * b_row + column[None, :] * b_column
    total = tl.zeros((M, N), OUT)
    for i in range(0, K, STEP):
        total = tl.dot(tl.load(left), tl.load(right), total, input_precision=PRECISION, out_dtype=OUT)
        left += STEP * a_column
        right += STEP * b_row
    tl.store(c + row[:, None] * c_row + column[None, :], total)


@triton.jit
def batched(a, b, c, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, OUT: tl.constexpr):
    batch = tl.arange(0, B)[:, None, None]
    row, column, k = tl.arange(0, M)[None, :, None], tl.arange(0, N)[None, None, :], tl.arange(0, STEP)
    left = tl.load(a + batch * M * STEP + row * STEP + k[None, None, :])
    right = tl.load(b + batch * STEP * N + k[None, :, None] * N + column)
    tl.store(c + batch * M * N + row * N + column, tl.dot(left, right, out_dtype=OUT))


@triton.jit
def chained(q, k, v, out, keys, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, OUT: tl.constexpr):
    row, depth, key = tl.arange(0, M)[:, None], tl.arange(0, STEP), tl.arange(0, N)
    query = tl.load(q + row * STEP + depth[None, :])
    total = tl.zeros((M, STEP), tl.float32)
    for i in range(0, keys, N):
        scores = tl.dot(query, tl.load(k + (i + key)[None, :] * STEP + depth[:, None]))
        weights = tl.exp2(scores).to(query.dtype)
        total = tl.dot(weights, tl.load(v + (i + key)[:, None] * STEP + depth[None, :]), total)
    tl.store(out + row * STEP + depth[None, :], total)
'''

TARGETS = ["sm_75", "sm_80", "sm_89", "sm_90a", "sm_100", "sm_120"]
# element, precision, type of the sum, least k
TYPES = [("fp16", None, "fp32", 16), ("fp16", None, "fp16", 16), ("bf16", None, "fp32", 16), ("fp32", "tf32", "fp32", 16), ("fp32", "tf32x3", "fp32", 16),
         ("fp32", "ieee", "fp32", 16), ("fp64", None, "fp64", 16), ("i8", None, "int32", 32), ("fp8e4nv", None, "fp32", 32), ("fp8e5", None, "fp32", 32)]
LANGUAGE = {"fp32": "tl.float32", "fp16": "tl.float16", "fp64": "tl.float64", "int32": "tl.int32"}
SHAPES = [(16, 16, 32), (32, 32, 32), (64, 64, 64), (128, 64, 32), (64, 128, 64), (128, 128, 32), (128, 128, 64), (128, 256, 64), (16, 128, 64), (128, 16, 64)]
SMALL = [(1, 32, 32), (8, 8, 32), (32, 2, 32), (4, 64, 64), (64, 4, 64)]
SPILLED_BYTES = 256


def expected(target, op, element, precision, shape, warps, order):
    """The instruction that a product must use: a pattern, or None for multiply-adds."""
    sm, m, n = int(re.search(r"\d+", target).group()), shape[0], shape[1]
    plain = element == "fp64" and sm < 80 or element == "bf16" and sm < 80 or element == "fp32" and (precision == "ieee" or sm < 80)
    if plain:
        return None
    group = target == "sm_90a" and op != "batched" and warps >= 4 and m >= 64 and n >= 8 and element != "fp64" and precision != "tf32x3"
    # Of 8 and 32 bits the unit reads only what lies along k: a b that does not changes places with a.
    exchanged = target == "sm_90a" and op == "matmul" and warps >= 4 and n >= 64 and m >= 8 and order == "rows" and element in ("fp32", "i8", "fp8e4nv", "fp8e5") and precision != "tf32x3"
    group = group or exchanged
    if element.startswith("fp8") and sm < 89:
        return r"mma\.sync\.aligned\.m16n8k\d+\.row\.col\.f32\.f16\.f16"
    name = {"fp16": "f16", "bf16": "bf16", "fp32": "tf32", "fp64": "f64", "i8": "s8", "fp8e4nv": "e4m3", "fp8e5": "e5m2"}[element]
    return (r"wgmma\.mma_async\.sync\.aligned\.m64n\d+k\d+\." if group else r"mma\.sync\.aligned\.m\d+n8k\d+\.row\.col\.") + r"\w+\." + name


def cases():
    for target in TARGETS:
        for element, precision, total, least in TYPES:
            if element.startswith("fp8") and target == "sm_75":
                continue  # the language has none there
            for shape in SHAPES + SMALL:
                m, n, k = shape
                wide = {"fp64": 8, "fp32": 4}.get(element, 2 if element.startswith(("fp16", "bf16")) else 1)
                if k < least or 3 * (m + n) * k * wide > (48 << 10 if target == "sm_75" else 96 << 10):
                    continue
                for warps in (1, 4, 8):
                    if m * n // (32 * warps) > 128 or (m + n) * k * wide // 4 // (32 * warps) > (64 if target == "sm_75" else 128):
                        continue  # more sums than registers, or more loaded in a step (sm_75 has no other place for them)
                    for order in ("rows", "k", "columns"):
                        yield target, "matmul", element, precision, total, shape, warps, order
            for shape in ((16, 16, 32), (32, 32, 64), (1, 32, 32)):
                for warps in (1, 4):
                    if target == "sm_75" and element == "fp64" and 4 * (shape[0] + shape[1]) * shape[2] * 8 > 64 << 10:
                        continue  # multiply-adds, which read both operands from shared memory and have no room there (E0501)
                    if precision is None and 4 * shape[0] * shape[1] * (8 if element == "fp64" else 4) <= 4 * 128 * 32 * warps:
                        yield target, "batched", element, precision, total, shape, warps, "rows"
        for element in ("fp16", "bf16"):
            for shape in ((64, 64, 64), (128, 64, 64), (128, 128, 64), (128, 64, 128), (16, 16, 64)):
                if target != "sm_75" or element == "fp16" and shape[2] == 64:
                    # Sums of 128x128 beside the other product's are too much for the registers of four warps: ptxas serialises it (of Triton 3.6, too).
                    yield target, "chained", element, None, "fp32", shape, 4 if shape[0] * max(shape[1:]) < 128 * 128 else 8, "k"


def options(op, element, precision, total, shape, warps, order):
    m, n, k = shape
    out = {"int32": "i32"}.get(total, total)
    kind = ["-D", f"M={m}", "-D", f"N={n}", "-D", f"STEP={k}", "-D", f"OUT={LANGUAGE[total]}", "--num-warps", str(warps)]
    pointers = f"*{element}:16,*{element}:16,"
    if op == "batched":
        return ["-s", pointers + f"*{out}:16", "-D", "B=4", *kind]
    if op == "chained":
        return ["-s", pointers + f"*{element}:16,*{out}:16,i32:16", *kind]
    strides = {"rows": "i32:16,1,i32:16,1", "k": "i32:16,1,1,i32:16", "columns": "1,i32:16,i32:16,1"}[order]
    return ["-s", pointers + f"*{out}:16,i32:16,{strides},i32:16", "-D", f"PRECISION={precision!r}", *kind]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tessera")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    ptxas = shutil.which("ptxas") or (p if os.path.exists(p := "/usr/local/cuda/bin/ptxas") else None)
    folder = tempfile.mkdtemp()
    source = pathlib.Path(folder) / "kernels.py"
    source.write_text(KERNELS)
    environment = {**os.environ, "TESSERA_CACHE_DIR": os.path.join(folder, "cache")}

    def run(numbered):
        number, case = numbered
        target, op, element, precision, total, shape, warps, order = case
        name = f"{target} {op} {element}{'/' + precision if precision else ''}->{total} {'x'.join(map(str, shape))} {warps} warps, {order}"
        out = os.path.join(folder, f"{number}")
        # compute_…: the PTX of sm_…, which would be assembled twice.
        done = subprocess.run([arguments.tessera, "compile", "--in-process", f"{source}:{op}", f"--target=compute_{target[3:]}",
                               *options(op, element, precision, total, shape, warps, order), "--emit=asm", "-o", out],
                              capture_output=True, text=True, env=environment)
        if done.returncode:
            return name, f"does not compile: {done.stderr.strip()[:300]}", ""
        text = pathlib.Path(out).read_text()
        used = sorted(set(re.findall(r"(?:wgmma\.mma_async|mma\.sync)[\w.]+", text)))
        want = expected(target, op, element, precision, shape, warps, order)
        why = ""
        if want is None and used:
            why = f"{used} instead of multiply-adds"
        elif want and not any(re.search(want, u) for u in used):
            why = f"no {want}: {used or 'multiply-adds'}"
        resources = ""
        if ptxas:
            assembled = subprocess.run([ptxas, "-v", f"-arch={target}", out, "-o", out + ".cubin"], capture_output=True, text=True)
            if assembled.returncode:
                why = why or f"does not assemble: {assembled.stderr[:300]}"
            if "(C75" in assembled.stderr:
                why = why or assembled.stderr[:300]
            registers, spills = (re.search(p, assembled.stderr) for p in (r"Used (\d+) registers", r"(\d+) bytes spill stores"))
            resources = f"{registers and registers.group(1)} registers, {spills and spills.group(1)} bytes spilled"
            if spills and int(spills.group(1)) > SPILLED_BYTES:
                why = why or resources
            os.path.exists(out + ".cubin") and os.remove(out + ".cubin")
        os.remove(out)
        return name, why, f"{resources}; {', '.join(used) or 'multiply-adds'}"

    passed = failed = 0
    chosen = [(i, c) for i, c in enumerate(cases()) if i % arguments.every == 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, why, what in pool.map(run, [(i, c) for i, c in chosen if re.search(arguments.only, " ".join(map(str, c)))]):
            passed, failed = passed + (not why), failed + bool(why)
            if why:
                print(f"FAIL {name}: {why}", flush=True)
            if arguments.table:
                print(f"{name}: {what}", flush=True)
    shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
