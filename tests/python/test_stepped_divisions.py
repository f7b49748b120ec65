# test_stepped_divisions.py - quotients and remainders that a loop steps are those of a division, for divisors of either sign
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera.runtime.driver import DeviceDriver, driver
from test_devices import DeviceArray

TRIPS = 37


@tessera.jit
def blocks(quotients, remainders, next_remainders, by, STEP: tl.constexpr, BASE: tl.constexpr, TRIPS: tl.constexpr):
    for k in range(BASE, BASE + TRIPS):
        at = k - BASE
        tl.store(quotients + at, k * STEP // by)
        tl.store(remainders + at, (k * STEP) % by)
        tl.store(next_remainders + at, (k + 1) % by)


@tessera.jit
def loads(x, out, by, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    total = tl.zeros([BLOCK], tl.float32)
    for k in range(0, tl.cdiv(n, BLOCK)):
        block = k * BLOCK // by
        total += tl.load(x + k * BLOCK + at, mask=k * BLOCK + at < n, other=0.0) * tl.load(x + block)
    tl.store(out + at, total)


def truncated(x, by):
    q = np.sign(by) * (x // abs(by))
    return q, x - q * by


@pytest.fixture(scope="module", params=["cpu", "mock"])
def device(request):
    driver.set_active(DeviceDriver(request.param))
    yield driver.active
    driver.reset_active()


@pytest.mark.parametrize("step, base", [(1, 0), (128, 3), (7, 5)])
@pytest.mark.parametrize("by", [1, 2, 3, 5, 128, 129, 1000, 2**31 - 1, -1, -2, -3, -127, -2**31])
def test_scalars(device, by, step, base):
    arrays = [DeviceArray(device.device, np.full(TRIPS, -77, np.int32)) for _ in range(3)]
    compiled = blocks[(1, )](*arrays, by, STEP=step, BASE=base, TRIPS=TRIPS)
    device.device.synchronize()
    k = np.arange(base, base + TRIPS, dtype=np.int64)
    q, r = truncated(k * step, by)
    for array, want in zip(arrays, (q, r, truncated(k + 1, by)[1])):
        assert np.array_equal(array.fetch(), want)
    if by != 1 and "ttgir" in compiled.asm:  # 1 is a constant of the kernel
        loop = compiled.asm["ttgir"].split("scf.for")[1]
        assert "arith.divsi" not in loop and "arith.remsi" not in loop


def test_loads_that_run_ahead(device):
    n, by = 1000, 96
    x = np.random.default_rng(3).integers(-4, 5, 1024).astype(np.float32)
    given = DeviceArray(device.device, x)
    out = DeviceArray(device.device, np.zeros(32, np.float32))
    loads[(1, )](given, out, by, n, BLOCK=32)
    device.device.synchronize()
    inside = np.where(np.arange(1024) < n, x, 0).reshape(32, 32)
    assert np.array_equal(out.fetch(), (inside * x[np.arange(32) * 32 // by][:, None]).sum(0))
