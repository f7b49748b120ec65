# SPDX-License-Identifier: Apache-2.0
"""Conversions among element types, by the type of the output pointer."""
import triton
import triton.language as tl


@triton.jit
def cast_kernel(x_ptr, y_ptr, n_elements, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x.to(y_ptr.dtype.element_ty), mask=mask)


@triton.jit
def round_trip_kernel(x_ptr, y_ptr, n_elements, NARROW: tl.constexpr, ROUNDING: tl.constexpr, BLOCK: tl.constexpr):
    """To a narrow float type and back."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    narrow = x.to(NARROW, fp_downcast_rounding=ROUNDING)
    tl.store(y_ptr + offsets, narrow.to(tl.float32), mask=mask)


@triton.jit
def bits_kernel(x_ptr, y_ptr, n_elements, BLOCK: tl.constexpr):
    """Exponent of a float by its bits."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    bits = tl.load(x_ptr + offsets, mask=mask, other=1.0).to(tl.int32, bitcast=True)
    exponent = ((bits >> 23) & 0xFF) - 127
    tl.store(y_ptr + offsets, exponent, mask=mask)


@triton.jit
def quantize_kernel(x_ptr, q_ptr, scale_ptr, n_cols, BLOCK: tl.constexpr):
    """Rows to int8 with a scale each."""
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=0.0)
    absmax = tl.max(tl.abs(x), axis=0)
    scale = tl.maximum(absmax / 127.0, 1e-8)
    q = tl.floor(x / scale + 0.5)
    q = tl.clamp(q, -127.0, 127.0)
    tl.store(q_ptr + row * n_cols + cols, q.to(tl.int8), mask=mask)
    tl.store(scale_ptr + row, scale)
