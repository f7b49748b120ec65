# attention.py - attention, forward and backward, by plain pointers
# SPDX-License-Identifier: Apache-2.0
"""Tensors are contiguous (heads of all batches, LENGTH, HEAD); LENGTH is a multiple of every block. Scores are in base two;
`lse` is the logarithm, base two, of the mass of a query's weights."""
import triton
import triton.language as tl


def _configs(choices):
    return [triton.Config({"BM": bm, "BN": bn}, num_warps=warps, num_stages=stages) for bm, bn, warps, stages in choices]


# BM is a multiple of BN in the forward pass: its diagonal starts at a border of blocks of keys.
FORWARD = _configs(((128, 128, 8, 2), (128, 128, 8, 3), (128, 64, 8, 3), (128, 64, 4, 3), (128, 64, 8, 4), (128, 32, 4, 4),
                    (64, 64, 4, 3), (64, 32, 4, 4)))
# Backward by keys: BN keys a program, BM queries a step; by queries: BM queries a program, BN keys a step.
BACKWARD_KEYS = _configs(((32, 128, 4, 4), (32, 128, 4, 3), (64, 128, 8, 2), (64, 128, 8, 3), (64, 64, 4, 3), (128, 128, 8, 2)))
BACKWARD_QUERIES = _configs(((128, 32, 4, 4), (128, 32, 4, 3), (128, 64, 8, 2), (128, 64, 8, 3), (64, 64, 4, 3), (128, 128, 8, 2)))


@triton.jit
def _visit(q, k_ptr, v_ptr, peak, mass, total, first, last, query, scale, HEAD: tl.constexpr, BN: tl.constexpr, DIAGONAL: tl.constexpr):
    d = tl.arange(0, HEAD)
    for begin in tl.range(first, last, BN):
        begin = tl.multiple_of(begin, BN)
        key = begin + tl.arange(0, BN)
        k = tl.load(k_ptr + d[:, None] + key[None, :] * HEAD)
        score = tl.dot(q, k)
        if DIAGONAL:
            score = score * scale + tl.where(query[:, None] >= key[None, :], 0.0, -1.0e6)
            higher = tl.maximum(peak, tl.max(score, axis=1))
            score -= higher[:, None]
        else:
            higher = tl.maximum(peak, tl.max(score, axis=1) * scale)
            score = score * scale - higher[:, None]
        weight = tl.exp2(score)
        fade = tl.exp2(peak - higher)
        total = total * fade[:, None]
        v = tl.load(v_ptr + key[:, None] * HEAD + d[None, :])
        total = tl.dot(weight.to(v.dtype), v, total)
        mass = mass * fade + tl.sum(weight, axis=1)
        peak = higher
    return peak, mass, total


@triton.autotune(configs=FORWARD, key=["LENGTH", "HEAD", "CAUSAL"])
@triton.jit
def attention_forward(q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr, scale, LENGTH, HEAD: tl.constexpr, CAUSAL: tl.constexpr,
                      BM: tl.constexpr, BN: tl.constexpr):
    """Grid: (blocks of queries, heads of all batches). `scale` has the factor of base two in it."""
    block = tl.program_id(0)
    head = tl.program_id(1).to(tl.int64) * LENGTH * HEAD
    k_ptr += head
    v_ptr += head
    query = block * BM + tl.arange(0, BM)
    place = query[:, None] * HEAD + tl.arange(0, HEAD)[None, :]
    q = tl.load(q_ptr + head + place)
    peak = tl.full((BM,), float("-inf"), tl.float32)
    mass = tl.zeros((BM,), tl.float32)
    total = tl.zeros((BM, HEAD), tl.float32)
    if CAUSAL:
        border = block * BM
        peak, mass, total = _visit(q, k_ptr, v_ptr, peak, mass, total, 0, border, query, scale, HEAD, BN, False)
        peak, mass, total = _visit(q, k_ptr, v_ptr, peak, mass, total, border, border + BM, query, scale, HEAD, BN, True)
    else:
        peak, mass, total = _visit(q, k_ptr, v_ptr, peak, mass, total, 0, LENGTH, query, scale, HEAD, BN, False)
    tl.store(out_ptr + head + place, (total / mass[:, None]).to(out_ptr.dtype.element_ty))
    tl.store(lse_ptr + tl.program_id(1) * LENGTH + query, peak + tl.log2(mass))


