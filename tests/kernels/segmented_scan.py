# SPDX-License-Identifier: Apache-2.0
"""Scans with a combine function over tuples: sums that begin anew at flags, a linear recurrence, running maxima."""
import triton
import triton.language as tl


@triton.jit
def _segmented_add(flag_a, value_a, flag_b, value_b):
    return flag_a | flag_b, tl.where(flag_b != 0, value_b, value_a + value_b)


@triton.jit
def segmented_scan_kernel(x_ptr, flag_ptr, y_ptr, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=0.0)
    flag = tl.load(flag_ptr + row * n_cols + cols, mask=mask, other=1)
    _, y = tl.associative_scan((flag, x), 0, _segmented_add)
    tl.store(y_ptr + row * n_cols + cols, y, mask=mask)


@triton.jit
def _first_order(a0, b0, a1, b1):
    return a0 * a1, b0 * a1 + b1


@triton.jit
def recurrence_kernel(gate_ptr, x_ptr, h_ptr, T, D, BLOCK_T: tl.constexpr, BLOCK_D: tl.constexpr):
    """h[t] = gate[t] * h[t - 1] + x[t], by columns, in chunks of BLOCK_T."""
    cols = tl.program_id(0) * BLOCK_D + tl.arange(0, BLOCK_D)
    carry = tl.zeros((BLOCK_D,), dtype=tl.float32)
    for start in range(0, T, BLOCK_T):
        rows = start + tl.arange(0, BLOCK_T)
        offs = rows[:, None] * D + cols[None, :]
        mask = (rows[:, None] < T) & (cols[None, :] < D)
        g = tl.load(gate_ptr + offs, mask=mask, other=1.0)
        x = tl.load(x_ptr + offs, mask=mask, other=0.0)
        g_acc, h = tl.associative_scan((g, x), axis=0, combine_fn=_first_order)
        h += g_acc * carry[None, :]
        tl.store(h_ptr + offs, h, mask=mask)
        last = tl.arange(0, BLOCK_T)[:, None] == BLOCK_T - 1
        carry = tl.sum(tl.where(last, h, 0.0), axis=0)


@triton.jit
def cumulative_kernel(x_ptr, sum_ptr, reverse_ptr, prod_ptr, BLOCK: tl.constexpr):
    offs = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offs)
    tl.store(sum_ptr + offs, tl.cumsum(x, 0))
    tl.store(reverse_ptr + offs, tl.cumsum(x, axis=0, reverse=True))
    tl.store(prod_ptr + offs, tl.cumprod(1 + x * 0.01, axis=0))
