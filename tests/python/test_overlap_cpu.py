# test_overlap_cpu.py - arguments that lie shifted in one array, on the CPU: tiles of any size, against programs of whole arrays
# SPDX-License-Identifier: Apache-2.0
#
# A loop over the elements loads some before others are loaded and after some are stored. What a program means is what NumPy does step by step.
import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera.runtime.driver import DeviceDriver, driver

SPARE = 20000
SHIFTS = [sign * s for s in (1, 3, 8, 17, 64, 1000) for sign in (1, -1)]


@tessera.jit
def line(a, b, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at < n, other=0)
    tl.store(b + at, v * 2 - (tl.max(v, axis=0) if REDUCES else 1), mask=at < n)


@tessera.jit
def rows(a, b, n, stride, M: tl.constexpr, N: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, M)[:, None] * stride + tl.arange(0, N)[None, :]
    inside = (tl.arange(0, N) < n)[None, :]
    v = tl.load(a + at, mask=inside, other=0)
    tl.store(b + at, v * 2 - (tl.max(v, axis=1)[:, None] if REDUCES else 1), mask=inside)


@tessera.jit
def turned(a, b, M: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(b + tl.arange(0, N)[:, None] * M + tl.arange(0, M)[None, :], tl.trans(tl.load(a + at)))


@tessera.jit
def backwards(a, b, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(b + n - 1 - at, tl.load(a + at, mask=at < n), mask=at < n)


@tessera.jit
def two_stores(a, b, c, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at < n)
    tl.store(b + at, v + 1, mask=at < n)
    tl.store(c + at, v * 3, mask=at < n)


@tessera.jit
def three_loads(a, b, c, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < n
    v, w = tl.load(a + at, mask=inside), tl.load(b + at, mask=inside)
    tl.store(c + at, v + w, mask=inside)
    tl.store(a + at, tl.load(c + at, mask=inside) - w, mask=inside)


@tessera.jit
def with_sum(a, b, total, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at < n, other=0)
    s = tl.sum(v, axis=0)
    tl.store(b + at, v + 1, mask=at < n)
    tl.store(total, s)


@tessera.jit
def in_a_loop(a, b, n, steps, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    to = b + at
    for _ in range(steps):
        tl.store(to, tl.load(a + at, mask=at < n) + 1, mask=at < n)
        a += BLOCK
        to += BLOCK


@tessera.jit
def widened(a, b, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(b + at, tl.load(a + at, mask=at < n).to(b.dtype.element_ty), mask=at < n)


@pytest.fixture(autouse=True)
def on_cpu():
    driver.set_active(DeviceDriver("cpu"))
    yield
    driver.reset_active()


def values():
    return np.random.default_rng(3).integers(-50, 50, 2 * SPARE + 30000).astype(np.int32)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("reduces", (False, True))
@pytest.mark.parametrize("block, n", ((4, 4), (64, 61), (1024, 1024), (4096, 4000)))
def test_a_line(block, n, reduces, shift):
    have = values()
    want = have.copy()
    v = have[SPARE:SPARE + n]
    want[SPARE + shift:SPARE + shift + n] = v * 2 - (max(v.max(), 0 if n < block else v.max()) if reduces else 1)
    line[(1, )](have[SPARE:], have[SPARE + shift:], n, BLOCK=block, REDUCES=reduces)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("reduces", (False, True))
@pytest.mark.parametrize("m, n, inside, stride", ((4, 4, 4, 4), (16, 64, 64, 64), (8, 128, 100, 200), (64, 16, 13, 13)))
def test_rows(m, n, inside, stride, reduces, shift):
    have = values()
    want = have.copy()
    at = np.arange(m)[:, None] * stride + np.arange(inside)[None, :]
    v = have[SPARE + at]
    most = np.maximum(v.max(axis=1, keepdims=True), 0 if inside < n else v.max(axis=1, keepdims=True)) if reduces else 1
    want[SPARE + shift + at] = v * 2 - most
    rows[(1, )](have[SPARE:], have[SPARE + shift:], inside, stride, M=m, N=n, REDUCES=reduces)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("shift", [0, *SHIFTS])
@pytest.mark.parametrize("m, n", ((16, 16), (64, 16), (8, 128)))
def test_what_is_turned(m, n, shift):
    have = values()
    want = have.copy()
    want[SPARE + shift:SPARE + shift + m * n] = have[SPARE:SPARE + m * n].reshape(m, n).T.reshape(-1)
    turned[(1, )](have[SPARE:], have[SPARE + shift:], M=m, N=n)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("shift", [0, *SHIFTS])
@pytest.mark.parametrize("block, n", ((64, 61), (1024, 1024)))
def test_what_is_reversed(block, n, shift):
    have = values()
    want = have.copy()
    want[SPARE + shift:SPARE + shift + n] = have[SPARE:SPARE + n][::-1]
    backwards[(1, )](have[SPARE:], have[SPARE + shift:], n, BLOCK=block)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("second", (1, -5, 40))
@pytest.mark.parametrize("first", (0, 2, -7, 64))
@pytest.mark.parametrize("block, n", ((64, 61), (1024, 1024)))
def test_two_tiles_are_stored(block, n, first, second):
    have = values()
    want = have.copy()
    v = have[SPARE:SPARE + n]
    want[SPARE + first:SPARE + first + n] = v + 1
    want[SPARE + first + second:SPARE + first + second + n] = v * 3
    two_stores[(1, )](have[SPARE:], have[SPARE + first:], have[SPARE + first + second:], n, BLOCK=block)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("second", (0, 3, -9, 64))
@pytest.mark.parametrize("first", (0, 1, -2, 100))
def test_what_was_stored_is_loaded(first, second):
    n, have = 1000, values()
    want = have.copy()
    v, w = (want[SPARE + s:SPARE + s + n].copy() for s in (0, first))
    want[SPARE + second:SPARE + second + n] = v + w
    want[SPARE:SPARE + n] = want[SPARE + second:SPARE + second + n] - w
    three_loads[(1, )](have[SPARE:], have[SPARE + first:], have[SPARE + second:], n, BLOCK=1024)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_reduction_beside_the_store(shift):
    n, have, total = 1000, values(), np.zeros(1, np.int32)
    want = have.copy()
    want[SPARE + shift:SPARE + shift + n] = have[SPARE:SPARE + n] + 1
    sums = have[SPARE:SPARE + n].sum()
    with_sum[(1, )](have[SPARE:], have[SPARE + shift:], total, n, BLOCK=1024)
    assert np.array_equal(have, want) and total[0] == sums


@pytest.mark.parametrize("shift", SHIFTS)
def test_tiles_of_a_loop(shift):
    n, steps, have = 250, 4, values()
    want = have.copy()
    for i in range(steps):
        first = SPARE + i * 256
        want[first + shift:first + shift + n] = want[first:first + n] + 1
    in_a_loop[(1, )](have[SPARE:], have[SPARE + shift:], n, steps, BLOCK=256)
    assert np.array_equal(have, want)


@pytest.mark.parametrize("types", ((np.int16, np.int32), (np.int32, np.int16)), ids=("wider", "narrower"))
@pytest.mark.parametrize("shift", (0, 1, -3, 64))
def test_one_array_as_two_types(types, shift):
    """Element k of one begins where element 2k of the other does."""
    n, (read, written) = 1000, types
    have = np.random.default_rng(4).integers(-50, 50, 8000).astype(np.int16).view(np.int32)
    want = have.copy()
    source, target = 4000 // np.dtype(read).itemsize, 4000 // np.dtype(written).itemsize + shift
    want.view(written)[target:target + n] = want.view(read)[source:source + n].astype(written)
    widened[(1, )](have.view(read)[source:], have.view(written)[target:], n, BLOCK=1024)
    assert np.array_equal(have, want)
