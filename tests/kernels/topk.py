# SPDX-License-Identifier: Apache-2.0
"""The k largest of each row: values by tl.topk, values and places by sorting packed keys; whole rows sorted."""
import triton
import triton.language as tl


@triton.jit
def topk_kernel(x_ptr, y_ptr, n_cols, K: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n_cols + cols, mask=cols < n_cols, other=-float("inf"))
    top = tl.topk(x, K)
    tl.store(y_ptr + row * K + tl.arange(0, K), top)


@triton.jit
def sort_rows_kernel(x_ptr, y_ptr, n_cols, BLOCK: tl.constexpr, DESCENDING: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    filler = -float("inf") if DESCENDING else float("inf")
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=filler)
    x = tl.sort(x, descending=DESCENDING)
    tl.store(y_ptr + row * n_cols + cols, x, mask=mask)


@triton.jit
def _ordered_bits(x):
    # bits of a float, changed so that unsigned order is the order of the values
    bits = x.to(tl.uint32, bitcast=True)
    flip = tl.where(bits >> 31 != 0, 0xFFFFFFFF, 0x80000000).to(tl.uint32)
    return bits ^ flip


@triton.jit
def topk_index_kernel(x_ptr, value_ptr, index_ptr, n_cols, K: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=-float("inf"))
    # place in the low half, reversed so that the first of equals comes first
    key = (_ordered_bits(x).to(tl.uint64) << 32) | (BLOCK - 1 - cols).to(tl.uint64)
    key = tl.topk(key, K)
    index = BLOCK - 1 - (key & 0xFFFFFFFF).to(tl.int32)
    value = tl.load(x_ptr + row * n_cols + index)
    outs = row * K + tl.arange(0, K)
    tl.store(value_ptr + outs, value)
    tl.store(index_ptr + outs, index)
