# test_overlap_shapes.py - views of one array whose tiles meet in shapes of all kinds, on the CPU, against NumPy
# SPDX-License-Identifier: Apache-2.0
#
# A program means what NumPy does step by step: every load sees memory as the stores before it left it. A kernel here and its model differ in nothing else.
import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera.runtime.driver import DeviceDriver, driver

N = 32
SIZE = 3 * N * N
SHIFTS = (0, 1, -1, 2, 7, -8, 9, 16, 17, -31, N, -N, N + 1, 2 * N - 1, 100, N * N - 1, -N * N)


@pytest.fixture(autouse=True)
def cpu():
    driver.set_active(DeviceDriver("cpu"))
    yield
    driver.reset_active()


@tessera.jit
def one_range_twice(a, b, n, WHERE: tl.constexpr, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    below = r < n
    inside = below[:, None] if WHERE == 0 else below[None, :] if WHERE == 1 else below[:, None] & below[None, :]
    tl.store(b + at, tl.load(a + at, mask=inside) * 2, mask=inside)


@tessera.jit
def other_axis(a, b, n, N: tl.constexpr):
    """The mask limits the range of the rows, but where it lies along the columns."""
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    inside = tl.trans((r < n)[:, None] & (r >= 0)[None, :])
    tl.store(b + at, tl.load(a + at, mask=inside) + 5, mask=inside)


@tessera.jit(do_not_specialize=["n"])
def unsigned_limit(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    inside = (r.to(tl.uint32) < n.to(tl.uint32))[:, None]
    tl.store(b + at, tl.load(a + at, mask=inside) + 5, mask=inside)


@tessera.jit
def by_row(a, b, n, STRIDE: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, N)[:, None] * STRIDE + tl.arange(0, N)[None, :]
    inside = (tl.arange(0, N) < n)[:, None]
    tl.store(b + at, tl.load(a + at, mask=inside) - 3, mask=inside)


@tessera.jit
def called_stride(a, b, n, stride, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * stride + r[None, :]
    inside = (r < n)[:, None]
    tl.store(b + at, tl.load(a + at, mask=inside) - 3, mask=inside)


@tessera.jit
def reversed_columns(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    to, at = r[:, None] * N + r[None, :], r[:, None] * N + (N - 1 - r)[None, :]
    inside = (r < n)[:, None]
    tl.store(b + to, tl.load(a + at, mask=inside), mask=inside)


@tessera.jit
def spread(a, b, n, FROM: tl.constexpr, TO: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, N * N // 4)
    tl.store(b + at * TO, tl.load(a + at * FROM, mask=at < n) + 1, mask=at < n)


@tessera.jit
def transposed(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    at, to = r[:, None] * N + r[None, :], r[:, None] + r[None, :] * N
    inside = (r < n)[:, None]
    tl.store(b + to, tl.load(a + at, mask=inside), mask=inside)


@tessera.jit
def cube(a, b, n, AXIS: tl.constexpr, N: tl.constexpr):
    r = tl.arange(0, 8)
    at = r[:, None, None] * 64 + r[None, :, None] * 8 + r[None, None, :]
    below = r < n
    inside = below[:, None, None] if AXIS == 0 else below[None, :, None] if AXIS == 1 else below[None, None, :]
    tl.store(b + at, tl.load(a + at, mask=inside) * 3, mask=inside)


@tessera.jit
def reshaped(a, b, n, N: tl.constexpr):
    r = tl.arange(0, 64)
    at = tl.reshape(r, [8, 8])
    inside = tl.reshape(r < n, [8, 8])
    tl.store(b + at, tl.load(a + at, mask=inside) * 3, mask=inside)


@tessera.jit
def carried(a, b, n, steps, N: tl.constexpr):
    r = tl.arange(0, N)
    source, target = a + r[:, None] * N + r[None, :], b + r[:, None] * N + r[None, :]
    for step in range(steps):
        inside = (r < n - step)[:, None]
        tl.store(target, tl.load(source, mask=inside) + 1, mask=inside)
        source += 3
        target += N


@tessera.jit
def three_places(a, b, n, N: tl.constexpr):
    at = tl.arange(0, N * N)
    inside = at < n
    tl.store(b + at, tl.load(a + at, mask=inside) + tl.load(a + at + 1, mask=inside) - tl.load(b + at + N, mask=inside), mask=inside)


@tessera.jit
def with_rows_sum(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    inside = (r < n)[:, None]
    v = tl.load(a + at, mask=inside, other=0)
    tl.store(b + at, v - tl.sum(v, axis=1)[:, None], mask=inside)


@tessera.jit
def two_stores(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    inside = (r < n)[:, None]
    v = tl.load(a + at, mask=inside)
    tl.store(b + at, v + 1, mask=inside)
    tl.store(a + at, v * 2, mask=inside)


@tessera.jit
def typed(a, b, n, N: tl.constexpr):
    r = tl.arange(0, N)
    at = r[:, None] * N + r[None, :]
    inside = (r < n)[:, None]
    tl.store(b + at, tl.load(a + at, mask=inside).to(b.dtype.element_ty), mask=inside)


class Memory:
    """One array; loads and stores of whole tiles from a first element on."""

    def __init__(self, words):
        self.words = words.copy()

    def load(self, first, at, inside=True, other=0):
        inside = np.broadcast_to(inside, at.shape)
        return np.where(inside, self.words[np.where(inside, first + at, 0)], other)

    def store(self, first, at, values, inside=True):
        inside = np.broadcast_to(inside, at.shape)
        self.words[(first + at)[inside]] = np.broadcast_to(values, at.shape)[inside]


R = np.arange(N)
SQUARE = R[:, None] * N + R


def square(m, a, b, inside, change, to=SQUARE, at=SQUARE):
    m.store(b, to, change(m.load(a, at, inside)), inside)


def model_carried(m, a, b, n, steps):
    for step in range(steps):
        square(m, a + 3 * step, b + N * step, (R < n - step)[:, None], lambda v: v + 1)


def model_three_places(m, a, b, n):
    at = np.arange(N * N)
    m.store(b, at, m.load(a, at, at < n) + m.load(a, at + 1, at < n) - m.load(b, at + N, at < n), at < n)


def model_two_stores(m, a, b, n):
    v = m.load(a, SQUARE, (R < n)[:, None])
    m.store(b, SQUARE, v + 1, (R < n)[:, None])
    m.store(a, SQUARE, v * 2, (R < n)[:, None])


def model_cube(axis):
    r = np.arange(8)
    at = r[:, None, None] * 64 + r[:, None] * 8 + r
    below = lambda n: np.expand_dims(r < n, tuple({0, 1, 2} - {axis}))
    return lambda m, a, b, n: m.store(b, at, m.load(a, at, below(n)) * 3, below(n))


def rows_of(n):
    return (R < n)[:, None]


def model_spread(step, wide):
    at = np.arange(N * N // 4)
    return lambda m, a, b, n: m.store(b, at * wide, m.load(a, at * step, at < n) + 1, at < n)


def model_by_row(stride):
    at = R[:, None] * stride + R
    return lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v - 3, at, at)


def model_reshaped(m, a, b, n):
    at = np.arange(64).reshape(8, 8)
    m.store(b, at, m.load(a, at, at < n) * 3, at < n)


CASES = {
    "mask on the rows": (one_range_twice, dict(WHERE=0), (), lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v * 2)),
    "mask on the columns": (one_range_twice, dict(WHERE=1), (), lambda m, a, b, n: square(m, a, b, R < n, lambda v: v * 2)),
    "mask on both": (one_range_twice, dict(WHERE=2), (), lambda m, a, b, n: square(m, a, b, rows_of(n) & (R < n), lambda v: v * 2)),
    "mask transposed": (other_axis, {}, (), lambda m, a, b, n: square(m, a, b, R < n, lambda v: v + 5)),
    "unsigned limit": (unsigned_limit, {}, (), lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v + 5)),
    "wide rows": (by_row, dict(STRIDE=N + 5), (), model_by_row(N + 5)),
    "rows backwards": (by_row, dict(STRIDE=-N), (), model_by_row(-N)),
    "stride of the call": (called_stride, {}, (N + 3, ), model_by_row(N + 3)),
    "negative stride of the call": (called_stride, {}, (-N - 1, ), model_by_row(-N - 1)),
    "columns reversed": (reversed_columns, {}, (), lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v, SQUARE, R[:, None] * N + R[::-1])),
    "every second to all": (spread, dict(FROM=2, TO=1), (), model_spread(2, 1)),
    "all to every third": (spread, dict(FROM=1, TO=3), (), model_spread(1, 3)),
    "backwards": (spread, dict(FROM=1, TO=-1), (), model_spread(1, -1)),
    "transposed": (transposed, {}, (), lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v, SQUARE.T)),
    "cube, first axis": (cube, dict(AXIS=0), (), model_cube(0)),
    "cube, second axis": (cube, dict(AXIS=1), (), model_cube(1)),
    "cube, third axis": (cube, dict(AXIS=2), (), model_cube(2)),
    "reshaped": (reshaped, {}, (), model_reshaped),
    "pointers that a loop carries": (carried, {}, (4, ), lambda m, a, b, n: model_carried(m, a, b, n, 4)),
    "loads at three places": (three_places, {}, (), model_three_places),
    "sums of rows": (with_rows_sum, {}, (), lambda m, a, b, n: square(m, a, b, rows_of(n), lambda v: v - v.sum(axis=1, keepdims=True))),
    "two stores": (two_stores, {}, (), model_two_stores),
}


@pytest.mark.parametrize("n", (1, 5, N))
@pytest.mark.parametrize("name", CASES)
def test_views_of_one_array(name, n):
    kernel, options, rest, model = CASES[name]
    start = np.random.default_rng(n).integers(-99, 99, 3 * SIZE).astype(np.int32)
    for shift in SHIFTS:
        a, b = SIZE, SIZE + shift
        memory, x = Memory(start), start.copy()
        model(memory, a, b, n)
        kernel[(1, )](x[a:], x[b:], n, *rest, N=N, **options)
        differing = np.flatnonzero(x != memory.words)
        assert not differing.size, f"shift {shift}: {differing.size} elements from {differing[0]} on"


@pytest.mark.parametrize("types", (("int8", "int32"), ("int32", "int8"), ("int16", "float32"), ("float32", "float64"), ("float64", "int16"), ("int16", "int16")), ids="-".join)
@pytest.mark.parametrize("n", (1, 5, N))
def test_two_types_on_the_same_bytes(types, n):
    """b begins some bytes behind a, or before it."""
    read, written = (np.dtype(t) for t in types)
    start = np.random.default_rng(n).integers(-99, 99, 40000 // read.itemsize).astype(read).view(np.int8)
    start = np.resize(start, 40000)
    for shift in (0, 8, -8, 16, 64, -64, 8 * N, 8 * N * N // 2):
        a, b = 16000, 16000 + shift
        inside = np.broadcast_to(rows_of(n), SQUARE.shape)
        want, x = start.copy(), start.copy()
        values = want[a:a + N * N * read.itemsize].view(read)[SQUARE][inside].astype(written)
        want[b:b + N * N * written.itemsize].view(written)[SQUARE[inside]] = values
        typed[(1, )](x[a:a + N * N * read.itemsize].view(read), x[b:b + N * N * written.itemsize].view(written), n, N=N)
        assert np.array_equal(x, want), shift
