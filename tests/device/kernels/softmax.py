# softmax.py - softmax of rows that fit in one tile
# SPDX-License-Identifier: Apache-2.0
"""A program takes every num_programs-th row, so that the next row's loads overlap this row's arithmetic."""
import triton
import triton.language as tl


@triton.jit
def softmax_rows(x_ptr, y_ptr, x_row, y_row, rows, cols, BLOCK: tl.constexpr, STAGES: tl.constexpr):
    lane = tl.arange(0, BLOCK)
    inside = lane < cols
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=STAGES):
        x = tl.load(x_ptr + row * x_row + lane, mask=inside, other=float("-inf"))
        weight = tl.exp(x - tl.max(x, axis=0))
        tl.store(y_ptr + row * y_row + lane, weight / tl.sum(weight, axis=0), mask=inside)
