# SPDX-License-Identifier: Apache-2.0
"""Rows chosen by indices, as operands of products: how they come to shared memory. Checked by emulate.py."""
import re

import numpy as np

KERNELS = '''

@triton.jit
def gathered(out, a, x, indices, steps, M: tl.constexpr, V: tl.constexpr, C: tl.constexpr, STEP: tl.constexpr, LIMIT: tl.constexpr):
    m, v, c, k = tl.arange(0, M), tl.arange(0, V), tl.arange(0, C), tl.arange(0, STEP)
    total = tl.zeros((M, V * C), tl.float32)
    for i in range(steps):
        row = tl.load(indices + (i * STEP + k)[:, None] * V + v[None, :])
        at = x + row[:, :, None] * C + c[None, None, :]
        right = tl.load(at, mask=(row < LIMIT)[:, :, None], other=0.0).reshape(STEP, V * C)
        left = tl.load(a + (i * STEP + k)[None, :] + m[:, None] * steps * STEP)
        total = tl.dot(left, right, total)
    n = tl.arange(0, V * C)
    tl.store(out + m[:, None] * (V * C) + n[None, :], total)
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how. compiled: the PTX of (target, kernel, signature, constants); emulator: runs it."""

    # More than a lane has registers for beside the sum goes straight to shared memory; its masked rows are 0.
    def large():
        m, v, c, step, steps, rows = 16, 64, 16, 32, 3, 50
        ptx = compiled("sm_90a", "gathered", "*fp32:16,*fp16,*fp16:16,*i32:16,i32", {"M": m, "V": v, "C": c, "STEP": step, "LIMIT": rows})
        a = rng.integers(-4, 5, (m, steps * step)).astype(np.float16)
        x = rng.integers(-4, 5, (2 * rows, c)).astype(np.float16)
        indices = rng.integers(0, 2 * rows, (steps * step, v)).astype(np.int32)
        got = np.frombuffer(emulator([bytes(4 * m * v * c), a.tobytes(), x.tobytes(), indices.tobytes()], numbers=[steps]).run(ptx)[0], np.float32)
        want = a.astype(np.float32) @ np.where(indices[:, :, None] < rows, x[indices], 0).reshape(-1, v * c).astype(np.float32)
        copies, loads = len(re.findall(r"cp\.async\.c[ag]\.shared\.global \S+ \S+ 16", ptx)), len(re.findall(r"ld\.global\.v4", ptx))
        wrong = int(np.sum(got != want.ravel()))
        return not wrong and copies >= 32 and not loads, f"{wrong} wrong, {copies} copies, {loads} loads"

    return [("a gather that a lane cannot hold", large)]
