# SPDX-License-Identifier: Apache-2.0
"""Loops, branches, early returns, tuples and compile-time helpers, as programs use them."""
import math
from enum import Enum

import triton
import triton.language as tl

TABLE_SIZE = tl.constexpr(2**4 + int(math.sqrt(256)))
LOG2E = tl.constexpr(1.0 / math.log(2.0))


class Mode(Enum):
    ADD = 0
    MULTIPLY = 1




@triton.constexpr_function
def digits(n, base=10):
    count = 0
    while n > 0:
        n //= base
        count += 1
    return max(count, 1)


@triton.constexpr_function
def largest_divisor(n, limit):
    for d in range(limit, 0, -1):
        if n % d == 0:
            return d
    return 1


@triton.jit
def binary_search_kernel(sorted_ptr, x_ptr, place_ptr, n_sorted, n_elements):
    """Lower bound of one value a program."""
    pid = tl.program_id(0)
    if pid >= n_elements:
        return
    x = tl.load(x_ptr + pid)
    low = 0
    high = n_sorted
    while low < high:
        middle = (low + high) // 2
        if tl.load(sorted_ptr + middle) < x:
            low = middle + 1
        else:
            high = middle
    tl.store(place_ptr + pid, low)


@triton.jit
def _polynomial(x, coefficients: tl.constexpr):
    result = tl.zeros_like(x)
    for i in tl.static_range(len(coefficients)):
        result = result * x + coefficients[i]
    return result


@triton.jit
def _minmax(a, b):
    return tl.minimum(a, b), tl.maximum(a, b)


@triton.jit
def helpers_kernel(x_ptr, y_ptr, n_elements, MODE: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    width: tl.constexpr = largest_divisor(BLOCK * 3, 100)
    tl.static_assert(TABLE_SIZE == 32)
    low, high = _minmax(x, x * x)
    y = _polynomial(high - low, (0.25, -1.5, 3.0))
    if MODE == 0:
        y = y + digits(BLOCK) + width
    elif MODE == 1:
        y = y * LOG2E
    else:
        tl.static_assert(False, "unknown mode")
    for i in range(3):
        if i == 1:
            y += i
        else:
            y -= 0.5 * i
    tl.store(y_ptr + offsets, y, mask=mask)


@triton.jit
def collatz_kernel(n_ptr, steps_ptr, n_elements, LIMIT: tl.constexpr, BLOCK: tl.constexpr):
    """A whole tile steps until all of it has arrived."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    n = tl.load(n_ptr + offsets, mask=mask, other=1)
    steps = tl.zeros((BLOCK,), dtype=tl.int32)
    count = 0
    while (tl.max(n, axis=0) > 1) & (count < LIMIT):
        active = n > 1
        n = tl.where(active, tl.where(n % 2 == 0, n // 2, 3 * n + 1), n)
        steps += active.to(tl.int32)
        count += 1
    tl.store(steps_ptr + offsets, steps, mask=mask)
