#!/usr/bin/env python3
# ptx.py - what kernels become for NVIDIA architectures: instructions that must and must not be there, and that they assemble
# SPDX-License-Identifier: Apache-2.0
"""usage: ptx.py TESSERA; prints one line a check that failed and `N passed, N failed`."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

KERNELS = '''
import triton
import triton.language as tl


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)


@triton.jit
def gated_tile(x, out, row, rows, columns, M: tl.constexpr, N: tl.constexpr):
    m = tl.program_id(0) * M + tl.arange(0, M)
    n = tl.program_id(1) * N + tl.arange(0, N)
    inside = (n < columns)[None, :] & (m < rows)[:, None]
    gate = tl.load(x + m[:, None] * row + n[None, :], mask=inside, other=0.0).to(tl.float32)
    up = tl.load(x + m[:, None] * row + (n[None, :] + columns), mask=inside, other=0.0)
    tl.store(out + m[:, None] * columns + n[None, :], up * (gate / (1 + tl.exp(-gate))).to(tl.float16), mask=inside)


@triton.jit
def softmax(out, x, stride, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    v = tl.load(x + row * stride + at, mask=at < cols, other=-float("inf"))
    e = tl.exp(v - tl.max(v, axis=0))
    tl.store(out + row * stride + at, e / tl.sum(e, axis=0), mask=at < cols)


@triton.jit
def sum_of_products(x, y, out, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out, tl.sum(tl.load(x + at) * tl.load(y + at)))


@triton.jit
def matmul(a, b, c, K, a_row, b_row, c_row, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, PRECISION: tl.constexpr,
           ADDED: tl.constexpr = False, LIMIT: tl.constexpr = None, ALONG: tl.constexpr = False):
    row = tl.program_id(0) * M + tl.arange(0, M)
    column = tl.program_id(1) * N + tl.arange(0, N)
    k = tl.arange(0, STEP)
    left = a + row[:, None] * a_row + k[None, :]
    right = b + k[:, None] + column[None, :] * b_row if ALONG else b + k[:, None] * b_row + column[None, :]
    total = tl.zeros((M, N), tl.float32)
    for i in range(0, K, STEP):
        if ADDED:
            total += tl.dot(tl.load(left), tl.load(right), input_precision=PRECISION)
        else:
            total = tl.dot(tl.load(left), tl.load(right), total, max_num_imprecise_acc=LIMIT, input_precision=PRECISION)
        left += STEP
        right += STEP if ALONG else STEP * b_row
    tl.store(c + row[:, None] * c_row + column[None, :], total)


@triton.jit
def attention(q, k, v, out, n, scale, M: tl.constexpr, N: tl.constexpr, D: tl.constexpr):
    row = tl.program_id(0) * M + tl.arange(0, M)
    d = tl.arange(0, D)
    queries = tl.load(q + row[:, None] * D + d[None, :])
    peak = tl.full((M,), float("-inf"), tl.float32)
    total = tl.zeros((M, D), tl.float32)
    for start in range(0, n, N):
        key = start + tl.arange(0, N)
        score = tl.dot(queries, tl.load(k + d[:, None] + key[None, :] * D))
        higher = tl.maximum(peak, tl.max(score, axis=1) * scale)
        weight = tl.exp2(score * scale - higher[:, None])
        total = total * tl.exp2(peak - higher)[:, None]
        total = tl.dot(weight.to(tl.float16), tl.load(v + key[:, None] * D + d[None, :]), total)
        peak = higher
    tl.store(out + row[:, None] * D + d[None, :], total)


@triton.jit
def states(k, v, g, out, T, H: tl.constexpr):
    """The states of a linear attention: a product a chunk, decayed by row, and the sum before it stored. The row's numbers are named again in the loop."""
    row = tl.arange(0, 64)
    column = tl.arange(0, 64)
    state = tl.zeros((64, 64), tl.float32)
    for i in range(T):
        step = i * 64 + tl.arange(0, 64)
        tl.store(out + i * 4096 + row[:, None] * 64 + column[None, :], state.to(tl.bfloat16))
        row = tl.arange(0, 64)
        keys = tl.load(k + row[:, None] + step[None, :] * H)
        values = tl.load(v + step[:, None] * H + column[None, :])
        state *= tl.exp2(tl.load(g + i * 64 + row) - 1.0)[:, None]
        state += tl.dot(keys, values)
    tl.store(out + T * 4096 + row[:, None] * 64 + column[None, :], state.to(tl.bfloat16))


@triton.jit
def mixed(a, scale, b, c, K, M: tl.constexpr, STEP: tl.constexpr):
    at = tl.arange(0, M)
    k = tl.arange(0, STEP)
    total = tl.zeros((M, M), tl.float32)
    for i in range(0, K, STEP):
        left = tl.load(a + at[:, None] * K + i + k[None, :]) * tl.load(scale + at[:, None] * K + i + k[None, :])
        total = tl.dot(left.to(tl.bfloat16), tl.load(b + (i + k[:, None]) * M + at[None, :]), total)
    tl.store(c + at[:, None] * M + at[None, :], total)


@triton.jit
def powers(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.exp2(tl.load(x + at)))


@triton.jit
def rows_by_rows(a, b, c, K, a_row, b_row, c_row, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, LIMIT: tl.constexpr, NARROW: tl.constexpr,
                 PRECISION: tl.constexpr = None):
    row = tl.program_id(0) * M + tl.arange(0, M)
    column = tl.program_id(1) * N + tl.arange(0, N)
    k = tl.arange(0, STEP)
    left = a + row[:, None] * a_row + k[None, :]
    right = b + k[:, None] + column[None, :] * b_row
    kind: tl.constexpr = tl.float16 if NARROW else tl.float32
    total = tl.zeros((M, N), kind)
    for i in range(0, K, STEP):
        total = tl.dot(tl.load(left), tl.load(right), total, max_num_imprecise_acc=LIMIT, out_dtype=kind, input_precision=PRECISION)
        left += STEP
        right += STEP
    tl.store(c + row[:, None] * c_row + column[None, :], total)


