# cases.py - the rows of the demo: inputs, launches, the same computation in NumPy
# SPDX-License-Identifier: Apache-2.0
"""Each function decorated with @row builds one Case; `s(full, small)` picks the size. Checks are in float64."""
import dataclasses
import functools
import math

import numpy as np

# Both operands of a product lose what lies behind TF32's ten bits (PTX ISA, "Alternate floating point data formats").
TF32 = 2 * 2.0**-10

ROWS = []


class RowFailed(Exception):
    def __init__(self, message, details=""):
        super().__init__(message)
        self.details = details


@dataclasses.dataclass
class Launch:
    kernel: str  # FILE:FUNCTION in tests/kernels
    grid: tuple
    arguments: list  # of the parameters that are not constexpr; an array is a pointer, "*fp32[…]" a fresh buffer
    constants: dict
    outputs: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Case:
    name: str
    shape: str
    launches: list  # a Launch, or a function from earlier results to one
    check: object  # results -> largest error
    limit: float
    work: float  # bytes or operations
    unit: str = "GB/s"
    numpy: object = None  # the same computation in float32, for its time; every row has one
    limit_tf32: float = 0  # where the target's matrix units take float32 as TF32, which is Triton's default for NVIDIA; 0: as `limit`

    def __post_init__(self):
        if self.numpy is None:
            raise TypeError(f"{self.name}: nothing says what it is in NumPy")

    def limit_on(self, target):
        return self.limit_tf32 if self.limit_tf32 and target.startswith(("nvidia", "sm_", "compute_")) else self.limit


def row(name):
    def register(function):
        ROWS.append((name, function))
        return function

    return register


def build(small):
    size = (lambda full, little: little) if small else (lambda full, little: full)
    made = []
    for number, (name, function) in enumerate(ROWS):
        make = functools.partial(function, size, np.random.default_rng(1000 + number), name)
        make.row = name
        made.append(make)
    return made


