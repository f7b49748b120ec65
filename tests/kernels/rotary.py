# SPDX-License-Identifier: Apache-2.0
"""Rotary position embedding in place: each head's two halves are the coordinates of points that turn with the position."""
import triton
import triton.language as tl


@triton.jit
def _turn(ptr, cos, sin, heads: tl.constexpr, HEAD_SLOTS: tl.constexpr, HALF: tl.constexpr, half: tl.constexpr):
    head = tl.arange(0, HEAD_SLOTS)[:, None]
    lane = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (lane < half)
    first = ptr + head * (2 * half) + lane
    second = first + half
    x = tl.load(first, mask=inside, other=0.0).to(cos.dtype)
    y = tl.load(second, mask=inside, other=0.0).to(cos.dtype)
    tl.store(first, x * cos - y * sin, mask=inside)
    tl.store(second, y * cos + x * sin, mask=inside)


@triton.jit
def rotary_kernel(q_ptr, k_ptr, cos_ptr, sin_ptr, q_stride, k_stride, table_stride, length,
                  q_heads: tl.constexpr, k_heads: tl.constexpr, head_size: tl.constexpr, INVERSE: tl.constexpr = False):
    token = tl.program_id(0).to(tl.int64)
    half: tl.constexpr = head_size // 2
    HALF: tl.constexpr = triton.next_power_of_2(half)
    lane = tl.arange(0, HALF)
    entry = (token % length) * table_stride + lane
    cos = tl.load(cos_ptr + entry, mask=lane < half, other=0.0)
    sin = tl.load(sin_ptr + entry, mask=lane < half, other=0.0)
    if INVERSE:
        sin = -sin
    _turn(q_ptr + token * q_stride, cos, sin, q_heads, triton.next_power_of_2(q_heads), HALF, half)
    _turn(k_ptr + token * k_stride, cos, sin, k_heads, triton.next_power_of_2(k_heads), HALF, half)
