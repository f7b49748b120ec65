# SPDX-License-Identifier: Apache-2.0
"""GELU, by the error function and by its approximation with tanh; and the derivative of the exact form."""
import math

import triton
import triton.language as tl

try:
    from triton.language.extra.libdevice import tanh
except ImportError:  # where older releases keep it
    from triton.language.extra.cuda.libdevice import tanh

HALF_SQRT2 = tl.constexpr(math.sqrt(0.5))
CURVE = tl.constexpr(math.sqrt(2 / math.pi))


@triton.jit
def exact(x):
    return x * (0.5 + 0.5 * tl.erf(x * HALF_SQRT2))


@triton.jit
def approximate(x):
    return x * (0.5 + 0.5 * tanh(CURVE * x * (1.0 + 0.044715 * x * x)))


@triton.jit
def gelu_kernel(x_ptr, y_ptr, count, FORM: tl.constexpr, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + place, mask=place < count, other=0).to(tl.float32)
    tl.store(y_ptr + place, FORM(x).to(y_ptr.dtype.element_ty), mask=place < count)


@triton.jit
def gelu_backward_kernel(dy_ptr, x_ptr, dx_ptr, count, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    x = tl.load(x_ptr + place, mask=inside, other=0).to(tl.float32)
    below = 0.5 + 0.5 * tl.erf(x * HALF_SQRT2)
    bell = tl.exp(x * x * -0.5) * (0.5 * CURVE)
    tl.store(dx_ptr + place, tl.load(dy_ptr + place, mask=inside, other=0) * (below + x * bell), mask=inside)
