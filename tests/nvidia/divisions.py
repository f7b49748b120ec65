# SPDX-License-Identifier: Apache-2.0
"""Quotients and remainders of scalars, of usual sizes by way of floats, of others by the instruction. Checked by emulate.py."""
import numpy as np

KERNELS = '''

@triton.jit
def quotients(out, x, by, count, LIMIT: tl.constexpr):
    lanes = tl.arange(0, 128)
    for i in range(count):
        a, d = tl.load(x + i), tl.load(by + i)
        if LIMIT > 0:
            d = min(d, LIMIT)
        tl.store(out + 256 * i + lanes, a // d + lanes * 0)
        tl.store(out + 256 * i + 128 + lanes, a % d + lanes * 0)
'''
LAST = (1 << 20) - 1  # the largest dividend whose quotient floats have


def operands(rng, bits, is_signed, count):
    """Dividends on both sides of what goes by way of floats, beside multiples of their divisors; divisors of all sizes, none of them 0."""
    top = (1 << bits - 1) - 1 if is_signed else (1 << bits) - 1
    divisor = np.resize(np.array([1, 2, 3, 7, 8, 9, 255, LAST, LAST + 1, 1 << 24, (1 << 31) - 1, top, top - 1], object), count)
    divisor[::3] = [int(v) for v in rng.integers(1, 1 << 11, len(divisor[::3]))]
    near = [max(0, min(int(v) // d * d + int(e), top)) for v, d, e in zip(rng.integers(0, 1 << 20, count), divisor, rng.integers(-1, 2, count))]
    dividend = np.array(near, object)
    dividend[::5] = np.resize(np.array([0, 1, LAST, LAST + 1, 1 << 21, top, top // 3], object), len(dividend[::5]))
    if is_signed:
        dividend[1::7] *= -1
        divisor[2::4] *= -1
    return dividend, divisor


def cut(a, d):
    q = abs(a) // abs(d)
    return q if (a < 0) == (d < 0) else -q


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    def divided(element, limit):
        bits, is_signed, count = int(element[1:]), element[0] == "i", 96
        ptx = compiled("sm_90a", "quotients", f"*{element}:16,*{element}:16,*{element}:16,i32", {"LIMIT": limit})
        if "rcp.approx" not in ptx or f"div.{'s' if is_signed else 'u'}{bits}" not in ptx:
            return False, "not by both ways"
        kind = np.dtype(("int" if is_signed else "uint") + str(bits))
        x, by = operands(rng, bits, is_signed, count)
        arguments = [bytes(256 * count * bits // 8), x.astype(kind).tobytes(), by.astype(kind).tobytes()]
        got = np.frombuffer(emulator(arguments, [count]).run(ptx)[0], kind).reshape(-1, 128)
        least = [min(int(d), limit) if limit else int(d) for d in by]
        want = [v for a, d in zip(x, least) for v in (cut(int(a), d), int(a) - cut(int(a), d) * d)]
        wrong = sum(bool((a != b).any()) for a, b in zip(got, np.array(want, object).astype(kind)))
        return not wrong, f"{wrong} of {2 * count} wrong"

    # What Divisions.cpp says of rounding: a reciprocal that is one unit off in either direction still gives every quotient.
    def rounded():
        wrong = 0
        for d in [*range(1, 40), *rng.integers(40, 1 << 21, 60), (1 << 24) + 1, (1 << 31) - 1]:
            multiples = np.arange(0, LAST + 1, d)[-4000:] if d < LAST else np.array([0])
            a = np.unique(np.clip(np.concatenate([multiples - 1, multiples, [LAST]]), 0, LAST))
            exact = np.float32(1) / np.float32(d)
            for reciprocal in (np.nextafter(exact, np.float32(0)), exact, np.nextafter(exact, np.float32(2))):
                wrong += np.count_nonzero(((a.astype(np.float32) + np.float32(0.5)) * reciprocal).astype(np.int64) != a // d)
        return not wrong, f"{wrong} wrong"

    yield "quotients of floats, their reciprocals off by a unit", rounded
    for element in ("i32", "u32", "i64", "u64"):
        for limit in (0, 8):
            yield f"{element} scalars divided{' by at most 8' if limit else ''}", lambda e=element, most=limit: divided(e, most)
