# test_large_scans.py - scans of tiles that no lane can hold, on devices in software with lanes: slices that go on from each other
# SPDX-License-Identifier: Apache-2.0
import time

import numpy as np
import pytest
import tessera
import tessera.language as tl
from software_devices import active
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource
from test_devices import DeviceArray
from test_overlapping_arguments import SHIFTS, SPARE, Place

BLOCK = 32768  # 256 elements a lane of 4 warps: 8 slices
N = BLOCK - 77


@tessera.jit
def affine(a, b, c, d):  # x -> a x + b, then x -> c x + d
    return a * c, b * c + d


@tessera.jit
def later(a, i, b, j):  # the last odd number and its place: nothing is neutral
    return tl.where(b % 2 != 0, b, a), tl.where(b % 2 != 0, j, i)


@tessera.jit
def sums(x, out, n, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0)
    tl.store(out + at, tl.cumsum(v, 0, reverse=REVERSE) - v, mask=at < n)


@tessera.jit
def in_place(x, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(x + at, tl.cumsum(tl.load(x + at, mask=at < n, other=0), 0), mask=at < n)


@tessera.jit
def recurrence(x, y, out, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    a, b = tl.associative_scan((tl.load(x + at), tl.load(y + at)), 0, affine, reverse=REVERSE)
    tl.store(out + at, b)
    tl.store(x + at, a)


@tessera.jit
def last_odd(x, out, places, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v, i = tl.associative_scan((tl.load(x + at), at), 0, later, reverse=REVERSE)
    tl.store(out + at, v)
    tl.store(places + at, i)


@tessera.jit
def scanned_twice(x, out, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.cumsum(tl.cumsum(tl.load(x + at), 0) * 3 + at, 0))


@tessera.jit
def rows(x, out, M: tl.constexpr, N: tl.constexpr, AXIS: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out + at, tl.cumsum(tl.load(x + at), AXIS, reverse=REVERSE))


@tessera.jit
def rows_in_place(x, M: tl.constexpr, N: tl.constexpr, AXIS: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(x + at, tl.cumsum(tl.load(x + at), AXIS, reverse=REVERSE))


@tessera.jit
def largest_of_sums(x, out, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    s = tl.cumsum(tl.load(x + at), 0, reverse=REVERSE)
    most = tl.max(s, 0)
    tl.store(out + at, s - most)


@tessera.jit
def read_back(x, out, after, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    tl.store(out + at, tl.cumsum(v, 0))
    tl.store(after + at, tl.load(out + at) + v)


X, Y = (np.random.default_rng(5).integers(-50, 50, BLOCK).astype(np.int32) for _ in range(2))
ZERO = np.zeros(BLOCK, np.int32)
INSIDE = np.arange(BLOCK) < N


def turned(x, reverse):
    return x[..., ::-1] if reverse else x


def affines(reverse):
    a, b, out = np.int64(1), np.int64(0), []
    for c, d in zip(turned(X, reverse).tolist(), turned(Y, reverse).tolist()):
        a, b = (int(a) * c) % 2**32, (int(b) * c + d) % 2**32
        out.append((a, b))
    return [turned(np.array(v, np.int64).astype(np.uint32).view(np.int32), reverse) for v in zip(*out)]


def odd_before(reverse):
    v, i, out = None, None, []
    for at in turned(np.arange(BLOCK), reverse).tolist():
        if v is None or X[at] % 2:
            v, i = X[at], at
        out.append((v, i))
    return [turned(np.array(v, np.int32), reverse) for v in zip(*out)]


def cumsum(x, reverse, axis=0):
    return np.flip(np.flip(x, axis).cumsum(axis, dtype=np.int32), axis) if reverse else x.cumsum(axis, dtype=np.int32)


def cases():
    shape = {"BLOCK": BLOCK}
    masked = np.where(INSIDE, X, 0)
    for reverse in (False, True):
        options = shape | {"REVERSE": reverse}
        yield sums, [X, ZERO, N], options, [X, np.where(INSIDE, cumsum(masked, reverse) - masked, 0)]
        a, b = affines(reverse)
        yield recurrence, [X, Y, ZERO], options, [a, Y, b]
        yield last_odd, [X, ZERO, ZERO], options, [X, *odd_before(reverse)]
        yield largest_of_sums, [X, ZERO], options, [X, cumsum(X, reverse) - cumsum(X, reverse).max()]
        for m, n in ((256, 128), (16, 2048), (4, 8192), (8192, 4)):
            for axis in (0, 1):
                made = cumsum(X.reshape(m, n), reverse, axis).reshape(-1)
                dims = {"M": m, "N": n, "AXIS": axis, "REVERSE": reverse}
                yield rows_in_place, [X], dims, [made]
                if m != 4:  # a few long rows of two arguments are not cut
                    yield rows, [X, ZERO], dims, [X, made]
    yield in_place, [X, N], shape, [np.where(INSIDE, X.cumsum(dtype=np.int32), X)]
    yield scanned_twice, [X, ZERO], shape, [X, (X.cumsum(dtype=np.int32) * 3 + np.arange(BLOCK, dtype=np.int32)).cumsum(dtype=np.int32)]
    yield read_back, [X, ZERO, ZERO], shape, [X, X.cumsum(dtype=np.int32), X.cumsum(dtype=np.int32) + X]


CASES = list(cases())


@pytest.fixture(params=("mock", "simt", "simt-copies"), scope="module")
def device(request):
    with active(request.param) as device:
        yield device


@pytest.mark.parametrize("kernel, arguments, constants, wanted", CASES, ids=[f"{c[0].__name__}-{i}" for i, c in enumerate(CASES)])
def test_values_are_those_of_the_whole_tile(device, kernel, arguments, constants, wanted):
    given = [DeviceArray(device, a.copy()) if isinstance(a, np.ndarray) else a for a in arguments]
    compiled = kernel[(1, )](*given, **constants, num_warps=4)
    device.synchronize()
    for array, want in zip([a for a in given if isinstance(a, DeviceArray)], wanted):
        assert np.array_equal(array.fetch(), want)
    assert "scf.for" in compiled.asm["ttgir"]


@pytest.mark.parametrize("reverse", (False, True))
@pytest.mark.parametrize("shift", [sign * s for s in SHIFTS for sign in (1, -1)])
def test_arguments_that_overlap(device, shift, reverse):
    """Slices come in the order that reads each element before it is written, which may be against the scan."""
    have = np.random.default_rng(9).integers(-50, 50, 2 * SPARE + BLOCK).astype(np.int32)
    want = have.copy()
    v = have[SPARE:SPARE + N]
    want[SPARE + shift:SPARE + shift + N] = cumsum(v, reverse) - v
    array = DeviceArray(device, have.copy())
    sums[(1, )](Place(array, SPARE), Place(array, SPARE + shift), N, BLOCK=BLOCK, REVERSE=reverse, num_warps=4)
    device.synchronize()
    assert np.array_equal(array.fetch(), want)


def test_the_largest_tile_takes_no_longer():
    seconds = {}
    for block in (16384, 1 << 20):
        started = time.perf_counter()
        compiled = tessera.compile(ASTSource(sums, {"x": "*fp32", "out": "*fp32", "n": "i32"}, {"BLOCK": block, "REVERSE": False}),
                                   target=GPUTarget("cuda", 90, 32))
        seconds[block] = time.perf_counter() - started
        assert len(compiled.asm["ptx"].splitlines()) < 5000
    assert seconds[1 << 20] < 20 * seconds[16384] + 2
