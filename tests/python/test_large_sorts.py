# test_large_sorts.py - sorts of more elements than lanes hold in registers, on devices in software with lanes
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


@tessera.jit
def sorted_rows(x, out, M: tl.constexpr, N: tl.constexpr, DESCENDING: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out + at, tl.sort(tl.load(x + at), dim=1, descending=DESCENDING))


@tessera.jit
def sorted_line(x, out, BLOCK: tl.constexpr, DESCENDING: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.sort(tl.load(x + at), descending=DESCENDING))


@tessera.jit
def greatest(x, out, BLOCK: tl.constexpr, K: tl.constexpr):
    tl.store(out + tl.arange(0, K), tl.topk(tl.load(x + tl.arange(0, BLOCK)), K))


@pytest.fixture(params=("mock", "simt"), scope="module")
def device(request):
    with active(request.param) as device:
        yield device


def values(dtype, count):
    rng = np.random.default_rng(11)
    if np.dtype(dtype).kind == "i":
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, count, dtype, endpoint=True)
        x[:2] = info.min, info.max
        return x
    x = rng.normal(size=count).astype(dtype)
    x[5:8], x[100:103], x[200], x[201] = np.nan, -np.nan, np.inf, -np.inf
    return x


def run(device, kernel, x, out, **options):
    given, made = DeviceArray(device, x), DeviceArray(device, out)
    kernel[(1, )](given, made, **options)
    device.synchronize()
    return made.fetch()


def in_order(x, descending=False):
    """NaN last, both ways."""
    x = np.sort(x)
    numbers = x[x == x]
    return np.concatenate((numbers[::-1], x[x != x])) if descending else x


@pytest.mark.parametrize("descending", (False, True))
@pytest.mark.parametrize("dtype", (np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64))
def test_a_line(device, dtype, descending):
    x = values(dtype, 8192)
    got = run(device, sorted_line, x, np.zeros_like(x), BLOCK=x.size, DESCENDING=descending, num_warps=4)
    assert np.array_equal(got, in_order(x, descending), equal_nan=np.dtype(dtype).kind == "f")


@pytest.mark.parametrize("shape", ((4, 4096), (64, 256)))
def test_rows(device, shape):
    x = values(np.float32, shape[0] * shape[1]).reshape(shape)
    got = run(device, sorted_rows, x, np.zeros_like(x), M=shape[0], N=shape[1], DESCENDING=False, num_warps=8)
    assert np.array_equal(got, in_order(x), equal_nan=True)


def test_the_greatest(device):
    x = values(np.int32, 16384)
    assert np.array_equal(run(device, greatest, x, np.zeros(8, np.int32), BLOCK=x.size, K=8, num_warps=4), np.sort(x)[::-1][:8])


def test_time_grows_no_faster_than_the_tile():
    seconds = {}
    for block in (8192, 32768):
        started = time.perf_counter()
        compiled = tessera.compile(ASTSource(sorted_line, {"x": "*fp32", "out": "*fp32"}, {"BLOCK": block, "DESCENDING": False}),
                                   target=GPUTarget("cuda", 90, 32))
        seconds[block] = time.perf_counter() - started
        assert len(compiled.asm["ptx"].splitlines()) < 6000
    assert seconds[32768] < 8 * seconds[8192] + 2
