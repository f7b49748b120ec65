# SPDX-License-Identifier: Apache-2.0
"""Softmax by rows. Short rows are one tile and several rows share a program; long rows go by in pieces, twice."""
import torch

import triton
import triton.language as tl

CORES = triton.runtime.driver.active.utils.get_device_properties(torch.cuda.current_device())["multiprocessor_count"]


@triton.jit
def softmax_kernel(x_ptr, y_ptr, x_stride, y_stride, rows, cols, BLOCK_SIZE: tl.constexpr, STAGES: tl.constexpr = 2):
    lane = tl.arange(0, BLOCK_SIZE)
    inside = lane < cols
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=STAGES):
        logits = tl.load(x_ptr + row * x_stride + lane, mask=inside, other=float("-inf"))
        weights = tl.exp(logits - tl.max(logits, axis=0))
        tl.store(y_ptr + row * y_stride + lane, weights / tl.sum(weights, axis=0), mask=inside)


@triton.jit
def _merge(peak, mass, piece):
    # what a running (maximum, sum of exponentials) becomes with another piece of the row
    higher = tl.maximum(peak, tl.max(piece, axis=0))
    return higher, mass * tl.exp(peak - higher) + tl.sum(tl.exp(piece - higher), axis=0)


@triton.jit
def softmax_long_rows_kernel(x_ptr, y_ptr, cols, PIECE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x_ptr += row * cols
    y_ptr += row * cols
    lane = tl.arange(0, PIECE)
    peak = float("-inf")
    mass = 0.0
    for begin in range(0, cols, PIECE):
        piece = tl.load(x_ptr + begin + lane, mask=begin + lane < cols, other=float("-inf"))
        peak, mass = _merge(peak, mass, piece.to(tl.float32))
    scale = 1.0 / mass
    for begin in range(0, cols, PIECE):
        inside = begin + lane < cols
        piece = tl.load(x_ptr + begin + lane, mask=inside, other=float("-inf"), eviction_policy="evict_first")
        share = tl.exp(piece.to(tl.float32) - peak) * scale
        tl.store(y_ptr + begin + lane, share.to(y_ptr.dtype.element_ty), mask=inside)


def softmax(x):
    y = torch.empty_like(x)
    softmax_kernel[(4 * CORES,)](x, y, x.stride(0), y.stride(0), *x.shape, BLOCK_SIZE=triton.next_power_of_2(x.shape[1]))
    return y
