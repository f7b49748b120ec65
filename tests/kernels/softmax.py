# SPDX-License-Identifier: Apache-2.0
"""Softmax over the rows of a matrix, one pass over memory; a persistent variant and an online one for long rows."""
import torch

import triton
import triton.language as tl
from triton.runtime import driver

DEVICE = triton.runtime.driver.active.get_active_torch_device()


@triton.jit
def softmax_kernel(output_ptr, input_ptr, input_row_stride, output_row_stride, n_rows, n_cols,
                   BLOCK_SIZE: tl.constexpr, num_stages: tl.constexpr):
    # each program takes every num_programs-th row
    row_start = tl.program_id(0)
    row_step = tl.num_programs(0)
    for row_idx in tl.range(row_start, n_rows, row_step, num_stages=num_stages):
        row_start_ptr = input_ptr + row_idx * input_row_stride
        col_offsets = tl.arange(0, BLOCK_SIZE)
        input_ptrs = row_start_ptr + col_offsets
        mask = col_offsets < n_cols
        row = tl.load(input_ptrs, mask=mask, other=-float("inf"))
        row_minus_max = row - tl.max(row, axis=0)
        numerator = tl.exp(row_minus_max)
        denominator = tl.sum(numerator, axis=0)
        softmax_output = numerator / denominator
        output_row_start_ptr = output_ptr + row_idx * output_row_stride
        tl.store(output_row_start_ptr + col_offsets, softmax_output, mask=mask)


@triton.jit
def online_softmax_kernel(out_ptr, in_ptr, M, N, TILE_N: tl.constexpr):
    # rows longer than a tile: running maximum and sum, then a second pass that writes
    pid_m = tl.program_id(0)
    m = tl.full((TILE_N,), value=float("-inf"), dtype=tl.float32)
    z = tl.zeros((TILE_N,), dtype=tl.float32)
    in_row = in_ptr + pid_m * N
    out_row = out_ptr + pid_m * N
    for start_n in range(0, N, TILE_N):
        n_offsets = start_n + tl.arange(0, TILE_N)
        inp = tl.load(in_row + n_offsets, mask=n_offsets < N, other=-float("inf")).to(tl.float32)
        m_new = tl.maximum(m, inp)
        all_neg_inf = m_new == float("-inf")
        z = tl.where(all_neg_inf, z, z * tl.exp(m - m_new) + tl.exp(inp - m_new))
        m = m_new
    final_m = tl.max(m, 0)
    z = tl.sum(tl.exp(m - final_m) * z, 0)
    for start_n in range(0, N, TILE_N):
        n_offsets = start_n + tl.arange(0, TILE_N)
        mask = n_offsets < N
        inp = tl.load(in_row + n_offsets, mask=mask, other=-float("inf"), eviction_policy="evict_first").to(tl.float32)
        o = tl.exp(inp - final_m) / z
        tl.store(out_row + n_offsets, o.to(out_ptr.dtype.element_ty), mask=mask)


properties = driver.active.utils.get_device_properties(DEVICE.index)
NUM_SM = properties["multiprocessor_count"]


def softmax(x):
    n_rows, n_cols = x.shape
    y = torch.empty_like(x)
    BLOCK_SIZE = triton.next_power_of_2(n_cols)
    softmax_kernel[(NUM_SM, 1, 1)](y, x, x.stride(0), y.stride(0), n_rows, n_cols, BLOCK_SIZE=BLOCK_SIZE, num_stages=4)
    return y
