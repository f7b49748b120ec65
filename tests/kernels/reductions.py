# SPDX-License-Identifier: Apache-2.0
"""Reductions: places of the largest, user-defined combines, several results at once, groups within a row."""
import triton
import triton.language as tl


@triton.jit
def argmax_kernel(x_ptr, value_ptr, index_ptr, n_rows, n_cols, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    best = tl.full((BLOCK_M,), float("-inf"), dtype=tl.float32)
    place = tl.zeros((BLOCK_M,), dtype=tl.int32)
    for start in range(0, n_cols, BLOCK_N):
        cols = start + tl.arange(0, BLOCK_N)
        mask = (rows[:, None] < n_rows) & (cols[None, :] < n_cols)
        x = tl.load(x_ptr + rows[:, None] * n_cols + cols[None, :], mask=mask, other=-float("inf"))
        local, local_place = tl.max(x, 1, return_indices=True, return_indices_tie_break_left=True)
        better = local > best
        best = tl.where(better, local, best)
        place = tl.where(better, start + local_place, place)
    tl.store(value_ptr + rows, best, mask=rows < n_rows)
    tl.store(index_ptr + rows, place, mask=rows < n_rows)


@triton.jit
def _join_moments(n_a, mean_a, spread_a, n_b, mean_b, spread_b):
    # count, mean and sum of squared deviations of two samples together
    n = n_a + n_b
    share = tl.where(n > 0, n_b / n, 0.0)
    gap = mean_b - mean_a
    return n, mean_a + gap * share, spread_a + spread_b + gap * gap * n_a * share


@triton.jit
def moments_kernel(x_ptr, mean_ptr, var_ptr, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=0.0)
    count, mean, spread = tl.reduce((mask.to(tl.float32), x, tl.zeros_like(x)), 0, _join_moments)
    tl.store(mean_ptr + row, mean)
    tl.store(var_ptr + row, spread / count)


@triton.jit
def group_stats_kernel(x_ptr, out_ptr, GROUPS: tl.constexpr, GROUP: tl.constexpr):
    """out: for each group its sum, maximum, minimum, argmin and the parity of its negative numbers."""
    row = tl.program_id(0)
    offs = tl.arange(0, GROUPS * GROUP)
    x = tl.load(x_ptr + row * GROUPS * GROUP + offs).reshape(GROUPS, GROUP)
    group = row * GROUPS + tl.arange(0, GROUPS)
    tl.store(out_ptr + group * 5 + 0, tl.sum(x, axis=1))
    tl.store(out_ptr + group * 5 + 1, tl.max(x, axis=1))
    tl.store(out_ptr + group * 5 + 2, tl.min(x, axis=1))
    tl.store(out_ptr + group * 5 + 3, tl.argmin(x, axis=1).to(tl.float32))
    tl.store(out_ptr + group * 5 + 4, tl.xor_sum((x < 0).to(tl.int32), axis=1).to(tl.float32))


@triton.jit
def column_sum_kernel(x_ptr, out_ptr, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    """Sums of columns; programs share a column and add by atomics."""
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    cols = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    x = tl.load(x_ptr + rows[:, None] * N + cols[None, :], mask=(rows[:, None] < M) & (cols[None, :] < N), other=0.0)
    tl.atomic_add(out_ptr + cols, tl.sum(x, axis=0), mask=cols < N)
