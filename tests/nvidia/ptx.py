#!/usr/bin/env python3
# ptx.py - what kernels become for NVIDIA architectures: instructions that must and must not be there, and that they assemble
# SPDX-License-Identifier: Apache-2.0
"""usage: ptx.py TESSERA; prints one line a check that failed and `N passed, N failed`."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

KERNELS = '''
import triton
import triton.language as tl


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)


@triton.jit
def softmax(out, x, stride, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    v = tl.load(x + row * stride + at, mask=at < cols, other=-float("inf"))
    e = tl.exp(v - tl.max(v, axis=0))
    tl.store(out + row * stride + at, e / tl.sum(e, axis=0), mask=at < cols)


@triton.jit
def matmul(a, b, c, K, a_row, b_row, c_row, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, PRECISION: tl.constexpr):
    row = tl.program_id(0) * M + tl.arange(0, M)
    column = tl.program_id(1) * N + tl.arange(0, N)
    k = tl.arange(0, STEP)
    left = a + row[:, None] * a_row + k[None, :]
    right = b + k[:, None] * b_row + column[None, :]
    total = tl.zeros((M, N), tl.float32)
    for i in range(0, K, STEP):
        total = tl.dot(tl.load(left), tl.load(right), total, input_precision=PRECISION)
        left += STEP
        right += STEP * b_row
    tl.store(c + row[:, None] * c_row + column[None, :], total)


@triton.jit
def powers(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.exp2(tl.load(x + at)))


@triton.jit
def counts(out, x, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0)
    tl.atomic_add(out + v, 1, mask=at < n)
    tl.atomic_max(out, tl.max(v, axis=0))
'''

ADD = ["-s", "*fp32:16,*fp32:16,*fp32:16,i32:16", "-D", "BLOCK=1024"]
SOFTMAX = ["-s", "*fp32:16,*fp32:16,i32:16,i32:16", "-D", "BLOCK=4096"]
POWERS = ["-s", "*fp32:16,*fp32:16", "-D", "BLOCK=128"]
COUNTS = ["-s", "*i32:16,*i32:16,i32", "-D", "BLOCK=256"]


def matmul(element, m=128, n=128, k=64, warps=4, precision="tf32"):
    return ["-s", f"*{element}:16,*{element}:16,*fp32:16,i32:16,i32:16,i32:16,i32:16", "-D", f"M={m}", "-D", f"N={n}", "-D", f"STEP={k}",
            "-D", f"PRECISION='{precision}'", "--num-warps", str(warps)]


# target, kernel and its options, patterns that must be in the PTX, patterns that must not
CHECKS = [
    ("sm_90a", "add", ADD, [r"@%p\d+ ld\.global\.v4\.b32", r"@%p\d+ st\.global\.v4\.b32", r"\.reqntid 128"], [r"\.local", r"call"]),
    ("sm_75", "add", ADD, [r"ld\.global\.v4\.b32", r"\.target sm_75"], []),
    ("sm_90a", "softmax", SOFTMAX, [r"ex2\.approx\.f32", r"shfl\.sync\.bfly", r"bar\.sync", r"div\.full\.f32", r"max\.f32"], [r"\.local", r"call"]),
    ("sm_90a", "matmul", matmul("fp16"), [r"wgmma\.mma_async\.sync\.aligned\.m64n128k16\.f32\.f16\.f16", r"cp\.async\.cg\.shared\.global",
                                          r"wgmma\.wait_group\.sync\.aligned 1;", r"cp\.async\.wait_group"], [r"\.local", r"mma\.sync"]),
    ("sm_90a", "matmul", matmul("bf16", 128, 256, 64, 8), [r"m64n256k16\.f32\.bf16\.bf16"], [r"mma\.sync"]),
    # Of tf32 the unit reads only operands whose k is contiguous: b is not, so the warps multiply.
    ("sm_90a", "matmul", matmul("fp32", 64, 64, 32), [r"mma\.sync\.aligned\.m16n8k8\.row\.col\.f32\.tf32"], [r"wgmma"]),
    # sm_90 means every Hopper and later minor: nothing of sm_90a.
    ("sm_90", "matmul", matmul("fp16"), [r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.f16\.f16\.f32", r"\.target sm_90\b"], [r"wgmma", r"sm_90a", r"setmaxnreg"]),
    ("sm_80", "matmul", matmul("bf16", 64, 64, 32), [r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.bf16", r"cp\.async"], [r"wgmma", r"fence\.proxy"]),
    ("sm_80", "matmul", matmul("fp32", 64, 64, 32), [r"m16n8k8\.row\.col\.f32\.tf32", r"cvt\.rna\.tf32\.f32"], []),
    ("sm_80", "matmul", matmul("fp32", 32, 32, 32, precision="ieee"), [r"fma\.rn\.f32"], [r"mma\.sync"]),
    ("sm_75", "matmul", matmul("fp16", 64, 64, 32), [r"m16n8k8\.row\.col\.f32\.f16"], [r"cp\.async", r"m16n8k16"]),
    ("sm_89", "matmul", matmul("fp8e4nv", 64, 64, 32), [r"m16n8k32\.row\.col\.f32\.e4m3\.e4m3"], []),
    ("sm_100", "matmul", matmul("fp16"), [r"mma\.sync"], [r"wgmma"]),
    ("sm_120", "softmax", SOFTMAX, [r"\.target sm_120\b"], []),
    ("compute_90", "softmax", SOFTMAX, [r"\.target sm_90\b"], []),
    ("sm_90a", "powers", POWERS, [r"ex2\.approx\.f32"], [r"ftz"]),
    ("sm_90a@flush_subnormals=1", "powers", POWERS, [r"ex2\.approx\.ftz\.f32"], []),
    ("sm_90a", "counts", COUNTS, [r"atom\.global\.gpu\.acq_rel\.add\.u32", r"atom\.global\.gpu\.acq_rel\.max\.s32"], []),
]


def main(tessera):
    passed = failed = 0

    def check(ok, what):
        nonlocal passed, failed
        passed, failed = passed + bool(ok), failed + (not ok)
        if not ok:
            print(f"FAIL {what}")

    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "kernels.py"
        source.write_text(KERNELS)
        environment = {**os.environ, "TESSERA_CACHE_DIR": os.path.join(folder, "cache")}

        def compiled(target, kernel, options, emit):
            out = pathlib.Path(folder) / "out"
            done = subprocess.run([tessera, "compile", "--in-process", f"{source}:{kernel}", f"--target={target}", *options, f"--emit={emit}",
                                   "-o", str(out)], capture_output=True, text=True, env=environment)
            return done, out.read_bytes() if done.returncode == 0 and out.exists() else b""

        for target, kernel, options, needed, unwanted in CHECKS:
            done, ptx = compiled(target, kernel, options, "asm")
            check(done.returncode == 0, f"{kernel} for {target}: {done.stderr.strip()[:300]}")
            text = ptx.decode()
            for pattern in needed:
                check(re.search(pattern, text), f"{kernel} for {target}: no {pattern}")
            for pattern in unwanted:
                check(not re.search(pattern, text), f"{kernel} for {target}: there is {pattern}")
            check("(C75" not in done.stderr, f"{kernel} for {target}: {done.stderr.strip()[:300]}")
        # Names that are none say what there is.
        done, _ = compiled("sm_42", "add", ADD, "asm")
        check(done.returncode != 0 and "sm_75" in done.stderr, f"sm_42: {done.stderr.strip()[:200]}")
        done, _ = compiled("sm_80a", "add", ADD, "asm")
        check(done.returncode != 0 and "architecture-specific" in done.stderr, f"sm_80a: {done.stderr.strip()[:200]}")
        # More shared memory than there is: at compile time, with what takes it.
        done, _ = compiled("sm_75", "matmul", matmul("fp32", 256, 256, 128), "asm")
        check(done.returncode != 0 and "shared memory" in done.stderr, f"over-use: {done.stderr.strip()[:200]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
