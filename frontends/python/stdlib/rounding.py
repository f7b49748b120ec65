# rounding.py - functions of triton.language.extra.libdevice with a direction of rounding, and its conversions
# SPDX-License-Identifier: Apache-2.0


# --- directed rounding: the nearest result, moved by one step where what it left out points the other way
#
# `rest` has the sign of (exact - r). Where r overflowed, the exact value is finite, and so on the other side of r.


def _lost(r, rest, finite):
    return where((abs(r) == float("inf")) & finite, where(r > 0.0, -1.0, 1.0), rest)


def _toward_zero(r, rest):
    return where((r > 0.0) & (rest < 0.0), _down(r), where((r < 0.0) & (rest > 0.0), _up(r), r))


def _toward_down(r, rest):
    return where(rest < 0.0, _down(r), r)


def _toward_up(r, rest):
    return where(rest > 0.0, _up(r), r)


def _is_finite(x):
    return abs(x) < float("inf")


def _two_sum_rest(x, y, s):
    # x + y - s, exactly
    v = s - x
    return (x - (s - v)) + (y - v)


def _add_parts(x, y):
    r = x + y
    rest = _two_sum_rest(x, y, r)
    return r, _lost(r, where(rest == rest, rest, 0.0), _is_finite(x) & _is_finite(y))


def add_rn(x, y):
    return x + y


def add_rz(x, y):
    r, rest = _add_parts(x, y)
    return _toward_zero(r, rest)


def add_rd(x, y):
    r, rest = _add_parts(x, y)
    # A sum that is zero is -0 unless both operands are +0.
    r = where((r == 0.0) & ((_bits(x) != 0) | (_bits(y) != 0)), -0.0, r)
    return _toward_down(r, rest)


def add_ru(x, y):
    r, rest = _add_parts(x, y)
    return _toward_up(r, rest)


def sub_rn(x, y):
    return x - y


def sub_rz(x, y):
    return add_rz(x, y * -1.0)


def sub_rd(x, y):
    return add_rd(x, y * -1.0)


def sub_ru(x, y):
    return add_ru(x, y * -1.0)


def _mul_rest(x, y, r):
    if x.dtype == float32:
        return x.to(float64) * y.to(float64) - r.to(float64)
    else:
        # Tiny products: operands below 1 are scaled, so that nothing underflows.
        scale: constexpr = 4.149515568880993e180
        small = abs(r) < 1.0e-270
        sx = where(small & (abs(x) < 1.0), scale, 1.0)
        sy = where(small & (abs(y) < 1.0), scale, 1.0)
        p = (x * sx) * (y * sy)
        e = fma(x * sx, y * sy, -p)
        return (p - r * sx * sy) + e


def _mul_parts(x, y):
    r = x * y
    rest = _mul_rest(x, y, r)
    return r, _lost(r, where(rest == rest, rest, 0.0), _is_finite(x) & _is_finite(y))


def _tiny(r, rest):
    # A zero or overflowed float64 result next to a rest of either sign: in float32 for the steps below.
    if r.dtype == float32:
        return where(rest < 0.0, -1.0, where(rest > 0.0, 1.0, 0.0)).to(float32)
    else:
        return rest


def mul_rn(x, y):
    return x * y


def mul_rz(x, y):
    r, rest = _mul_parts(x, y)
    return _toward_zero(r, _tiny(r, rest))


def mul_rd(x, y):
    r, rest = _mul_parts(x, y)
    return _toward_down(r, _tiny(r, rest))


def mul_ru(x, y):
    r, rest = _mul_parts(x, y)
    return _toward_up(r, _tiny(r, rest))


