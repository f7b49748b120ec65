# formats.py - the narrow types of emulate.py: their numbers and how conversions round to them
# SPDX-License-Identifier: Apache-2.0
import numpy as np


def fp8(kind):
    """The magnitudes of e4m3, e5m2 or e4b15 by their codes, infinity and NaN and the one that conversions do not give left out."""
    mantissa, bias, codes = {"e4m3": (3, 7, 0x7f), "e5m2": (2, 15, 0x7c), "e4b15": (3, 15, 0x7f)}[kind]
    code = np.arange(codes)
    exponent, fraction = code >> mantissa, (code & (1 << mantissa) - 1) / (1 << mantissa)
    return np.where(exponent == 0, fraction * 2.0 ** (1 - bias), (1 + fraction) * 2.0 ** (exponent - bias))


def saturated(kind, values):
    """Codes of the nearest numbers, the even one of two, of e4b15 the larger one; the largest where they are larger; NaN stays where there is one."""
    table = fp8(kind)
    values = np.asarray(values, np.float64)
    magnitude = np.fmin(np.abs(values), table[-1])
    above = np.minimum(np.searchsorted(table, magnitude), len(table) - 1)
    below = np.maximum(above - 1, 0)
    over, under = table[above] - magnitude, magnitude - table[below]
    code = np.where((over < under) | ((over == under) & ((above % 2 == 0) | (kind == "e4b15"))), above, below)
    return np.where(np.isnan(values) & (kind != "e4b15"), 0x7f, code | np.where(np.signbit(values), 0x80, 0)).astype(np.uint8)


def towards_zero(values):
    """The nearest f16 that are not further from zero; NaN has all its bits, as that of instructions."""
    near = values.astype(np.float16)
    bits = near.view(np.uint16)
    cut = np.where(np.abs(near.astype(np.float64)) > np.abs(values.astype(np.float64)), bits - np.uint16(1), bits).astype(np.uint16).view(np.float16)
    return np.where(np.isnan(values), (bits | np.uint16(0x7fff)).view(np.float16), np.where(np.isfinite(values), cut, near))


def fused(x, y, z):
    """The products' sums in f64, odd in the last bit where inexact: rounding them to a narrow type rounds the true sums."""
    x, y, z = (v.astype(np.float64) for v in (x, y, z))
    product = x * y
    total = product + z
    part = total - product
    lost = (product - (total - part)) + (z - part)
    bits = total.view(np.int64)
    even = (lost != 0) & (bits & 1 == 0)
    return np.where(even, bits + np.where((bits < 0) == (lost < 0), 1, -1), bits).view(np.float64)


def to_bf16(values):
    """Bits of the nearest numbers, the even one of two, of normal ones and zeros."""
    significand, exponent = np.frexp(values)
    return (np.ldexp(np.rint(significand * 256), exponent - 8).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)
