# SPDX-License-Identifier: Apache-2.0
"""Tails of kernels whose stores come before the loads of later runs, with arguments that lie apart and that overlap. Checked by emulate.py."""
import re

import numpy as np

KERNELS = '''

@triton.jit
def weighted(x, w, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    v = tl.load(x + i)
    total = tl.sum(v)
    tl.store(y + i, v * total + tl.load(w + i))


@triton.jit
def weighted_rows(x, w, y, n, row, M: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, M)[:, None] * row + tl.arange(0, N)[None, :]
    inside = i < n
    v = tl.load(x + i, mask=inside, other=0.0)
    total = tl.sum(tl.sum(v, axis=1), axis=0)
    tl.store(y + i, v * total + tl.load(w + i, mask=inside, other=0.0), mask=inside)


@triton.jit
def turned(x, y, ROWS: tl.constexpr, HALF: tl.constexpr):
    i = tl.arange(0, ROWS)[:, None] * (2 * HALF) + tl.arange(0, HALF)[None, :]
    a = tl.load(x + i)
    b = tl.load(x + i + HALF)
    tl.store(y + i, a - 3 * b)
    tl.store(y + i + HALF, b + 3 * a)
'''

BEFORE, COUNT = 8192, 2048  # elements in front of w and y, which share a buffer, and of each


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    # Runs of 512 elements: where y is w moved by one or two, a lane's store hits what it would have loaded later.
    def overlapping(kernel, signature, constants, operands, distance, truth, numbers=(), is_early=True, in_groups=1):
        ptx = compiled("sm_90a", kernel, signature, constants)
        x, memory = (rng.integers(-50, 50, n).astype(np.float32) for n in (COUNT, 2 * BEFORE + COUNT))
        machine = emulator([x.tobytes(), memory.tobytes()], numbers=numbers)
        base = (2 << 32) + 4 * BEFORE
        machine.parameters = [*([1 << 32] if operands == 3 else []), base, base + 4 * distance, *numbers]
        got = np.frombuffer(machine.run(ptx)[1], np.float32)
        want = memory.copy()
        want[BEFORE + distance:BEFORE + distance + COUNT] = truth(x, memory[BEFORE:BEFORE + COUNT])
        wrong = int(np.sum(got != want))
        early = len(re.findall(r"st\.global(?:(?!bra|ret)[\s\S])*?ld\.global", ptx))
        # Stores of four bytes go four together, so that each four wait for loads once.
        turns = len(re.findall(r"ld\.global[^\n]*\n(?:(?!ld\.global)[\s\S])*?st\.global", ptx[:ptx.index("ret;")]))
        least = 4 * COUNT // 128 // 16
        return not wrong and (early > 0) == is_early and (in_groups == 1 or turns <= least + 2), f"{wrong} wrong, {early} loads behind a store, {turns} turns"

    def weighted(x, w):
        return x * x.sum(dtype=np.float32) + w

    def turned(x, w):
        a, b = w.reshape(-1, 2, 64)[:, 0], w.reshape(-1, 2, 64)[:, 1]
        return np.stack([a - 3 * b, b + 3 * a], 1).ravel()

    for distance in (BEFORE - COUNT, -BEFORE, 0, 512, -512, 1024, -1536, 4, -4, 2048, -2048):
        yield (f"weights {distance} elements before the result",
               lambda d=distance: overlapping("weighted", "*fp32:16,*fp32:16,*fp32:16", {"BLOCK": COUNT}, 3, d, weighted))
        yield (f"weights of unaligned rows {distance} elements before the result",
               lambda d=distance: overlapping("weighted", "*fp32,*fp32,*fp32", {"BLOCK": COUNT}, 3, d, weighted, in_groups=4))
        yield (f"rows of weights {distance} elements before the result",
               lambda d=distance: overlapping("weighted_rows", "*fp32:16,*fp32:16,*fp32:16,i32,i32:16", {"M": 16, "N": 128}, 3, d, weighted, [COUNT, 128], is_early=False))
        yield (f"halves turned {distance} elements behind",
               lambda d=distance: overlapping("turned", "*fp32:16,*fp32:16", {"ROWS": 16, "HALF": 64}, 2, d, turned))
