# SPDX-License-Identifier: Apache-2.0
"""RMS norm by rows, forward and backward; where the arithmetic is rounded to the input's type is chosen at compile time."""
import triton
import triton.language as tl
from triton.language.math import rsqrt

ROUND_NEVER: tl.constexpr = tl.constexpr(0)
ROUND_NORMALISED: tl.constexpr = tl.constexpr(1)


@triton.jit
def rms_norm_forward(x_ptr, y_ptr, weight_ptr, rstd_ptr, x_stride, y_stride, cols, eps, shift,
                     ROUNDING: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, BLOCK_SIZE)
    inside = lane < cols
    x = tl.load(x_ptr + row * x_stride + lane, mask=inside, other=0)
    wide = x.to(tl.float32)
    rstd = rsqrt(tl.sum(wide * wide, axis=0) / cols + eps)
    normal = wide * rstd
    if ROUNDING == ROUND_NORMALISED:
        normal = normal.to(x.dtype)
    weight = tl.load(weight_ptr + lane, mask=inside, other=0)
    tl.store(y_ptr + row * y_stride + lane, (normal * (weight + shift)).to(y_ptr.dtype.element_ty), mask=inside)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def rms_norm_backward(dy_ptr, x_ptr, weight_ptr, rstd_ptr, dx_ptr, dw_ptr, stride, rows, cols, shift, share, BLOCK_SIZE: tl.constexpr):
    """A program takes `share` rows and writes one row of dw, which the host adds up."""
    program = tl.program_id(0)
    lane = tl.arange(0, BLOCK_SIZE)
    inside = lane < cols
    weight = tl.load(weight_ptr + lane, mask=inside, other=0.0) + shift
    dw = tl.zeros_like(weight)
    for row in range(program * share, min(program * share + share, rows)):
        at = row * stride + lane
        dy = tl.load(dy_ptr + at, mask=inside, other=0.0).to(tl.float32)
        x = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
        rstd = tl.load(rstd_ptr + row)
        normal = x * rstd
        pull = dy * weight
        tl.store(dx_ptr + at, rstd * (pull - normal * (tl.sum(pull * normal) / cols)), mask=inside)
        dw += dy * normal
    tl.store(dw_ptr + program * cols + lane, dw, mask=inside)
