# matrix.py - rows of matrix products
# SPDX-License-Identifier: Apache-2.0
import torch
import triton
from kernels import matmul as products

from .case import Case, Row


def _product(a, b):
    """In float64; of few rows on a device without a matrix unit worth the name it is the test's longest part, still."""
    return a.double() @ b.double()


def _tiles(m, n):
    return lambda meta: (triton.cdiv(m, meta["BM"]) * triton.cdiv(n, meta["BN"]),)


def matmul(world, M, N, K, dtype):
    dtype = getattr(torch, dtype)
    a, b = world.normal(M, K, dtype=dtype), world.normal(K, N, dtype=dtype)
    c, other = world.empty(M, N, dtype=dtype), world.empty(M, N, dtype=dtype)

    def run():
        return products.matmul[_tiles(M, N)](a, b, c, M, N, K, *a.stride(), *b.stride(), *c.stride())

    return Case(run, (c,), lambda: (_product(a, b),), 1e-3 if dtype == torch.float16 else 5e-3,
                {"cublas": lambda: torch.matmul(a, b, out=other)}, (products.matmul,))


def matmul_fp8(world, M, N, K):
    dtype = torch.float8_e4m3fn
    a, b = world.normal(M, K, dtype=dtype), world.normal(N, K, dtype=dtype).t()
    c = world.empty(M, N, dtype=torch.float16)
    one = torch.ones((), device=a.device)

    def run():
        return products.matmul_fp8[_tiles(M, N)](a, b, c, M, N, K, *a.stride(), *b.stride(), *c.stride())

    return Case(run, (c,), lambda: (_product(a, b),), 1e-2,
                {"cublas": lambda: torch._scaled_mm(a, b, one, one, out_dtype=torch.bfloat16, use_fast_accum=True)}, (products.matmul_fp8,))


def grouped(world, shapes):
    half = torch.float16
    a = [world.normal(m, k, dtype=half) for m, n, k in shapes]
    b = [world.normal(k, n, dtype=half) for m, n, k in shapes]
    # One tensor holds all results, so that one fill poisons them.
    whole = world.empty(sum(m * n for m, n, k in shapes), dtype=half)
    c, at = [], 0
    for m, n, k in shapes:
        c.append(whole[at:at + m * n].view(m, n))
        at += m * n
    others = [torch.empty_like(x) for x in c]
    addresses = [torch.tensor([x.data_ptr() for x in side], dtype=torch.int64, device=world.device) for side in (a, b, c)]
    sizes = torch.tensor(shapes, dtype=torch.int32, device=world.device)

    def run():
        return products.grouped_matmul[lambda meta: (meta["PROGRAMS"],)](*addresses, sizes, len(shapes))

    def library():
        for x, y, z in zip(a, b, others):
            torch.matmul(x, y, out=z)

    return Case(run, (whole,), lambda: (torch.cat([_product(x, y).flatten() for x, y in zip(a, b)]),), 1e-3, {"cublas": library},
                (products.grouped_matmul,))


def int8_weights(world, M, N, K):
    x = world.normal(M, K, dtype=torch.float16)
    w = world.integers(-127, 128, (K, N), torch.int8)
    scale = (world.normal(N, dtype=torch.float32).abs() * 0.01 + 0.001).half()
    y = world.empty(M, N, dtype=torch.float16)

    def run():
        return products.int8_weight_matmul[_tiles(M, N)](x, w, scale, y, M, N, K, x.stride(0), w.stride(0), y.stride(0))

    def library():
        return torch.matmul(x, w.to(torch.float16)) * scale

    return Case(run, (y,), lambda: (_product(x, w) * scale.double(),), 1e-3, {"cublas": library}, (products.int8_weight_matmul,))


def int4_weights(world, M, N, K, span):
    x = world.normal(M, K, dtype=torch.float16)
    packed = world.integers(0, 256, (K // 2, N), torch.uint8)
    scale = (world.normal(K // span, N, dtype=torch.float32).abs() * 0.1 + 0.01).half()
    y = world.empty(M, N, dtype=torch.float16)

    def unpacked(dtype):
        pairs = torch.stack(((packed & 15).to(dtype) - 8, (packed >> 4).to(dtype) - 8), dim=1)
        return pairs.reshape(K, N) * scale.to(dtype).repeat_interleave(span, dim=0)

    def run():
        return products.int4_weight_matmul[_tiles(M, N)](x, packed, scale, y, M, N, K, x.stride(0), packed.stride(0), y.stride(0), SPAN=span)

    return Case(run, (y,), lambda: (x.double() @ unpacked(torch.float64),), 1e-3,
                {"cublas": lambda: torch.matmul(x, unpacked(torch.float16))}, (products.int4_weight_matmul,))


def rows():
    def operations(M, N, K, **_):
        return 2 * M * N * K

    def shape(m, n, k, **more):
        return {"M": m, "N": n, "K": k, **more}

    table = []
    library = {"triton": 1.0, "cublas": 0.95}
    for dtype, short in (("float16", "f16"), ("bfloat16", "bf16")):
        for n in (2048, 4096, 8192):
            table.append(Row(f"matmul {n}^3 {short}", matmul, shape(n, n, n, dtype=dtype), shape(130, 100, 96, dtype=dtype), "TFLOP/s",
                             operations, library))
    for k in (512, 2048):
        table.append(Row(f"matmul 8192x8192x{k} f16", matmul, shape(8192, 8192, k, dtype="float16"),
                         shape(128, 128, 64, dtype="float16"), "TFLOP/s", operations))
    table.append(Row("matmul 8192^3 fp8", matmul_fp8, shape(8192, 8192, 8192), shape(130, 100, 128), "TFLOP/s", operations))
    shapes = [(4096, 4096, 1024), (1024, 4096, 2048), (2048, 2048, 4096), (512, 8192, 1024), (3000, 1024, 4096), (256, 4096, 4096)]
    small = [(64, 96, 64), (33, 32, 128)]
    table.append(Row("grouped matmul, 6 products f16", grouped, {"shapes": shapes}, {"shapes": small}, "TFLOP/s",
                     lambda shapes: sum(2 * m * n * k for m, n, k in shapes)))
    for m in (64, 4096):
        table.append(Row(f"int8 weights {m}x4096x4096 f16", int8_weights, shape(m, 4096, 4096), shape(33, 64, 128), "TFLOP/s", operations))
        table.append(Row(f"int4 weights {m}x4096x4096 f16", int4_weights, shape(m, 4096, 4096, span=128), shape(33, 64, 256, span=128),
                         "TFLOP/s", operations))
    return table