def _div_parts(x, y):
    r = div_rn(x, y)
    if x.dtype == float32:
        rest = fma(-r.to(float64), y.to(float64), x.to(float64))
    else:
        s = where(abs(x) < 1.0e-200, 1.6069380442589903e60, 1.0)
        rest = fma(-(r * s), y, x * s)
    rest = where(_bits(y) < 0, -rest, rest)
    finite = _is_finite(x) & _is_finite(y) & (y != 0.0)
    return r, _tiny(r, _lost(r.to(rest.dtype), where((rest == rest) & finite, rest, 0.0), finite))


def div_rz(x, y):
    r, rest = _div_parts(x, y)
    return _toward_zero(r, rest)


def div_rd(x, y):
    r, rest = _div_parts(x, y)
    return _toward_down(r, rest)


def div_ru(x, y):
    r, rest = _div_parts(x, y)
    return _toward_up(r, rest)


def rcp_rn(x):
    return div_rn(full_like(x, 1.0), x)


def rcp_rz(x):
    return div_rz(full_like(x, 1.0), x)


def rcp_rd(x):
    return div_rd(full_like(x, 1.0), x)


def rcp_ru(x):
    return div_ru(full_like(x, 1.0), x)


def _sqrt_parts(x):
    r = sqrt(x)
    if x.dtype == float32:
        rest = fma(-r.to(float64), r.to(float64), x.to(float64))
    else:
        s = where(x < 1.0e-200, 1.2676506002282294e30, 1.0)
        rest = fma(-(r * s), r * s, x * s * s)
    finite = _is_finite(x) & (x > 0.0)
    return r, _tiny(r, where(finite, rest, 0.0))


def sqrt_rz(x):
    r, rest = _sqrt_parts(x)
    return _toward_zero(r, rest)


def sqrt_rd(x):
    r, rest = _sqrt_parts(x)
    return _toward_down(r, rest)


def sqrt_ru(x):
    r, rest = _sqrt_parts(x)
    return _toward_up(r, rest)


def _fma_parts(x, y, z):
    r = fma(x, y, z)
    finite = _is_finite(x) & _is_finite(y) & _is_finite(z)
    if x.dtype == float32:
        p = x.to(float64) * y.to(float64)
        w = z.to(float64)
        s = p + w
        rest = (s - r.to(float64)) + _two_sum_rest(p, w, s)
    else:
        # A tiny product next to a tiny sum is scaled as in _mul_rest; next to a large one only its sign counts.
        p = x * y
        small = abs(p) < 1.0e-270
        scaled = small & (abs(z) < 1.0e-250)
        scale: constexpr = 4.149515568880993e180
        sx = where(scaled & (abs(x) < 1.0), scale, 1.0)
        sy = where(scaled & (abs(y) < 1.0), scale, 1.0)
        xs = x * sx
        ys = y * sy
        zs = z * sx * sy
        p = xs * ys
        pe = fma(xs, ys, -p)
        s = p + zs
        t1 = _two_sum_rest(p, zs, s)
        t = t1 + pe
        te = _two_sum_rest(t1, pe, t)
        d = s - r * sx * sy
        u = d + t
        rest = u + (_two_sum_rest(d, t, u) + te)
        sign = where((x == 0.0) | (y == 0.0), 0.0, where((_bits(x) < 0) != (_bits(y) < 0), -1.0, 1.0))
        rest = where(small & (scaled == 0), sign, rest)
    return r, _tiny(r, _lost(r.to(rest.dtype), where((rest == rest) & finite, rest, 0.0), finite))


def fma_rz(x, y, z):
    r, rest = _fma_parts(x, y, z)
    return _toward_zero(r, rest)


def fma_rd(x, y, z):
    r, rest = _fma_parts(x, y, z)
    # As in add_rd: an exact zero is -0 unless the product and z are +0.
    product_is_positive = (_bits(x) < 0) == (_bits(y) < 0)
    plus = (((x == 0.0) | (y == 0.0)) & product_is_positive) & (_bits(z) == 0)
    r = where((r == 0.0) & (rest == 0.0) & (plus == 0), -0.0, r)
    return _toward_down(r, rest)


