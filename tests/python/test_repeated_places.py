# test_repeated_places.py - tiles that are stored where they were loaded, moved or with elements that share a place
# SPDX-License-Identifier: Apache-2.0
#
# A loop over the elements loads some before others are loaded and after some are stored. What a program means is what NumPy does step by step: all of a
# tile is loaded, then all of it is stored.
import numpy as np
import pytest
import tessera
import tessera.language as tl
from software_devices import active
from tessera.runtime.driver import DeviceDriver, driver
from test_devices import DeviceArray

SIZES = (16, 64, 1024)


@tessera.jit
def transposed(x, N: tl.constexpr):
    at = x + tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(at, tl.trans(tl.load(at)))


@tessera.jit
def halves(x, N: tl.constexpr):
    at = x + tl.arange(0, N)
    even, odd = tl.split(tl.reshape(tl.load(at), [N // 2, 2]))
    tl.store(at, tl.reshape(tl.permute(tl.join(even, odd), (1, 0)), [N]))


@tessera.jit
def remainder(x, N: tl.constexpr):
    at = x + tl.arange(0, N) % 4
    tl.store(at, tl.load(at) + 1)


@tessera.jit
def indexed(x, index, N: tl.constexpr):
    at = x + tl.load(index + tl.arange(0, N))
    tl.store(at, tl.load(at) + 1)


@tessera.jit
def stepped(x, step, N: tl.constexpr):
    at = x + tl.arange(0, N) * step
    tl.store(at, tl.load(at) + 1)


@tessera.jit
def rows(x, y, stride, n, N: tl.constexpr):
    column = tl.arange(0, N)
    at = tl.arange(0, N)[:, None] * stride + column[None, :]
    inside = (column < n)[None, :]
    tl.store(y + at, tl.load(x + at, mask=inside) * 2, mask=inside)


@tessera.jit
def rows_of_one(x, stride, n, N: tl.constexpr):
    column = tl.arange(0, N)
    at = x + tl.arange(0, N)[:, None] * stride + column[None, :]
    inside = (column < n)[None, :]
    tl.store(at, tl.load(at, mask=inside) * 2, mask=inside)


@tessera.jit
def carried(x, steps, N: tl.constexpr, STRIDE: tl.constexpr):
    at = x + tl.arange(0, N)[:, None] * STRIDE + tl.arange(0, N)[None, :]
    total = tl.zeros([N, N], tl.float32)
    for _ in range(steps):
        found = tl.load(at)
        tl.store(at, total)
        total += found
        at += N * STRIDE


@pytest.fixture(autouse=True)
def cpu():
    driver.set_active(DeviceDriver("cpu"))
    yield
    driver.reset_active()


@pytest.mark.parametrize("n", SIZES)
def test_elements_move_in_place(n):
    side = min(n, 64)
    x = np.arange(side * side, dtype=np.float32)
    wanted = x.reshape(side, side).T.reshape(-1).copy()
    transposed[(1, )](x, N=side)
    assert np.array_equal(x, wanted)
    x = np.arange(n, dtype=np.float32)
    halves[(1, )](x, N=n)
    assert np.array_equal(x, np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)]))


@pytest.mark.parametrize("n", SIZES)
def test_elements_share_places(n):
    x = np.arange(4, dtype=np.float32)
    remainder[(1, )](x, N=n)
    assert np.array_equal(x, np.arange(4) + 1)
    index = np.random.default_rng(n).integers(0, 8, n).astype(np.int32)
    x = np.arange(8, dtype=np.float32)
    indexed[(1, )](x, index, N=n)
    assert np.array_equal(x, np.arange(8) + np.isin(np.arange(8), index))
    for step in (0, 1, 3):
        x = np.zeros(3 * n, np.float32)
        stepped[(1, )](x, step, N=n)
        assert np.array_equal(x, np.isin(np.arange(3 * n), np.arange(n) * step))


@pytest.mark.parametrize("stride", (0, 1, 3, 15, 16, 31, 32, 40, -1, -16, -40))
@pytest.mark.parametrize("n", (5, 16, 32))
def test_rows_that_lie_in_each_other(stride, n):
    first = 31 * 40
    places = np.unique(first + np.arange(32)[:, None] * stride + np.arange(n))
    wanted = np.arange(4000, dtype=np.float32)
    wanted[places] *= 2
    x, y = np.arange(4000, dtype=np.float32), np.arange(4000, dtype=np.float32)
    rows_of_one[(1, )](x[first:], stride, n, N=32)
    rows[(1, )](y[first:], y[first:], stride, n, N=32)
    assert np.array_equal(x, wanted) and np.array_equal(y, wanted)


@pytest.mark.parametrize("stride", (1, 8, 16, 20))
def test_addresses_that_a_loop_carries(stride):
    x = np.random.default_rng(stride).integers(-9, 9, 2000).astype(np.float32)
    wanted, total = x.copy(), np.zeros((16, 16), np.float32)
    for step in range(3):
        places = (step * 16 + np.arange(16)[:, None]) * stride + np.arange(16)
        found = wanted[places]
        wanted[places] = total
        total = total + found
    carried[(1, )](x, 3, N=16, STRIDE=stride)
    assert np.array_equal(x, wanted)