@triton.jit
def attention_delta(out_ptr, dout_ptr, delta_ptr, HEAD: tl.constexpr, ROWS: tl.constexpr):
    """delta = sum over the head of out * dout."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    place = row[:, None] * HEAD + tl.arange(0, HEAD)[None, :]
    out = tl.load(out_ptr + place).to(tl.float32)
    dout = tl.load(dout_ptr + place).to(tl.float32)
    tl.store(delta_ptr + row, tl.sum(out * dout, axis=1))


@triton.jit
def _keys_step(k, v, dk, dv, q_ptr, dout_ptr, lse_ptr, delta_ptr, first, last, key, scale, HEAD: tl.constexpr, BM: tl.constexpr,
               DIAGONAL: tl.constexpr):
    d = tl.arange(0, HEAD)
    for begin in tl.range(first, last, BM):
        begin = tl.multiple_of(begin, BM)
        query = begin + tl.arange(0, BM)
        q_t = tl.load(q_ptr + d[:, None] + query[None, :] * HEAD)
        lse = tl.load(lse_ptr + query)
        weight = tl.exp2(tl.dot(k, q_t) * scale - lse[None, :])
        if DIAGONAL:
            weight = tl.where(query[None, :] >= key[:, None], weight, 0.0)
        dout = tl.load(dout_ptr + query[:, None] * HEAD + d[None, :])
        dv = tl.dot(weight.to(dout.dtype), dout, dv)
        delta = tl.load(delta_ptr + query)
        dscore = weight * (tl.dot(v, tl.trans(dout)) - delta[None, :])
        dk = tl.dot(dscore.to(q_t.dtype), tl.trans(q_t), dk)
    return dk, dv


@triton.autotune(configs=BACKWARD_KEYS, key=["LENGTH", "HEAD", "CAUSAL"])
@triton.jit
def attention_backward_keys(q_ptr, k_ptr, v_ptr, dout_ptr, lse_ptr, delta_ptr, dk_ptr, dv_ptr, scale, natural, LENGTH,
                            HEAD: tl.constexpr, CAUSAL: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    """Grid: (blocks of keys, heads of all batches). `natural`: the scale without the factor of base two."""
    block = tl.program_id(0)
    head = tl.program_id(1).to(tl.int64) * LENGTH * HEAD
    rows = tl.program_id(1).to(tl.int64) * LENGTH
    q_ptr += head
    dout_ptr += head
    lse_ptr += rows
    delta_ptr += rows
    key = block * BN + tl.arange(0, BN)
    place = key[:, None] * HEAD + tl.arange(0, HEAD)[None, :]
    k = tl.load(k_ptr + head + place)
    v = tl.load(v_ptr + head + place)
    dk = tl.zeros((BN, HEAD), tl.float32)
    dv = tl.zeros((BN, HEAD), tl.float32)
    if CAUSAL:
        border = block * BN
        dk, dv = _keys_step(k, v, dk, dv, q_ptr, dout_ptr, lse_ptr, delta_ptr, border, border + BN, key, scale, HEAD, BM, True)
        dk, dv = _keys_step(k, v, dk, dv, q_ptr, dout_ptr, lse_ptr, delta_ptr, border + BN, LENGTH, key, scale, HEAD, BM, False)
    else:
        dk, dv = _keys_step(k, v, dk, dv, q_ptr, dout_ptr, lse_ptr, delta_ptr, 0, LENGTH, key, scale, HEAD, BM, False)
    tl.store(dv_ptr + head + place, dv.to(dv_ptr.dtype.element_ty))
    tl.store(dk_ptr + head + place, (dk * natural).to(dk_ptr.dtype.element_ty))


@triton.jit
def _queries_step(q, dout, lse, delta, dq, k_ptr, v_ptr, first, last, query, scale, HEAD: tl.constexpr, BN: tl.constexpr,
                  DIAGONAL: tl.constexpr):
    d = tl.arange(0, HEAD)
    for begin in tl.range(first, last, BN):
        begin = tl.multiple_of(begin, BN)
        key = begin + tl.arange(0, BN)
        k_t = tl.load(k_ptr + d[:, None] + key[None, :] * HEAD)
        v_t = tl.load(v_ptr + d[:, None] + key[None, :] * HEAD)
        weight = tl.exp2(tl.dot(q, k_t) * scale - lse[:, None])
        if DIAGONAL:
            weight = tl.where(query[:, None] >= key[None, :], weight, 0.0)
        dscore = weight * (tl.dot(dout, v_t) - delta[:, None])
        dq = tl.dot(dscore.to(k_t.dtype), tl.trans(k_t), dq)
    return dq


@triton.autotune(configs=BACKWARD_QUERIES, key=["LENGTH", "HEAD", "CAUSAL"])
@triton.jit
def attention_backward_queries(q_ptr, k_ptr, v_ptr, dout_ptr, lse_ptr, delta_ptr, dq_ptr, scale, natural, LENGTH,
                               HEAD: tl.constexpr, CAUSAL: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    """Grid: (blocks of queries, heads of all batches)."""
    block = tl.program_id(0)
    head = tl.program_id(1).to(tl.int64) * LENGTH * HEAD
    rows = tl.program_id(1).to(tl.int64) * LENGTH
    k_ptr += head
    v_ptr += head
    query = block * BM + tl.arange(0, BM)
    place = query[:, None] * HEAD + tl.arange(0, HEAD)[None, :]
    q = tl.load(q_ptr + head + place)
    dout = tl.load(dout_ptr + head + place)
    lse = tl.load(lse_ptr + rows + query)
    delta = tl.load(delta_ptr + rows + query)
    dq = tl.zeros((BM, HEAD), tl.float32)
    if CAUSAL:
        border = block * BM
        dq = _queries_step(q, dout, lse, delta, dq, k_ptr, v_ptr, 0, border, query, scale, HEAD, BN, False)
        dq = _queries_step(q, dout, lse, delta, dq, k_ptr, v_ptr, border, border + BM, query, scale, HEAD, BN, True)
    else:
        dq = _queries_step(q, dout, lse, delta, dq, k_ptr, v_ptr, 0, LENGTH, query, scale, HEAD, BN, False)
    tl.store(dq_ptr + head + place, (dq * natural).to(dq_ptr.dtype.element_ty))