def fma_ru(x, y, z):
    r, rest = _fma_parts(x, y, z)
    return _toward_up(r, rest)


def fast_dividef(x, y):
    return fdiv(x, y)


# --- conversions: out of range saturates, NaN gives 0


def _saturate(x, t: constexpr):
    # x is an integer's value already.
    low: constexpr = float(t.get_int_min_value())
    limit: constexpr = float(t.get_int_max_value() + 1)
    inside = (x > low) & (x < limit)
    r = where(inside, x, 0.0).to(t)
    r = where(x >= limit, full_like(r, t.get_int_max_value()), r)
    return where(x <= low, full_like(r, t.get_int_min_value()), r)


def double2float_rn(x):
    return x.to(float32)


def _narrowed(x):
    r = x.to(float32)
    w = r.to(float64)
    rest = where(abs(w) == float("inf"), where(w > 0.0, -1.0, 1.0), x - w)
    rest = where(_is_finite(x), rest, 0.0)
    return r, _tiny(r, rest)


def double2float_rz(x):
    r, rest = _narrowed(x)
    return _toward_zero(r, rest)


def double2float_rd(x):
    r, rest = _narrowed(x)
    return _toward_down(r, rest)


def double2float_ru(x):
    r, rest = _narrowed(x)
    return _toward_up(r, rest)


def _split64(x):
    # A 64-bit integer as a sum of two floats without error.
    high = (x >> 32).to(float64) * 4294967296.0
    low = (x & 0xffffffff).to(float64)
    s = high + low
    return s, _two_sum_rest(high, low, s)


def _from64(x, t: constexpr):
    s, e = _split64(x)
    r = x.to(t)
    if t == float64:
        return r, e
    else:
        return r, _tiny(r, (s - r.to(float64)) + e)


def _from32(x):
    r = x.to(float32)
    return r, _tiny(r, x.to(float64) - r.to(float64))


def hiloint2double(hi, lo):
    bits = (hi.to(int64) << 32) | (lo.to(int64) & 0xffffffff)
    return bits.to(float64, bitcast=True)


def double2hiint(x):
    return (x.to(int64, bitcast=True) >> 32).to(int32)


def double2loint(x):
    return x.to(int64, bitcast=True).to(int32)


def float_as_int(x):
    return x.to(int32, bitcast=True)


def float_as_uint(x):
    return x.to(int32, bitcast=True)


def int_as_float(x):
    return x.to(float32, bitcast=True)


def uint_as_float(x):
    return x.to(float32, bitcast=True)


def double_as_longlong(x):
    return x.to(int64, bitcast=True)


def longlong_as_double(x):
    return x.to(float64, bitcast=True)


def int2double_rn(x):
    return x.to(float64)


def uint2double_rn(x):
    return x.to(float64)


def float2int_rn(x):
    return _saturate(rint(x), int32)


def float2int_rz(x):
    return _saturate(trunc(x), int32)


def float2int_rd(x):
    return _saturate(floor(x), int32)


def float2int_ru(x):
    return _saturate(ceil(x), int32)


def float2uint_rn(x):
    return _saturate(rint(x), uint32).to(int32, bitcast=True)


def float2uint_rz(x):
    return _saturate(trunc(x), uint32).to(int32, bitcast=True)


def float2uint_rd(x):
    return _saturate(floor(x), uint32).to(int32, bitcast=True)


def float2uint_ru(x):
    return _saturate(ceil(x), uint32).to(int32, bitcast=True)


def float2ll_rn(x):
    return _saturate(rint(x), int64)


def float2ll_rz(x):
    return _saturate(trunc(x), int64)


def float2ll_rd(x):
    return _saturate(floor(x), int64)


def float2ll_ru(x):
    return _saturate(ceil(x), int64)


def float2ull_rn(x):
    return _saturate(rint(x), uint64).to(int64, bitcast=True)


