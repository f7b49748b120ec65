# test_large_tiles.py - tiles that no lane can hold, on a device with lanes, where loops do them slice by slice
# SPDX-License-Identifier: Apache-2.0
import time

import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource
from tessera.runtime.driver import DeviceDriver, driver
from test_devices import DeviceArray

BLOCK = 32768  # 256 elements a lane of 4 warps


@tessera.jit
def added(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, mask=at < n) + tl.load(y + at, mask=at < n), mask=at < n)


@tessera.jit
def in_place(x, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(x + at, tl.load(x + at, mask=at < n, other=0.0) * 2 + at.to(tl.float32), mask=at < n)


@tessera.jit
def read_back(x, out, product, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0.0)
    tl.store(out + at, v + 1, mask=at < n)
    tl.store(product + at, tl.load(out + at, mask=at < n, other=0.0) * v, mask=at < n)


@tessera.jit
def triangle(x, out, n, SIZE: tl.constexpr):
    r, c = tl.arange(0, SIZE)[:, None], tl.arange(0, SIZE)[None, :]
    v = tl.load(x + r * n + c, mask=(c < n) & (c <= r) & (r < n), other=-1.0)
    tl.store(out + r * n + c, v, mask=(r < n) & (c < n))


@tessera.jit
def combined(x, out, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0.0)
    total, most, place, least = tl.sum(v, axis=0), tl.max(v, axis=0), tl.argmax(v, axis=0), tl.min(tl.abs(v), axis=0)
    tl.store(out, total)
    tl.store(out + 1, most)
    tl.store(out + 2, place.to(tl.float32))
    tl.store(out + 3, least)


@tessera.jit
def along_an_axis(x, out, M: tl.constexpr, N: tl.constexpr, AXIS: tl.constexpr):
    v = tl.load(x + tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :])
    tl.store(out + tl.arange(0, N if AXIS == 0 else M), tl.sum(v, axis=AXIS))


@tessera.jit
def counted(x, out, n, BLOCK: tl.constexpr, BINS: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0.0)
    tl.store(out + tl.arange(0, BINS), tl.histogram((tl.abs(v) * 2).to(tl.int32), BINS, mask=at < n))


