# test_library_combines.py - reductions and scans over several tiles with functions of the program, and shapes in between
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import tessera
import tessera.language as tl

random = np.random.default_rng(0)


@tessera.jit
def larger(av, ai, bv, bi):
    take = (av > bv) | ((av == bv) & (ai < bi))
    return tl.where(take, av, bv), tl.where(take, ai, bi)


@tessera.jit
def recurrence(a1, b1, a2, b2):
    return a1 * a2, b1 * a2 + b2


@tessera.jit
def moments(m1, v1, n1, m2, v2, n2):
    d = m2 - m1
    n = n1 + n2
    return m1 + d * n2 / n, v1 + v2 + d * d * n1 * n2 / n, n


@tessera.jit
def combines(x, y, z, R: tl.constexpr, C: tl.constexpr):
    r, c = tl.arange(0, R)[:, None], tl.arange(0, C)[None, :]
    v = tl.load(x + r * C + c)
    value, place = tl.reduce((v, tl.broadcast_to(c, [R, C])), 1, larger)
    tl.store(y + tl.arange(0, R), value)
    tl.store(y + R + tl.arange(0, R), place.to(tl.float32))
    m, s, n = tl.reduce((v, tl.zeros_like(v), tl.full(v.shape, 1.0, v.dtype)), axis=-1, combine_fn=moments, keep_dims=True)
    tl.store(y + 2 * R + r, m)
    tl.store(y + 3 * R + r, s / n)
    half = tl.full([R, C], 0.5, tl.float32)
    tl.store(z + r * C + c, tl.associative_scan((half, v), 1, recurrence)[1])
    tl.store(z + R * C + r * C + c, tl.associative_scan((half, v), axis=0, combine_fn=recurrence, reverse=True)[1])


def test_tuples_are_reduced_and_scanned():
    x = random.integers(-5, 5, (8, 16)).astype(np.float32)
    y, z = np.zeros(32, np.float32), np.zeros((2, 8, 16), np.float32)
    combines[(1, )](x, y, z, R=8, C=16)
    assert np.allclose(y, np.concatenate([x.max(1), x.argmax(1), x.mean(1), x.var(1)]), atol=1e-5)
    rows, columns = x.copy(), x.copy()
    for c in range(1, 16):
        rows[:, c] += rows[:, c - 1] * 0.5
    for r in reversed(range(7)):
        columns[r] += columns[r + 1] * 0.5
    assert np.allclose(z, [rows, columns], atol=1e-5)


@tessera.jit
def shapes(x, y, N: tl.constexpr):
    o = tl.arange(0, N)
    v = tl.load(x + o[:, None] * N + o[None, :])
    v = v[None, :, :][:, :, None, :].reshape((N, N)).trans(1, 0).T
    next_rows = tl.gather(v, tl.broadcast_to(((o + 1) % N)[:, None], [N, N]), axis=0)
    a, b = tl.split(tl.join(v, next_rows))
    p = tl.permute(tl.reshape(tl.interleave(a, b), [N, 2, N]), (1, 0, 2))
    tl.store(y + tl.arange(0, 2)[:, None, None] * N * N + o[None, :, None] * N + o[None, None, :], p)


def test_axes_come_go_and_change_places():
    x, y = random.standard_normal((8, 8)).astype(np.float32), np.zeros((2, 8, 8), np.float32)
    shapes[(1, )](x, y, N=8)
    assert np.array_equal(y, np.stack([x, np.roll(x, -1, 0)], -1).reshape(8, 2, 8).transpose(1, 0, 2))


@tessera.jit
def blocks(x, y, m, n, BM: tl.constexpr, BN: tl.constexpr):
    p = tl.make_block_ptr(x, shape=(m, n), strides=(n, 1), offsets=(0, 0), block_shape=(BM, BN), order=(1, 0))
    q = tl.make_block_ptr(base=y, shape=(n, m), strides=(m, 1), offsets=(0, 0), block_shape=(BN, BM), order=(0, 1))
    for _ in range(0, tl.cdiv(n, BN)):
        tl.store(q, tl.trans(tl.load(p, boundary_check=(0, 1), padding_option="zero")) * 2, boundary_check=(1, 0))
        p = tl.advance(p, (0, BN))
        q = tl.advance(q, [BN, 0])


def test_block_pointers_of_either_order():
    x, y = random.standard_normal((13, 27)).astype(np.float32), np.zeros((27, 13), np.float32)
    blocks[(1, )](x, y, 13, 27, BM=16, BN=8)
    assert np.array_equal(y, x.T * 2)


@tessera.jit
def halves(x, y, B: tl.constexpr):
    o = tl.arange(0, B)
    v = tl.load(x + o).to(tl.float16)
    tl.store(y + o, v.exp().sqrt())
    tl.store(y + B + o, v.to(tl.bfloat16).floor().to(tl.float16))


def test_mathematics_of_16_bit_floats_as_methods():
    x, y = random.standard_normal(16).astype(np.float32), np.zeros(32, np.float16)
    halves[(1, )](x, y, B=16)
    assert np.allclose(y[:16], np.sqrt(np.exp(x.astype(np.float16))), rtol=3e-3) and np.array_equal(y[16:], np.floor(x))


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
    a, b = (random.integers(-2, 3, s).astype(np.float16) for s in ((16, 16), (3, 16, 32)))
    out, last = np.zeros((3, 16, 32), np.float32), np.zeros((16, 32), np.float32)
    states[(1, )](a, b, out, last, 3)
    state, total, wide = np.zeros((16, 32), np.float32), np.zeros(32, np.float32), a.astype(np.float32)
    for step in range(3):
        assert np.array_equal(out[step], wide @ state.astype(np.float16).astype(np.float32) + total), step
        state += wide @ b[step]
        total += b[step].sum(0)
    assert np.array_equal(last, state + total)
