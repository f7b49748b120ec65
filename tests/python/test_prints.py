# test_prints.py - lines of device_print: every element of a tile once, from whichever lane and register holds it
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import tessera
import tessera.language as tl

from software_devices import active
from test_devices import DeviceArray


@tessera.jit
def telling(x, N: tl.constexpr):
    i = tl.arange(0, N)
    v = tl.load(x + i)
    tl.device_print("v", v)
    tl.device_print("pair", tl.reshape(v, [4, N // 4]), tl.reshape(v > 3, [N // 4, 4]))
    tl.device_print("few", tl.arange(0, 4)[:, None] + tl.zeros([4, 2], tl.int16))
    tl.device_print("bits", v.to(tl.bfloat16), hex=True)
    if tl.program_id(0) == 1:
        tl.device_print("wide", i.to(tl.int64) - (1 << 40))


def expected(n):
    """The lines, in no order: a prefix, an index in a shape, a value."""
    bits = np.arange(n, dtype=np.float32).view(np.uint32)
    bits = bits + 0x7fff + (bits >> 16 & 1) >> 16

    def line(program, prefix, shape, index, value):
        at = ", ".join(f"{i:{len(str(s - 1))}}" for i, s in zip(index, shape))
        return f"pid ({program}, 0, 0) idx ({at}) {prefix}: {value}"

    for program in (0, 1):
        for i in range(n):
            yield line(program, "v", (n, ), (i, ), f"{i:f}")
            yield line(program, "pair", (4, n // 4), divmod(i, n // 4), f"(operand 0) {i:f}")
            yield line(program, "pair", (n // 4, 4), divmod(i, 4), f"(operand 1) {int(i > 3)}")
            yield line(program, "bits", (n, ), (i, ), f"0x{bits[i]:04x}")
        for i in range(8):
            yield line(program, "few", (4, 2), divmod(i, 2), i // 2)
    for i in range(n):
        yield line(1, "wide", (n, ), (i, ), i - (1 << 40))


@pytest.mark.parametrize("warps", (1, 4))
@pytest.mark.parametrize("name", ("cpu", "mock", "simt"))
def test_every_element_is_printed_once(name, warps, capfd):
    n = 512
    with active(name) as device:
        x = np.arange(n, dtype=np.float32)
        telling[(2, )](x if name == "cpu" else DeviceArray(device, x), N=n, num_warps=warps)
        device.synchronize()
    assert sorted(capfd.readouterr().out.splitlines()) == sorted(expected(n))
