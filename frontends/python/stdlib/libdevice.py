# libdevice.py - functions of triton.language.extra.libdevice without an op of their own
# SPDX-License-Identifier: Apache-2.0
#
# Arguments have the types of a row of sema/LibdeviceTypes.cpp when they arrive here. Names are those of libdevice first, then
# those of triton.language.


def exp10(x):
    # x log2(10) = p + rest, and 2^rest = 1 + rest ln 2 as far as the type goes.
    if x.dtype == float32:
        high: constexpr = 3.321928024291992
        low: constexpr = 7.059537e-08
    else:
        high: constexpr = 3.321928094887362
        low: constexpr = 1.661617516973592e-16
    p = x * high
    rest = fma(x, full_like(x, high), -p) + x * low
    r = exp2(p)
    return where((r > 0.0) & (r < float("inf")), fma(r * 0.6931471805599453, rest, r), r)


def fast_exp10f(x):
    return exp10(x)


def rcbrt(x):
    return 1.0 / cbrt(x)


def _half_turns(x):
    # sin(pi f) and cos(pi f) for x = n / 2 + f with |f| <= 1/4, exactly; n modulo 4.
    r = x - 2.0 * rint(x * 0.5)
    n = rint(2.0 * r)
    f = r - 0.5 * n
    if x.dtype == float32:
        # Errors 4.0e-9 and 4.4e-10.
        z = f * f
        sine = f * z * fma(z, fma(z, full_like(z, -0.5892775654792786), 2.5497946739196777), -5.167708873748779)
        sine = fma(f, full_like(z, 3.1415927410125732), sine)
        cosine = fma(z, fma(z, full_like(z, 0.22898516058921814), -1.3347580432891846), 4.058696746826172)
        cosine = fma(z, fma(z, cosine, -4.934802055358887), 1.0)
    else:
        sine = sin(f * 3.141592653589793)
        cosine = cos(f * 3.141592653589793)
    return n.to(int32) & 3, sine, cosine


def sinpi(x):
    n, s, c = _half_turns(x)
    v = where((n & 1) == 0, s, c)
    v = where(n > 1, -v, v)
    # Integers give a zero with the sign of x.
    return where(abs(x) < float("inf"), where(v == 0.0, copysign(v, x), v), float("nan"))


def cospi(x):
    n, s, c = _half_turns(x)
    v = where((n & 1) == 0, c, -s)
    v = where(n == 2, -v, where(n == 3, -v, v))
    return where(abs(x) < float("inf"), where(v == 0.0, 0.0, v), float("nan"))


# --- lengths


def _length(hi, sum_of_squares):
    # hi: the largest magnitude; the squares are of the others over it.
    return hi * sqrt(1.0 + sum_of_squares)


def _ratio(x, hi):
    r = where(hi > 0.0, x / where(hi > 0.0, hi, 1.0), 0.0)
    return r * r


def _infinite(a, r):
    return where(a == float("inf"), a, r)


def hypot(x, y):
    a = abs(x)
    b = abs(y)
    hi = maximum(a, b)
    r = _length(hi, _ratio(minimum(a, b), hi))
    return _infinite(hi, where((x != x) | (y != y), x + y, r))


def norm3d(x, y, z):
    a = abs(x)
    b = abs(y)
    c = abs(z)
    ab = maximum(a, b)
    hi = maximum(ab, c)
    r = _length(hi, _ratio(minimum(a, b), hi) + _ratio(minimum(ab, c), hi))
    return _infinite(hi, where((x != x) | (y != y) | (z != z), x + y + z, r))


def norm4d(x, y, z, w):
    a = abs(x)
    b = abs(y)
    c = abs(z)
    d = abs(w)
    ab = maximum(a, b)
    cd = maximum(c, d)
    hi = maximum(ab, cd)
    r = _length(hi, _ratio(minimum(a, b), hi) + _ratio(minimum(c, d), hi) + _ratio(minimum(ab, cd), hi))
    return _infinite(hi, where((x != x) | (y != y) | (z != z) | (w != w), x + y + z + w, r))


def _inverse_length(hi, sum_of_squares):
    # The length itself may overflow where this does not.
    return where(hi == float("inf"), 0.0, 1.0 / hi / sqrt(1.0 + sum_of_squares))


def rhypot(x, y):
    a = abs(x)
    b = abs(y)
    hi = maximum(a, b)
    r = _inverse_length(hi, _ratio(minimum(a, b), hi))
    return where((hi < float("inf")) & ((x != x) | (y != y)), x + y, r)


def rnorm3d(x, y, z):
    a = abs(x)
    b = abs(y)
    c = abs(z)
    ab = maximum(a, b)
    hi = maximum(ab, c)
    r = _inverse_length(hi, _ratio(minimum(a, b), hi) + _ratio(minimum(ab, c), hi))
    return where((hi < float("inf")) & ((x != x) | (y != y) | (z != z)), x + y + z, r)


def rnorm4d(x, y, z, w):
    a = abs(x)
    b = abs(y)
    c = abs(z)
    d = abs(w)
    ab = maximum(a, b)
    cd = maximum(c, d)
    hi = maximum(ab, cd)
    r = _inverse_length(hi, _ratio(minimum(a, b), hi) + _ratio(minimum(c, d), hi) + _ratio(minimum(ab, cd), hi))
    return where((hi < float("inf")) & ((x != x) | (y != y) | (z != z) | (w != w)), x + y + z + w, r)


# --- parts of floats


def _bits(x):
    if x.dtype == float64:
        return x.to(int64, bitcast=True)
    else:
        return x.to(int32, bitcast=True)


