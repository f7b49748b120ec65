# kernels.py - small kernels of the launch tests
# SPDX-License-Identifier: Apache-2.0
import tessera
import tessera.language as tl


@tessera.jit
def add_kernel(x, y, out, n, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < n
    tl.store(out + place, tl.load(x + place, mask=inside) + tl.load(y + place, mask=inside), mask=inside)


@tessera.jit
def fill_kernel(out, value, BLOCK: tl.constexpr):
    tl.store(out + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK), value)


@tessera.jit
def scale_kernel(out, x, factor: tl.float64, BLOCK: tl.constexpr = 16):
    place = tl.arange(0, BLOCK)
    tl.store(out + place, tl.load(x + place) * factor)


@tessera.jit(do_not_specialize=["n"], do_not_specialize_on_alignment=["x"])
def plain_kernel(x, n):
    tl.store(x, n)


@tessera.jit
def grid_kernel(out):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    place = (z * tl.num_programs(1) + y) * tl.num_programs(0) + x
    tl.store(out + place, x + 100 * y + 10000 * z)


@tessera.jit
def forward_kernel(out, x):
    if x is not None:
        tl.store(out, tl.load(x))
    else:
        tl.store(out, -1)


@tessera.jit
def strided_kernel(x, out, stride, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    tl.store(out + place, tl.load(x + place * stride))
