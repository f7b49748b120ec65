# SPDX-License-Identifier: Apache-2.0
"""SwiGLU, silu(gate) * value; the backward pass writes both gradients over its inputs."""
import triton
import triton.language as tl


@triton.jit
def swiglu_forward(gate_ptr, value_ptr, out_ptr, row_stride, cols: tl.constexpr):
    BLOCK: tl.constexpr = triton.next_power_of_2(cols)
    lane = tl.arange(0, BLOCK)
    at = tl.program_id(0).to(tl.int64) * row_stride + lane
    gate = tl.load(gate_ptr + at, mask=lane < cols, other=0).to(tl.float32)
    value = tl.load(value_ptr + at, mask=lane < cols, other=0)
    tl.store(out_ptr + at, (gate * tl.sigmoid(gate)).cast(value.dtype) * value, mask=lane < cols)


@triton.jit
def swiglu_backward(dout_ptr, gate_ptr, value_ptr, row_stride, cols: tl.constexpr):
    BLOCK: tl.constexpr = triton.next_power_of_2(cols)
    lane = tl.arange(0, BLOCK)
    inside = lane < cols
    at = tl.program_id(0).to(tl.int64) * row_stride + lane
    dout = tl.load(dout_ptr + at, mask=inside, other=0).to(tl.float32)
    gate = tl.load(gate_ptr + at, mask=inside, other=0).to(tl.float32)
    value = tl.load(value_ptr + at, mask=inside, other=0).to(tl.float32)
    open_part = 1.0 / (1.0 + tl.exp(-gate))
    slope = open_part * (1.0 + gate * (1.0 - open_part))
    tl.store(gate_ptr + at, dout * value * slope, mask=inside)
    tl.store(value_ptr + at, dout * gate * open_part, mask=inside)
