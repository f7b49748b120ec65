# test_overlapping_arguments.py - large tiles whose arguments lie shifted in one array: random shifts, against programs of whole arrays
# SPDX-License-Identifier: Apache-2.0
#
# Each argument is a place in one array. What a program means is what NumPy does step by step: a load takes all elements before a later store changes them.
import random

import numpy as np
import pytest
import tessera
import tessera.language as tl
from software_devices import active
from test_devices import DeviceArray

BLOCK = 32768  # 256 elements a lane of 4 warps: slices
SPARE = 3 * BLOCK
SHIFTS = (0, 1, 2, 3, 32, 64, 127, 4096, BLOCK // 2, BLOCK - 1, BLOCK, BLOCK + 5)


class Place:
    """Elements of an array of the device's from one on, as an argument."""

    def __init__(self, array, first, dtype=None):
        self.device, self.dtype = array.device, np.dtype(dtype or array.dtype)
        self.address = array.data_ptr() + first * array.dtype.itemsize

    def data_ptr(self):
        return self.address


@tessera.jit
def moved(a, b, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at < n, other=0.0)
    most = tl.max(v, axis=0) if REDUCES else 1.0
    tl.store(b + at, v - most, mask=at < n)


@tessera.jit
def turned(a, b, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = n - 1 - tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at >= 0, other=0.0)
    most = tl.max(v, axis=0) if REDUCES else 1.0
    tl.store(b + at, v - most, mask=at >= 0)


@tessera.jit
def rows(a, b, n, stride, BLOCK: tl.constexpr, WIDTH: tl.constexpr, REDUCES: tl.constexpr):
    r, c = tl.arange(0, BLOCK // WIDTH)[:, None], tl.arange(0, WIDTH)[None, :]
    v = tl.load(a + r * stride + c, mask=c < n, other=0.0)
    most = tl.max(v, axis=1)[:, None] if REDUCES else 1.0
    tl.store(b + r * stride + c, v - most, mask=c < n)


@tessera.jit
def columns(a, b, n, stride, BLOCK: tl.constexpr, WIDTH: tl.constexpr, REDUCES: tl.constexpr):
    r, c = tl.arange(0, WIDTH)[:, None], tl.arange(0, BLOCK // WIDTH)[None, :]
    v = tl.load(a + r + c * stride, mask=r < n, other=0.0)
    most = tl.max(v, axis=0)[None, :] if REDUCES else 1.0
    tl.store(b + r + c * stride, v - most, mask=r < n)


@tessera.jit
def first_rows(a, b, n, WIDTH: tl.constexpr):
    """One arange says which rows the mask lets through, and all columns."""
    r = tl.arange(0, WIDTH)
    at = r[:, None] * WIDTH + r[None, :]
    v = tl.load(a + at, mask=(r < n)[:, None], other=0.0)
    tl.store(b + at, v - 1, mask=(r < n)[:, None])


@tessera.jit
def turned_columns(a, b, SIZE: tl.constexpr):
    """The first axis, which lies in the other one, from the end on."""
    r = tl.arange(0, SIZE)
    at = SIZE * SIZE - 1 - (r[:, None] + r[None, :] * SIZE)
    tl.store(b + at, tl.load(a + at) - 1)


@tessera.jit
def planes(a, b, A: tl.constexpr, B: tl.constexpr, C: tl.constexpr):
    """The first axis lies in the second one, and the third in both."""
    at = tl.arange(0, A)[:, None, None] * C + tl.arange(0, B)[None, :, None] * (A * C) + tl.arange(0, C)[None, None, :]
    tl.store(b + at, tl.load(a + at) - 1)


@tessera.jit
def added(a, b, c, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(a + at, mask=at < n, other=0.0), tl.load(b + at, mask=at < n, other=0.0)
    least = tl.min(x, axis=0) if REDUCES else 2.0
    tl.store(c + at, x + y * least, mask=at < n)


@tessera.jit
def followed(a, b, c, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(a + at, mask=at < n, other=0.0)
    least = tl.min(x, axis=0) if REDUCES else 2.0
    tl.store(b + at, x + least, mask=at < n)
    tl.store(c + at, tl.load(b + at, mask=at < n, other=0.0) - x, mask=at < n)


@tessera.jit
def widened(a, b, n, BLOCK: tl.constexpr, REDUCES: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(a + at, mask=at < n, other=0.0).to(tl.float32)
    most = tl.max(v, axis=0) if REDUCES else 1.0
    tl.store(b + at, (v - most).to(b.dtype.element_ty), mask=at < n)


@tessera.jit
def exchanged(a, b, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(a + at, mask=at < n), tl.load(b + at, mask=at < n)
    tl.store(a + at, y, mask=at < n)
    tl.store(b + at, x, mask=at < n)


DEVICES = ("mock", "simt", "simt-copies")  # that have lanes


@pytest.fixture(params=DEVICES, scope="module")
def device(request):
    with active(request.param) as device:
        yield device


def places(rng, count, pairs):
    """Where arguments begin. Of pairs, an earlier and a later access: never one that comes to lie behind what it meets beside one that comes to lie before it, which
    no order of slices serves (docs/rationale/layouts.md)."""
    while True:
        firsts = [SPARE + rng.choice((1, -1)) * rng.choice(SHIFTS) for _ in range(count)]
        firsts[0] = SPARE
        apart = [firsts[later] - firsts[earlier] for earlier, later in pairs]
        meeting = [d for d in apart if 0 < abs(d) < 2 * BLOCK]
        if all(d > 0 for d in meeting) or all(d < 0 for d in meeting):
            return firsts


def run(device, kernel, array, firsts, *rest, **options):
    on_device = DeviceArray(device, array.copy())
    kernel[(1, )](*(Place(on_device, first) for first in firsts), *rest, **options, num_warps=4)
    device.synchronize()
    return on_device.fetch()


def values(rng):
    return np.array(rng.choices(range(-50, 50), k=2 * SPARE + BLOCK), np.float32)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kernel", (moved, turned), ids=("moved", "turned"))
def test_one_argument_is_read_and_one_written(device, kernel, seed):
    rng = random.Random(seed)
    a, b = places(rng, 2, [(0, 1)])
    n, reduces = rng.choice((BLOCK, BLOCK - 77)), seed % 2 == 0
    have = values(rng)
    want = have.copy()
    v = have[a:a + n]
    want[b:b + n] = v - (max(v.max(), 0 if n < BLOCK else v.max()) if reduces else 1)
    assert np.array_equal(run(device, kernel, have, (a, b), n, BLOCK=BLOCK, REDUCES=reduces), want)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kernel", (rows, columns), ids=("rows", "columns"))
def test_tiles_of_two_dims(device, kernel, seed):
    rng = random.Random(seed)
    a, b = places(rng, 2, [(0, 1)])
    width = rng.choice((64, 256))
    n, stride, reduces = rng.choice((width, width - 9)), width + rng.choice((0, 3)), seed % 2 == 0
    have = values(rng)
    want = have.copy()
    at = np.arange(BLOCK // width)[:, None] * stride + np.arange(n)[None, :]
    v = have[a + at]
    most = np.maximum(v.max(axis=1, keepdims=True), 0 if n < width else -np.inf) if reduces else 1
    want[b + at] = v - most
    assert np.array_equal(run(device, kernel, have, (a, b), n, stride, BLOCK=BLOCK, WIDTH=width, REDUCES=reduces), want)


@pytest.mark.parametrize("shift", (99 * 128 + 99, 99 * 128 + 100, 99 * 128 + 127, 50 * 128 + 3))
def test_rows_that_a_mask_lets_through(device, shift):
    have = values(random.Random(shift))
    want = have.copy()
    want[SPARE + shift:SPARE + shift + 12800] = have[SPARE:SPARE + 12800] - 1
    assert np.array_equal(run(device, first_rows, have, (SPARE, SPARE + shift), 100, WIDTH=128), want)


@pytest.mark.parametrize("shift", (1, -1, 33, -33, 4096, -4100, 16383))
@pytest.mark.parametrize("kernel, sizes", ((turned_columns, {"SIZE": 128}), (planes, {"A": 16, "B": 32, "C": 32})), ids=("turned_columns", "planes"))
def test_the_first_axis_lies_in_others(device, kernel, sizes, shift):
    have = values(random.Random(shift))
    want = have.copy()
    want[SPARE + shift:SPARE + shift + 16384] = have[SPARE:SPARE + 16384] - 1
    assert np.array_equal(run(device, kernel, have, (SPARE, SPARE + shift), **sizes), want)


@pytest.mark.parametrize("seed", range(8))
def test_two_arguments_are_read(device, seed):
    rng = random.Random(seed)
    a, b, c = places(rng, 3, [(0, 2), (1, 2)])
    n, reduces = rng.choice((BLOCK, BLOCK - 77)), seed % 2 == 0
    have = values(rng)
    want = have.copy()
    least = min(have[a:a + n].min(), 0 if n < BLOCK else np.inf) if reduces else 2
    want[c:c + n] = have[a:a + n] + have[b:b + n] * least
    assert np.array_equal(run(device, added, have, (a, b, c), n, BLOCK=BLOCK, REDUCES=reduces), want)


@pytest.mark.parametrize("seed", range(8))
def test_what_was_written_is_read(device, seed):
    rng = random.Random(seed)
    a, b, c = places(rng, 3, [(0, 1), (0, 2), (1, 2)])
    n, reduces = rng.choice((BLOCK, BLOCK - 77)), seed % 2 == 0
    have = values(rng)
    want = have.copy()
    x = have[a:a + n].copy()
    want[b:b + n] = x + (min(x.min(), 0 if n < BLOCK else np.inf) if reduces else 2)
    want[c:c + n] = want[b:b + n] - x
    assert np.array_equal(run(device, followed, have, (a, b, c), n, BLOCK=BLOCK, REDUCES=reduces), want)


@pytest.mark.parametrize("reduces", (False, True))
@pytest.mark.parametrize("types", ((np.float16, np.float32), (np.float32, np.float16)), ids=("wider", "narrower"))
def test_one_array_as_two_types(device, types, reduces):
    """Element k of one begins where element 2k of the other does."""
    read, written = (np.dtype(t) for t in types)
    v = np.array(random.Random(5).choices(range(-50, 50), k=BLOCK), read)
    start = np.zeros(2 * BLOCK, np.float32)
    start.view(read)[:BLOCK] = v
    want = start.copy()
    want.view(written)[:BLOCK] = (v.astype(np.float32) - (v.max() if reduces else 1)).astype(written)
    on_device = DeviceArray(device, start.copy())
    widened[(1, )](Place(on_device, 0, read), Place(on_device, 0, written), BLOCK, BLOCK=BLOCK, REDUCES=reduces, num_warps=4)
    device.synchronize()
    assert np.array_equal(on_device.fetch().view(np.uint32), want.view(np.uint32))


@pytest.mark.parametrize("n", (BLOCK, BLOCK - 77))
def test_two_arrays_are_exchanged(device, n):
    """Both are loaded before either is stored."""
    have = values(random.Random(3))
    want = have.copy()
    want[:n], want[SPARE:SPARE + n] = have[SPARE:SPARE + n], have[:n]
    assert np.array_equal(run(device, exchanged, have, (0, SPARE), n, BLOCK=BLOCK), want)