def cdiv(a, b):
    return -(-a // b)


def power(n):
    return 1 << (n - 1).bit_length()


def buffer(element, *shape):
    return f"*{element}[{','.join(map(str, shape))}]"


def wide(a):
    return a.astype(np.float64)


def worst(got, want):
    """Largest error relative to the scale of the result; NaN counts as infinite."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape:
        got = got.reshape(want.shape)
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    error = float(np.abs(got - want).max(initial=0.0)) / scale
    return error if np.isfinite(error) else np.inf


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


@row("vector add")
def vector_add(s, rng, name):
    n = s(10_000_019, 5003)
    x, y = normal(rng, n), normal(rng, n)
    return Case(name, f"{n}", [Launch("vector_add.py:add_kernel", (cdiv(n, 4096),), [x, y, buffer("fp32", n), n], dict(BLOCK_SIZE=4096), ["output_ptr"])],
                lambda r: worst(r["output_ptr"], wide(x) + wide(y)), 1e-7, 12 * n, numpy=lambda: x + y)


def softmax_of(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@row("fused softmax")
def softmax(s, rng, name):
    m, n = s((4096, 781), (37, 101))
    x = normal(rng, m, n)
    return Case(name, f"{m}x{n}", [Launch("softmax.py:softmax_kernel", (s(64, 5),), [x, buffer("fp32", m, n), n, n, m, n], dict(BLOCK_SIZE=power(n)), ["y_ptr"])],
                lambda r: worst(r["y_ptr"], softmax_of(wide(x))), 1e-6, 8 * m * n, numpy=lambda: softmax_of(x))


@row("softmax of long rows")
def softmax_long(s, rng, name):
    m, n = s((256, 30_011), (5, 1031))
    x = normal(rng, m, n) * 4
    return Case(name, f"{m}x{n}", [Launch("softmax.py:softmax_long_rows_kernel", (m,), [x, buffer("fp32", m, n), n], dict(PIECE=s(2048, 256)), ["y_ptr"])],
                lambda r: worst(r["y_ptr"], softmax_of(wide(x))), 1e-6, 12 * m * n, numpy=lambda: softmax_of(x))


def matmul_case(name, m, n, k, a, b, tile, constants, want, element, limit, numpy):
    bm, bn, bk = tile
    grid = (cdiv(m, bm) * cdiv(n, bn),)
    launch = Launch("matmul.py:matmul_kernel", grid, [a, b, buffer(element, m, n), m, n, k, k, 1, n, 1, n, 1],
                    dict(BM=bm, BN=bn, BK=bk, GROUP=4, **constants), ["c_ptr"])
    return Case(name, f"{m}x{n}x{k}", [launch], lambda r: worst(r["c_ptr"], want), limit, 2 * m * n * k, "GFLOP/s", numpy, TF32 if a.dtype == np.float32 else 0)


@row("matmul")
def matmul(s, rng, name):
    m, n, k = s((1024, 1024, 1024), (64, 96, 64))
    a, b = normal(rng, m, k), normal(rng, k, n)
    return matmul_case(name, m, n, k, a, b, s((128, 128, 64), (32, 32, 32)), dict(EVEN_K="True"), wide(a) @ wide(b), "fp32", 2e-6, lambda: a @ b)


@row("matmul, odd sizes, leaky")
def matmul_odd(s, rng, name):
    m, n, k = s((509, 771, 383), (33, 45, 51))
    a, b = normal(rng, m, k), normal(rng, k, n)
    product = wide(a) @ wide(b)
    return matmul_case(name, m, n, k, a, b, s((64, 64, 32), (32, 16, 16)), dict(EPILOGUE='"leaky"'), np.where(product < 0, 0.01 * product, product), "fp32", 2e-6,
                       lambda: np.where((c := a @ b) < 0, 0.01 * c, c))


@row("matmul fp16")
def matmul_half(s, rng, name):
    m, n, k = s((512, 512, 512), (32, 32, 48))
    a, b = normal(rng, m, k).astype(np.float16), normal(rng, k, n).astype(np.float16)
    return matmul_case(name, m, n, k, a, b, s((64, 64, 32), (16, 16, 16)), dict(EPILOGUE='"relu"'), np.maximum(wide(a) @ wide(b), 0), "fp16", 1e-3,
                       lambda: np.maximum(a.astype(np.float32) @ b.astype(np.float32), 0).astype(np.float16))  # sums in float32, as the kernel's


@row("matmul by block pointers")
def matmul_block(s, rng, name):
    m, n, k = s((509, 770, 383), (33, 46, 51))
    a, b = normal(rng, m, k), normal(rng, k, n)
    bm, bn, bk = s((64, 64, 32), (16, 32, 16))
    launch = Launch("matmul.py:matmul_block_ptr_kernel", (cdiv(m, bm), cdiv(n, bn)), [a, b, buffer("fp32", m, n), m, n, k], dict(BM=bm, BN=bn, BK=bk), ["c_ptr"])
    return Case(name, f"{m}x{n}x{k}", [launch], lambda r: worst(r["c_ptr"], wide(a) @ wide(b)), 2e-6, 2 * m * n * k, "GFLOP/s", lambda: a @ b)


def layer_norm_of(x, w, b, eps):
    mean = x.mean(1, keepdims=True)
    return (x - mean) / np.sqrt(x.var(1, keepdims=True) + eps) * w + b


@row("layer norm forward")
def layer_norm_forward(s, rng, name):
    m, n = s((2048, 1151), (9, 77))
    x, w, b = normal(rng, m, n) * 3 + 1, normal(rng, n), normal(rng, n)
    launch = Launch("layer_norm.py:layer_norm_forward", (m,), [x, buffer("fp32", m, n), w, b, buffer("fp32", m), buffer("fp32", m), n, n, 1e-5],
                    dict(BLOCK_SIZE=s(1024, 32)), ["y_ptr", "mean_ptr", "rstd_ptr"])

    def check(r):
        d = wide(x)
        return max(worst(r["y_ptr"], layer_norm_of(d, w, b, 1e-5)), worst(r["mean_ptr"], d.mean(1)), worst(r["rstd_ptr"], 1 / np.sqrt(d.var(1) + 1e-5)))

    return Case(name, f"{m}x{n}", [launch], check, 2e-6, 8 * m * n, numpy=lambda: layer_norm_of(x, w, b, np.float32(1e-5)))


@row("layer norm backward")
def layer_norm_backward(s, rng, name):
    m, n = s((2048, 1151), (13, 77))
    x, w, dy = normal(rng, m, n) * 2, normal(rng, n), normal(rng, m, n)
    d = wide(x)
    mean, rstd = d.mean(1), 1 / np.sqrt(d.var(1) + 1e-5)
    shared = s(16, 4)
    first = Launch("layer_norm.py:layer_norm_backward_dx", (m,),
                   [dy, x, w, mean.astype(np.float32), rstd.astype(np.float32), buffer("fp32", m, n), buffer("fp32", shared, n), buffer("fp32", shared, n),
                    buffer("i32", shared), buffer("i32", shared), n, n], dict(SHARED_ROWS=shared, BLOCK_SIZE=power(n)), ["dx_ptr", "dw_rows_ptr", "db_rows_ptr"])
    second = lambda r: Launch("layer_norm.py:layer_norm_backward_dwdb", (cdiv(n, 128),), [r["dw_rows_ptr"], r["db_rows_ptr"], buffer("fp32", n), buffer("fp32", n), shared, n],
                              dict(BLOCK_M=s(16, 4), BLOCK_N=128), ["dw_ptr", "db_ptr"])

    def gradients(x, dy, w, mean, rstd):
        normalised = (x - mean[:, None]) * rstd[:, None]
        pull = dy * w
        dx = (pull - normalised * (normalised * pull).mean(1, keepdims=True) - pull.mean(1, keepdims=True)) * rstd[:, None]
        return dx, (dy * normalised).sum(0), dy.sum(0)

    def check(r):
        dx, dw, db = gradients(d, wide(dy), wide(w), mean, rstd)
        return max(worst(r["dx_ptr"], dx), worst(r["dw_ptr"], dw), worst(r["db_ptr"], db))

    single = mean.astype(np.float32), rstd.astype(np.float32)
    return Case(name, f"{m}x{n}", [first, second], check, 3e-6, 12 * m * n, numpy=lambda: gradients(x, dy, w, *single))


def philox(seed, offsets):
    """Philox 4x32 with ten rounds; the counter is (offset, 0, 0, 0). Source: Salmon et al., Parallel random numbers, SC 2011."""
    c = [offsets.astype(np.uint64)] + [np.zeros(len(offsets), np.uint64) for _ in range(3)]
    k = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ k[0], b & low, (a >> np.uint64(32)) ^ c[3] ^ k[1], a & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return [x.astype(np.uint32) for x in c]


def uniform(bits):
    i = bits.view(np.int32).astype(np.int64)
    return (np.where(i < 0, -i - 1, i).astype(np.float32) * np.float32(4.6566127342e-10)).astype(np.float32)


@row("low-memory dropout")
def dropout(s, rng, name):
    n, p, seed = s(4_000_037, 3001), 0.3, 123
    x = normal(rng, n)
    launch = Launch("dropout.py:dropout_kernel", (cdiv(n, 1024),), [x, buffer("fp32", n), n, p, seed], dict(BLOCK=1024), ["y_ptr"])

    def check(r):
        keep = uniform(philox(seed, np.arange(n))[0]) >= np.float32(p)
        return worst(r["y_ptr"], np.where(keep, wide(x) / (1 - p), 0))

    return Case(name, f"{n}", [launch], check, 1e-6, 8 * n, numpy=lambda: np.where(np.random.default_rng(1).random(n, dtype=np.float32) >= p, x / (1 - p), 0))


@row("random numbers")
def random_numbers(s, rng, name):
    n, seed = s(1_000_003, 2001), 2**40 + 12345
    launch = Launch("dropout.py:random_kernel", (cdiv(n, 1024),), [buffer("fp32", n), buffer("fp32", n), buffer("i32", n), n, seed], dict(BLOCK=1024),
                    ["uniform_ptr", "normal_ptr", "bits_ptr"])

    def check(r):
        bits = philox(seed, np.arange(n))
        radius = np.sqrt(-2 * np.log(np.maximum(wide(uniform(bits[0])), 1e-7)))
        gauss = radius * np.cos(2 * np.pi * wide(uniform(bits[1])))
        same = np.array_equal(r["bits_ptr"].view(np.uint32), bits[0] ^ bits[1] ^ bits[2] ^ bits[3])
        return max(worst(r["uniform_ptr"], uniform(bits[0])), worst(r["normal_ptr"], gauss), 0 if same else np.inf)

    return Case(name, f"{n}", [launch], check, 2e-6, 12 * n, numpy=lambda: np.random.default_rng(1).standard_normal(n, dtype=np.float32))


def attention_of(q, k, v, causal):
    score = q @ k.transpose(0, 1, 3, 2) * (q.shape[-1] ** -0.5)
    if causal:
        score = np.where(np.tril(np.ones(score.shape[-2:], bool)), score, -np.inf)
    peak = score.max(-1, keepdims=True)
    weight = np.exp(score - peak)
    mass = weight.sum(-1, keepdims=True)
    return weight / mass @ v, (peak + np.log(mass))[..., 0]


def attention_case(s, rng, name, causal, n):
    z, h, d = s((2, 4, 64), (1, 2, 16))
    q, k, v = normal(rng, z, h, n, d), normal(rng, z, h, n, d), normal(rng, z, h, n, d)
    strides = [h * n * d, n * d, d] * 4
    bm, bn = s((128, 64), (32, 16))
    launch = Launch("attention.py:attention_forward", (cdiv(n, bm), z * h), [q, k, v, buffer("fp32", z, h, n, d), buffer("fp32", z, h, n), d**-0.5, h, n, n, *strides],
                    dict(CAUSAL=causal, HEAD=d, BLOCK_M=bm, BLOCK_N=bn), ["out_ptr", "lse_ptr"])

    def check(r):
        out, lse = attention_of(wide(q), wide(k), wide(v), causal)
        return max(worst(r["out_ptr"], out), worst(r["lse_ptr"], lse))

    return Case(name, f"{z}x{h}x{n}x{d}", [launch], check, 5e-6, 4 * z * h * n * n * d * (0.5 if causal else 1), "GFLOP/s", lambda: attention_of(q, k, v, causal),
                TF32)


@row("attention")
def attention(s, rng, name):
    return attention_case(s, rng, name, False, s(1024, 64))


@row("attention, odd length")
def attention_odd(s, rng, name):
    return attention_case(s, rng, name, False, s(733, 45))


@row("attention, causal")
def attention_causal(s, rng, name):
    return attention_case(s, rng, name, True, s(1000, 75))


@row("int8 dequantising matmul")
def int8_dequant(s, rng, name):
    m, n, k = s((256, 700, 515), (17, 40, 33))
    x, w = normal(rng, m, k), rng.integers(-127, 128, (k, n), dtype=np.int8)
    scale, bias = rng.random(n, dtype=np.float32) * 0.01, normal(rng, n)
    bm, bn, bk = s((64, 64, 32), (16, 16, 16))
    launch = Launch("int8_matmul.py:dequant_matmul_kernel", (cdiv(m, bm), cdiv(n, bn)), [x, w, scale, bias, buffer("fp32", m, n), m, n, k, k, n, n],
                    dict(HAS_BIAS="True", BLOCK_M=bm, BLOCK_N=bn, BLOCK_K=bk), ["y_ptr"])
    return Case(name, f"{m}x{n}x{k}", [launch], lambda r: worst(r["y_ptr"], wide(x) @ (wide(w) * scale) + bias), 3e-6, 2 * m * n * k, "GFLOP/s",
                lambda: x @ (w * scale) + bias)


@row("int8 matmul")
def int8_matmul(s, rng, name):
    m, n, k = s((256, 384, 515), (32, 16, 40))
    a, b = rng.integers(-128, 128, (m, k), dtype=np.int8), rng.integers(-128, 128, (k, n), dtype=np.int8)
    bm, bn, bk = s((64, 64, 64), (16, 16, 32))
    launch = Launch("int8_matmul.py:int8_matmul_kernel", (cdiv(m, bm), cdiv(n, bn)), [a, b, buffer("i32", m, n), m, n, k], dict(BLOCK_M=bm, BLOCK_N=bn, BLOCK_K=bk), ["c_ptr"])
    return Case(name, f"{m}x{n}x{k}", [launch], lambda r: worst(r["c_ptr"], wide(a) @ wide(b)), 0.0, 2 * m * n * k, "GOP/s",
                lambda: a.astype(np.int32) @ b.astype(np.int32))


@row("rotary embedding")
def rotary(s, rng, name):
    batch, length, qh, kh, d = s((2, 512, 12, 4, 96), (2, 5, 3, 1, 12))
    q, k = normal(rng, batch * length, qh, d), normal(rng, batch * length, kh, d)
    angle = np.arange(length)[:, None] * (1e-4 ** (np.arange(d // 2) / (d // 2)))[None, :]
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    launch = Launch("rotary.py:rotary_kernel", (batch * length,), [q, k, cos, sin, qh * d, kh * d, d // 2, length], dict(q_heads=qh, k_heads=kh, head_size=d), ["q_ptr", "k_ptr"])

    def turn(x, cos, sin):
        c, si = np.tile(cos, (batch, 1))[:, None, :], np.tile(sin, (batch, 1))[:, None, :]
        x1, x2 = x[..., : d // 2], x[..., d // 2 :]
        return np.concatenate([x1 * c - x2 * si, x2 * c + x1 * si], -1)

    return Case(name, f"{batch}x{length}x({qh}+{kh})x{d}", [launch],
                lambda r: max(worst(r["q_ptr"], turn(wide(q), wide(cos), wide(sin))), worst(r["k_ptr"], turn(wide(k), wide(cos), wide(sin)))), 1e-6,
                8 * (q.size + k.size), numpy=lambda: (turn(q, cos, sin), turn(k, cos, sin)))


@row("RMS norm")
def rms_norm(s, rng, name):
    m, n = s((4096, 1000), (11, 75))
    x, w = normal(rng, m, n), normal(rng, n)
    launch = Launch("rms_norm.py:rms_norm_forward", (m,), [x, buffer("fp32", m, n), w, buffer("fp32", m), n, n, n, 1e-6, 1.0], dict(ROUNDING=0, BLOCK_SIZE=power(n)), ["y_ptr"])
    norm = lambda x: x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-6) * (1 + w)
    return Case(name, f"{m}x{n}", [launch], lambda r: worst(r["y_ptr"], norm(wide(x))), 1e-6, 8 * m * n, numpy=lambda: norm(x))


@row("RMS norm backward")
def rms_norm_backward(s, rng, name):
    m, n = s((2000, 1000), (11, 75))
    x, w, dy = normal(rng, m, n), normal(rng, n), normal(rng, m, n)
    rstd = 1 / np.sqrt((wide(x) ** 2).mean(1) + 1e-6)
    share = s(100, 4)
    programs = cdiv(m, share)
    launch = Launch("rms_norm.py:rms_norm_backward", (programs,), [dy, x, w, rstd.astype(np.float32), buffer("fp32", m, n), buffer("fp32", programs, n), n, m, n, 1.0, share],
                    dict(BLOCK_SIZE=power(n)), ["dx_ptr", "dw_ptr"])

    def gradients(x, dy, w, rstd):
        normalised, pull = x * rstd[:, None], dy * (w + 1)
        return rstd[:, None] * (pull - normalised * (pull * normalised).mean(1, keepdims=True)), (dy * normalised).sum(0)

    def check(r):
        dx, dw = gradients(wide(x), wide(dy), wide(w), rstd)
        return max(worst(r["dx_ptr"], dx), worst(r["dw_ptr"].sum(0, dtype=np.float64), dw))

    return Case(name, f"{m}x{n}", [launch], check, 2e-6, 12 * m * n, numpy=lambda: gradients(x, dy, w, rstd.astype(np.float32)))


def erf(x):
    """NumPy has none: element by element through the standard library."""
    return np.fromiter((math.erf(v) for v in x.ravel()), np.float64, x.size).reshape(x.shape)


def gelu_case(s, rng, name, form):
    n = s(2_000_003, 3001)
    x = normal(rng, n) * 2
    launch = Launch("gelu.py:gelu_kernel", (cdiv(n, 2048),), [x, buffer("fp32", n), n], dict(FORM=form, BLOCK=2048), ["y_ptr"])
    smooth = lambda x: x * (0.5 + 0.5 * np.tanh(np.sqrt(2 / np.pi).astype(x.dtype) * (x + x.dtype.type(0.044715) * x * x * x)))
    exact = lambda x: x * (0.5 + 0.5 * erf(x * np.sqrt(0.5)))
    return Case(name, f"{n}", [launch], lambda r: worst(r["y_ptr"], (exact if form == "exact" else smooth)(wide(x))), 1e-6, 8 * n, numpy=lambda: smooth(x))


@row("GELU (erf)")
def gelu_exact(s, rng, name):
    return gelu_case(s, rng, name, "exact")


@row("GELU (tanh)")
def gelu_tanh(s, rng, name):
    return gelu_case(s, rng, name, "approximate")


@row("GELU backward")
def gelu_backward(s, rng, name):
    n = s(1_000_003, 3001)
    x, dy = normal(rng, n) * 2, normal(rng, n)
    launch = Launch("gelu.py:gelu_backward_kernel", (cdiv(n, 2048),), [dy, x, buffer("fp32", n), n], dict(BLOCK=2048), ["dx_ptr"])

    def gradient(d, error, half, root, circle):
        return dy * (half + half * error(d * root) + d * np.exp(-half * d * d) / circle)

    constants = 0.5, np.sqrt(0.5), np.sqrt(2 * np.pi)
    single = [np.float32(c) for c in constants]
    check = lambda r: worst(r["dx_ptr"], gradient(wide(x), erf, *constants))
    # NumPy has no erf: its time is with tanh in that place, as in the rows above.
    return Case(name, f"{n}", [launch], check, 1e-6, 12 * n, numpy=lambda: gradient(x, np.tanh, *single))


@row("segmented scan")
def segmented_scan(s, rng, name):
    m, n = s((512, 1000), (7, 100))
    x, flag = normal(rng, m, n), (rng.random((m, n)) < 0.05).astype(np.int32)
    launch = Launch("segmented_scan.py:segmented_scan_kernel", (m,), [x, flag, buffer("fp32", m, n), n], dict(BLOCK=power(n)), ["y_ptr"])

    def scan(x, flag):
        out = x.copy()
        for j in range(1, n):
            out[:, j] = np.where(flag[:, j] != 0, x[:, j], out[:, j - 1] + x[:, j])
        return out

    return Case(name, f"{m}x{n}", [launch], lambda r: worst(r["y_ptr"], scan(wide(x), flag)), 1e-6, 12 * m * n, numpy=lambda: scan(x, flag))


@row("linear recurrence")
def recurrence(s, rng, name):
    t, d = s((1000, 512), (37, 20))
    gate, x = rng.random((t, d), dtype=np.float32), normal(rng, t, d)
    launch = Launch("segmented_scan.py:recurrence_kernel", (cdiv(d, 16),), [gate, x, buffer("fp32", t, d), t, d], dict(BLOCK_T=s(64, 16), BLOCK_D=16), ["h_ptr"])

    def run(gate, x):
        out, h = np.empty_like(x), np.zeros(d, x.dtype)
        for i in range(t):
            out[i] = h = gate[i] * h + x[i]
        return out

    return Case(name, f"{t}x{d}", [launch], lambda r: worst(r["h_ptr"], run(wide(gate), wide(x))), 2e-6, 12 * t * d, numpy=lambda: run(gate, x))


@row("cumulative sums, products")
def cumulative(s, rng, name):
    n = s(4096, 128)
    x = normal(rng, n)
    launch = Launch("segmented_scan.py:cumulative_kernel", (1,), [x, buffer("fp32", n), buffer("fp32", n), buffer("fp32", n)], dict(BLOCK=n), ["sum_ptr", "reverse_ptr", "prod_ptr"])
    d = wide(x)
    return Case(name, f"{n}", [launch], lambda r: max(worst(r["sum_ptr"], np.cumsum(d)), worst(r["reverse_ptr"], np.cumsum(d[::-1])[::-1]),
                                                      worst(r["prod_ptr"], np.cumprod(1 + d * 0.01))), 1e-5, 16 * n, numpy=lambda: (np.cumsum(x), np.cumprod(1 + x)))


@row("histogram")
def histogram(s, rng, name):
    n, bins = s(4_000_003, 5003), s(256, 16)
    x = np.minimum(rng.exponential(bins / 6, n).astype(np.int32), bins - 1)
    launch = Launch("histogram.py:histogram_kernel", (cdiv(n, 4096),), [x, buffer("i32", bins), n], dict(NUM_BINS=bins, BLOCK=4096), ["counts_ptr"])
    return Case(name, f"{n} in {bins}", [launch], lambda r: worst(r["counts_ptr"], np.bincount(x, minlength=bins)), 0.0, 4 * n, numpy=lambda: np.bincount(x, minlength=bins))


@row("top-k")
def topk(s, rng, name):
    m, n, k = s((512, 1000, 16), (7, 50, 8))
    x = normal(rng, m, n)
    launch = Launch("topk.py:topk_kernel", (m,), [x, buffer("fp32", m, k), n], dict(K=k, BLOCK=power(n)), ["y_ptr"])
    best = lambda x: np.sort(x, 1)[:, ::-1][:, :k]
    return Case(name, f"{m}x{n}, {k}", [launch], lambda r: worst(r["y_ptr"], best(x)), 0.0, 4 * m * n, numpy=lambda: best(x))


@row("top-k with places")
def topk_index(s, rng, name):
    m, n, k = s((512, 1000, 16), (7, 50, 8))
    x = rng.integers(-300, 300, (m, n)).astype(np.float32)  # many equal values
    launch = Launch("topk.py:topk_index_kernel", (m,), [x, buffer("fp32", m, k), buffer("i32", m, k), n], dict(K=k, BLOCK=power(n)), ["value_ptr", "index_ptr"])
    place = lambda: np.argsort(-x, 1, kind="stable")[:, :k]
    return Case(name, f"{m}x{n}, {k}", [launch], lambda r: max(worst(r["index_ptr"], place()), worst(r["value_ptr"], np.take_along_axis(x, place(), 1))), 0.0, 4 * m * n, numpy=place)


@row("sort of rows")
def sort_rows(s, rng, name):
    m, n = s((256, 1000), (5, 60))
    x = normal(rng, m, n)
    launch = Launch("topk.py:sort_rows_kernel", (m,), [x, buffer("fp32", m, n), n], dict(BLOCK=power(n), DESCENDING="True"), ["y_ptr"])
    return Case(name, f"{m}x{n}", [launch], lambda r: worst(r["y_ptr"], np.sort(x, 1)[:, ::-1]), 0.0, 8 * m * n, numpy=lambda: np.sort(x, 1))


@row("cross entropy")
def cross_entropy(s, rng, name):
    m, n = s((512, 8003), (9, 203))
    smoothing, skip = 0.1, -100
    x, label = normal(rng, m, n) * 2, rng.integers(0, n, m)
    label[::7] = skip
    counted = int((label != skip).sum())
    launch = Launch("cross_entropy.py:cross_entropy_kernel", (m,), [x, label, buffer("fp32", m), n, n, counted, skip], dict(SMOOTHING=smoothing, MEAN="True", PIECE=s(1024, 64)),
                    ["logits_ptr", "loss_ptr"])

    def run(x):
        lse = np.log(np.exp(x - x.max(1, keepdims=True)).sum(1)) + x.max(1)
        valid = label != skip
        safe = np.where(valid, label, 0)
        loss = (1 - smoothing) * (lse - x[np.arange(m), safe]) + smoothing * (lse - x.mean(1))
        gradient = np.exp(x - lse[:, None]) - smoothing / n
        gradient[np.arange(m), safe] -= 1 - smoothing
        return np.where(valid, loss, 0) / counted, gradient * valid[:, None] / counted

    def check(r):
        loss, gradient = run(wide(x))
        return max(worst(r["loss_ptr"] * counted, loss * counted), worst(r["logits_ptr"] * counted, gradient * counted))

    return Case(name, f"{m}x{n}", [launch], check, 3e-6, 12 * m * n, numpy=lambda: run(x))


@row("SwiGLU forward")
def swiglu_forward(s, rng, name):
    m, n = s((1024, 1500), (9, 75))
    a, b = normal(rng, m, n), normal(rng, m, n)
    launch = Launch("swiglu.py:swiglu_forward", (m,), [a, b, buffer("fp32", m, n), n], dict(cols=n), ["out_ptr"])
    run = lambda a, b: a / (1 + np.exp(-a)) * b
    return Case(name, f"{m}x{n}", [launch], lambda r: worst(r["out_ptr"], run(wide(a), wide(b))), 1e-6, 12 * m * n, numpy=lambda: run(a, b))


@row("SwiGLU backward")
def swiglu_backward(s, rng, name):
    m, n = s((1024, 1500), (9, 75))
    a, b, dc = normal(rng, m, n), normal(rng, m, n), normal(rng, m, n)
    launch = Launch("swiglu.py:swiglu_backward", (m,), [dc, a, b, n], dict(cols=n), ["gate_ptr", "value_ptr"])

    def run(a, b, dc):
        gate = 1 / (1 + np.exp(-a))
        return dc * b * gate * (1 + a * (1 - gate)), dc * a * gate

    def check(r):
        da, db = run(wide(a), wide(b), wide(dc))
        return max(worst(r["gate_ptr"], da), worst(r["value_ptr"], db))

    return Case(name, f"{m}x{n}", [launch], check, 1e-6, 20 * m * n, numpy=lambda: run(a, b, dc))


@row("argmax with place")
def argmax(s, rng, name):
    m, n = s((1000, 3001), (13, 101))
    x = rng.integers(-500, 500, (m, n)).astype(np.float32)
    bm = s(16, 4)
    launch = Launch("reductions.py:argmax_kernel", (cdiv(m, bm),), [x, buffer("fp32", m), buffer("i32", m), m, n], dict(BLOCK_M=bm, BLOCK_N=s(128, 32)), ["value_ptr", "index_ptr"])
    return Case(name, f"{m}x{n}", [launch], lambda r: max(worst(r["value_ptr"], x.max(1)), worst(r["index_ptr"], x.argmax(1))), 0.0, 4 * m * n, numpy=lambda: x.argmax(1))


@row("mean and variance")
def moments(s, rng, name):
    m, n = s((2048, 1500), (7, 77))
    x = normal(rng, m, n) + 5
    launch = Launch("reductions.py:moments_kernel", (m,), [x, buffer("fp32", m), buffer("fp32", m), n], dict(BLOCK=power(n)), ["mean_ptr", "var_ptr"])
    return Case(name, f"{m}x{n}", [launch], lambda r: max(worst(r["mean_ptr"], wide(x).mean(1)), worst(r["var_ptr"], wide(x).var(1))), 1e-6, 4 * m * n, numpy=lambda: (x.mean(1), x.var(1)))


@row("reductions by groups")
def group_stats(s, rng, name):
    m, groups, size = s((512, 32, 64), (3, 4, 16))
    x = normal(rng, m, groups, size)
    launch = Launch("reductions.py:group_stats_kernel", (m,), [x, buffer("fp32", m, groups, 5)], dict(GROUPS=groups, GROUP=size), ["out_ptr"])
    d = wide(x)
    want = np.stack([d.sum(2), d.max(2), d.min(2), d.argmin(2), (d < 0).sum(2) % 2], -1)
    return Case(name, f"{m}x{groups}x{size}", [launch], lambda r: worst(r["out_ptr"], want), 1e-6, 4 * x.size, numpy=lambda: (x.sum(2), x.max(2), x.min(2), x.argmin(2)))


@row("column sums by atomics")
def column_sum(s, rng, name):
    m, n = s((3001, 1000), (37, 20))
    x = normal(rng, m, n)
    launch = Launch("reductions.py:column_sum_kernel", (cdiv(m, 64), cdiv(n, 64)), [x, buffer("fp32", n), m, n], dict(BLOCK_M=64, BLOCK_N=64), ["out_ptr"])
    return Case(name, f"{m}x{n}", [launch], lambda r: worst(r["out_ptr"], wide(x).sum(0)), 2e-6, 4 * m * n, numpy=lambda: x.sum(0))


def bf16(x):
    """Bits of the nearest bfloat16, ties to even."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)).astype(np.uint16)


@row("fp32 to fp16, bf16, int8")
def conversions(s, rng, name):
    n = s(1_000_003, 3001)
    x = normal(rng, n) * 20
    cast = lambda element: Launch("conversions.py:cast_kernel", (cdiv(n, 2048),), [x, buffer(element, n), n], dict(BLOCK=2048), ["y_ptr"])
    seen = {}

    def keep(element, launch):
        def step(results):
            if "y_ptr" in results:
                seen[step.before] = results["y_ptr"]
            return launch

        return step

    steps = [keep("fp16", cast("fp16")), keep("bf16", cast("bf16")), keep("i8", cast("i8"))]
    steps[1].before, steps[2].before = "fp16", "bf16"

    def check(r):
        same = (np.array_equal(seen["fp16"].view(np.uint16), x.astype(np.float16).view(np.uint16)) and np.array_equal(seen["bf16"].view(np.uint16), bf16(x))
                and np.array_equal(r["y_ptr"].view(np.int8), np.trunc(x).astype(np.int8)))
        return 0.0 if same else np.inf

    return Case(name, f"{n}", steps, check, 0.0, 17 * n, numpy=lambda: (x.astype(np.float16), x.astype(np.int8)))


@row("quantisation of rows")
def quantize(s, rng, name):
    m, n = s((1024, 1000), (7, 77))
    x = normal(rng, m, n)
    launch = Launch("conversions.py:quantize_kernel", (m,), [x, buffer("i8", m, n), buffer("fp32", m), n], dict(BLOCK=power(n)), ["q_ptr", "scale_ptr"])

    def run(x):
        scale = np.maximum(np.abs(x).max(1) / x.dtype.type(127), x.dtype.type(1e-8))
        return np.clip(np.floor(x / scale[:, None] + x.dtype.type(0.5)), -127, 127), scale

    def check(r):
        q, scale = run(wide(x))
        off = np.abs(r["q_ptr"].astype(np.float64) - q)  # a tie may fall to either side
        return max(worst(r["scale_ptr"], scale), 0.0 if off.max() <= 1 and (off > 0).mean() < 1e-4 else np.inf)

    return Case(name, f"{m}x{n}", [launch], check, 1e-6, 5 * m * n, numpy=lambda: run(x))


@row("binary search")
def binary_search(s, rng, name):
    n, m = s(100_000, 300), s(4096, 50)
    table, x = np.sort(normal(rng, n)), normal(rng, m)
    launch = Launch("control_flow.py:binary_search_kernel", (m + 3,), [table, x, buffer("i32", m), n, m], {}, ["place_ptr"])
    return Case(name, f"{m} in {n}", [launch], lambda r: worst(r["place_ptr"], np.searchsorted(table, x)), 0.0, 4 * m * 17, numpy=lambda: np.searchsorted(table, x))


@row("compile-time helpers")
def helpers(s, rng, name):
    n = s(1_000_003, 3001)
    x = normal(rng, n)
    launch = Launch("control_flow.py:helpers_kernel", (cdiv(n, 1024),), [x, buffer("fp32", n), n], dict(MODE=0, BLOCK=1024), ["y_ptr"])

    def run(x):
        t = np.maximum(x, x * x) - np.minimum(x, x * x)
        return (0.25 * t - 1.5) * t + 3.0 + 4 + 96 + 1 - 1.0  # four digits; 96 divides 3072; the loop adds 1 and takes 1

    return Case(name, f"{n}", [launch], lambda r: worst(r["y_ptr"], run(wide(x))), 1e-6, 8 * n, numpy=lambda: run(x))


@row("steps of 3n + 1")
def collatz(s, rng, name):
    n, limit = s(200_003, 501), 400
    x = rng.integers(1, 10_000, n).astype(np.int32)
    launch = Launch("control_flow.py:collatz_kernel", (cdiv(n, 256),), [x, buffer("i32", n), n], dict(LIMIT=limit, BLOCK=256), ["steps_ptr"])

    def run():
        v, steps = x.astype(np.int64), np.zeros(n, np.int32)
        for _ in range(limit):
            active = v > 1
            if not active.any():
                break
            v = np.where(active, np.where(v % 2 == 0, v // 2, 3 * v + 1), v)
            steps += active
        return steps

    return Case(name, f"{n}", [launch], lambda r: worst(r["steps_ptr"], run()), 0.0, 8 * n, numpy=run)
