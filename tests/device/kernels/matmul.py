# matmul.py - products by plain pointers: one matrix, a group of them, and quantised weights
# SPDX-License-Identifier: Apache-2.0
"""Sizes need not be multiples of the tiles, except that K is a multiple of BK in the quantised products."""
import triton
import triton.language as tl


def candidate(bm, bn, bk, warps, stages, **more):
    return triton.Config({"BM": bm, "BN": bn, "BK": bk, **more}, num_warps=warps, num_stages=stages)


# One list for both sides. The fp8 list has twice the depth: the same bytes.
HALF = [candidate(*c, GROUP=8) for c in ((128, 256, 64, 8, 3), (128, 256, 64, 8, 4), (256, 128, 64, 8, 3), (128, 128, 64, 4, 4),
                                         (128, 128, 64, 8, 4), (128, 128, 32, 4, 5), (64, 256, 64, 4, 4), (128, 64, 64, 4, 4))]
FP8 = [candidate(*c, GROUP=8) for c in ((128, 256, 128, 8, 3), (128, 256, 128, 8, 4), (256, 128, 128, 8, 3), (128, 128, 128, 4, 4),
                                        (128, 128, 128, 8, 4), (128, 128, 64, 4, 5), (64, 256, 128, 4, 4))]
GROUPED = [candidate(*c, PROGRAMS=p) for c in ((128, 128, 64, 8, 3), (128, 128, 64, 4, 4), (128, 256, 64, 8, 3), (64, 128, 64, 4, 4))
           for p in (132, 264)]
QUANTISED = [candidate(*c, GROUP=8) for c in ((128, 256, 64, 8, 3), (128, 128, 64, 8, 3), (128, 128, 64, 4, 3), (128, 128, 128, 8, 2),
                                              (64, 128, 64, 4, 4), (128, 64, 64, 4, 4))]


@triton.jit
def _tile_of(pid, M, N, BM: tl.constexpr, BN: tl.constexpr, GROUP: tl.constexpr):
    """GROUP rows of tiles go together, down first, so that neighbours in time share columns of B."""
    tiles_n = tl.cdiv(N, BN)
    band = pid // (GROUP * tiles_n)
    height = min(tl.cdiv(M, BM) - band * GROUP, GROUP)
    inner = pid % (GROUP * tiles_n)
    return band * GROUP + inner % height, inner // height


