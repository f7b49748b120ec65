# SPDX-License-Identifier: Apache-2.0
"""Dropout without a stored mask: whoever knows the seed can draw the same numbers again."""
import triton
import triton.language as tl


@triton.jit
def dropout_kernel(x_ptr, y_ptr, count, p, seed, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    survives = tl.rand(seed, place) >= p
    x = tl.load(x_ptr + place, mask=inside, other=0.0)
    tl.store(y_ptr + place, tl.where(survives, x * (1 / (1 - p)), 0.0), mask=inside)


@triton.jit
def random_kernel(uniform_ptr, normal_ptr, bits_ptr, count, seed, BLOCK: tl.constexpr):
    """Every kind of random number."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    tl.store(uniform_ptr + place, tl.rand(seed, place), mask=inside)
    tl.store(normal_ptr + place, tl.randn(seed, place), mask=inside)
    a, b, c, d = tl.randint4x(seed, place)
    tl.store(bits_ptr + place, (a ^ b ^ c ^ d).to(tl.int32, bitcast=True), mask=inside)
