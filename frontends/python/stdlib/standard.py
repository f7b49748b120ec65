# standard.py - functions of triton.language that are written in the language
# SPDX-License-Identifier: Apache-2.0


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softmax(x, dim=None, keep_dims=False, ieee_rounding=False, axis=None):
    # `axis` is another spelling of `dim`.
    if axis is not None:
        along: constexpr = axis
    elif dim is not None:
        along: constexpr = dim
    else:
        along: constexpr = 0
    shifted = x - max_reduce(x, along, True)
    num = exp(shifted)
    den = sum(num, along, keep_dims=True)
    return fdiv(num, den, ieee_rounding)


def max_reduce(x, axis: constexpr, keep_dims: constexpr):
    return x.max(axis, keep_dims=keep_dims)


def swizzle2d(i, j, size_i, size_j, size_g):
    # Row-major numbers, renumbered so that groups of size_g rows are walked column by column.
    ij = i * size_j + j
    size_gj = size_g * size_j
    group = ij // size_gj
    first = group * size_g
    rows = minimum(size_i - first, size_g)
    ij = ij % size_gj
    new_i = first + ij % rows
    new_j = ij // rows
    return new_i, new_j


def _sum_combine(a, b):
    return a + b


def _prod_combine(a, b):
    return a * b


def _xor_combine(a, b):
    return a ^ b


def _or_combine(x, y):
    return x | y


def _elementwise_max(a, b):
    return maximum(a, b)


def _elementwise_min(a, b):
    return minimum(a, b)


def _argmax_combine(value1, index1, value2, index2, tie_break_left):
    if tie_break_left:
        better = (value1 > value2) | ((value1 == value2) & (index1 < index2))
    else:
        better = value1 > value2
    return where(better, value1, value2), where(better, index1, index2)


def _argmin_combine(value1, index1, value2, index2, tie_break_left):
    if tie_break_left:
        better = (value1 < value2) | ((value1 == value2) & (index1 < index2))
    else:
        better = value1 < value2
    return where(better, value1, value2), where(better, index1, index2)


def _argmax_combine_tie_break_left(value1, index1, value2, index2):
    return _argmax_combine(value1, index1, value2, index2, True)


def _argmax_combine_tie_break_fast(value1, index1, value2, index2):
    return _argmax_combine(value1, index1, value2, index2, False)


def _argmin_combine_tie_break_left(value1, index1, value2, index2):
    return _argmin_combine(value1, index1, value2, index2, True)


def _argmin_combine_tie_break_fast(value1, index1, value2, index2):
    return _argmin_combine(value1, index1, value2, index2, False)


# --- random numbers


def philox(seed, c0, c1, c2, c3, n_rounds: constexpr = 10):
    seed = to_tensor(seed)
    static_assert(seed.dtype.is_int(), "the seed must be an integer")
    seed = seed.to(uint64)
    c0 = to_tensor(c0)
    c1 = to_tensor(c1)
    c2 = to_tensor(c2)
    c3 = to_tensor(c3)
    if c0.dtype.primitive_bitwidth == 32:
        word: constexpr = uint32
        key_lo = (seed & 0xffffffff).to(uint32)
        key_hi = ((seed >> 32) & 0xffffffff).to(uint32)
    else:
        word: constexpr = uint64
        key_lo = seed
        key_hi = seed * 0
    return philox_impl(c0.to(word, bitcast=True), c1.to(word, bitcast=True), c2.to(word, bitcast=True),
                       c3.to(word, bitcast=True), key_lo, key_hi, n_rounds)


def randint4x(seed, offset, n_rounds: constexpr = 10):
    offset = to_tensor(offset)
    low = offset.to(uint32)
    zero = low * 0
    if offset.dtype.primitive_bitwidth > 32:
        high = (offset >> 32).to(uint32)
    else:
        high = zero
    return philox(seed, low, high, zero, zero, n_rounds)


def randint(seed, offset, n_rounds: constexpr = 10):
    return randint4x(seed, offset, n_rounds)[0]


def uint_to_uniform_float(x):
    if (x.dtype == uint32) or (x.dtype == int32):
        x = x.to(int32, bitcast=True)
        scale: constexpr = 4.6566127342e-10
    else:
        static_assert((x.dtype == uint64) or (x.dtype == int64), "the bits must be a 32 or 64 bit integer")
        x = x.to(int64, bitcast=True)
        scale: constexpr = 1.0842020432385337e-19
    x = where(x < 0, -x - 1, x)
    return x * scale


def rand(seed, offset, n_rounds: constexpr = 10):
    return uint_to_uniform_float(randint(seed, offset, n_rounds))


def rand4x(seed, offsets, n_rounds: constexpr = 10):
    i1, i2, i3, i4 = randint4x(seed, offsets, n_rounds)
    return uint_to_uniform_float(i1), uint_to_uniform_float(i2), uint_to_uniform_float(i3), uint_to_uniform_float(i4)


def pair_uniform_to_normal(u1, u2):
    # Box-Muller; the lower bound keeps the logarithm finite.
    u1 = maximum(1.0e-7, u1)
    theta = 6.283185307179586 * u2
    r = sqrt(-2.0 * log(u1))
    return r * cos(theta), r * sin(theta)


def randn(seed, offset, n_rounds: constexpr = 10):
    i1, i2, _, _ = randint4x(seed, offset, n_rounds)
    n1, _ = pair_uniform_to_normal(uint_to_uniform_float(i1), uint_to_uniform_float(i2))
    return n1


def randn4x(seed, offset, n_rounds: constexpr = 10):
    u1, u2, u3, u4 = rand4x(seed, offset, n_rounds)
    n1, n2 = pair_uniform_to_normal(u1, u2)
    n3, n4 = pair_uniform_to_normal(u3, u4)
    return n1, n2, n3, n4
