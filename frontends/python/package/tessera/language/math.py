# math.py - triton.language.math: elementwise mathematics
# SPDX-License-Identifier: Apache-2.0
"""Elementwise functions of floats. Unless said otherwise they take fp32 and fp64 tensors of any shape, or a Python number,
and give the same shape and type; another type is ``ValueError: Expected dtype ['fp32', 'fp64'] but got …``."""
from __future__ import annotations

from tessera.language import core
from tessera.language._function import language

_ONE = """{summary}

    Types: {types}. The method is ``x.{name}()``.

    Example:
        out = tl.{name}(tl.full((2,), {value}, tl.float32))            # [{result}, {result}]
    """


def _one(name, summary, value, result, types="fp32, fp64"):

    def fn(x, _semantic=None):
        pass

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = _ONE.format(summary=summary, types=types, name=name, value=value, result=result)
    return language(fn)


exp = _one("exp", "e to the power ``x``.", 1.0, 2.7182817)
exp2 = _one("exp2", "Two to the power ``x``.", 3.0, 8.0)
log = _one("log", "The natural logarithm.", 1.0, 0.0)
log2 = _one("log2", "The logarithm to base two.", 8.0, 3.0)
cos = _one("cos", "The cosine of radians.", 0.0, 1.0)
sin = _one("sin", "The sine of radians.", 0.0, 0.0)
sqrt = _one("sqrt", "The square root, fast: targets may be off by some ulp.", 16.0, 4.0)
sqrt_rn = _one("sqrt_rn", "The square root, rounded to nearest as IEEE 754 wants.", 16.0, 4.0, "fp32")
rsqrt = _one("rsqrt", "One over the square root.", 16.0, 0.25)
erf = _one("erf", "The error function.", 0.0, 0.0)
floor = _one("floor", "The largest integer that is not above ``x``, as a float.", 1.5, 1.0)
ceil = _one("ceil", "The smallest integer that is not below ``x``, as a float.", 1.5, 2.0)


@language
def abs(x, _semantic=None):
    """The magnitude. Types: floats and integers (unsigned ones stay as they are).

    Example:
        out = tl.abs(tl.arange(-2, 2))            # [2, 1, 0, 1]
    """


@language
def umulhi(x, y, _semantic=None):
    """The upper half of the double-width product. Types: 32 and 64 bit integers.

    Example:
        out = tl.umulhi(tl.full((1,), 2147483647, tl.int32), 4)            # [1]
    """


@language
def fdiv(x, y, ieee_rounding=False, _semantic=None):
    """``x / y`` of floats; ``ieee_rounding`` is accepted and does not change the result.

    Errors: an integer operand.

    Example:
        out = tl.fdiv(tl.full((1,), 3.0, tl.float32), 2.0)            # [1.5]
    """


@language
def div_rn(x, y, _semantic=None):
    """``x / y`` of fp32, rounded to nearest as IEEE 754 wants.

    Example:
        out = tl.div_rn(tl.full((1,), 3.0, tl.float32), 2.0)            # [1.5]
    """


@language
def fma(x, y, z, _semantic=None):
    """``x * y + z`` with one rounding; operands broadcast and have one float type.

    Example:
        x = tl.full((1,), 3.0, tl.float32)
        out = tl.fma(x, x, x)            # [12.0]
    """


def __getattr__(name):
    # Older releases kept the device library's functions here, and programs still ask for them.
    if not name.startswith("__"):
        from tessera.language.extra import libdevice
        if hasattr(libdevice, name):
            return getattr(libdevice, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
