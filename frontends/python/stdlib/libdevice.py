# libdevice.py - functions of triton.language.extra.libdevice without an op of their own
# SPDX-License-Identifier: Apache-2.0


def exp10(x):
    return extra.libdevice.pow(full_like(x, 10.0), x)


def fast_exp10f(x):
    return extra.libdevice.pow(full_like(x, 10.0), x)


def rcbrt(x):
    return 1.0 / extra.libdevice.cbrt(x)


def sinpi(x):
    return sin((x - 2.0 * floor(x * 0.5)) * 3.141592653589793)


def cospi(x):
    return cos((x - 2.0 * floor(x * 0.5)) * 3.141592653589793)


def hypot(x, y):
    a = abs(x)
    b = abs(y)
    hi = maximum(a, b)
    lo = minimum(a, b)
    ratio = where(hi > 0.0, lo / where(hi > 0.0, hi, 1.0), 0.0)
    return where(hi == float("inf"), hi, hi * extra.libdevice.sqrt(1.0 + ratio * ratio))


def rhypot(x, y):
    return 1.0 / extra.libdevice.hypot(x, y)


def normcdf(x):
    return 0.5 * extra.libdevice.erfc(x * -0.7071067811865476)


def fdim(x, y):
    return where(x > y, x - y, where(x <= y, 0.0, x + y))


def saturatef(x):
    return where(x > 0.0, minimum(x, 1.0), 0.0)


def ldexp(x, n):
    half = n >> 1
    return x * exp2(half.to(x.dtype)) * exp2((n - half).to(x.dtype))


def scalbn(x, n):
    return extra.libdevice.ldexp(x, n)


def isnan(x):
    return (x != x).to(int32)


def isinf(x):
    return (abs(x) == float("inf")).to(int32)


def finitef(x):
    return (abs(x) < float("inf")).to(int32)


def isfinited(x):
    return (abs(x) < float("inf")).to(int32)


def signbit(x):
    if x.dtype.primitive_bitwidth == 64:
        return (x.to(int64, bitcast=True) < 0).to(int32)
    return (x.to(int32, bitcast=True) < 0).to(int32)


def ffs(x):
    return where(x == 0, 0, extra.libdevice.ctz(x) + 1)


def brev(x):
    bits: constexpr = x.dtype.primitive_bitwidth
    if bits == 32:
        u = x.to(uint32, bitcast=True)
        u = ((u >> 1) & 0x55555555) | ((u & 0x55555555) << 1)
        u = ((u >> 2) & 0x33333333) | ((u & 0x33333333) << 2)
        u = ((u >> 4) & 0x0f0f0f0f) | ((u & 0x0f0f0f0f) << 4)
        u = ((u >> 8) & 0x00ff00ff) | ((u & 0x00ff00ff) << 8)
        u = (u >> 16) | (u << 16)
        return u.to(x.dtype, bitcast=True)
    else:
        u = x.to(uint64, bitcast=True)
        low = extra.libdevice.brev((u & 0xffffffff).to(uint32)).to(uint64)
        high = extra.libdevice.brev((u >> 32).to(uint32)).to(uint64)
        v = (low << 32) | high
        return v.to(x.dtype, bitcast=True)


def mul24(x, y):
    return ((x << 8) >> 8) * ((y << 8) >> 8)


def hadd(x, y):
    return (x & y) + ((x ^ y) >> 1)


def rhadd(x, y):
    return (x | y) - ((x ^ y) >> 1)


def llrint(x):
    return extra.libdevice.rint(x).to(int64)


def llround(x):
    return extra.libdevice.round(x).to(int64)


def fast_dividef(x, y):
    return fdiv(x, y)


def add_rn(x, y):
    return x + y


def sub_rn(x, y):
    return x - y


def mul_rn(x, y):
    return x * y


def div_rn(x, y):
    return x / y


def rcp_rn(x):
    return 1.0 / x


def float_as_int(x):
    return x.to(int32, bitcast=True)


def float_as_uint(x):
    return x.to(uint32, bitcast=True)


def int_as_float(x):
    return x.to(float32, bitcast=True)


def uint_as_float(x):
    return x.to(float32, bitcast=True)


def double_as_longlong(x):
    return x.to(int64, bitcast=True)


def longlong_as_double(x):
    return x.to(float64, bitcast=True)


def double2hiint(x):
    return (x.to(int64, bitcast=True) >> 32).to(int32)


def double2loint(x):
    return x.to(int64, bitcast=True).to(int32)


def hiloint2double(hi, lo):
    bits = (hi.to(int64) << 32) | (lo.to(int64) & 0xffffffff)
    return bits.to(float64, bitcast=True)


def float2int_rz(x):
    return x.to(int32)


def float2int_rn(x):
    return extra.libdevice.rint(x).to(int32)


def float2int_rd(x):
    return floor(x).to(int32)


def float2int_ru(x):
    return ceil(x).to(int32)


def float2uint_rz(x):
    return x.to(uint32)


def float2uint_rn(x):
    return extra.libdevice.rint(x).to(uint32)


def float2ll_rz(x):
    return x.to(int64)


def float2ll_rn(x):
    return extra.libdevice.rint(x).to(int64)


def double2int_rz(x):
    return x.to(int32)


def double2int_rn(x):
    return extra.libdevice.rint(x).to(int32)


def double2ll_rz(x):
    return x.to(int64)


def double2ll_rn(x):
    return extra.libdevice.rint(x).to(int64)


def double2float_rn(x):
    return x.to(float32)


def int2float_rn(x):
    return x.to(float32)


def uint2float_rn(x):
    return x.to(uint32, bitcast=True).to(float32)


def ll2float_rn(x):
    return x.to(float32)


def int2double_rn(x):
    return x.to(float64)


def ll2double_rn(x):
    return x.to(float64)
