# SPDX-License-Identifier: Apache-2.0
"""Elementary functions of f32 on a device, one kernel: which, their true values, where, and how wrong they may be. Checked by emulate.py, where all lanes of a
program take the same branches: huge arguments of sin and quotients of fmod above 2^20 are left to the tests on the CPU, which share the code."""
import math

import numpy as np

KERNEL = '''

@triton.jit
def elementary(out, x, BLOCK: tl.constexpr, F: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    if F == "sin":
        r = tl.sin(v)
    elif F == "cos":
        r = tl.cos(v)
    elif F == "tan":
        r = tl.extra.libdevice.tan(v)
    elif F == "asin":
        r = tl.extra.libdevice.asin(v)
    elif F == "acos":
        r = tl.extra.libdevice.acos(v)
    elif F == "atan":
        r = tl.extra.libdevice.atan(v)
    elif F == "atan2":
        r = tl.extra.libdevice.atan2(v, v * v - 3.0)
    elif F == "sinh":
        r = tl.extra.libdevice.sinh(v)
    elif F == "cosh":
        r = tl.extra.libdevice.cosh(v)
    elif F == "asinh":
        r = tl.extra.libdevice.asinh(v)
    elif F == "acosh":
        r = tl.extra.libdevice.acosh(v)
    elif F == "atanh":
        r = tl.extra.libdevice.atanh(v)
    elif F == "log10":
        r = tl.extra.libdevice.log10(v)
    elif F == "log1p":
        r = tl.extra.libdevice.log1p(v)
    elif F == "exp10":
        r = tl.extra.libdevice.exp10(v)
    elif F == "cbrt":
        r = tl.extra.libdevice.cbrt(v)
    elif F == "erfc":
        r = tl.extra.libdevice.erfc(v)
    elif F == "sinpi":
        r = tl.extra.libdevice.sinpi(v)
    elif F == "pow":
        r = tl.extra.libdevice.pow(v, 8.0 - 32.0 * v)
    elif F == "fmod":
        r = tl.extra.libdevice.fmod(v * 1000.0, 1.0 + v * v)
    elif F == "round":
        r = tl.extra.libdevice.round(v)
    elif F == "div_rn":
        r = tl.extra.libdevice.div_rn(v, 3.0)
    tl.store(out + at, r)
'''


def power(x):
    x = x.astype(np.float32)
    return np.power(x.astype(np.float64), (8 - 32 * x).astype(np.float64))


def remainder(x):
    x = x.astype(np.float32)
    return np.fmod((x * np.float32(1000)).astype(np.float64), (1 + x.astype(np.float64) ** 2).astype(np.float32).astype(np.float64))


def away(x):
    """The nearest integers, of two the one further from zero."""
    x = x.astype(np.float32).astype(np.float64)
    return np.copysign(np.floor(np.abs(x) + 0.5), x)  # the sum is exact, or its x far below a half or an integer


def half_turns(x):
    """sin(pi x), exactly zero for integers."""
    x = x.astype(np.float32).astype(np.float64)
    r = x - 2 * np.rint(x / 2)
    return np.where(np.abs(r) == 1, 0, np.where(np.abs(r) > 0.5, np.sin(np.pi * (np.copysign(1, r) - r)), np.sin(np.pi * r)))


def cases(rng, special, positive):
    """(name, true function of f64, numbers, most ulp), every approximate instruction being one ulp off."""
    wide, unit, less = rng.uniform(-1e5, 1e5, 3000), rng.uniform(-1, 1, 6000), special[np.abs(special) < 1e5]
    tiny = np.exp(rng.uniform(-103, 0, 2000)) * np.where(rng.integers(0, 2, 2000), 1, -1)
    turns = np.concatenate([less, [np.nan], wide, 8 * unit, tiny, np.rint(rng.uniform(-6e4, 6e4, 3000)) * np.pi / 2])
    whole, up, inside = np.concatenate([special, 95 * unit, 3 * unit, tiny]), np.concatenate([positive, 1 + np.abs(tiny)]), np.concatenate([special, unit, tiny])
    return [
        ("sin", np.sin, turns, 2),
        ("cos", np.cos, turns, 2),
        ("tan", np.tan, turns, 2),
        ("asin", np.arcsin, inside, 3),
        ("acos", np.arccos, inside, 3),
        ("atan", np.arctan, whole, 3),
        ("atan2", lambda x: np.arctan2(x, x ** 2 - 3), np.concatenate([less, unit]), 4),
        ("sinh", np.sinh, whole, 4),
        ("cosh", np.cosh, whole, 4),
        ("asinh", np.arcsinh, whole, 4),
        ("acosh", np.arccosh, up, 4),
        ("atanh", np.arctanh, inside, 4),
        ("log10", np.log10, positive, 2),
        ("log1p", np.log1p, np.concatenate([positive, -np.abs(unit)]), 2),
        ("exp10", lambda x: 10.0 ** x, 38 * unit, 4),
        ("cbrt", np.cbrt, np.concatenate([whole, positive]), 2),
        ("erfc", np.vectorize(math.erfc), np.concatenate([less, 10 * unit, tiny]), 6),
        ("sinpi", half_turns, np.concatenate([less[less == np.rint(less)], 4 * unit]), 3),
        ("pow", power, np.abs(unit) * 2.4, 5),
        ("fmod", remainder, 30 * unit, 0),
        ("round", away, np.concatenate([whole, wide, np.rint(wide) + 0.5, np.nextafter(np.float32(0.5), np.float32([0, 1])), 2.0 ** np.arange(20, 26) + 0.5,
                                        2.0 ** np.arange(20, 26) - 0.5, -(2.0 ** np.arange(20, 26)) - 1.5]), 0),
        ("div_rn", lambda x: (x.astype(np.float32) / np.float32(3)).astype(np.float64), whole, 0),
    ]
