# test_library_kernels.py - kernels written as authors of libraries write them, against NumPy
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import tessera
import tessera.language as tl


@tessera.jit
def states(a, b, out, last, steps):
    """Before each step: a @ state + total; then state += a @ b, total = sum of b."""
    i, j = tl.arange(0, 16), tl.arange(0, 32)
    state = tl.zeros([16, 32], tl.float32)
    total = tl.zeros([32], tl.float32)
    x = tl.load(a + i[:, None] * 16 + i[None, :])
    for step in range(steps):
        tile = step * 512 + i[:, None] * 32 + j[None, :]
        y = tl.load(b + tile)
        tl.store(out + tile, tl.dot(x, state.to(tl.float16), tl.zeros([16, 32], tl.float32) + total[None, :]))
        state = tl.dot(x, y, state)
        total = total + tl.sum(y, 0)
    tl.store(last + i[:, None] * 32 + j[None, :], state + total[None, :])


def test_a_sum_beside_a_product_that_accumulates_in_place():
    random = np.random.default_rng(0)
    a, b = (random.integers(-2, 3, s).astype(np.float16) for s in ((16, 16), (3, 16, 32)))
    out, last = np.zeros((3, 16, 32), np.float32), np.zeros((16, 32), np.float32)
    states[(1, )](a, b, out, last, 3)
    state, total, wide = np.zeros((16, 32), np.float32), np.zeros(32, np.float32), a.astype(np.float32)
    for step in range(3):
        assert np.array_equal(out[step], wide @ state.astype(np.float16).astype(np.float32) + total), step
        state += wide @ b[step]
        total += b[step].sum(0)
    assert np.array_equal(last, state + total)
