# test_memory_order.py - what a program has stored it reads back, however loops are fused
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import tessera
import tessera.language as tl

M, D = 64, 32


@tessera.jit
def through_memory(x, t, kept, out, M: tl.constexpr, D: tl.constexpr):
    i, d = tl.arange(0, M), tl.arange(0, D)
    s = tl.load(x + i)
    tl.store(t + i, tl.exp(s))
    b = tl.load(t + i)
    tl.store(kept + i, s)  # of the first store's shape, behind the load
    tl.store(out + i[:, None] * D + d[None, :], b[:, None] + d[None, :])


@tessera.jit
def before_and_after(x, t, kept, out, M: tl.constexpr, D: tl.constexpr):
    i, d = tl.arange(0, M), tl.arange(0, D)
    s = tl.load(x + i)
    tl.store(t + i, 2 * s)
    z = tl.exp(s + tl.load(t + i))  # costly and used twice: kept in memory, of a load before the store and one behind it
    tl.store(out + i[:, None] * D + d[None, :], z[:, None] + d[None, :])
    tl.store(kept + i, z)


@tessera.jit
def reversed_in_place(x, t, kept, out, M: tl.constexpr, D: tl.constexpr):
    i, d = tl.arange(0, M), tl.arange(0, D)
    s = tl.load(x + i)
    tl.store(x + i, 2 * s)
    z = tl.exp(s + tl.load(x + (M - 1 - i)))
    tl.store(out + i[:, None] * D + d[None, :], z[:, None] + d[None, :])
    tl.store(kept + i, z)


@tessera.jit
def in_turns(x, t, kept, out, M: tl.constexpr, D: tl.constexpr):
    i, d = tl.arange(0, M), tl.arange(0, D)
    total = tl.zeros([M], tl.float32)
    for step in range(3):
        tl.store(t + i, tl.load(x + i) * (step + 1))
        first = tl.load(t + i)
        tl.store(t + i, first + 1)
        total += first * tl.load(t + (i ^ 1))
    tl.store(kept + i, total)
    tl.store(out + i[:, None] * D + d[None, :], total[:, None] + d[None, :])


def turns(x):
    return sum(x * k * (x * k + 1)[np.arange(M) ^ 1] for k in (1, 2, 3))


@pytest.mark.parametrize("kernel, row, kept", [(through_memory, np.exp, lambda x: x), (before_and_after, lambda x: np.exp(3 * x), None),
                                               (reversed_in_place, lambda x: np.exp(x + 2 * x[::-1]), None), (in_turns, turns, None)])
def test_loads_see_the_stores_before_them(kernel, row, kept):
    x = np.random.default_rng(1).random(M).astype(np.float32)
    t, k, out = np.full(M, np.nan, np.float32), np.zeros(M, np.float32), np.zeros((M, D), np.float32)
    want, given = row(x), x.copy()
    kernel[(1, )](given, t, k, out, M, D)
    np.testing.assert_allclose(k, (kept or row)(x), rtol=1e-5)
    np.testing.assert_allclose(out, want[:, None] + np.arange(D), rtol=1e-5)
