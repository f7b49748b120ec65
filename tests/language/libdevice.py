#!/usr/bin/env python3
# libdevice.py - every function of tl.extra.libdevice on one target, against Python's own numbers
# SPDX-License-Identifier: Apache-2.0
"""usage: libdevice.py TESSERA [--target=NAME | --interpret] [PATTERN]

Functions are put into kernels of a dozen, one row of the output each, and run over edge cases and random values. References:
exact rationals for directed rounding and conversions; the C library and sums in `decimal` for the rest. A row of RULES states
the largest error allowed, in units in the last place; 0 means bit for bit (any NaN equals any other). A function that
Triton's libdevice has and RULES has not fails. The last line is `N passed, N failed`."""
import ctypes
import ctypes.util
import decimal
import fractions
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np

LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
F = fractions.Fraction
decimal.getcontext().prec = 60
D = decimal.Decimal
TYPES = {"i": ("int32", np.int32), "u": ("uint32", np.uint32), "l": ("int64", np.int64), "m": ("uint64", np.uint64),
         "f": ("float32", np.float32), "d": ("float64", np.float64)}
COUNT = 1024


def libm(name, integers=()):
    f = getattr(LIBM, name)
    f.restype = ctypes.c_double
    n = {"pow": 2, "atan2": 2, "fmod": 2, "remainder": 2, "hypot": 2, "fdim": 2, "jn": 2, "yn": 2}.get(name, 1)
    f.argtypes = [ctypes.c_int if i in integers else ctypes.c_double for i in range(n)]
    return f


def frac(x):
    return F(float(x))


def is_finite(*xs):
    return all(math.isfinite(float(x)) for x in xs)


def round_to(exact, kind, mode, zero=0.0):
    """A rational as a float of the kind, rounded rn, rz, rd or ru; `zero`: the result where exact is 0."""
    if exact == 0:
        return zero
    digits, low = (24, -149) if kind == "f" else (53, -1074)
    largest = (2 - F(2)**(1 - digits)) * F(2)**(127 if kind == "f" else 1023)
    magnitude = abs(exact)
    e = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    while F(2)**e > magnitude:
        e -= 1
    while F(2)**(e + 1) <= magnitude:
        e += 1
    unit = F(2)**max(e - digits + 1, low)
    n = magnitude // unit
    rest = magnitude - n * unit
    negative = exact < 0
    up = {"rz": False, "rd": negative, "ru": not negative}.get(mode, rest * 2 > unit or (rest * 2 == unit and n % 2 == 1))
    value = (n + (1 if up and rest else 0)) * unit
    if value > largest:
        infinite = mode == "rn" or (mode == "rd" and negative) or (mode == "ru" and not negative)
        return math.copysign(math.inf if infinite else float(largest), -1 if negative else 1)
    return math.copysign(float(value), -1 if negative else 1)