def float2ull_rz(x):
    return _saturate(trunc(x), uint64).to(int64, bitcast=True)


def float2ull_rd(x):
    return _saturate(floor(x), uint64).to(int64, bitcast=True)


def float2ull_ru(x):
    return _saturate(ceil(x), uint64).to(int64, bitcast=True)


def double2int_rn(x):
    return _saturate(rint(x), int32)


def double2int_rz(x):
    return _saturate(trunc(x), int32)


def double2int_rd(x):
    return _saturate(floor(x), int32)


def double2int_ru(x):
    return _saturate(ceil(x), int32)


def double2uint_rn(x):
    return _saturate(rint(x), uint32).to(int32, bitcast=True)


def double2uint_rz(x):
    return _saturate(trunc(x), uint32).to(int32, bitcast=True)


def double2uint_rd(x):
    return _saturate(floor(x), uint32).to(int32, bitcast=True)


def double2uint_ru(x):
    return _saturate(ceil(x), uint32).to(int32, bitcast=True)


def double2ll_rn(x):
    return _saturate(rint(x), int64)


def double2ll_rz(x):
    return _saturate(trunc(x), int64)


def double2ll_rd(x):
    return _saturate(floor(x), int64)


def double2ll_ru(x):
    return _saturate(ceil(x), int64)


def double2ull_rn(x):
    return _saturate(rint(x), uint64).to(int64, bitcast=True)


def double2ull_rz(x):
    return _saturate(trunc(x), uint64).to(int64, bitcast=True)


def double2ull_rd(x):
    return _saturate(floor(x), uint64).to(int64, bitcast=True)


def double2ull_ru(x):
    return _saturate(ceil(x), uint64).to(int64, bitcast=True)


def int2float_rn(x):
    return x.to(float32)


def int2float_rz(x):
    r, rest = _from32(x)
    return _toward_zero(r, rest)


def int2float_rd(x):
    r, rest = _from32(x)
    return _toward_down(r, rest)


def int2float_ru(x):
    r, rest = _from32(x)
    return _toward_up(r, rest)


def uint2float_rn(x):
    return x.to(float32)


def uint2float_rz(x):
    r, rest = _from32(x)
    return _toward_zero(r, rest)


def uint2float_rd(x):
    r, rest = _from32(x)
    return _toward_down(r, rest)


def uint2float_ru(x):
    r, rest = _from32(x)
    return _toward_up(r, rest)


def ll2float_rn(x):
    return x.to(float32)


def ll2float_rz(x):
    r, rest = _from64(x, float32)
    return _toward_zero(r, rest)


def ll2float_rd(x):
    r, rest = _from64(x, float32)
    return _toward_down(r, rest)


def ll2float_ru(x):
    r, rest = _from64(x, float32)
    return _toward_up(r, rest)


def ll2double_rn(x):
    return x.to(float64)


def ll2double_rz(x):
    r, rest = _from64(x, float64)
    return _toward_zero(r, rest)


def ll2double_rd(x):
    r, rest = _from64(x, float64)
    return _toward_down(r, rest)


def ll2double_ru(x):
    r, rest = _from64(x, float64)
    return _toward_up(r, rest)


def ull2float_rn(x):
    return x.to(float32)


def ull2float_rz(x):
    r, rest = _from64(x, float32)
    return _toward_zero(r, rest)


def ull2float_rd(x):
    r, rest = _from64(x, float32)
    return _toward_down(r, rest)


def ull2float_ru(x):
    r, rest = _from64(x, float32)
    return _toward_up(r, rest)


def ull2double_rn(x):
    return x.to(float64)


def ull2double_rz(x):
    r, rest = _from64(x, float64)
    return _toward_zero(r, rest)


def ull2double_rd(x):
    r, rest = _from64(x, float64)
    return _toward_down(r, rest)


def ull2double_ru(x):
    r, rest = _from64(x, float64)
    return _toward_up(r, rest)
