# libdevice.py - triton.language.extra.libdevice: the device library, one list of names for every target
# SPDX-License-Identifier: Apache-2.0
"""Functions of the device library. They dispatch on the types of their operands (mostly fp32 and fp64, or int32 and
int64); shapes broadcast; predicates (``isnan``, ``isinf``, ``signbit``, ``finitef``) give int32. What a target cannot do is
a located compile error there, not a missing name here."""
from __future__ import annotations

from tessera.language._function import language as _language

_NAMES = {
    1: """clz popc brev abs floor rcp64h rsqrt ceil trunc exp2 saturatef sqrt int_as_float float_as_int uint_as_float
          float_as_uint longlong_as_double double_as_longlong double2loint double2hiint int2double_rn uint2double_rn
          fast_sinf fast_cosf fast_log2f fast_logf fast_expf fast_tanf fast_tanhf fast_exp10f fast_log10f rsqrt_rn ffs rint
          llrint nearbyint isnan signbit finitef isinf sin cos sinpi cospi tan log2 exp exp10 cosh sinh tanh atan asin acos
          log log10 log1p acosh asinh atanh expm1 cbrt rcbrt j0 j1 y0 y1 cyl_bessel_i0 cyl_bessel_i1 erf erfinv erfc erfcx
          erfcinv normcdfinv normcdf lgamma tgamma round llround ilogb logb isfinited""",
    2: """mulhi mul24 fast_dividef hiloint2double fast_powf hadd rhadd copysign nextafter atan2 hypot rhypot yn jn ldexp
          scalbn fmod remainder pow fdim""",
    3: "byte_perm sad norm3d rnorm3d fma",
    4: "norm4d rnorm4d",
}
# Families with the four directed roundings: to nearest, toward zero, down, up.
_ROUNDED = {
    1: """rcp sqrt double2float double2int double2uint float2int float2uint int2float uint2float float2ll float2ull
          double2ll double2ull ll2float ull2float ll2double ull2double""",
    2: "div add mul sub",
    3: "fma",
}
_SIGNATURES = {
    1: lambda arg0, _semantic=None: None,
    2: lambda arg0, arg1, _semantic=None: None,
    3: lambda arg0, arg1, arg2, _semantic=None: None,
    4: lambda arg0, arg1, arg2, arg3, _semantic=None: None,
}


def _declare(count, name):
    from types import FunctionType
    like = _SIGNATURES[count]
    fn = FunctionType(like.__code__, globals(), name, like.__defaults__)
    fn.__module__ = __name__
    fn.__qualname__ = name
    fn.__doc__ = f"``{name}`` of the device library."
    globals()[name] = _language(fn, f"triton.language.extra.libdevice.{name}")
    __all__.append(name)


__all__ = []
for _count, _names in _NAMES.items():
    for _name in _names.split():
        _declare(_count, _name)
for _count, _names in _ROUNDED.items():
    for _family in _names.split():
        for _direction in ("rn", "rz", "rd", "ru"):
            _declare(_count, f"{_family}_{_direction}")