def directed(op, kind, mode):
    def f(*xs):
        if not is_finite(*xs):
            with np.errstate(all="ignore"):
                t = np.float64
                a = [t(x) for x in xs]
                return float({"add": lambda: a[0] + a[1], "sub": lambda: a[0] - a[1], "mul": lambda: a[0] * a[1],
                              "div": lambda: a[0] / a[1], "rcp": lambda: t(1) / a[0], "sqrt": lambda: np.sqrt(a[0]),
                              "fma": lambda: a[0] * a[1] + a[2]}[op]())
        sign = [math.copysign(1, float(x)) for x in xs]
        q = [frac(x) for x in xs]
        zero = 0.0
        if op in ("add", "sub"):
            second = sign[1] * (-1 if op == "sub" else 1)
            exact = q[0] + (q[1] if op == "add" else -q[1])
            both = (q[0] == 0 and q[1] == 0 and sign[0] == second)
            zero = math.copysign(0.0, sign[0]) if both else (-0.0 if mode == "rd" else 0.0)
        elif op == "mul":
            exact, zero = q[0] * q[1], math.copysign(0.0, sign[0] * sign[1])
        elif op in ("div", "rcp"):
            if op == "rcp":
                q, sign = [F(1), q[0]], [1, sign[0]]
            if q[1] == 0:
                return math.nan if q[0] == 0 else math.copysign(math.inf, sign[0] * sign[1])
            exact, zero = q[0] / q[1], math.copysign(0.0, sign[0] * sign[1])
        elif op == "fma":
            exact = q[0] * q[1] + q[2]
            same = q[0] * q[1] == 0 and q[2] == 0 and sign[0] * sign[1] == sign[2]
            zero = math.copysign(0.0, sign[2]) if same else (-0.0 if mode == "rd" else 0.0)
        else:
            if q[0] < 0:
                return math.nan
            if q[0] == 0:
                return float(xs[0])
            # A root with 40 bits more than needed, and a sticky bit.
            shift = 2 * (160 - (q[0].numerator.bit_length() - q[0].denominator.bit_length()) // 2)
            scaled = q[0] * F(2)**shift
            root = math.isqrt(scaled.numerator // scaled.denominator)
            exact = (F(root) + (0 if F(root) * root == scaled else F(1, 2))) / F(2)**(shift // 2)
        return round_to(exact, kind, mode, zero)

    return f


def to_int(kind, mode):
    low, high = {"i": (-2**31, 2**31 - 1), "u": (0, 2**32 - 1), "l": (-2**63, 2**63 - 1), "m": (0, 2**64 - 1)}[kind]

    def f(x):
        if math.isnan(x):
            return 0
        if math.isinf(x):
            return high if x > 0 else low
        q = frac(x)
        n = {"rn": lambda: round(q), "rz": lambda: math.trunc(q), "rd": lambda: math.floor(q), "ru": lambda: math.ceil(q)}[mode]()
        return max(low, min(high, n))

    return f


def total(f):
    """The C function without Python's exceptions."""

    def g(*xs):
        try:
            return f(*xs)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    return g


def dexp(x):
    return D(x).exp()


def newton(f, derivative, start, target):
    x = start
    for _ in range(6):
        d = derivative(x)
        if d == 0 or not math.isfinite(d):
            break
        step = (f(x) - target) / d
        x -= step
    return x


def erfcinv(x):
    if x < 0:
        return math.nan  # also where x / 2 would be -0.0
    if not 0 < x < 1e-290:
        return scaled(-math.sqrt(0.5), quantile((x - 1) / 2, min(x, 2 - x) / 2))
    # Half of the smallest doubles is 0. Newton on ln(erfc(y)) = ln(x) with the asymptotic series of erfc (Abramowitz and
    # Stegun 7.1.23), whose sixth term is below 1e-16 for these y > 25.
    y = math.sqrt(-math.log(x))
    for _ in range(20):
        z, term, series = 2 * y * y, 1.0, 1.0
        for k in range(1, 7):
            term *= -(2 * k - 1) / z
            series += term
        y -= (-y * y - math.log(y * math.sqrt(math.pi)) + math.log(series) - math.log(x)) / (-2 * y - 1 / y)
    return y


def quantile(q, tail):
    """The normal quantile by bisection on erfc of the C library."""
    if math.isnan(q) or tail < 0:
        return math.nan
    if tail == 0:
        return math.copysign(math.inf, q)
    if abs(q) < 1e-20:
        return q * math.sqrt(2 * math.pi)
    if tail < 1e-300:
        return None  # beyond what erfc shows in a double
    low, high = 0.0, 40.0
    for _ in range(200):
        mid = (low + high) / 2
        if abs(q) < 0.25:
            below = 0.5 * math.erf(mid / math.sqrt(2)) < abs(q)
        else:
            below = 0.5 * math.erfc(mid / math.sqrt(2)) > tail
        low, high = (mid, high) if below else (low, mid)
    return math.copysign((low + high) / 2, q)


def scaled(factor, v):
    return None if v is None else factor * v


def normcdf(x):
    if not is_finite(x):
        return math.nan if math.isnan(x) else 0.0 if x < 0 else 1.0
    y = -D(x) / D(2).sqrt()
    near = float(y)
    slope = D("-1.1283791670955125738961589031215451716881012586580") * dexp(-D(near) * D(near)) if abs(near) < 1e3 else D(0)
    return float((D(math.erfc(near)) + slope * (y - D(near))) / 2)


def bessel_i(order):
    def f(x):
        if not math.isfinite(x):
            return math.nan if math.isnan(x) else math.inf if order == 0 or x > 0 else -math.inf
        if abs(x) > 720:
            return math.inf if order == 0 or x > 0 else -math.inf
        h = D(x) / 2
        term = total_sum = D(1) if order == 0 else h
        k = 1
        while abs(term) > abs(total_sum) * D("1e-40") and term != 0:
            term = term * h * h / (k * (k + order))
            total_sum += term
            k += 1
        return float(total_sum) if total_sum < D("1e308") else math.inf

    return f


def erfcx(x):
    if math.isnan(x):
        return x
    if x < -26.6:
        return math.inf
    if x > 25:
        t = D(1) / (2 * D(x) * D(x)) if math.isfinite(x) else D(0)
        s, term = D(1), D(1)
        for k in range(1, 30):
            term *= -(2 * k - 1) * t
            s += term
        return float(s / (D(x) * D("1.7724538509055160272981674833411451827975494561224"))) if math.isfinite(x) else 0.0
    return float(dexp(D(x) * D(x)) * D(math.erfc(x)))


def root_of_sum(*xs):
    if any(math.isinf(x) for x in xs):
        return math.inf
    if any(math.isnan(x) for x in xs):
        return math.nan
    r = sum(D(x) * D(x) for x in xs).sqrt()
    return float(r) if r < D("1.797693134862315e308") else math.inf


def reciprocal_root_of_sum(*xs):
    if any(math.isinf(x) for x in xs):
        return 0.0
    if any(math.isnan(x) for x in xs):
        return math.nan
    s = sum(D(x) * D(x) for x in xs)
    return math.inf if s == 0 or s < D("3e-617") else float(1 / s.sqrt())


def reciprocal(f):
    def g(*xs):
        v = f(*xs)
        return math.inf if v == 0 else 1 / v

    return g


def half_turns(f):
    def g(x):
        if not math.isfinite(x):
            return math.nan
        r = math.fmod(x, 2.0)
        n = round(2 * r)
        y = (r - n / 2) * math.pi
        s, c = math.sin(y), math.cos(y)
        v = {"sin": [s, c, -s, -c], "cos": [c, -s, -c, s]}[f][n % 4]
        return math.copysign(0.0, x) if v == 0 and f == "sin" else v + 0.0

    return g


def exponent(x):
    return math.frexp(x)[1] - 1


def wrap(v, kind):
    return int(v) & (2**32 - 1 if kind in "iu" else 2**64 - 1)


def signed(v, bits=32):
    v &= 2**bits - 1
    return v - 2**bits if v >> (bits - 1) else v


def byte_perm(x, y, s):
    both = (x & 0xffffffff) | (y & 0xffffffff) << 32
    r = 0
    for i in range(4):
        pick = s >> (4 * i) & 0xf
        byte = both >> (8 * (pick & 7)) & 0xff
        if pick & 8:
            byte = 0xff if byte & 0x80 else 0
        r |= byte << (8 * i)
    return signed(r)


def as_bits(kind, x):
    return int(np.array([x], TYPES[kind][1]).view(np.int32 if kind == "f" else np.int64)[0])


def from_bits(kind, v):
    return float(np.array([v], np.int32 if kind == "f" else np.int64).view(TYPES[kind][1])[0])


def next_after(kind):
    t = TYPES[kind][1]
    def f(x, y):
        with np.errstate(over="ignore"):
            return float(np.nextafter(t(x), t(y)))

    return f


def lgamma(x):
    if math.isinf(x):
        return math.inf
    if math.isnan(x):
        return x
    f = LIBM.lgamma
    f.restype, f.argtypes = ctypes.c_double, [ctypes.c_double]
    return f(x)


def tgamma(x):
    f = LIBM.tgamma
    f.restype, f.argtypes = ctypes.c_double, [ctypes.c_double]
    return f(x)


# Ranges of arguments by letter: name -> (low, high) for random values; edge cases are added to every function.
WIDE, UNIT, SMALL = (-1e30, 1e30), (-1.0, 1.0), (-8.0, 8.0)
C = {n: libm(n) for n in "exp2 exp10 log2 cbrt log1p expm1 asinh acosh atanh j0 j1 y0 y1 rint round trunc erf erfc".split()}


def float_rules():
    m = math
    simple = [("acos", total(m.acos), UNIT, 4), ("acosh", C["acosh"], (1, 1e4), 4), ("asin", total(m.asin), UNIT, 4),
              ("asinh", C["asinh"], (-50, 50), 4), ("atan", m.atan, (-50, 50), 4), ("atanh", C["atanh"], UNIT, 4),
              ("cbrt", C["cbrt"], WIDE, 4), ("ceil", lambda x: m.copysign(float(m.ceil(x)), x) if is_finite(x) else x, (-1e9, 1e9), 0),
              ("floor", lambda x: m.copysign(float(m.floor(x)), x) if is_finite(x) else x, (-1e9, 1e9), 0),
              ("trunc", C["trunc"], (-1e9, 1e9), 0), ("rint", C["rint"], (-1e5, 1e5), 0), ("nearbyint", C["rint"], (-1e5, 1e5), 0),
              ("round", C["round"], (-1e5, 1e5), 0), ("cos", total(m.cos), (-100, 100), 4), ("sin", total(m.sin), (-100, 100), 4),
              ("tan", total(m.tan), (-100, 100), 4), ("cosh", total_inf(m.cosh), (-80, 80), 6), ("sinh", total_inf(m.sinh), (-80, 80), 6),
              ("tanh", m.tanh, SMALL, 4), ("cospi", half_turns("cos"), (-50, 50), 4), ("sinpi", half_turns("sin"), (-50, 50), 4),
              ("erf", m.erf, (-4, 4), 6), ("erfc", m.erfc, (-4, 9), 8), ("exp", total_inf(m.exp), (-80, 80), 4),
              ("exp2", C["exp2"], (-120, 120), 4), ("exp10", C["exp10"], (-35, 35), 6), ("expm1", C["expm1"], (-10, 80), 6),
              ("log", log_of(m.log), (0, 1e9), 4), ("log2", log_of(m.log2), (0, 1e9), 4), ("log10", log_of(m.log10), (0, 1e9), 4),
              ("log1p", C["log1p"], (-0.99, 1e3), 4), ("abs", abs, WIDE, 0), ("sqrt", total(m.sqrt), (0, 1e30), 1),
              ("rsqrt", rsqrt, (1e-9, 1e9), 4), ("rcbrt", reciprocal(C["cbrt"]), (1e-3, 1e9), 5),
              ("j0", C["j0"], (-60, 60), -1), ("j1", C["j1"], (-60, 60), -1), ("y0", C["y0"], (0, 60), -1), ("y1", C["y1"], (0, 60), -1),
              ("cyl_bessel_i0", bessel_i(0), (-60, 60), 8), ("cyl_bessel_i1", bessel_i(1), (-60, 60), 8),
              ("erfinv", lambda x: scaled(math.sqrt(0.5), quantile(x / 2, (1 - abs(x)) / 2)), (-0.9999, 0.9999), 12),
              ("erfcinv", erfcinv, (1e-7, 1.9999), 12),
              ("normcdfinv", lambda p: quantile(p - 0.5, min(p, 1 - p)), (1e-6, 0.9999), 12), ("erfcx", erfcx, (-5, 40), 12),
              ("normcdf", normcdf, (-10, 5), 12), ("lgamma", lgamma, (0, 60), 12), ("tgamma", tgamma, (-20, 30), 16),
              ("logb", lambda x: m.inf if m.isinf(x) else x if m.isnan(x) else -m.inf if x == 0 else float(exponent(x)), WIDE, 0),
              ("isnan", lambda x: int(m.isnan(x)), WIDE, 0), ("isinf", lambda x: int(m.isinf(x)), WIDE, 0),
              ("signbit", lambda x: int(m.copysign(1, x) < 0), WIDE, 0),
              ("ilogb", lambda x: 2147483647 if m.isinf(x) else -2147483648 if m.isnan(x) or x == 0 else exponent(x), WIDE, 0),
              ("llrint", to_int("l", "rn"), (-1e6, 1e6), 0),
              ("llround", lambda x: to_int("l", "rz")(C["round"](x)), (-1e6, 1e6), 0)]
    rules = {}
    for name, f, domain, ulp in simple:
        for kind in "fd":
            out = {"isnan": "i", "isinf": "i", "signbit": "i", "ilogb": "i", "llrint": "l", "llround": "l"}.get(name, kind)
            rules.setdefault(name, []).append((kind + out, f, domain, ulp))
    two = [("atan2", m.atan2, WIDE, 4), ("copysign", m.copysign, WIDE, 0), ("fdim", libm("fdim"), WIDE, 0), ("fmod", libm("fmod"), (-1e3, 1e3), 0),
           ("remainder", libm("remainder"), (-1e3, 1e3), 0), ("hypot", root_of_sum, (-1e15, 1e15), 4), ("rhypot", reciprocal_root_of_sum, (1e-3, 1e15), 5),
           ("pow", libm("pow"), (0.1, 20), 8)]
    for name, f, domain, ulp in two:
        for kind in "fd":
            rules.setdefault(name, []).append((2 * kind + kind, f, domain, ulp))
    for kind in "fd":
        rules.setdefault("nextafter", []).append((3 * kind, next_after(kind), WIDE, 0))
        for n, name in ((3, "norm3d"), (4, "norm4d")):
            rules.setdefault(name, []).append((kind * (n + 1), root_of_sum, (-1e15, 1e15), 4))
            rules.setdefault("r" + name, []).append((kind * (n + 1), reciprocal_root_of_sum, (1e-3, 1e15), 5))
        for name in ("ldexp", "scalbn"):
            rules.setdefault(name, []).append((kind + "i" + kind, ldexp_of(kind), (-100, 100), 0))
        rules["pow"].append((kind + "i" + kind, lambda x, n: libm("pow")(x, n), (1.01, 5), 8))
        rules.setdefault("jn", []).append(("i" + 2 * kind, lambda n, x: libm("jn", {0})(n, x), (0, 40), -1))
        rules.setdefault("yn", []).append(("i" + 2 * kind, lambda n, x: libm("yn", {0})(n, x), (0.5, 40), -1))
        rules.setdefault("fma", []).append((kind * 4, directed("fma", kind, "rn"), (-1e9, 1e9), 0))
        for mode in ("rn", "rz", "rd", "ru"):
            for op, n in (("add", 2), ("sub", 2), ("mul", 2), ("div", 2), ("rcp", 1), ("sqrt", 1), ("fma", 3)):
                rules.setdefault(f"{op}_{mode}", []).append((kind * (n + 1), directed(op, kind, mode), WIDE, 0))
    return rules


def total_inf(f):
    def g(*xs):
        try:
            return f(*xs)
        except OverflowError:
            return math.inf if xs[0] > 0 else -math.inf if f is math.sinh else math.inf
        except ValueError:
            return math.nan

    return g


def log_of(f):
    return lambda x: math.nan if math.isnan(x) or x < 0 else -math.inf if x == 0 else f(x)


def rsqrt(x):
    return math.nan if math.isnan(x) or x < 0 else math.copysign(math.inf, x) if x == 0 else 1 / math.sqrt(x)


def ldexp_of(kind):
    return lambda x, n: x if not is_finite(x) or x == 0 else round_to(frac(x) * F(2)**max(-5000, min(5000, n)), kind, "rn", math.copysign(0.0, x))


def rules():
    r = float_rules()

    def add(name, *rows):
        r.setdefault(name, []).extend(rows)

    m = math
    add("clz", ("ii", lambda x: 32 - wrap(x, "i").bit_length(), None, 0), ("li", lambda x: 64 - wrap(x, "l").bit_length(), None, 0))
    add("popc", ("ii", lambda x: bin(wrap(x, "i")).count("1"), None, 0), ("li", lambda x: bin(wrap(x, "l")).count("1"), None, 0))
    add("ffs", ("ii", lambda x: (x & -x).bit_length(), None, 0), ("li", lambda x: (x & -x).bit_length(), None, 0))
    add("brev", ("ii", lambda x: signed(int(f"{wrap(x, 'i'):032b}"[::-1], 2)), None, 0),
        ("ll", lambda x: signed(int(f"{wrap(x, 'l'):064b}"[::-1], 2), 64), None, 0))
    add("byte_perm", ("iiii", byte_perm, None, 0))
    for k, bits in (("i", 32), ("u", 32), ("l", 64), ("m", 64)):
        add("mulhi", (3 * k, lambda x, y, k=k, bits=bits: signed(x * y >> bits, bits) if k in "il" else x * y >> bits, None, 0))
    add("mul24", ("iii", lambda x, y: signed(signed(x << 8) // 256 * (signed(y << 8) // 256)), None, 0),
        ("uuu", lambda x, y: (x & 0xffffff) * (y & 0xffffff) & 0xffffffff, None, 0))
    add("sad", ("iiui", lambda x, y, z: signed(abs(x - y) + z), None, 0), ("uuuu", lambda x, y, z: (abs(x - y) + z) & 0xffffffff, None, 0))
    add("abs", ("ii", lambda x: signed(abs(x)), None, 0), ("ll", lambda x: signed(abs(x), 64), None, 0))
    for k in "iu":
        add("hadd", (3 * k, lambda x, y: (x + y) >> 1, None, 0))
        add("rhadd", (3 * k, lambda x, y: (x + y + 1) >> 1, None, 0))
    add("rcp64h", ("dd", lambda x: from_bits("d", as_bits("d", directed("rcp", "d", "rn")(x)) & -4294967296), WIDE, 0))
    add("saturatef", ("ff", lambda x: 0.0 if m.isnan(x) else max(0.0, min(1.0, x)), (-2, 2), 0))
    add("finitef", ("fi", lambda x: int(m.isfinite(x)), WIDE, 0))
    add("isfinited", ("di", lambda x: int(m.isfinite(x)), WIDE, 0))
    add("rsqrt_rn", ("ff", rsqrt, (1e-9, 1e9), 1))
    add("fast_dividef", ("fff", lambda x, y: directed("div", "f", "rn")(x, y), (1, 1e9), 2))
    for name, f, domain in (("sin", m.sin, SMALL), ("cos", m.cos, SMALL), ("tan", m.tan, (-1, 1)), ("tanh", m.tanh, SMALL), ("exp", total_inf(m.exp), (-80, 80)),
                            ("exp10", C["exp10"], (-35, 35)), ("log", log_of(m.log), (0, 1e9)), ("log2", log_of(m.log2), (0, 1e9)), ("log10", log_of(m.log10), (0, 1e9))):
        add(f"fast_{name}f", ("ff", total(f), domain, 16))
    add("fast_powf", ("fff", libm("pow"), (0.1, 20), 32))
    for mode in ("rn", "rz", "rd", "ru"):
        add(f"double2float_{mode}", ("df", lambda x, mode=mode: x if not is_finite(x) else round_to(frac(x), "f", mode, m.copysign(0.0, x)), WIDE, 0))
        for src in "fd":
            for to, out in (("int", "i"), ("uint", "u"), ("ll", "l"), ("ull", "m")):
                result = {"u": "i", "m": "l"}.get(out, out)
                bits = 64 if out in "lm" else 32
                add(f"{'float' if src == 'f' else 'double'}2{to}_{mode}",
                    (src + result, lambda x, f=to_int(out, mode), bits=bits: signed(f(x), bits), (-5e9, 5e9) if bits == 32 else (-2e19, 2e19), 0))
        for name, src in (("int", "i"), ("uint", "u"), ("ll", "l"), ("ull", "m")):
            for to in ("f", "d") if src in "lm" else ("f",):
                add(f"{name}2{'float' if to == 'f' else 'double'}_{mode}", (src + to, lambda x, mode=mode, to=to: round_to(F(x), to, mode), None, 0))
    add("int2double_rn", ("id", float, None, 0))
    add("uint2double_rn", ("ud", float, None, 0))
    add("hiloint2double", ("iid", lambda h, l: from_bits("d", signed(h << 32 | l & 0xffffffff, 64)), None, 0))
    add("double2loint", ("di", lambda x: signed(as_bits("d", x)), WIDE, 0))
    add("double2hiint", ("di", lambda x: as_bits("d", x) >> 32, WIDE, 0))
    add("int_as_float", ("if", lambda x: from_bits("f", x), None, 0))
    add("uint_as_float", ("uf", lambda x: from_bits("f", signed(x)), None, 0))
    add("float_as_int", ("fi", lambda x: as_bits("f", x), WIDE, 0))
    add("float_as_uint", ("fi", lambda x: as_bits("f", x), WIDE, 0))
    add("longlong_as_double", ("ld", lambda x: from_bits("d", x), None, 0))
    add("double_as_longlong", ("dl", lambda x: as_bits("d", x), WIDE, 0))
    return r


def arguments(kinds, domain, seed, edges):
    rng = np.random.default_rng(seed)
    columns = []
    for position, k in enumerate(kinds):
        t = TYPES[k][1]
        if k in "fd":
            low, high = domain or WIDE
            v = rng.uniform(low, high, COUNT)
            if domain in (WIDE,):  # many sizes
                v = rng.choice([-1, 1], COUNT) * 2.0**rng.uniform(-40, 40, COUNT)
            v = v.astype(t)
            if edges:
                info = np.finfo(t)
                special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 2.0, 1.5, 2.5, info.max, -info.max, info.tiny,
                                    -info.tiny, info.smallest_subnormal, -info.smallest_subnormal, 3.0, info.eps], t)
                v[:len(special)**2 % COUNT] = np.resize(special, COUNT)[:len(special)**2 % COUNT]
                if position:
                    v[:len(special)**2] = np.repeat(special, len(special))[:len(special)**2] if position == 1 else rng.permutation(v[:len(special)**2])
        else:
            info = np.iinfo(t)
            v = rng.integers(info.min, info.max, COUNT, dtype=t, endpoint=True) >> rng.integers(0, info.bits - 1, COUNT).astype(t)
            v[:4] = [0, 1, info.max, info.min]
            if domain is not None:  # an exponent or an order
                v = rng.integers(-12, 12, COUNT).astype(t) if domain != (-100, 100) else rng.integers(-400, 400, COUNT).astype(t)
                if domain in ((0, 40), (0.5, 40)):
                    v = np.abs(v)
        columns.append(v)
    return columns


def wrong(name, kind, got, want, ulp):
    """None where they agree, else why not."""
    if want is None:
        return None
    if kind not in "fd":
        return None if int(got) == int(want) else f"{int(got)} instead of {int(want)}"
    t = TYPES[kind][1]
    with np.errstate(all="ignore"):
        w = t(want)
    if np.isnan(w) or np.isnan(got):
        return None if np.isnan(w) and np.isnan(got) else f"{got!r} instead of {w!r}"
    if ulp == 0:
        return None if got.tobytes() == w.tobytes() else f"{got!r} instead of {w!r}"
    if np.isinf(w) or np.isinf(got):
        big = np.finfo(t).max * 0.999
        return None if w == got or (abs(float(w)) > big and abs(float(got)) > big) else f"{got!r} instead of {w!r}"
    info = np.finfo(t)
    error = abs(float(got) - float(want))
    if ulp < 0:  # Bessel functions: absolute near their zeros, by the size of the largest values
        return None if error <= 48 * float(info.eps) * max(0.05, abs(float(want))) else f"{got!r} instead of {w!r}"
    unit = max(2.0**(math.frexp(abs(float(w)) or float(info.tiny))[1] - 1) * float(info.eps), float(info.smallest_subnormal))
    return None if error <= ulp * unit else f"{got!r} instead of {w!r}, {error / unit:.1f} ulp"


NO_EDGES = {"lgamma", "jn", "yn"}  # the C library answers their edge cases in its own way


def main(tessera, *options):
    flags = [o for o in options if o.startswith("--")]
    pattern = "".join(o for o in options if not o.startswith("--"))
    names = sorted(n for n in rules() if pattern in n)
    listed = (pathlib.Path(__file__).resolve().parents[2] / "frontends/python/sema/LibdeviceTypes.cpp").read_text()
    missing = [n for n in __import__("re").findall(r'\{"(\w+)", "[a-z ]+"\}', listed) if n not in rules() and n != "ctz"]
    failures = [f"{n}: no rule" for n in missing] if not pattern else []
    passed = 0
    table = rules()
    jobs = [(name, row) for name in names for row in table[name]]
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, TESSERA_CACHE_DIR=str(pathlib.Path(folder, "cache")))
        for begin in range(0, len(jobs), 12):
            part = jobs[begin:begin + 12]
            text = ["import triton\nimport triton.language as tl\nfrom triton.language.extra import libdevice\n\n"]
            params, body, arrays, command = [], [], [], []
            for i, (name, (kinds, _, domain, _)) in enumerate(part):
                columns = arguments(kinds[:-1], domain, hash((name, kinds)) % 1000 if False else len(name) * 31 + len(kinds), name not in NO_EDGES)
                arrays.append(columns)
                for j, c in enumerate(columns):
                    np.save(pathlib.Path(folder, f"a{i}_{j}.npy"), c)
                    params.append(f"a{i}_{j}")
                    command += ["--arg", str(pathlib.Path(folder, f"a{i}_{j}.npy"))]
                params.append(f"r{i}")
                spelled = {"i": "*i32", "u": "*u32", "l": "*i64", "m": "*u64", "f": "*fp32", "d": "*fp64"}[kinds[-1]]
                command += ["--arg", f"{spelled}[{COUNT}]"]
                loads = ", ".join(f"tl.load(a{i}_{j} + lane)" for j in range(len(columns)))
                body.append(f"    tl.store(r{i} + lane, libdevice.{name}({loads}))")
            text.append(f"@triton.jit\ndef k({', '.join(params)}):\n    lane = tl.program_id(0) * 128 + tl.arange(0, 128)\n" + "\n".join(body) + "\n")
            source = pathlib.Path(folder, "k.py")
            source.write_text("".join(text))
            outs = []
            for i, (_, (kinds, _, _, _)) in enumerate(part):
                outs += ["--out", f"r{i}={pathlib.Path(folder, f'r{i}.npy')}"]
            run = subprocess.run([tessera, "run", f"{source}:k", f"--grid={COUNT // 128}", *flags, *command, *outs],
                                 capture_output=True, text=True, env=environment)
            if run.returncode:
                failures.append(f"{', '.join(n for n, _ in part)}: {run.stderr[:2000]}")
                continue
            for i, (name, (kinds, f, _, ulp)) in enumerate(part):
                got = np.load(pathlib.Path(folder, f"r{i}.npy"))
                bad = []
                for e in range(COUNT):
                    xs = [c[e].item() for c in arrays[i]]
                    why = wrong(name, kinds[-1], got[e], f(*xs), ulp)
                    if why:
                        bad.append(f"    {name}({', '.join(map(repr, xs))}) = {why}")
                if bad:
                    failures.append(f"{name} ({kinds}): {len(bad)} of {COUNT} are wrong\n" + "\n".join(bad[:4]))
                else:
                    passed += 1
    print("\n".join(failures))
    print(f"{passed} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    random.seed(1)
    sys.exit(main(*sys.argv[1:]))
