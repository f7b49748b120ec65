# SPDX-License-Identifier: Apache-2.0
"""Matrix products: any strides and sizes, tiles visited in groups of rows, an epilogue picked at compile time."""
import triton
import triton.language as tl

TILES = [(128, 128, 32), (64, 128, 32), (128, 64, 64), (32, 64, 64)]


def candidates():
    return [
        triton.Config(dict(BM=bm, BN=bn, BK=bk, GROUP=6), num_warps=8 if bm * bn > 8192 else 4, num_stages=stages)
        for bm, bn, bk in TILES
        for stages in (3, 4)
    ]


@triton.jit
def _tile_of(pid, tiles_m, tiles_n, GROUP: tl.constexpr):
    # GROUP rows of tiles together, down the rows first, so that neighbours in time share columns of B
    per_group = GROUP * tiles_n
    top = (pid // per_group) * GROUP
    height = min(tiles_m - top, GROUP)
    inner = pid % per_group
    return top + inner % height, inner // height


@triton.jit
def _leaky(x, slope: tl.constexpr = 0.01):
    return tl.where(x < 0, slope * x, x)


@triton.autotune(configs=candidates(), key=["M", "N", "K"])
@triton.heuristics({"EVEN_K": lambda args: args["K"] % args["BK"] == 0})
@triton.jit
def matmul_kernel(a_ptr, b_ptr, c_ptr, M, N, K, a_row, a_col, b_row, b_col, c_row, c_col,
                  BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr = 8,
                  EPILOGUE: tl.constexpr = None, EVEN_K: tl.constexpr = False):
    tile_m, tile_n = _tile_of(tl.program_id(0), tl.cdiv(M, BM), tl.cdiv(N, BN), GROUP)
    tl.assume(tile_m >= 0)
    tl.assume(tile_n >= 0)
    m = tile_m * BM + tl.arange(0, BM)
    n = tile_n * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    # rows and columns beyond the end wrap around: their products are never stored
    a_tile = a_ptr + (m % M)[:, None] * a_row + k[None, :] * a_col
    b_tile = b_ptr + k[:, None] * b_row + (n % N)[None, :] * b_col
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for begin in range(0, K, BK):
        if EVEN_K:
            a = tl.load(a_tile)
            b = tl.load(b_tile)
        else:
            a = tl.load(a_tile, mask=k[None, :] < K - begin, other=0.0)
            b = tl.load(b_tile, mask=k[:, None] < K - begin, other=0.0)
        acc = tl.dot(a, b, acc)
        a_tile += BK * a_col
        b_tile += BK * b_row
    if EPILOGUE == "leaky":
        acc = _leaky(acc)
    elif EPILOGUE == "relu":
        acc = tl.maximum(acc, 0.0)
    elif EPILOGUE is not None:
        tl.static_assert(False, "EPILOGUE is None, 'leaky' or 'relu'")
    tl.store(c_ptr + m[:, None] * c_row + n[None, :] * c_col, acc.to(c_ptr.dtype.element_ty),
             mask=(m < M)[:, None] & (n < N)[None, :])


@triton.jit
def matmul_block_ptr_kernel(a_ptr, b_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """Contiguous operands, by block pointers."""
    m = tl.program_id(0) * BM
    n = tl.program_id(1) * BN
    a = tl.make_block_ptr(a_ptr, (M, K), (K, 1), (m, 0), (BM, BK), (1, 0))
    b = tl.make_block_ptr(b_ptr, (K, N), (N, 1), (0, n), (BK, BN), (1, 0))
    c = tl.make_block_ptr(base=c_ptr, shape=(M, N), strides=(N, 1), offsets=(m, n), block_shape=(BM, BN), order=(1, 0))
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for _ in range(tl.cdiv(K, BK)):
        left = tl.load(a, boundary_check=(0, 1), padding_option="zero")
        right = tl.load(b, boundary_check=(0, 1), padding_option="zero")
        total += tl.dot(left, right, input_precision="ieee")
        a = tl.advance(a, (0, BK))
        b = tl.advance(b, (BK, 0))
    tl.store(c, total.to(c_ptr.dtype.element_ty), boundary_check=(0, 1))