# ---- lanes: a warp must not store what another one has yet to load; the mock device says so whichever comes first ----------------------------------


@tessera.jit
def turned(x, y, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(y + N - 1 - i, tl.load(x + i))


@tessera.jit
def stored_then_loaded(x, y, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x + i, 2 * tl.load(x + i))
    tl.store(y + i, tl.load(x + (i ^ 33) % N))


@tessera.jit
def stored_twice(x, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x + i, i.to(tl.float32))
    tl.store(x + N - 1 - i, i.to(tl.float32))


@tessera.jit
def counted(x, y, N: tl.constexpr):
    count = tl.load(x)
    tl.store(x, count + 1)
    tl.store(y + tl.arange(0, N), count + tl.arange(0, N))


@tessera.jit
def rows_in_turn(x, n, step, N: tl.constexpr):
    for row in range(n):
        at = x + row * step + tl.arange(0, N)
        tl.store(at, tl.load(at) + 1)


@pytest.fixture(params=("mock", "simt"))
def device(request):
    with active(request.param) as found:
        yield found


def run(device, kernel, *arguments, warps, **constants):
    """The arrays afterwards."""
    arrays = {id(a): DeviceArray(device, a.copy()) for a in arguments if isinstance(a, np.ndarray)}
    kernel[(1, )](*(arrays.get(id(a), a) for a in arguments), **constants, num_warps=warps)
    device.synchronize()
    return [array.fetch() for array in arrays.values()]


@pytest.mark.parametrize("warps", (1, 4, 8))
@pytest.mark.parametrize("n", (16, 64, 128))
def test_elements_move_between_lanes(device, n, warps):
    side = min(n, 64)
    square, line = np.arange(side * side, dtype=np.float32), np.arange(n, dtype=np.float32)
    assert np.array_equal(run(device, transposed, square, N=side, warps=warps)[0], square.reshape(side, side).T.reshape(-1))
    assert np.array_equal(run(device, halves, line, N=n, warps=warps)[0], np.concatenate([line[::2], line[1::2]]))
    assert np.array_equal(run(device, turned, line, line, N=n, warps=warps)[0], line[::-1])
    other = np.zeros(n, np.float32)
    x, y = run(device, stored_then_loaded, line, other, N=n, warps=warps)
    assert np.array_equal(x, 2 * line) and np.array_equal(y, 2 * line[(np.arange(n) ^ 33) % n])
    assert np.array_equal(run(device, stored_twice, other, N=n, warps=warps)[0], line[::-1])
    x, y = run(device, counted, np.full(1, 5, np.float32), other, N=n, warps=warps)
    assert x[0] == 6 and np.array_equal(y, 5 + line)


@pytest.mark.parametrize("warps", (1, 4))
@pytest.mark.parametrize("n", (16, 256))
def test_lanes_share_places(device, n, warps):
    assert np.array_equal(run(device, remainder, np.arange(4, dtype=np.float32), N=n, warps=warps)[0], np.arange(4) + 1)
    index = np.random.default_rng(n).integers(0, 8, n).astype(np.int32)
    found = run(device, indexed, np.arange(8, dtype=np.float32), index, N=n, warps=warps)[0]
    assert np.array_equal(found, np.arange(8) + np.isin(np.arange(8), index))
    for step in (1, n // 2, n):
        wanted = np.zeros(8 * n, np.float32)
        for row in range(5):
            wanted[row * step:row * step + n] += 1
        assert np.array_equal(run(device, rows_in_turn, np.zeros(8 * n, np.float32), 5, step, N=n, warps=warps)[0], wanted)


# ---- loads ahead: not of what an earlier iteration has yet to store -----------------------------------------------------------------------------


@tessera.jit
def ahead(x, n, N: tl.constexpr, STEP: tl.constexpr):
    for k in tl.range(0, n, num_stages=3):
        at = x + k * STEP + tl.arange(0, N)
        tl.store(at, tl.load(at) + 1)


@tessera.jit
def products(x, w, n, N: tl.constexpr, STEP: tl.constexpr):
    i = tl.arange(0, N)
    weights = tl.load(w + i[:, None] * N + i[None, :])
    for k in range(n):
        at = x + k * STEP + i[:, None] * N + i[None, :]
        tl.store(at, tl.dot(tl.load(at), weights).to(tl.float16))


@pytest.mark.parametrize("step", (0, 64, 256, 512, 1024))
def test_loops_load_what_they_have_stored(device, step):
    wanted = np.arange(8192, dtype=np.float32)
    for k in range(5):
        wanted[k * step:k * step + 256] += 1
    assert np.array_equal(run(device, ahead, np.arange(8192, dtype=np.float32), 5, N=256, STEP=step, warps=4)[0], wanted)
    x = np.random.default_rng(step).integers(-3, 3, 8192).astype(np.float16)
    moved, wanted = np.eye(32, k=1, dtype=np.float16), x.copy()
    for k in range(5):
        wanted[k * step:k * step + 1024] = (wanted[k * step:k * step + 1024].reshape(32, 32) @ moved).reshape(-1)
    assert np.array_equal(run(device, products, x, moved, 5, N=32, STEP=step, warps=4)[0], wanted)
