# SPDX-License-Identifier: Apache-2.0
"""Conversions towards zero, and between the kinds of fp8. Checked by emulate.py."""
import re

import numpy as np

from formats import fp8, saturated

KERNELS = '''

@triton.jit
def cut(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at).to(out.dtype.element_ty, fp_downcast_rounding="rtz"))


@triton.jit
def other(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at).to(out.dtype.element_ty))


@triton.jit
def wide_product(out, a, b, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    m, n, k = tl.arange(0, M)[:, None], tl.arange(0, N)[None, :], tl.arange(0, K)
    x, y = tl.load(a + m * K + k[None, :]).to(tl.float32), tl.load(b + k[:, None] * N + n).to(tl.float32)
    tl.store(out + m * N + n, tl.dot(x, y))
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    def converted(kernel, target, element, to, block, stored, kind):
        ptx = compiled(target, kernel, f"*{to}:16,*{element}:16", {"BLOCK": block})
        size = block * np.dtype(kind).itemsize
        return ptx, np.concatenate([np.frombuffer(emulator([bytes(size), part.tobytes()]).run(ptx)[0], kind) for part in stored.reshape(-1, block)])

    def numbers(element, block):
        if element == "fp16":  # all of them
            stored = np.arange(1 << 16).astype(np.uint16)
            return stored, stored.view(np.float16).astype(np.float64)
        least = np.concatenate([fp8("e5m2"), fp8("e4b15"), [6.5e4, 1e30, np.inf, np.nan, 1e-7, 0.999]]).astype(np.float32).view(np.uint32)
        bits = np.concatenate([least, least + 1, least - 1, rng.integers(0, 1 << 32, 2000, np.uint32)])
        bits = np.resize(np.concatenate([bits, bits ^ np.uint32(1 << 31)]), 8 * 512)
        return (bits >> 16).astype(np.uint16) if element == "bf16" else bits, (bits & 0xffff0000 if element == "bf16" else bits).view(np.float32).astype(np.float64)

    def narrowed(target, element, to, kind, block):
        stored, x = numbers(element, block)
        ptx, got = converted("cut", target, element, to, block, stored, np.uint8)
        table, magnitude = fp8(kind), np.abs(x)
        want = np.searchsorted(table, magnitude, "right") - 1
        if kind == "e5m2":
            want = np.where(np.isinf(x), 0x7c, want)
        want = np.where(np.signbit(x), want | 0x80, want)
        nan = np.isnan(x)
        isNumber = got & 0x7f == 0x7e if kind == "e4b15" else got & 0x7f > 0x7c
        wrong = int(np.sum(np.where(nan, ~isNumber, got != want)))
        count = len(re.findall(r"^\t+[a-z]", ptx, re.M))
        return not wrong and count < 60, f"{wrong} of {len(x)} wrong, {count} statements"

    for target, element, (to, kind), block in [(t, e, k, b) for t in ("sm_80", "sm_90a") for e in ("fp32", "fp16", "bf16") for k in (("fp8e5", "e5m2"), ("fp8e4b15", "e4b15"))
                                               for b in (128, 512)]:
        if element != "fp16" or (target, block) == ("sm_90a", 512):
            yield f"{element} to {to} towards zero, {block // 128} a lane, {target}", lambda a=(target, element, to, kind, block): narrowed(*a)

    # All codes of e4b15 as others that have its numbers.
    def other(to, result):
        codes = np.resize(np.arange(256).astype(np.uint8), 512)
        ptx, got = converted("other", "sm_90a", "fp8e4b15", to, 512, codes, np.uint8 if result else np.float16)
        x = np.concatenate([fp8("e4b15"), [1.875]])[codes & 0x7f] * np.where(codes & 0x80, -1, 1)
        wrong = int(np.sum(got != saturated(result, x))) if result else int(np.sum((got != x) | (np.signbit(got) != np.signbit(x))))
        return not wrong and ("cvt.rn.satfinite" if result else "prmt") in ptx, f"{wrong} wrong"

    for to, result in (("fp8e5", "e5m2"), ("fp8e4nv", "e4m3"), ("fp16", None)):
        yield f"fp8e4b15 to {to}", lambda a=(to, result): other(*a)

    def by(instruction, kernel, element, to, block):
        ptx = compiled("sm_90a", kernel, f"*{to}:16,*{element}:16", {"BLOCK": block})
        return instruction in ptx, f"by {instruction} or not"

    for instruction, kernel, element, to, block in (("cvt.rz.f16x2.f32", "cut", "fp32", "fp16", 128), ("cvt.rz.bf16x2.f32", "cut", "fp32", "bf16", 128),
                                                    ("cvt.rn.satfinite.e5m2x2.f16x2", "other", "fp8e4nv", "fp8e5", 512)):
        yield f"{element} to {to}, {block // 128} a lane", lambda a=(instruction, kernel, element, to, block): by(*a)

    # What was narrow has no more digits than the unit of f32 multiplies: no rounding in front of it.
    def product(left, right, kinds, rounds):
        m, n, k = 64, 64, 32
        ptx = compiled("sm_80", "wide_product", f"*fp32:16,*{left}:16,*{right}:16", {"M": m, "N": n, "K": k})
        a, b = rng.integers(-9, 10, (m, k)), rng.integers(-9, 10, (k, n))
        stored = [(x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16) if kind is None else x.astype(kind) for x, kind in zip((a, b), kinds)]
        got = np.frombuffer(emulator([bytes(4 * m * n), *(x.tobytes() for x in stored)]).run(ptx)[0], np.float32)
        wrong, roundings = int(np.sum(got != (a @ b).ravel())), ptx.count("cvt.rna.tf32")
        return not wrong and "tf32.tf32" in ptx and (roundings > 0) == rounds, f"{wrong} wrong, {roundings} rounded"

    for left, right, kinds, rounds in (("i8", "i8", (np.int8, np.int8), False), ("bf16", "i8", (None, np.int8), False), ("fp32", "i8", (np.float32, np.int8), True)):
        yield f"product of {left} and {right} in f32", lambda a=(left, right, kinds, rounds): product(*a)