def _float(bits):
    if bits.dtype == int64:
        return bits.to(float64, bitcast=True)
    else:
        return bits.to(float32, bitcast=True)


def isnan(x):
    return (x != x).to(int32)


def isinf(x):
    return (abs(x) == float("inf")).to(int32)


def finitef(x):
    return (abs(x) < float("inf")).to(int32)


def isfinited(x):
    return (abs(x) < float("inf")).to(int32)


def signbit(x):
    return (_bits(x) < 0).to(int32)


def _up(x):
    # The next float towards +infinity.
    b = _bits(x)
    b = where(x == 0.0, 1, where(b < 0, b - 1, b + 1))
    return where(x < float("inf"), _float(b), x)


def _down(x):
    return -_up(-x)


def nextafter(x, y):
    r = where(x < y, _up(x), where(x > y, _down(x), y))
    return where((x != x) | (y != y), x + y, r)


def _exponent(x):
    # Of |x| = m 2^e, 1 <= m < 2, for finite x other than 0.
    b = _bits(x)
    if x.dtype == float64:
        field = ((b >> 52) & 0x7ff).to(int32)
        small = 11 - clz(b & 0xfffffffffffff)
        return where(field == 0, small - 1022, field - 1023)
    else:
        field = (b >> 23) & 0xff
        small = 8 - clz(b & 0x7fffff)
        return where(field == 0, small - 126, field - 127)


def ilogb(x):
    r = where(abs(x) == float("inf"), 2147483647, _exponent(x))
    return where((x == 0.0) | (x != x), -2147483648, r)


def logb(x):
    a = abs(x)
    r = where(a == float("inf"), a, _exponent(x).to(x.dtype))
    return where(x != x, x, where(x == 0.0, -float("inf"), r))


def _power_of_two(n, x):
    # 2^n in the type of x, for n that gives a normal number.
    if x.dtype == float64:
        return _float((n.to(int64) + 1023) << 52)
    else:
        return _float((n + 127) << 23)


def ldexp(x, n):
    # The factor nearest to 1 comes last: at most one product rounds where the result is not tiny.
    if x.dtype == float64:
        low: constexpr = -1022
        high: constexpr = 1023
    else:
        low: constexpr = -126
        high: constexpr = 127
    n = minimum(maximum(n, 3 * low), 3 * high)
    n1 = minimum(maximum(n, low), high)
    n2 = minimum(maximum(n - n1, low), high)
    n3 = n - n1 - n2
    return x * _power_of_two(n3, x) * _power_of_two(n2, x) * _power_of_two(n1, x)


def scalbn(x, n):
    return ldexp(x, n)


def fdim(x, y):
    return where(x > y, x - y, where(x <= y, 0.0, x + y))


def remainder(x, y):
    # x - n y with the nearest n, the even one between two.
    a = abs(y)
    half = 0.5 * a
    r = abs(x)
    r = where(half < 1.0e300 if x.dtype == float64 else half < 1.0e38, fmod(r, a + a), r)
    tiny = a < (1.0e-300 if x.dtype == float64 else 1.0e-37)
    # Twice: from [0, 2a) to [-a/2, a/2]. Tiny divisors are doubled instead of halved.
    first = where(tiny, r + r > a, r > half)
    r1 = r - a
    second = where(tiny, r1 + r1 >= a, r1 >= half)
    r = where(first, where(second, r1 - a, r1), r)
    r = where(_bits(x) < 0, r * -1.0, r)
    r = where(a == float("inf"), x, r)
    return where((y == 0.0) | (abs(x) == float("inf")) | (x != x) | (y != y), float("nan"), r)


def saturatef(x):
    return where(x > 0.0, minimum(x, 1.0), 0.0)


def llrint(x):
    return _saturate(rint(x), int64)


def llround(x):
    return _saturate(round(x), int64)


def rcp64h(x):
    # The reciprocal, of its bits the high word.
    return _float(_bits(1.0 / x) & -4294967296)


def rsqrt_rn(x):
    return (1.0 / sqrt(x.to(float64))).to(float32)


# --- integers


def ffs(x):
    return where(x == 0, 0, ctz(x) + 1)


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
        low = brev((u & 0xffffffff).to(int32)).to(uint32, bitcast=True).to(uint64)
        high = brev((u >> 32).to(int32)).to(uint32, bitcast=True).to(uint64)
        v = (low << 32) | high
        return v.to(x.dtype, bitcast=True)


def byte_perm(x, y, s):
    # Byte i of the result is byte (s >> 4i) & 7 of the eight of y:x; bit 3 of the selector spreads its sign.
    lo = x.to(uint32, bitcast=True).to(uint64)
    hi = y.to(uint32, bitcast=True).to(uint64)
    both = (hi << 32) | lo
    sel = s.to(uint32, bitcast=True)
    r = sel & 0
    for i in static_range(4):
        pick = (sel >> (4 * i)) & 0xf
        byte = ((both >> ((pick & 7) * 8).to(uint64)) & 0xff).to(uint32)
        byte = where((pick & 8) != 0, where((byte & 0x80) != 0, 0xff, 0), byte)
        r = r | (byte << (8 * i))
    return r.to(int32, bitcast=True)


def mul24(x, y):
    return ((x << 8) >> 8) * ((y << 8) >> 8)


def sad(x, y, z):
    # |x - y| + z
    difference = where(x > y, x - y, y - x)
    return difference + z.to(x.dtype, bitcast=True)


def hadd(x, y):
    return (x & y) + ((x ^ y) >> 1)


def rhadd(x, y):
    return (x | y) - ((x ^ y) >> 1)
