# SPDX-License-Identifier: Apache-2.0
"""Dropout that keeps no mask: the random bits come again from the seed."""
import triton
import triton.language as tl


@triton.jit
def _seeded_dropout(x_ptr, output_ptr, n_elements, p, seed, BLOCK_SIZE: tl.constexpr):
    pid = tl.program_id(axis=0)
    block_start = pid * BLOCK_SIZE
    offsets = block_start + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    random = tl.rand(seed, offsets)
    x_keep = random > p
    output = tl.where(x_keep, x / (1 - p), 0.0)
    tl.store(output_ptr + offsets, output, mask=mask)


@triton.jit
def random_kernel(u_ptr, n_ptr, i_ptr, n_elements, seed, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    tl.store(u_ptr + offsets, tl.rand(seed, offsets), mask=mask)
    tl.store(n_ptr + offsets, tl.randn(seed, offsets), mask=mask)
    i0, i1, i2, i3 = tl.randint4x(seed, offsets)
    tl.store(i_ptr + offsets, (i0 ^ i1 ^ i2 ^ i3).to(tl.int32, bitcast=True), mask=mask)