@triton.jit
def scaled(out, a, a_scale, b, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, A: tl.constexpr, B: tl.constexpr):
    row, column = tl.arange(0, M), tl.arange(0, N)
    bytes_of_k: tl.constexpr = K // 2 if A == "e2m1" else K
    left = tl.load(a + row[:, None] * bytes_of_k + tl.arange(0, bytes_of_k)[None, :])
    right = tl.load(b + tl.arange(0, K)[:, None] * N + column[None, :])
    scale = tl.load(a_scale + row[:, None] * (K // 32) + tl.arange(0, K // 32)[None, :])
    product = tl.dot_scaled(left, scale, A, right, None, B)
    tl.store(out + row[:, None] * N + column[None, :], product.to(tl.bfloat16))


@triton.jit
def descriptors(a, b, c, M, N, K, STAGES: tl.constexpr, ROLES: tl.constexpr = False):
    left = tl.make_tensor_descriptor(a, [M, K], [K, 1], [128, 64])
    right = tl.make_tensor_descriptor(b, [K, N], [N, 1], [64, 128])
    out = tl.make_tensor_descriptor(c, [M, N], [N, 1], [128, 128])
    row, column = tl.program_id(0) * 128, tl.program_id(1) * 128
    total = tl.zeros((128, 128), tl.float32)
    for k in tl.range(0, K, 64, num_stages=STAGES, warp_specialize=ROLES):
        total = tl.dot(left.load([row, k]), right.load([k, column]), total)
    out.store([row, column], total.to(tl.float16))


@triton.jit
def batched(a, b, c, M, N, K, a_row, b_row, a_batch, b_batch):
    batch = tl.program_id(1)
    row = (tl.program_id(0) * 128 + tl.arange(0, 128)) % M
    column = tl.arange(0, 128)
    k = tl.arange(0, 64)
    left = a + batch * a_batch + row[:, None] * a_row + k[None, :]
    right = b + batch * b_batch + k[:, None] * b_row + column[None, :] % N
    total = tl.zeros((128, 128), tl.float32)
    for i in range(0, tl.cdiv(K, 64)):
        total = tl.dot(tl.load(left, mask=k[None, :] < K - i * 64, other=0.0), tl.load(right, mask=k[:, None] < K - i * 64, other=0.0), total)
        left += 64
        right += 64 * b_row
    row = tl.program_id(0) * 128 + tl.arange(0, 128)
    tl.store(c + (batch * M + row)[:, None] * N + column[None, :], total.to(tl.float16), mask=(row < M)[:, None] & (column < N)[None, :])


@triton.jit
def persistent(a, b, c, M, N, K, ROLES: tl.constexpr):
    left = tl.make_tensor_descriptor(a, [M, K], [K, 1], [128, 64])
    right = tl.make_tensor_descriptor(b, [K, N], [N, 1], [64, 128])
    out = tl.make_tensor_descriptor(c, [M, N], [N, 1], [128, 128])
    for tile in tl.range(tl.program_id(0), tl.cdiv(M, 128) * tl.cdiv(N, 128), tl.num_programs(0), warp_specialize=ROLES):
        row, column = tile % tl.cdiv(M, 128) * 128, tile // tl.cdiv(M, 128) * 128
        total = tl.zeros((128, 128), tl.float32)
        for k in range(0, K, 64):
            total = tl.dot(left.load([row, k]), right.load([k, column]), total)
        out.store([row, column], total.to(tl.float16))


@triton.jit
def described(q, k, v, o, n, scale, M: tl.constexpr, CAUSAL: tl.constexpr = False, ROLES: tl.constexpr = False):
    row = tl.program_id(1) * n + tl.program_id(0) * M
    x = q.load([row, 0])
    peak = tl.full((M,), float("-inf"), tl.float32)
    mass = tl.zeros((M,), tl.float32)
    total = tl.zeros((M, 128), tl.float32)
    for part in tl.static_range(2 if CAUSAL else 1):
        begin = tl.program_id(0) * 128 if part else 0
        for at in tl.range(begin, begin + 128 if part else n, 128, warp_specialize=ROLES):
            score = tl.dot(x, k.load([at, 0]).T) * scale
            if part:
                score = tl.where(tl.arange(0, M)[:, None] >= tl.arange(0, 128)[None, :], score, -1.0e6)
            higher = tl.maximum(peak, tl.max(score, axis=1))
            weight = tl.exp2(score - higher[:, None])
            fade = tl.exp2(peak - higher)
            total = tl.dot(weight.to(tl.float16), v.load([at, 0]), total * fade[:, None])
            mass = mass * fade + tl.sum(weight, axis=1)
            peak = higher
    o.store([row, 0], (total / mass[:, None]).to(tl.float16))


@triton.jit
def computed(x, y, M, K):
    rows = max(M, 0)
    d = tl.make_tensor_descriptor(x + 64, [(rows + 3) // 4, tl.cdiv(K, 2)], [K, 1], [32, 32])
    e = tl.make_tensor_descriptor(x, [M % 7, rows % 5], [K * 2, 1], [32, 32])
    f = tl.make_tensor_descriptor(x, [rows >> 1, min(M, 100) << 1], [K & -16, 1], [32, 32])
    out = tl.make_tensor_descriptor(y, [M, K], [K, 1], [32, 32])
    out.store([0, 0], d.load([0, 0]) + e.load([3, 8]) + f.load([5, 16]))


@triton.jit
def window(x, y, row, LEAST: tl.constexpr = 0):
    tl.assume(row >= LEAST)
    y.store([row, 32], x.load([row, 0]) + 1)


@triton.jit
def counts(out, x, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n, other=0)
    tl.atomic_add(out + v, 1, mask=at < n)
    tl.atomic_max(out, tl.max(v, axis=0))


@triton.jit
def assembly(out, x, BLOCK: tl.constexpr, TEXT: tl.constexpr, CONSTRAINTS: tl.constexpr, PACK: tl.constexpr, PURE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    y = tl.inline_asm_elementwise(TEXT, CONSTRAINTS, [tl.load(x + at)], dtype=tl.int8, is_pure=PURE, pack=PACK)
    tl.store(out + at, y)


@triton.jit
def unpack(low, high, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    pair = tl.inline_asm_elementwise("mov.b32 $0, $2; shr.u32 $1, $2, 16;", "=r,=r,r", [tl.load(x + at)],
                                     dtype=(tl.float16, tl.int16), is_pure=True, pack=2)
    tl.store(low + at, pair[0])
    tl.store(high + at, pair[1])


@triton.jit
def signalled(out, addresses):
    address = tl.load(addresses)
    got = tl.inline_asm_elementwise("atom.global.relaxed.sys.cas.b32 $0, [$1], 0, 1;", "=r, l", [address], dtype=address.dtype, is_pure=False, pack=1)
    tl.store(out, got)


@triton.jit
def tiles(a, b, c, M, N, K, a_row, b_row, c_row, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    across = tl.cdiv(N, BN)
    for tile in range(tl.program_id(0), tl.cdiv(M, BM) * across, 132):
        row = (tile // across) * BM + tl.arange(0, BM)
        column = (tile % across) * BN + tl.arange(0, BN)
        total = tl.zeros((BM, BN), tl.float32)
        for i in range(0, K, BK):
            k = i + tl.arange(0, BK)
            x = tl.load(a + (row % M)[:, None] * a_row + k[None, :], mask=k[None, :] < K, other=0.0)
            y = tl.load(b + k[:, None] * b_row + (column % N)[None, :], mask=k[:, None] < K, other=0.0)
            total = tl.dot(x, y, total)
        tl.store(c + row[:, None] * c_row + column[None, :], total.to(tl.float16), mask=(row[:, None] < M) & (column[None, :] < N))


@triton.jit
def through_pointers(x, out, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.inline_asm_elementwise("ld.global.b8 $0, [$1]; st.global.b8 [$2], $0;", "=r,l,l", [x + at, out + at], dtype=tl.int8,
                              is_pure=False, pack=1)


@triton.jit
def widened(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at).to(out.dtype.element_ty))


@triton.jit
def registers(out):
    tl.extra.cuda.gdc_wait()
    time = tl.extra.cuda.globaltimer() + tl.extra.cuda.globaltimer()
    tl.store(out, time + tl.extra.cuda.smid() + tl.extra.cuda.num_threads())
    tl.extra.cuda.gdc_launch_dependents()


@triton.jit
def printed(x, BLOCK: tl.constexpr, TIMES: tl.constexpr):
    for _ in tl.static_range(TIMES): tl.device_print("x", tl.load(x + tl.arange(0, BLOCK)))


@triton.jit
def added(out, x, n, BLOCK: tl.constexpr, USED: tl.constexpr = False, AFTER: tl.constexpr = False, SEM: tl.constexpr = "acq_rel"):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    old = tl.atomic_add(out + at, tl.load(x + at, mask=at < n), mask=at < n, sem=SEM)
    if USED:
        tl.store(x + at, old, mask=at < n)
    if AFTER:
        tl.store(x + at, 0, mask=at < n)


@triton.jit
def product_added(out, a, b, K, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, STEP)
    total = tl.zeros((M, N), tl.float32)
    for i in range(0, K, STEP):
        total = tl.dot(tl.load(a + m[:, None] * K + (i + k)[None, :]), tl.load(b + (i + k)[:, None] * N + n[None, :]), total)
    tl.atomic_add(out + m[:, None] * N + n[None, :], total.to(out.dtype.element_ty))


@triton.jit
def doubled_product(out, a, b, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    y = tl.load(b + k[:, None] * N + n[None, :]) * 2.0
    tl.store(out + m[:, None] * N + n[None, :], tl.dot(tl.load(a + m[:, None] * K + k[None, :]), y))


@triton.jit
def locked(lock, data):
    while tl.atomic_cas(lock, 0, 1, sem="acquire") == 1:
        pass
    at = tl.arange(0, 128)
    tl.store(data + at, tl.load(data + at) + 1)
    tl.debug_barrier()
    tl.atomic_xchg(lock, 0)


@triton.jit
def centred(out, x, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < cols
    v = tl.load(x + tl.program_id(0) * cols + at, mask=inside, other=0.0).to(tl.float32)
    rest = tl.where(inside, v - tl.sum(v, axis=0) / cols, 0.0)
    tl.store(out + tl.program_id(0) * cols + at, rest / tl.sqrt(tl.sum(rest * rest, axis=0)), mask=inside)


@triton.jit
def read_twice(out, x, cols, PIECE: tl.constexpr):
    row = tl.program_id(0) * cols
    at = tl.arange(0, PIECE)
    peak = float("-inf")
    mass = 0.0
    for begin in range(0, cols, PIECE):
        v = tl.load(x + row + begin + at, mask=begin + at < cols, other=float("-inf")).to(tl.float32)
        higher = tl.maximum(peak, tl.max(v, axis=0))
        mass = mass * tl.exp(peak - higher) + tl.sum(tl.exp(v - higher), axis=0)
        peak = higher
    for begin in range(0, cols, PIECE):
        v = tl.load(x + row + begin + at, mask=begin + at < cols, other=float("-inf")).to(tl.float32)
        tl.store(out + row + begin + at, tl.exp(v - peak) / mass, mask=begin + at < cols)


@triton.jit
def magnitudes(x, out):
    at = tl.arange(0, 128)
    v = tl.load(x + at)
    tl.store(out + at, tl.where(tl.abs(v) > -7.0, at, 1000))
    tl.store(out + 128 + at, tl.where(v * v >= 0.0, at, 2000))
    tl.store(out + 256 + at, tl.where(tl.exp2(v) > -1.0, at, 3000))
    tl.store(out + 384 + at, tl.where(v > -7.0, at, 4000))


@triton.jit
def negated(x, out):
    at = tl.arange(0, 128)
    tl.store(out + at, -tl.load(x + at))


@triton.jit
def sparse_rows(values, columns, b, c, count, row, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    """A row of blocks, most of which are not there: columns says which are."""
    m = tl.arange(0, M)
    k = tl.arange(0, K)
    n = tl.program_id(1) * N + tl.arange(0, N)
    total = tl.zeros((M, N), tl.float32)
    for i in range(count):
        left = tl.load(values + i * M * K + m[:, None] * K + k[None, :])
        at = tl.load(columns + i)
        total = tl.dot(left, tl.load(b + (at * K + k)[:, None] * row + n[None, :]), total)
    tl.store(c + m[:, None] * row + n[None, :], total)

'''

# A library that a kernel brings, with a function that needs another one and what libdevice is asked about denormals.
LIBRARY = '''
@text = private constant [11 x i8] c"__CUDA_FTZ\\00"
declare i32 @__nvvm_reflect(ptr)
define float @scale(float %x) {
  %flushes = call i32 @__nvvm_reflect(ptr @text)
  %is = icmp ne i32 %flushes, 0
  %r = select i1 %is, float 7.0, float 9.0
  %y = fmul float %x, %r
  ret float %y
}
define float @scaled(float %x) {
  %y = call float @scale(float %x)
  ret float %y
}
define double @wide(double %x) {
  ret double %x
}
'''

ADD = ["-s", "*fp32:16,*fp32:16,*fp32:16,i32:16", "-D", "BLOCK=1024"]
SOFTMAX = ["-s", "*fp32:16,*fp32:16,i32:16,i32:16", "-D", "BLOCK=4096"]


def attention(m, d, n=128, stages=2):
    return ["-s", "*fp16:16,*fp16:16,*fp16:16,*fp32:16,i32:16,fp32", "-D", f"M={m}", "-D", f"N={n}", "-D", f"D={d}", "--num-stages", str(stages), "--num-warps", "8"]


ATTENTION = attention(128, 64, 64, 3)
POWERS = ["-s", "*fp32:16,*fp32:16", "-D", "BLOCK=128"]


def assembly(text, constraints="=r,r", pack=4, pure=True, block=512):
    return ["-s", "*i8:16,*i8:16", "-D", f"BLOCK={block}", "-D", f"TEXT='{text}'", "-D", f"CONSTRAINTS='{constraints}'", "-D", f"PACK={pack}",
            "-D", f"PURE={pure}"]


COUNTS = ["-s", "*i32:16,*i32:16,i32", "-D", "BLOCK=256"]


def exactly(times, text):
    """A pattern of what has a text so often."""
    other = rf"(?:(?!{re.escape(text)})[\s\S])*"
    return rf"\A{other}(?:{re.escape(text)}{other}){{{times}}}\Z"


def matmul(element, m=128, n=128, k=64, warps=4, precision="tf32"):
    return ["-s", f"*{element}:16,*{element}:16,*fp32:16,i32:16,i32:16,i32:16,i32:16", "-D", f"M={m}", "-D", f"N={n}", "-D", f"STEP={k}",
            "-D", f"PRECISION={precision!r}", "--num-warps", str(warps)]


def rows_by_rows(element, out, limit=None, m=128, n=128, k=128, warps=8, precision=None):
    return ["-s", f"*{element}:16,*{element}:16,*{out}:16,i32:16,i32:16,i32:16,i32:16", "-D", f"M={m}", "-D", f"N={n}", "-D", f"STEP={k}", "-D",
            f"LIMIT={limit}", "-D", f"NARROW={out == 'fp16'}", "-D", f"PRECISION={precision!r}", "--num-warps", str(warps)]


def scaled(left, right, m=128, n=128, k=128):
    second = {"bf16": "*bf16", "fp16": "*fp16"}.get(right, "*u8")
    return ["-s", f"*bf16:16,*u8:16,*u8:16,{second}:16", "-D", f"M={m}", "-D", f"N={n}", "-D", f"K={k}", "-D", f"A='{left}'", "-D", f"B='{right}'"]


def described(m):
    rows, keys = (f"tensordesc<fp16[{n}, 128], whole>" for n in (m, 128))
    return ["-s", f"{rows},{keys},{keys},{rows},i32:16,fp32", "-D", f"M={m}", "--num-stages", "2", "--num-warps", "8"]


def added(element, block=1024):
    return ["-s", f"*{element}:16,*{element}:16,i32:16", "-D", f"BLOCK={block}"]


def product_added(element):
    return ["-s", f"*{element}:16,*fp16:16,*fp16:16,i32:16", "-D", "M=64", "-D", "N=64", "-D", "STEP=32"]


DESCRIPTORS = ["-s", "*fp16:16,*fp16:16,*fp16:16,i32:16,i32:16,i32:16", "-D", "STAGES=4"]
WINDOW = ["-s", "tensordesc<fp32[32, 32]>,tensordesc<fp32[32, 32], whole>,i32"]
TENSOR_LOAD = r"cp\.async\.bulk\.tensor\.2d\.shared::cluster\.global\.mbarrier::complete_tx::bytes \["
TENSOR_STORE = r"cp\.async\.bulk\.tensor\.2d\.global\.shared::cta\.bulk_group \["

# Two groups of an attention: a turn is the last product of an iteration and the next one's first. Barriers of two rings.
TURNS = [r"\.reqntid 384", r"setmaxnreg\.inc\.sync\.aligned\.u32 232;", r"(@p barrier\.cta\.arrive\.aligned %r\d+, 256;(.|\n)*){2}",
         r"bar\.sync\s+%r\d+, 256;[^{]*wgmma\.fence[^{]*\{[^{]*setp\.eq\.u32 p, 0, 0;", r"commit_group\.sync\.aligned;(?:\s|//[^\n]*\n|\.loc[^\n]*\n)*bar\.arrive\s+%r\d+, 256;",
         r"mbarrier\.init\.shared::cta\.b64 \[%r\d+ \+ 0\], 8;(.|\n)*mbarrier\.init\.shared::cta\.b64 \[%r\d+ \+ 0\], 8;"]

# target, kernel and its options, patterns that must be in the PTX, patterns that must not
CHECKS = [
    ("sm_90a", "add", ADD, [r"@%p\d+ ld\.global\.v4\.b32", r"@%p\d+ st\.global\.v4\.b32", r"\.reqntid 128"], [r"\.local", r"call"]),
    # What is never negative is greater than -7 if it is a number: ptxas takes the comparison itself for true. The last one is a comparison.
    ("sm_90a", "magnitudes", ["-s", "*fp32:16,*i32:16", "--num-warps", "4"], [exactly(3, "setp.num.f32"), exactly(1, "setp.gt.f32")], [r"setp\.ge\.f32"]),
    # Rows 8 apart of a lane have one truth below a multiple of 16: 8 comparisons of 16 rows, and one of columns.
    ("sm_90a", "gated_tile", ["-s", "*fp16:16,*fp16:16,i32:16,i32:16,i32:16", "-D", "M=128", "-D", "N=128"], [exactly(9, "setp.lt.s32"), exactly(32, "ld.global.v4.b32")], []),
    # Rows that are read twice may leave the caches behind the second time, and what is made of them at once; the first time they stay.
    ("sm_90a", "read_twice", ["-s", "*bf16:16,*bf16:16,i32:16", "-D", "PIECE=4096", "--num-warps", "8"],
     [r"ld\.global\.v4\.b32(.|\n)*ld\.global\.L1::evict_first\.v4\.b32(.|\n)*st\.global\.L1::evict_first\.v4\.b32"],
     [r"evict_first(.|\n)*ld\.global\.v4", r"st\.global\.v4"]),
    # A message is put together in local memory: no access of the local space through the generic pointer, and no local address made of a generic one.
    ("sm_90a", "printed", ["-s", "*fp32:16", "-D", "BLOCK=128", "-D", "TIMES=33"], [r"st\.local\.b64", r"call\.uni\s+tessera_send[^}]*\}[^{]*bar\.warp\.sync"], [r"\.local\.\w+\s+\[%SP\b", r"cvta\.local\.u64\s+%rd\d+, %rd"]), ("sm_90a", "printed", ["-s", "*fp32:16", "-D", "BLOCK=2048", "-D", "TIMES=32"], [r"st\.local\.b64", r"atom\S*\.cas(.|\n)*bar\.warp\.sync"], [r"call"]),
    # Triton's test_atomic_cas reads the order directly behind the space.
    ("sm_90a", "locked", ["-s", "*i32:16,*i32:16"], [r"atom\.global\.acquire\.gpu\.cas\.b32", r"atom\.global\.gpu\.acq_rel\.exch\.b32"], []),
    # Float additions of neighbours are one access, of f32 four, of 16 bits eight; orders are fences around all of them, and there is nothing to order
    # behind the last access of a kernel.
    ("sm_90a", "added", added("fp32"), [exactly(2, "red.global.gpu.relaxed.add.v4.f32"), exactly(1, "fence.acq_rel.gpu")], [r"atom\."]),
    ("sm_90a", "added", [*added("fp32"), "-D", "AFTER=True"], [exactly(2, "red.global.gpu.relaxed.add.v4.f32"), exactly(2, "fence.acq_rel.gpu")], [r"atom\."]),
    ("sm_90a", "added", [*added("fp32"), "-D", "USED=True"], [exactly(2, "atom.global.gpu.relaxed.add.v4.f32"), exactly(2, "fence.acq_rel.gpu")], [r"red\."]),
    ("sm_90a", "added", [*added("fp32"), "-D", "SEM='release'"], [exactly(1, "fence.acq_rel.gpu")], [r"atom\."]),
    ("sm_90a", "added", [*added("fp32"), "-D", "SEM='relaxed'"], [exactly(2, "red.global.gpu.relaxed.add.v4.f32")], [r"fence", r"atom\."]),
    ("sm_90a", "added", [*added("fp32", 512), "-D", "AFTER=True"], [exactly(1, "atom.global.gpu.acq_rel.add.v4.f32")], [r"fence"]),
    ("sm_90a", "added", added("fp16"), [exactly(1, "red.global.gpu.relaxed.add.noftz.v8.f16")], [r"atom\."]),
    ("sm_90a", "added", added("bf16"), [exactly(1, "red.global.gpu.relaxed.add.noftz.v8.bf16")], [r"atom\."]),
    ("sm_90a", "added", added("i32"), [exactly(8, "atom.global.gpu.relaxed.add.u32")], [r"red\."]),
    ("sm_80", "added", added("fp32"), [exactly(8, "atom.global.gpu.relaxed.add.f32"), exactly(1, "fence.acq_rel.gpu")], [r"\.v4\.f32"]),
    # Halves that lie along n and are wanted in pairs along k keep their words: rows as they were loaded, read as transposed blocks.
    ("sm_90a", "doubled_product", ["-s", "*fp32:16,*fp16:16,*fp16:16", "-D", "M=16", "-D", "N=128", "-D", "K=64"],
     [r"ldmatrix\.sync\.aligned\.m8n8\.x4\.trans\.shared"], [r"ld\.shared", r"mov\.b32\s+%r\d+, \{"]),
    # What a product laid out goes to memory by four of a row too, as its stores do.
    ("sm_90a", "product_added", product_added("fp32"), [exactly(8, "red.global.gpu.relaxed.add.v4.f32"), exactly(16, "shfl.sync.bfly")], [r"atom\.", r"st\.shared"]),
    ("sm_90a", "product_added", product_added("fp16"), [exactly(4, "red.global.gpu.relaxed.add.noftz.v8.f16")], [r"atom\."]),
    ("sm_75", "add", ADD, [r"ld\.global\.v4\.b32", r"\.target sm_75"], []),
    ("sm_90a", "softmax", SOFTMAX, [r"ex2\.approx\.f32", r"shfl\.sync\.bfly", r"bar\.sync", r"div\.full\.f32", r"max\.f32"], [r"\.local", r"call"]),
    # Loads by plain pointers are tensor copies, of batches too; without them lanes copy.
    ("sm_90a", "matmul", matmul("fp16"), [r"wgmma\.mma_async\.sync\.aligned\.m64n128k16\.f32\.f16\.f16", TENSOR_LOAD, r"mbarrier\.try_wait\.parity",
                                          r"wgmma\.wait_group\.sync\.aligned 1;", r"\.global .*tsr_tensor_maps", r"setp\.ne\.u32 p, %r\d+, 0;\s*wgmma\.mma_async"],
     [r"\.local", r"mma\.sync", r"cp\.async\.cg", r"ld\.global", r"0f00000000;(.|\n)*wgmma\.mma_async"]),  # sums begin unread, not cleared
    ("sm_90a", "batched", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16,i32:16"], [TENSOR_LOAD.replace("2d", "3d"), r"wgmma"], [r"\.local", r"cp\.async\.c[ag]", r"ld\.global"]),
    ("sm_90a", "batched", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32,i32:16,i32:16,i32:16"], [r"ld\.global"], [r"cp\.async\.bulk"]),
    ("sm_90a", "matmul", [*matmul("fp16"), "--no-pointer-copies"], [r"wgmma\.mma_async\.sync\.aligned\.m64n128k16\.f32\.f16\.f16", r"cp\.async\.cg\.shared\.global",
                                          r"wgmma\.wait_group\.sync\.aligned 1;", r"cp\.async\.wait_group", r"shr\.u64\s+%rd\d+, %rd\d+, 63;"], [r"\.local", r"mma\.sync", r"cp\.async\.bulk"]),
    # Rows that end within 16 bytes, which an engine would write as a whole: by lanes, and so are the loads then.
    ("sm_90a", "tiles", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16", "-D", "BM=128", "-D", "BN=256", "-D", "BK=64", "--num-warps", "8"],
     [r"st\.global"], [r"cp\.async\.bulk"]),
    # Its only store stays one by lanes, behind a single loop.
    ("sm_90a", "matmul", [a.replace("*fp32", "*fp16") for a in matmul("fp16", 128, 256, 64, 8)], [TENSOR_LOAD, exactly(16, "st.global.v4.b32")],
     [r"cp\.async\.bulk\.tensor\.2d\.global", r"cp\.async\.bulk\.wait_group"]),
    # A persistent one gets roles; where its arrays overlap a tile is loaded when the one before is stored.
    ("sm_90a", "tiles", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32,i32:16,i32,i32:16,i32:16,i32:16", "-D", "BM=128", "-D", "BN=256", "-D", "BK=64", "--num-warps", "8"],
     [exactly(2, "setmaxnreg"), exactly(16, "stmatrix.sync.aligned.m8n8.x4.shared.b16"), TENSOR_LOAD, r"cp\.async\.bulk\.wait_group 0;", r"cp\.async\.bulk\.wait_group\.read 0;"],
     [r"cp\.async\.cg", r"ld\.global", r"st\.global"]),
    ("sm_90a", "tiles", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32,i32:16,i32,i32:16,i32:16,i32:16", "-D", "BM=128", "-D", "BN=128", "-D", "BK=64", "--num-warps", "4"],
     [exactly(16, "stmatrix.sync.aligned.m8n8.x4.shared.b16"), TENSOR_LOAD, r"cp\.async\.bulk\.wait_group 0;"], [r"setmaxnreg", r"cp\.async\.cg", r"ld\.global", r"st\.global"]),
    # Of f32 lanes copy.
    ("sm_90a", "matmul", [*matmul("fp32", 128, 128, 32, 8), "-D", "ALONG=True"], [r"m64n128k8\.f32\.tf32", r"cp\.async\.cg"], [r"cp\.async\.bulk"]),
    # Sums of f32 go to memory by four of a row: a quad's lanes exchange one of two registers, and no more.
    ("sm_90a", "matmul", matmul("fp16", 128, 128, 64, 8), [exactly(32, "shfl.sync.bfly"), exactly(16, "st.global.v4.b32")], [r"st\.global\.v2", r"st\.shared"]),
    ("sm_80", "matmul", matmul("fp16", 64, 64, 32), [exactly(16, "shfl.sync.bfly"), exactly(8, "st.global.v4.b32")], [r"st\.global\.v2"]),
    # A loop that stores states loads ahead; the decay changes its layout in its ring, as what was loaded, and nothing is computed for rows that stay the same.
    ("sm_90a", "states", ["-s", "*bf16:16,*bf16:16,*fp32:16,*bf16:16,i32", "-D", "H=1024", "--num-warps", "4"],
     [r"cp\.async\.cg", r"cp\.async\.ca\.shared\.global \[[^]]*\], \[[^]]*\], 4", r"cp\.async\.wait_group"], [r"ld\.global", r"st\.shared\.b32", r"(bar\.sync(.|\n)*){5}"]),
    # Where a lane takes 8 elements, f32 ones are two copies of 16 bytes that share sectors: they meet in the first-level cache.
    ("sm_80", "mixed", ["-s", "*bf16:16,*fp32:16,*bf16:16,*fp32:16,i32:16", "-D", "M=64", "-D", "STEP=32", "--num-warps", "4"],
     [r"cp\.async\.ca\.shared\.global \[[^]]*\], \[[^]]*\], 16", r"cp\.async\.cg\.shared\.global \[[^]]*\], \[[^]]*\], 16"], []),
    # `total += dot` is the accumulator of the unit, and the product of one iteration runs beside the next.
    ("sm_90a", "matmul", [*matmul("fp16"), "-D", "ADDED=True"], [r"m64n128k16\.f32\.f16\.f16", r"wgmma\.wait_group\.sync\.aligned 1;"], [r"add(\.rn)?\.f32"]),
    ("sm_90a", "matmul", matmul("bf16", 128, 256, 64, 8), [r"m64n256k16\.f32\.bf16\.bf16"], [r"mma\.sync"]),
    # The unit's sums of fp8 products have fewer bits than f32: so many products, then an addition. Each begins at zero.
    ("sm_90a", "rows_by_rows", rows_by_rows("fp8e4nv", "fp32"), [r"m64n128k32\.f32\.e4m3\.e4m3", r"wait_group\.sync\.aligned 1;", r"setp\.eq\.u32 p"],
     [r"add(\.rn)?\.f32", r"setp\.ne\.u32 p, 0"]),
    ("sm_90a", "rows_by_rows", rows_by_rows("fp8e4nv", "fp32", 64),
     [r"(setp\.ne\.u32 p(.|\n)*m64n128k32(.|\n)*setp\.eq\.u32 p(.|\n)*m64n128k32(.|\n)*wait_group\.sync\.aligned 0;(.|\n)*add(\.rn)?\.f32(.|\n)*){2}"], []),
    ("sm_90a", "rows_by_rows", rows_by_rows("fp8e5", "fp32", 128, n=256), [r"add\.f32", r"m64n128k32\.f32\.e5m2\.e5m2"], [r"m64n256"]),
    # The 16 sums of a lane in two parts, in one, in none of their own; b, whose rows are contiguous, comes by pairs of bytes and leaves along k.
    ("sm_90a", "matmul", [*matmul("fp8e5", 64, 32), "-D", "LIMIT=32"],
     [exactly(32, "add.f32"), r"m64n32k32\.f32\.e5m2\.e5m2", r"ldmatrix\S*\.x4\.trans(.|\n)*stmatrix\.sync\.aligned\.m8n8\.x\d\.shared(.|\n)*fence\.proxy\.async(.|\n)*wgmma"], [r"mma\.sync"]),
    ("sm_89", "matmul", [*matmul("fp8e5", 64, 32), "-D", "LIMIT=64"], [exactly(16, "add.f32")], []),
    ("sm_89", "matmul", matmul("fp8e5", 64, 32), [r"m16n8k32\.row\.col\.f32\.e5m2\.e5m2"], [r"add(\.rn)?\.f32"]),
    # Pairs of 16-bit sums stay pairs from one iteration to the next: taking them apart would serialise the products.
    ("sm_90a", "rows_by_rows", rows_by_rows("fp16", "fp16", k=64), [r"m64n128k16\.f16\.f16\.f16", r"wait_group\.sync\.aligned 1;"], []),
    # Of tf32 and of 8 bits the unit reads only operands that lie along k: b does not, changes places with a and comes through registers, in two halves, beside the products
    # of the half before.
    *(("sm_90a", "matmul", matmul("fp32", m, n, 32, warps),
       [rf"m64n{m}k8\.f32\.tf32\.tf32 (\{{[^}}]*\}}, ){{2}}", r"(ld\.shared\.b32(.|\n)*wgmma\.mma_async(.|\n)*commit_group(.|\n)*wait_group\.sync\.aligned 1;(.|\n)*){2}",
        r"cp\.async\.cg"], [r"mma\.sync\.aligned", r"st\.shared\.(v4\.)?b32(.|\n)*wgmma", r"fence\.proxy"]) for m, n, warps in ((64, 64, 4), (128, 128, 4), (128, 256, 8))),
    *(("sm_90a", "matmul", [*matmul(element, 128, 128, 64), *sums],
       [rf"m64n128k32\.{unit} (\{{[^}}]*\}}, ){{2}}", exactly(4, "ldmatrix.sync.aligned.m8n8.x4.trans"), exactly(16, "prmt.b32"), r"cp\.async\.cg"],
       [r"mma\.sync\.aligned\.m16", r"ld\.shared", r"st\.shared", r"stmatrix", r"fence\.proxy"])
      for element, unit, sums in (("fp8e4nv", "f32.e4m3.e4m3", []), ("fp8e5", "f32.e5m2.e5m2", []))),
    # 32 columns are no 64 rows of the unit: b is turned round on its way, by words of four.
    ("sm_90a", "matmul", matmul("fp32", 128, 32, 32), [r"st\.shared\.v4\.b32(.|\n)*fence\.proxy\.async(.|\n)*m64n32k8\.f32\.tf32", r"wait_group\.sync\.aligned 1;"], [r"mma\.sync\.aligned"]),
    # sm_90 means every Hopper and later minor: nothing of sm_90a.
    ("sm_90", "matmul", matmul("fp16"), [r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.f16\.f16\.f32", r"\.target sm_90\b"], [r"wgmma", r"sm_90a", r"setmaxnreg"]),
    ("sm_80", "matmul", matmul("bf16", 64, 64, 32), [r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.bf16", r"cp\.async"], [r"wgmma", r"fence\.proxy", r"shr\.u64\s+%rd\d+, %rd\d+, 63;"]),
    # Operands come from shared memory by blocks of eight rows, b's transposed; a b whose k is contiguous as it lies.
    ("sm_80", "matmul", matmul("fp16", 128, 128, 32), [r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared", r"ldmatrix\.sync\.aligned\.m8n8\.x4\.trans\.shared"], [r"ld\.shared\.b(16|32)", r"stmatrix"]),
    ("sm_75", "matmul", matmul("fp16", 64, 64, 32), [r"ldmatrix\.sync\.aligned\.m8n8\.x4(\.trans)?\.shared"], [r"ld\.shared\.b(16|32)"]),
    ("sm_80", "rows_by_rows", rows_by_rows("fp16", "fp16", k=32), [r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared"], [r"\.trans\.", r"ld\.shared\.b(16|32)"]),
    ("sm_89", "rows_by_rows", rows_by_rows("fp8e4nv", "fp32", k=64), [r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared"], [r"ld\.shared\.b(8|16|32)"]),
    ("sm_80", "matmul", matmul("fp32", 64, 64, 32, precision=None), [r"m16n8k8\.row\.col\.f32\.tf32", r"cvt\.rna\.tf32\.f32"], []),
    # f32 in parts: three and six products on the unit; the parts need no rounding of the device's. wgmma would take the numbers whole.
    ("sm_80", "matmul", matmul("fp32", 32, 32, 32, precision="tf32x3"), [r"m16n8k8\.row\.col\.f32\.tf32"], [r"cvt\.rna", r"fma\.rn\.f32"]),
    ("sm_80", "matmul", matmul("fp32", 32, 32, 32, precision="bf16x3"), [r"m16n8k16\.row\.col\.f32\.bf16"], [r"tf32", r"fma\.rn\.f32"]),
    ("sm_90a", "matmul", matmul("fp32", 64, 64, 32, precision="bf16x6"), [r"m16n8k16\.row\.col\.f32\.bf16"], [r"wgmma", r"fma\.rn\.f32"]),
    ("sm_90a", "rows_by_rows", rows_by_rows("fp32", "fp32", m=64, n=64, k=32, precision="tf32x3"), [r"m16n8k8\.row\.col\.f32\.tf32"], [r"wgmma"]),
    ("sm_80", "matmul", matmul("fp32", 32, 32, 32, precision="ieee"), [r"fma\.rn\.f32"], [r"mma\.sync"]),
    ("sm_75", "matmul", matmul("fp16", 64, 64, 32), [r"m16n8k8\.row\.col\.f32\.f16"], [r"cp\.async", r"m16n8k16"]),
    ("sm_89", "matmul", matmul("fp8e4nv", 64, 64, 32), [r"m16n8k32\.row\.col\.f32\.e4m3\.e4m3"], []),
    ("sm_100", "matmul", matmul("fp16"), [r"mma\.sync"], [r"wgmma"]),
    # Fused with the lane's own product, which the other lane has rounded, lanes would get different sums.
    ("sm_90a", "sum_of_products", ["-s", "*fp32:16,*fp32:16,*fp32:16", "-D", "BLOCK=128"], [r"shfl\.sync\.bfly", r"add\.rn\.f32"], [r"fma\.rn"]),
    ("sm_120", "softmax", SOFTMAX, [r"\.target sm_120\b"], []),
    ("compute_90", "softmax", SOFTMAX, [r"\.target sm_90\b"], []),
    # The second product runs on while the loop comes round; what the loop leaves is awaited on its way out. Rows of a tile lie constants apart.
    ("sm_90a", "attention", ATTENTION, [r"wgmma\.mma_async", r"cvt\.rn\.f16x2\.f32", r"wait_group\.sync\.aligned 2;",
                                        r"wait_group\.sync\.aligned 2;(.|\n)*bra(.|\n)*wait_group\.sync\.aligned 0;", r"add\.s64\s+%rd\d+, %rd\d+, -?4096;"],
     [r"\.local"]),
    ("sm_90a", "powers", POWERS, [r"ex2\.approx\.f32"], [r"ftz"]),
    ("sm_90a@flush_subnormals=1", "powers", POWERS, [r"ex2\.approx\.ftz\.f32"], []),
    # Scaled blocks: elements become 16 bits in registers, then as any product. Two elements of four bits by one multiplication, shift and two masks.
    ("sm_90a", "scaled", scaled("e2m1", "bf16"), [r"wgmma.*\.f32\.bf16\.bf16", r"mul\.(rn\.)?bf16x2", r"st\.global\.v4"], [r"fma\.rn\.f32", r"mma\.sync"]),
    ("sm_90a", "scaled", scaled("e4m3", "fp16"), [r"wgmma.*\.f32\.f16\.f16", r"cvt\.rn\.f16x2\.e4m3x2"], [r"fma\.rn\.f32"]),
    ("sm_80", "scaled", scaled("e2m1", "e5m2"), [r"mma\.sync.*\.f32\.bf16\.bf16", r"fma\.rn\.bf16x2"], [r"fma\.rn\.f32", r"e5m2x2"]),
    # Small tiles too go to memory in whole vectors.
    ("sm_89", "scaled", scaled("e5m2", "bf16", 32, 32, 64), [r"mma\.sync.*\.f32\.bf16", r"st\.global\.v4", r"cvt\.rn\.f16x2\.e5m2x2"], []),
    # Arrays by descriptor are copied as such, completing on barriers; the map comes as a parameter that nobody copies.
    ("sm_90a", "descriptors", DESCRIPTORS, [TENSOR_LOAD, TENSOR_STORE, r"mbarrier\.init\.shared::cta\.b64", r"fence\.mbarrier_init",
                                            r"mbarrier\.arrive\.expect_tx\.shared::cta\.b64 _, \[%r\d+\], 32768;", r"mbarrier\.try_wait\.parity",
                                            r"mbarrier\.inval", r"fence\.proxy\.async\.shared::cta", r"cp\.async\.bulk\.wait_group\.read 0;",
                                            r"elect\.sync", r"wgmma\.mma_async", r"prefetch\.tensormap", r"\.param \.align 128 \.b8 descriptors_param_\d+\[128\]",
                                            r"\.global .*tsr_tensor_maps"], [r"\.local", r"cp\.async\.cg", r"ld\.global", r"st\.global"]),
    # Extents and strides that the launch computes, in whatever form the simplifier leaves them.
    ("sm_90a", "computed", ["-s", "*fp16:16,*fp16:16,i32,i32:16"], [TENSOR_LOAD, TENSOR_STORE], [r"ld\.global", r"st\.global"]),
    ("sm_90a", "window", WINDOW, [TENSOR_LOAD, TENSOR_STORE], [r"\.local", r"ld\.global", r"st\.global", r"wgmma"]),
    ("sm_90", "descriptors", DESCRIPTORS, [TENSOR_LOAD, TENSOR_STORE, r"mma\.sync"], [r"wgmma", r"\.local"]),
    ("sm_100", "window", WINDOW, [TENSOR_LOAD, TENSOR_STORE], []),
    # A place that may be in front of the array, where an engine must not store.
    ("sm_90a", "window", [*WINDOW, "-D", "LEAST=-8"], [TENSOR_LOAD, r"st\.global"], [TENSOR_STORE]),
    # Rows that may end within 16 bytes, which an engine would write as a whole: lanes store.
    ("sm_90a", "window", [a.replace(", whole", "") for a in WINDOW], [TENSOR_LOAD, r"st\.global"], [TENSOR_STORE]),
    ("sm_80", "descriptors", DESCRIPTORS, [r"cp\.async\.cg", r"st\.global"], [r"cp\.async\.bulk", r"mbarrier", r"tsr_tensor_maps"]),
    # Warps that only copy, with registers that the others get; their barriers are among themselves. A wait, four products, an arrival: no barrier in the loop.
    ("sm_90a", "descriptors", [*DESCRIPTORS, "-D", "ROLES=True", "--num-warps", "8"],
     [r"\.reqntid 384", r"\.maxnreg 168", r"setmaxnreg\.dec\.sync\.aligned\.u32 40;", r"setmaxnreg\.inc\.sync\.aligned\.u32 232;",
      r"mbarrier\.init\.shared::cta\.b64 \[%r\d+ \+ 0\], 8;", r"bar\.sync\s+1, 256;", TENSOR_STORE,
      r"try_wait(.|\n)*(wgmma\.mma_async(.|\n)*){4}wait_group\.sync\.aligned 1;(.|\n)*mbarrier\.arrive\.shared::cta\.b64 _(.|\n)*bra(.|\n)*wait_group\.sync\.aligned 0;"],
     [r"\.local", r"mbarrier\.inval", r"bar\.sync\s+0;(.|\n)*bar\.sync\s+0;"]),
    # So does a persistent product that does not ask, unless that is forbidden. Its store is awaited before the next one's tile is written, and at the end.
    *(("sm_90a", "persistent", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32:16,i32:16,i32:16", "--num-warps", "8", "-D", f"ROLES={asks}"],
       [r"setmaxnreg\.inc", r"bar\.sync\s+1, 256;", TENSOR_LOAD,
        r"bulk\.wait_group\.read 0(.|\n)*stmatrix(.|\n)*" + TENSOR_STORE + r"(.|\n)*bra(.|\n)*bulk\.wait_group\.read 0"], [r"\.local", r"mbarrier\.inval"])
      for asks in (True, False)),
    ("sm_90a", "persistent", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32:16,i32:16,i32:16", "--num-warps", "8", "-D", "ROLES=False", "--no-auto-warp-specialize"],
     [r"\.reqntid 256", TENSOR_LOAD, TENSOR_STORE], [r"setmaxnreg", r"bar\.sync\s+1,", r"\.local"]),
    # An attention of two groups too, its diagonal with the same rings.
    *(("sm_90a", "described", [*described(128), "-D", f"CAUSAL={causal}"], TURNS, [r"\.local", r"(mbarrier\.init\.shared::cta\.b64 \[%r\d+ \+ 0\], 8;(.|\n)*){3}"])
      for causal in (False, True)),
    # The same by plain pointers, whose queries the lanes store themselves; not where roles do not follow.
    ("sm_90a", "attention", attention(128, 128), [*TURNS, TENSOR_LOAD], [r"\.local", r"cp\.async\.c[ag]"]),
    ("sm_90a", "attention", [*attention(128, 128), "--no-auto-warp-specialize"], [r"\.reqntid 256", r"cp\.async\.cg"], [r"setmaxnreg", r"cp\.async\.bulk"]),
    ("sm_90a", "attention", attention(64, 128), [r"\.reqntid 256", r"cp\.async\.cg"], [r"setmaxnreg", r"cp\.async\.bulk"]),
    # Sums of half a row a group: not unasked, and without turns, within which there would be a barrier at which nobody waits.
    ("sm_90a", "described", described(64), [r"\.reqntid 256"], [r"setmaxnreg"]),
    ("sm_90a", "described", [*described(64), "-D", "ROLES=True"], [r"\.reqntid 384", r"bar\.sync\s+1, 256;"], [r"barrier\.cta\.arrive", r"bar\.arrive", r"\.local"]),
    ("sm_90", "descriptors", [*DESCRIPTORS, "-D", "ROLES=True"], [r"\.reqntid 160", r"bar\.sync\s+1, 128;", r"mma\.sync", TENSOR_LOAD], [r"setmaxnreg", r"maxnreg"]),
    ("sm_80", "descriptors", [*DESCRIPTORS, "-D", "ROLES=True"], [r"\.reqntid 128", r"cp\.async\.cg"], [r"mbarrier", r"bar\.sync\s+1"]),
    # A stride of which nothing is known: by pointers.
    ("sm_90a", "descriptors", ["-s", "*fp16:16,*fp16:16,*fp16:16,i32:16,i32,i32", "-D", "STAGES=4"], [r"st\.global"], [r"cp\.async\.bulk\.tensor"]),
    ("sm_90a", "counts", COUNTS, [r"fence\.acq_rel\.gpu", r"atom\.global\.gpu\.relaxed\.add\.u32", r"atom\.global\.gpu\.acq_rel\.max\.s32"], []),
    # Four elements of 8 bits are one register; a lane with two repeats the last one.
    ("sm_90a", "assembly", assembly("shl.b32 $0, $1, 3;"), [r"ld\.global\.b32", r"// begin inline asm\n\tshl\.b32 %r\d+, %r\d+, 3;"], [r"prmt"]),
    ("sm_80", "assembly", assembly("shl.b32 $0, $1, 3;", block=256), [r"ld\.global\.v2\.b8", r"\tshl\.b32 %r\d+, %r\d+, 3;"], []),
    ("sm_90a", "assembly", assembly("{ .reg .b32 t; mov.b32 t, $1; mov.b32 $0, t; } // 5 $$", "=r, r", 1, False, 128), [r"mov\.b32 %r\d+, t; } // 5 \$\n"], []),
    ("sm_90a", "unpack", ["-s", "*fp16:16,*i16:16,*i16:16", "-D", "BLOCK=256"], [r"mov\.b32 (%r\d+), (%r\d+); shr\.u32 %r\d+, \2, 16;"], []),
    ("sm_90a", "through_pointers", ["-s", "*i8:16,*i8:16", "-D", "BLOCK=128"], [r"ld\.global\.b8 %r\d+, \[%rd\d+\]; st\.global\.b8 \[%rd\d+\], %r"], []),
    # The warps of a cluster's blocks are one block, of 32 at most.
    ("sm_90a", "add", [*ADD, "--num-ctas", "2"], [r"\.reqntid 256"], [r"cluster"]),
    ("sm_90a", "add", [*ADD, "--num-ctas", "4", "--num-warps", "16"], [r"\.reqntid 1024"], []),
    ("sm_80", "add", [*ADD, "--num-ctas", "2"], [r"\.reqntid 128"], []),
    # Bytes become floats by a byte permutation and a subtraction, of pairs for f16; no conversion unit.
    ("sm_90a", "widened", ["-s", "*fp16:16,*i8:16", "-D", "BLOCK=512"], [r"prmt", r"(sub|add)(\.rn)?\.f16x2"], [r"cvt\.rn\.f16\.s"]),
    ("sm_75", "widened", ["-s", "*fp16:16,*u8:16", "-D", "BLOCK=512"], [r"prmt", r"(sub|add)(\.rn)?\.f16x2"], [r"cvt\.rn\.f16\.u"]),
    ("sm_90a", "widened", ["-s", "*bf16:16,*i8:16", "-D", "BLOCK=512"], [r"(sub|add)(\.rn)?\.f32"], [r"cvt\.rn\.(bf16|f32)"]),
    ("sm_80", "widened", ["-s", "*fp32:16,*i8:16", "-D", "BLOCK=512"], [r"(sub|add)(\.rn)?\.f32"], [r"cvt\.rn\.f32"]),
    # Wider integers are rounded once, by one instruction, to bf16 where the device has it.
    ("sm_90a", "widened", ["-s", "*fp16:16,*i32:16", "-D", "BLOCK=512"], [r"cvt\.rn\.f16\.s32"], [r"f64"]),
    ("sm_75", "widened", ["-s", "*fp16:16,*u64:16", "-D", "BLOCK=512"], [r"cvt\.rn\.f16\.u64"], [r"f64"]),
    ("sm_90a", "widened", ["-s", "*bf16:16,*u32:16", "-D", "BLOCK=512"], [r"cvt\.rn\.bf16\.u32"], [r"f64"]),
    ("sm_80", "widened", ["-s", "*bf16:16,*i32:16", "-D", "BLOCK=512"], [r"cvt\.rn\.f64\.s32"], [r"cvt\.rn\.bf16\.s32"]),
    ("sm_90a", "registers", ["-s", "*i64:16", "--num-ctas", "8", "--num-warps", "2"], [r"\.reqntid 512", r", 512;"], []),
    # A kernel that may begin before the last one has ended waits for it first of all.
    ("sm_90", "add", ADD, [r"\.entry add\((.|\n)*?\{\n(\s*(\.reg|ld\.param)[^\n]*\n|\s*\n|\s*//[^\n]*\n|\$L[^\n]*\n|\s*\.(loc|file)[^\n]*\n)*\s*// begin inline asm\n\s*griddepcontrol\.wait;"], []),
    ("sm_80", "add", ADD, [], [r"griddepcontrol"]),
    # A 64-bit result in a register of 32 bits: zeros above.
    ("sm_90a", "signalled", ["-s", "*u64:16,*u64:16"], [r"cas\.b32 (%r\d+), \[%rd\d+\], 0, 1;(.|\n)*cvt\.u64\.u32\s+(%rd\d+), \1;(.|\n)*st\.global\.b64\s+\[%rd\d+\], \3"], []),
    # Two readings of a clock are two.
    ("sm_90a", "registers", ["-s", "*i64:16"], [r"griddepcontrol\.wait;(.|\n)*%globaltimer;(.|\n)*%globaltimer;(.|\n)*%smid;(.|\n)*launch_dependents"], []),
]

# Assembly that is refused, and what is said at its line.
WRONG = [
    (assembly("nonsense.b32 $0, $1;"), ["nonsense", "inline assembly"]),
    (assembly("mov.b32 $0, $7;"), ["names $7", "2 registers"]),
    (assembly("mov.b32 $0, $x;"), ["`$$` for a dollar"]),
    (assembly("mov.b32 $0, $1;", "=z,r"), ['constraint "=z"']),
    (assembly("mov.b32 $0, $1;", "=d,r"), ["result register 0 has 32 bits"]),
    (assembly("mov.b32 $0, $1;", "=r,h"), ["operand register 0 has 32 bits"]),
    (assembly("mov.b32 $0, $1;", "=r,r,r"), ["1 results and 2 operands", "pack=4"]),
    (assembly("mov.b32 $0, $1;", "=r,r", 1 << 3), ["there are 2 and 2 registers"]),
    (assembly("mov.b32 $0, $1;", "=r,n", 1), ["must be a constant"]),
]


def check_libraries(check, compile_tile, folder):
    """extern_elementwise, through tile IR: a file cannot spell the table of types that it takes."""
    library = folder / "scale.ll"
    library.write_text(LIBRARY)

    def linked(call, options=()):
        return compile_tile("negated", lambda tile: re.sub(r"arith\.subf %\w+, (%\w+) : tensor<128xf32>", call + r" of \1 : (tensor<128xf32>) -> tensor<128xf32>",
                                                           tile), options)

    for options in ((), (("extern_libs", f"mine={library}"), )):
        path = "" if options else f' path = "{library}"'
        done, ptx = linked(f'tile.extern_elementwise "scaled" library = "mine"{path} pure', options)
        check(re.search(r"mul\.(rn\.)?f32 .*0f40E00000", ptx) and "call" not in ptx and ".func" not in ptx, f"library: {done.stderr[:300]}{ptx[:1500]}")
    done, ptx = linked(f'tile.extern_elementwise "scaled" path = "{library}" pure', (("reflect_ftz", "0"), ))
    check(re.search(r"mul\.(rn\.)?f32 .*0f41100000", ptx), f"reflect_ftz: {done.stderr[:300]}")
    for call, text in ((f'"absent" path = "{library}"', "has no function `absent`"), ('"absent" library = "nowhere"', "extern_libs"),
                       (f'"wide" path = "{library}"', "another size"), ('"f" path = "/nowhere.bc"', "cannot be read")):
        done, ptx = linked(f"tile.extern_elementwise {call} pure")
        check(done.returncode != 0 and text in done.stderr and "kernels.py:" in done.stderr, f"{call}: {done.stderr[:300]}")
    if any(os.path.exists(f"{root}/nvvm/libdevice/libdevice.10.bc") for root in ("/usr/local/cuda", "/opt/cuda")):
        done, ptx = linked('tile.extern_elementwise "__nv_fast_sinf" library = "libdevice" pure')
        check("sin.approx.ftz.f32" in ptx and "call" not in ptx, f"libdevice: {done.stderr[:300]}")


def main(tessera):
    passed = failed = 0

    def check(ok, what):
        nonlocal passed, failed
        passed, failed = passed + bool(ok), failed + (not ok)
        if not ok:
            print(f"FAIL {what}")

    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "kernels.py"
        source.write_text(KERNELS)
        environment = {**os.environ, "TESSERA_CACHE_DIR": os.path.join(folder, "cache")}

        def compiled(target, kernel, options, emit):
            out = pathlib.Path(folder) / "out"
            done = subprocess.run([tessera, "compile", "--in-process", f"{source}:{kernel}", f"--target={target}", *options, f"--emit={emit}",
                                   "-o", str(out)], capture_output=True, text=True, env=environment)
            return done, out.read_bytes() if done.returncode == 0 and out.exists() else b""

        for target, kernel, options, needed, unwanted in CHECKS:
            done, ptx = compiled(target, kernel, options, "asm")
            check(done.returncode == 0, f"{kernel} for {target}: {done.stderr.strip()[:300]}")
            text = ptx.decode()
            for pattern in needed:
                check(re.search(pattern, text), f"{kernel} for {target}: no {pattern}")
            for pattern in unwanted:
                check(not re.search(pattern, text), f"{kernel} for {target}: there is {pattern}")
            check("(C75" not in done.stderr, f"{kernel} for {target}: {done.stderr.strip()[:300]}")
        for options, texts in WRONG:
            done, _ = compiled("sm_90a", "assembly", options, "asm")
            line = KERNELS.splitlines().index("    y = tl.inline_asm_elementwise(TEXT, CONSTRAINTS, [tl.load(x + at)], dtype=tl.int8, is_pure=PURE, pack=PACK)") + 1
            check(done.returncode != 0 and f"kernels.py:{line}:" in done.stderr and all(t in done.stderr for t in texts), f"{texts}: {done.stderr[:300]}")
            check("inline_asm_elementwise(TEXT" in done.stderr and "^" in done.stderr and "tmp/tessera-ptx" not in done.stderr, f"excerpt: {done.stderr[:300]}")

        def compile_tile(kernel, change, options):
            _, tile = compiled("sm_90a", kernel, ["-s", "*fp32:16,*fp32:16"], "tile")
            changed = change(tile.decode())
            assert changed != tile.decode()
            changed = re.sub(r"^module", f"#file = loc(\"{source}\":99:7)\nmodule", changed)
            changed = re.sub(r"(tile\.extern_elementwise .*)", r"\1 loc(#file)", changed)
            paths = [pathlib.Path(folder) / name for name in ("kernel.tile", "request.json", "out.ptx")]
            paths[0].write_text(changed)
            paths[1].write_text(json.dumps({"kernel": kernel, "target": "sm_90a", "emits": "asm", "options": [["file", str(paths[0])], *map(list, options)]}))
            paths[2].unlink(missing_ok=True)
            done = subprocess.run([tessera, "compile", "--in-process", "--from-tile", str(paths[0]), "--request", str(paths[1]), "--emit=asm", "-o", str(paths[2])],
                                  capture_output=True, text=True, env=environment)
            return done, paths[2].read_text() if paths[2].exists() else ""

        # Blocks of a multiprocessor, which the assembler's registers decide: more where a row is loaded once and lanes wait, no more where rows are read again.
        if compiled("sm_90a", "add", ADD, "cubin")[1]:
            for kernel, options, wanted in (("centred", ["-D", "BLOCK=16384", "--num-warps", "16"], 3),
                                            ("read_twice", ["-D", "PIECE=16384", "--num-warps", "8"], 1)):
                done, ptx = compiled("sm_90a", kernel, ["-s", "*fp16:16,*fp16:16,i32:16", *options], "asm")
                found = re.search(r"\.minnctapersm (\d+)", ptx.decode())
                check(found and int(found[1]) == wanted, f"{kernel} {options}: {found and found[0]} instead of {wanted}, {done.stderr.strip()[:200]}")
            # A product whose loop waits for its loads: more than come by themselves (3 of 138 registers, with ptxas 13.0); none where loads go ahead.
            for stages, fewest, most in ((1, 4, 8), (3, 1, 1)):
                done, ptx = compiled("sm_90a", "sparse_rows", ["-s", "*fp16:16,*i64:16,*fp16:16,*fp32:16,i32,i32:16", "-D", "M=64", "-D", "N=128", "-D", "K=64",
                                                               "--num-stages", str(stages)], "asm")
                found = re.search(r"\.minnctapersm (\d+)", ptx.decode())
                check(found and fewest <= int(found[1]) <= most, f"sparse_rows, {stages} stages: {found and found[0]}, {done.stderr.strip()[:200]}")

        check_libraries(check, compile_tile, pathlib.Path(folder))
        done, text = compiled("sm_90a", "add", [*ADD, "--num-ctas", "16"], "asm")
        check(done.returncode != 0 and "num_ctas must be a power of two of at most 8" in done.stderr and "kernels.py:" in done.stderr, done.stderr[:200])
        done, text = compiled("sm_90a", "add", ADD, "llvm")
        check(b"define ptx_kernel void @add" in text and b".visible" not in text, f"llvm: {text[:200]}")
        # What was asked for and is not done is said at its line.
        done, _ = compiled("sm_80", "descriptors", [*DESCRIPTORS, "-D", "ROLES=True"], "asm")
        check("W0904" in done.stderr and "sm_80 has no copies by descriptor" in done.stderr and "warp_specialize=ROLES" in done.stderr, done.stderr[:300])
        # Names that are none say what there is.
        done, _ = compiled("sm_42", "add", ADD, "asm")
        check(done.returncode != 0 and "sm_75" in done.stderr, f"sm_42: {done.stderr.strip()[:200]}")
        done, _ = compiled("sm_80a", "add", ADD, "asm")
        check(done.returncode != 0 and "architecture-specific" in done.stderr, f"sm_80a: {done.stderr.strip()[:200]}")
        # More shared memory than there is: at compile time, with what takes it.
        done, _ = compiled("sm_75", "matmul", matmul("fp32", 256, 256, 128), "asm")
        check(done.returncode != 0 and "shared memory" in done.stderr, f"over-use: {done.stderr.strip()[:200]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