@tessera.jit
def centred(x, out, twice, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    most = tl.max(v, axis=0)
    rest = tl.sum(v - most, axis=0)
    tl.store(out + at, v - most)
    tl.store(twice + at, v * 2 + rest)


@tessera.jit
def weighted(x, w, out, A: tl.constexpr, B: tl.constexpr, C: tl.constexpr):
    a, b, c = tl.arange(0, A)[:, None, None], tl.arange(0, B), tl.arange(0, C)
    s = tl.load(x + a * (B * C) + b[None, :, None] * C + c[None, None, :]) * tl.load(w + b)[None, :, None]
    tl.store(out + tl.arange(0, A)[:, None] * C + c[None, :], tl.sum(s, axis=1))


@tessera.jit
def multiplied(x, y, out, M: tl.constexpr, N: tl.constexpr):
    """Columns of x are rows of y and cut; columns of y, which the same arange says, are not."""
    m, n = tl.arange(0, M), tl.arange(0, N)
    a, b = tl.load(x + m[:, None] * N + n[None, :]), tl.load(y + n[:, None] * N + n[None, :])
    tl.store(out + m[:, None] * N + n[None, :], tl.sum(a[:, :, None] * b[None, :, :], axis=1))


@tessera.jit
def weighted_twice(x, w, out, A: tl.constexpr, B: tl.constexpr):
    a, b = tl.arange(0, A)[:, None, None], tl.arange(0, B)
    v = tl.load(w + b)
    s = tl.load(x + a * (B * B) + b[None, :, None] * B + b[None, None, :]) * v[None, :, None] * v[None, None, :]
    tl.store(out + tl.arange(0, A)[:, None] * B + b[None, :], tl.sum(s, axis=1))


@tessera.jit
def decoded(x, y, out, steps, A: tl.constexpr, B: tl.constexpr, C: tl.constexpr):
    a, b, c = tl.arange(0, A), tl.arange(0, B), tl.arange(0, C)
    at = a[:, None] * C + c[None, :]
    q = tl.load(x + at)
    total = tl.zeros((A, C), tl.float32)
    for i in range(steps):
        block = y + i * (A * B * C) + a[:, None, None] * (B * C) + b[None, :, None] * C + c[None, None, :]
        p = tl.sum(q[:, None, :] * tl.load(block), axis=2)
        p = tl.where(p < tl.max(p, axis=1)[:, None], 1.0, 2.0)
        total += tl.sum(p[:, :, None] * tl.load(block), axis=1)
    tl.store(out + at, total)


def decoded_by_numpy(q, blocks):
    p = np.einsum("ac,sabc->sab", q, blocks)
    return np.einsum("sab,sabc->ac", np.where(p < p.max(2, keepdims=True), 1, 2), blocks)


N = BLOCK - 77
RNG = np.random.default_rng(7)
X, Y = (RNG.integers(-50, 50, BLOCK).astype(np.float32) for _ in range(2))
INSIDE = np.arange(BLOCK) < N
ZERO = np.zeros(BLOCK, np.float32)
ROWS = np.where(np.tril(np.ones((150, 150), bool)), X[:22500].reshape(150, 150), -1).astype(np.float32)
REST = np.float32((X.astype(np.float64) - X.max()).sum())  # exact: integers
CENTRED = [X - X.max(), X * 2 + REST]
CASES = [
    (added, [X, Y, ZERO, N], {"BLOCK": BLOCK}, [X, Y, np.where(INSIDE, X + Y, 0)], 2),
    (in_place, [X, N], {"BLOCK": BLOCK}, [np.where(INSIDE, X * 2 + np.arange(BLOCK), X)], 1),
    (read_back, [X, ZERO, ZERO, N], {"BLOCK": BLOCK}, [X, np.where(INSIDE, X + 1, 0), np.where(INSIDE, (X + 1) * X, 0)], 2),
    (triangle, [X, np.zeros(22500, np.float32), 150], {"SIZE": 256}, [X, ROWS.reshape(-1)], 2),
    (combined, [X, np.zeros(4, np.float32), N], {"BLOCK": BLOCK},
     [X, np.array([X[:N].sum(), X[:N].max(), X[:N].argmax(), np.abs(X[:N]).min()], np.float32)], 1),
    (along_an_axis, [X, np.zeros(64, np.float32)], {"M": 512, "N": 64, "AXIS": 0}, [X, X.reshape(512, 64).sum(0)], 1),
    (along_an_axis, [X, np.zeros(64, np.float32)], {"M": 64, "N": 512, "AXIS": 1}, [X, X.reshape(64, 512).sum(1)], 1),
    (counted, [X, np.zeros(64, np.int32), N], {"BLOCK": BLOCK, "BINS": 64}, [X, np.bincount((np.abs(X[:N]) * 2).astype(int), minlength=128)[:64]], 1),
    (weighted, [X, Y[:32], np.zeros(1024, np.float32)], {"A": 16, "B": 32, "C": 64},
     [X, Y[:32], np.einsum("abc,b->ac", X.reshape(16, 32, 64), Y[:32]).reshape(-1)], 1),
    (multiplied, [X[:4096], Y[:1024], np.zeros(4096, np.float32)], {"M": 128, "N": 32},
     [X[:4096], Y[:1024], (X[:4096].reshape(128, 32) @ Y[:1024].reshape(32, 32)).reshape(-1)], 1),
    (weighted_twice, [X, Y[:32], np.zeros(1024, np.float32)], {"A": 32, "B": 32},
     [X, Y[:32], np.einsum("abc,b,c->ac", X.reshape(32, 32, 32), Y[:32], Y[:32]).reshape(-1)], 1),
    (decoded, [Y[:1024], X, np.zeros(1024, np.float32), 1], {"A": 64, "B": 32, "C": 16},
     [Y[:1024], X, decoded_by_numpy(Y[:1024].reshape(64, 16), X.reshape(1, 64, 32, 16)).reshape(-1).astype(np.float32)], 2),
    (centred, [X, ZERO, ZERO], {"BLOCK": BLOCK}, [X, *CENTRED], 4),
]


@pytest.fixture(scope="module")
def mock():
    driver.set_active(DeviceDriver("mock"))
    yield driver.active
    driver.reset_active()


@pytest.mark.parametrize("kernel, arguments, constants, wanted, loops", CASES, ids=[f"{c[0].__name__}-{i}" for i, c in enumerate(CASES)])
def test_values_are_those_of_the_whole_tile(mock, kernel, arguments, constants, wanted, loops):
    given = [DeviceArray(mock.device, a.copy()) if isinstance(a, np.ndarray) else a for a in arguments]
    compiled = kernel[(1, )](*given, **constants, num_warps=4)
    mock.device.synchronize()
    for array, want in zip([a for a in given if isinstance(a, DeviceArray)], wanted):
        assert np.array_equal(array.fetch(), want)
    assert compiled.asm["ttgir"].count("scf.for") == loops


def test_one_array_given_twice(mock):
    """Each slice reads and writes the same elements; the next one's are not touched before they are read."""
    x, twice = DeviceArray(mock.device, X.copy()), DeviceArray(mock.device, ZERO.copy())
    centred[(1, )](x, x, twice, BLOCK=BLOCK, num_warps=4)
    mock.device.synchronize()
    assert np.array_equal(x.fetch(), CENTRED[0]) and np.array_equal(twice.fetch(), CENTRED[1])


def test_the_largest_tile_takes_no_longer():
    signature = {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32"}
    seconds = {}
    for block in (16384, 1 << 20):
        started = time.perf_counter()
        compiled = tessera.compile(ASTSource(added, signature, {"BLOCK": block}), target=GPUTarget("cuda", 90, 32))
        seconds[block] = time.perf_counter() - started
        assert len(compiled.asm["ptx"].splitlines()) < 2000
    assert seconds[1 << 20] < 20 * seconds[16384] + 2
