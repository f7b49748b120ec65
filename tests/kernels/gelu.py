# SPDX-License-Identifier: Apache-2.0
"""GELU: exact by erf, and the tanh approximation; its backward pass too."""
import triton
import triton.language as tl

try:
    # newer releases
    from triton.language.extra.libdevice import tanh
except ModuleNotFoundError:
    from triton.language.extra.cuda.libdevice import tanh


@triton.jit
def gelu_none(x):
    scale: tl.constexpr = 0.7071067811865476  # 1 / sqrt(2)
    return 0.5 * x * (1 + tl.erf(x * scale))


@triton.jit
def gelu_tanh(x):
    sqrt_2_over_pi = 0.7978845608028654  # sqrt(2 / pi)
    x_cubed = x * x * x
    return 0.5 * x * (1 + tanh(sqrt_2_over_pi * (x + 0.044715 * x_cubed)))


@triton.jit
def gelu_kernel(x_ptr, y_ptr, n_elements, APPROXIMATE: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0).to(tl.float32)
    if APPROXIMATE == "tanh":
        y = gelu_tanh(x)
    else:
        y = gelu_none(x)
    tl.store(y_ptr + offsets, y.to(y_ptr.dtype.element_ty), mask=mask)


@triton.jit
def gelu_backward_kernel(dy_ptr, x_ptr, dx_ptr, n_elements, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0).to(tl.float32)
    dy = tl.load(dy_ptr + offsets, mask=mask, other=0).to(tl.float32)
    cdf = 0.5 * (1 + tl.erf(x * 0.7071067811865476))
    pdf = 0.3989422804014327 * tl.exp(-0.5 * x * x)
    tl.store(dx_ptr + offsets, dy * (cdf + x * pdf), mask=mask)