@triton.jit
def _matmul(a_ptr, b_ptr, c_ptr, M, N, K, a_row, a_col, b_row, b_col, c_row, c_col,
            BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    tile_m, tile_n = _tile_of(tl.program_id(0), M, N, BM, BN, GROUP)
    tl.assume(tile_m >= 0)
    tl.assume(tile_n >= 0)
    # Rows and columns beyond the end wrap around; their products are not stored.
    m = (tile_m * BM + tl.arange(0, BM)) % M
    n = (tile_n * BN + tl.arange(0, BN)) % N
    k = tl.arange(0, BK)
    a_at = a_ptr + (m[:, None] * a_row + k[None, :] * a_col)
    b_at = b_ptr + (k[:, None] * b_row + n[None, :] * b_col)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for step in range(0, tl.cdiv(K, BK)):
        a = tl.load(a_at, mask=k[None, :] < K - step * BK, other=0.0)
        b = tl.load(b_at, mask=k[:, None] < K - step * BK, other=0.0)
        total = tl.dot(a, b, total)
        a_at += BK * a_col
        b_at += BK * b_row
    m = tile_m * BM + tl.arange(0, BM)
    n = tile_n * BN + tl.arange(0, BN)
    tl.store(c_ptr + m[:, None] * c_row + n[None, :] * c_col, total.to(c_ptr.dtype.element_ty),
             mask=(m[:, None] < M) & (n[None, :] < N))


matmul = triton.autotune(configs=HALF, key=["M", "N", "K"])(_matmul)
matmul_fp8 = triton.autotune(configs=FP8, key=["M", "N", "K"])(_matmul)


@triton.autotune(configs=GROUPED, key=["count"])
@triton.jit
def grouped_matmul(a_ptrs, b_ptrs, c_ptrs, sizes_ptr, count, PROGRAMS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """`count` products of contiguous fp16 matrices, A (M, K), B (K, N): a fixed number of programs share all tiles. The pointers are
    64-bit integers in memory, sizes_ptr holds M, N, K of each product; N and K are multiples of 16."""
    tile = tl.program_id(0)
    before = 0
    for g in range(count):
        M = tl.load(sizes_ptr + 3 * g)
        N = tl.load(sizes_ptr + 3 * g + 1)
        K = tl.load(sizes_ptr + 3 * g + 2)
        N = tl.multiple_of(N, 16)
        K = tl.multiple_of(K, 16)
        tiles_n = tl.cdiv(N, BN)
        tiles = tl.cdiv(M, BM) * tiles_n
        a_ptr = tl.load(a_ptrs + g).to(tl.pointer_type(tl.float16))
        b_ptr = tl.load(b_ptrs + g).to(tl.pointer_type(tl.float16))
        c_ptr = tl.load(c_ptrs + g).to(tl.pointer_type(tl.float16))
        a_ptr = tl.multiple_of(a_ptr, 16)
        b_ptr = tl.multiple_of(b_ptr, 16)
        c_ptr = tl.multiple_of(c_ptr, 16)
        while tile < before + tiles:
            m = (tile - before) // tiles_n * BM + tl.arange(0, BM)
            n = (tile - before) % tiles_n * BN + tl.arange(0, BN)
            k = tl.arange(0, BK)
            a_at = a_ptr + (m % M)[:, None] * K + k[None, :]
            b_at = b_ptr + k[:, None] * N + (n % N)[None, :]
            total = tl.zeros((BM, BN), dtype=tl.float32)
            for step in range(0, tl.cdiv(K, BK)):
                a = tl.load(a_at, mask=k[None, :] < K - step * BK, other=0.0)
                b = tl.load(b_at, mask=k[:, None] < K - step * BK, other=0.0)
                total = tl.dot(a, b, total)
                a_at += BK
                b_at += BK * N
            tl.store(c_ptr + m[:, None] * N + n[None, :], total.to(tl.float16), mask=(m < M)[:, None] & (n < N)[None, :])
            tile += PROGRAMS
        before += tiles


@triton.autotune(configs=QUANTISED, key=["M", "N", "K"])
@triton.jit
def int8_weight_matmul(x_ptr, w_ptr, scale_ptr, y_ptr, M, N, K, x_row, w_row, y_row,
                       BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    """y = x @ (w * scale): w int8 (K, N), scale fp16, one a column."""
    tile_m, tile_n = _tile_of(tl.program_id(0), M, N, BM, BN, GROUP)
    m = (tile_m * BM + tl.arange(0, BM)) % M
    n = (tile_n * BN + tl.arange(0, BN)) % N
    k = tl.arange(0, BK)
    x_at = x_ptr + (m[:, None] * x_row + k[None, :])
    w_at = w_ptr + (k[:, None] * w_row + n[None, :])
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for _ in range(0, K // BK):
        x = tl.load(x_at)
        w = tl.load(w_at).to(x_ptr.dtype.element_ty)
        total = tl.dot(x, w, total)
        x_at += BK
        w_at += BK * w_row
    total *= tl.load(scale_ptr + n).to(tl.float32)[None, :]
    m = tile_m * BM + tl.arange(0, BM)
    n = tile_n * BN + tl.arange(0, BN)
    tl.store(y_ptr + m[:, None] * y_row + n[None, :], total.to(y_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


@triton.autotune(configs=QUANTISED, key=["M", "N", "K"])
@triton.jit
def int4_weight_matmul(x_ptr, w_ptr, scale_ptr, y_ptr, M, N, K, x_row, w_row, y_row, SPAN: tl.constexpr,
                       BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    """y = x @ w: w in bytes (K / 2, N), rows 2i and 2i + 1 in the low and the high half of a byte, biased by 8; scale fp16
    (K / SPAN, N); SPAN is a multiple of BK."""
    tile_m, tile_n = _tile_of(tl.program_id(0), M, N, BM, BN, GROUP)
    m = (tile_m * BM + tl.arange(0, BM)) % M
    n = (tile_n * BN + tl.arange(0, BN)) % N
    k = tl.arange(0, BK)
    half = tl.arange(0, BK // 2)
    x_at = x_ptr + (m[:, None] * x_row + k[None, :])
    w_at = w_ptr + (half[:, None] * w_row + n[None, :])
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for step in range(0, K // BK):
        x = tl.load(x_at)
        packed = tl.load(w_at)
        low = (packed & 15).to(tl.int8) - 8
        high = (packed >> 4).to(tl.int8) - 8
        w = tl.join(low, high).permute(0, 2, 1).reshape(BK, BN)
        scale = tl.load(scale_ptr + (step * BK // SPAN) * N + n)
        total = tl.dot(x, w.to(x_ptr.dtype.element_ty) * scale[None, :], total)
        x_at += BK
        w_at += BK // 2 * w_row
    m = tile_m * BM + tl.arange(0, BM)
    n = tile_n * BN + tl.arange(0, BN)
    tl.store(y_ptr + m[:, None] * y_row + n[None, :], total.to(y_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))
