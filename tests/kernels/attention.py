# SPDX-License-Identifier: Apache-2.0
"""Attention forward. Each program owns a block of queries and walks over the keys once, keeping for every query the
largest score so far, the mass of all weights and the weighted sum of values. Scores are in base two."""
import triton
import triton.language as tl

LOG2_E: tl.constexpr = tl.constexpr(1.4426950408889634)
NEVER: tl.constexpr = tl.constexpr(-1.0e30)


@triton.jit
def _visit_keys(state, q, k_ptr, v_ptr, k_row, v_row, first, last, keys, query, scale,
                HEAD: tl.constexpr, BLOCK_N: tl.constexpr, DIAGONAL: tl.constexpr):
    """Keys first … last - 1; DIAGONAL: a query sees no later key."""
    peak, mass, total = state
    d = tl.arange(0, HEAD)
    for begin in tl.range(first, last, BLOCK_N):
        begin = tl.multiple_of(begin, BLOCK_N)
        key = begin + tl.arange(0, BLOCK_N)
        exists = key < keys
        k = tl.load(k_ptr + key[:, None] * k_row + d[None, :], mask=exists[:, None], other=0.0)
        score = tl.dot(q, tl.trans(k)) * scale
        visible = exists[None, :]
        if DIAGONAL:
            visible = visible & (query[:, None] >= key[None, :])
        score = tl.where(visible, score, NEVER)
        higher = tl.maximum(peak, tl.max(score, axis=1))
        weight = tl.exp2(score - higher[:, None])
        fade = tl.exp2(peak - higher)
        v = tl.load(v_ptr + key[:, None] * v_row + d[None, :], mask=exists[:, None], other=0.0)
        mass = mass * fade + tl.sum(weight, axis=1)
        total = tl.dot(weight.to(v.dtype), v, total * fade[:, None])
        peak = higher
    return peak, mass, total


@triton.jit
def attention_forward(q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr, scale, heads, queries, keys,
                      q_batch, q_head, q_row, k_batch, k_head, k_row, v_batch, v_head, v_row, o_batch, o_head, o_row,
                      CAUSAL: tl.constexpr, HEAD: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    tl.static_assert(HEAD >= 16, "heads are at least 16 wide")
    tl.static_assert(not CAUSAL or BLOCK_M % BLOCK_N == 0)
    block = tl.program_id(0)
    batch = (tl.program_id(1) // heads).to(tl.int64)
    head = (tl.program_id(1) % heads).to(tl.int64)
    k_ptr += batch * k_batch + head * k_head
    v_ptr += batch * v_batch + head * v_head
    query = block * BLOCK_M + tl.arange(0, BLOCK_M)
    d = tl.arange(0, HEAD)
    exists = query < queries
    q = tl.load(q_ptr + batch * q_batch + head * q_head + query[:, None] * q_row + d[None, :], mask=exists[:, None], other=0.0)

    scale = scale * LOG2_E
    state = (tl.full((BLOCK_M,), NEVER, tl.float32), tl.zeros((BLOCK_M,), tl.float32), tl.zeros((BLOCK_M, HEAD), tl.float32))
    if CAUSAL:
        # whole blocks of earlier keys without a mask, then the block on the diagonal
        border = block * BLOCK_M
        state = _visit_keys(state, q, k_ptr, v_ptr, k_row, v_row, 0, border, keys, query, scale, HEAD, BLOCK_N, False)
        end = min(border + BLOCK_M, keys)
        state = _visit_keys(state, q, k_ptr, v_ptr, k_row, v_row, border, end, keys, query, scale, HEAD, BLOCK_N, True)
    else:
        state = _visit_keys(state, q, k_ptr, v_ptr, k_row, v_row, 0, keys, keys, query, scale, HEAD, BLOCK_N, False)
    peak, mass, total = state

    result = total / mass[:, None]
    tl.store(out_ptr + batch * o_batch + head * o_head + query[:, None] * o_row + d[None, :],
             result.to(out_ptr.type.element_ty), mask=exists[:, None])
    tl.store(lse_ptr + tl.program_id(1) * queries + query, (peak + tl.log2(mass)) / LOG2_E, mask=exists)
