# attention.py - rows of attention, forward and backward
# SPDX-License-Identifier: Apache-2.0
import math

import torch
import triton
from kernels import attention

from .case import Case, Row

LOG2_E = 1.4426950408889634


def _inputs(world, batch, heads, length, head):
    q, k, v = (world.normal(batch, heads, length, head, dtype=torch.float16) for _ in range(3))
    return q, k, v, torch.empty_like(q), world.empty(batch, heads, length, dtype=torch.float32)


def _forward(q, k, v, out, lse, causal):
    batch, heads, length, head = q.shape
    return attention.attention_forward[lambda meta: (length // meta["BM"], batch * heads)](
        q, k, v, out, lse, LOG2_E / math.sqrt(head), length, HEAD=head, CAUSAL=causal)


def _judged(length):
    """The heads that are compared in float64: as many as fit in a second."""
    return slice(0, 4 if length <= 4096 else 2)


def _exact(q, k, v, causal):
    score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        length = score.shape[-1]
        score = score.masked_fill(torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1), float("-inf"))
    return torch.softmax(score, dim=-1) @ v


def _library(function):
    """Through one back end of PyTorch's, by its name."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def by(backend):
        def call():
            with sdpa_kernel(backend):
                return function()
        return call

    return {"cudnn": by(SDPBackend.CUDNN_ATTENTION), "flash": by(SDPBackend.FLASH_ATTENTION)}


def forward(world, batch, heads, length, head, causal):
    q, k, v, out, lse = _inputs(world, batch, heads, length, head)
    some = _judged(length)

    def reference():
        parts = [_exact(q[0, h].double(), k[0, h].double(), v[0, h].double(), causal) for h in range(*some.indices(heads))]
        return ((0, some), torch.stack(parts)), None

    return Case(lambda: _forward(q, k, v, out, lse, causal), (out, lse), reference, 2e-3,
                _library(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)), (attention.attention_forward,))


def backward(world, batch, heads, length, head, causal):
    q, k, v, out, lse = _inputs(world, batch, heads, length, head)
    dout = world.normal(batch, heads, length, head, dtype=torch.float16)
    dq, dk, dv = (torch.empty_like(q) for _ in range(3))
    delta = world.empty(batch, heads, length, dtype=torch.float32)
    scale, some = LOG2_E / math.sqrt(head), _judged(length)
    ready = []

    def run():
        if not ready:
            ready.append(_forward(q, k, v, out, lse, causal))
        attention.attention_delta[(batch * heads * length // 32,)](out, dout, delta, HEAD=head, ROWS=32)
        kernel = attention.attention_backward_keys[lambda meta: (length // meta["BN"], batch * heads)](
            q, k, v, dout, lse, delta, dk, dv, scale, 1 / math.sqrt(head), length, HEAD=head, CAUSAL=causal)
        attention.attention_backward_queries[lambda meta: (length // meta["BM"], batch * heads)](
            q, k, v, dout, lse, delta, dq, scale, 1 / math.sqrt(head), length, HEAD=head, CAUSAL=causal)
        return kernel

    def reference():
        gradients = []
        for h in range(*some.indices(heads)):
            wide = [x[0, h].double().requires_grad_() for x in (q, k, v)]
            _exact(*wide, causal).backward(dout[0, h].double())
            gradients.append([x.grad for x in wide])
        return tuple(((0, some), torch.stack(one)) for one in zip(*gradients))

    kept = []

    def library():
        if not kept:
            leaves = [x.detach().clone().requires_grad_() for x in (q, k, v)]
            kept.append((torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=causal), leaves))
        result, leaves = kept[0]
        return torch.autograd.grad(result, leaves, dout, retain_graph=True)

    return Case(run, (dq, dk, dv), reference, 5e-3, {"cudnn": _library(library)["cudnn"]},
                (attention.attention_backward_keys, attention.attention_backward_queries))


def rows():
    table = []
    for head in (64, 128):
        for length, batch in ((4096, 4), (16384, 1)):
            for causal in (False, True):
                sizes = {"batch": batch, "heads": 32, "length": length, "head": head, "causal": causal}
                small = {"batch": 1, "heads": 2, "length": 256, "head": head, "causal": causal}

                def operations(batch, heads, length, head, causal, matrices=2):
                    return 2 * matrices * batch * heads * length * length * head * (0.5 if causal else 1)

                mask = "causal" if causal else "full"
                table.append(Row(f"attention forward hd{head} {length} {mask}", forward, sizes, small, "TFLOP/s", operations))
                if causal:
                    table.append(Row(f"attention backward hd{head} {length} {mask}", backward, sizes, small, "TFLOP/s",
                                     lambda **s: operations(**s, matrices=5), {"triton": 1.0} if head == 64 else {},
                                     300.0 if head == 128 else None))
    return table
