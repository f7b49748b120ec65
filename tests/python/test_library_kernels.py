# test_library_kernels.py - kernels written as authors of libraries write them, against NumPy
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import tessera
import tessera.language as tl

MODE = tl.constexpr("relu")
WEIGHTS = tl.constexpr((1, 2, 3))
Accumulator = tl.float32
fetch = tl.load
random = np.random.default_rng(0)
X = random.standard_normal(16).astype(np.float32)


@tessera.constexpr_function
def levels(n, *, base=2):
    k = 0
    while base**k < n:
        k += 1
    return k


@tessera.constexpr_function
def squares(n):
    return tuple(i * i for i in range(n))


@tessera.jit
def sum_and_difference(a, b):
    return a + b, a - b


@tessera.jit
def nested(t):
    (a, b), c = t
    x, y = sum_and_difference(a, b)
    return (x * c, (y, x))


@tessera.jit
def activation(x, KIND: tl.constexpr = "relu"):
    if KIND == "relu":
        return tl.maximum(x, 0.0)
    elif KIND == "square":
        return x * x
    elif KIND is None:
        return x
    else:
        tl.static_assert(False, "unknown " + KIND)


@tessera.jit
def scaled(x, *, scale: tl.constexpr = 2, shift=1.0, f: tl.constexpr = activation, dt: tl.constexpr = tl.float32, none=None):
    r = f(x, KIND=MODE) * scale + shift
    if none is None:
        r += 0.5
    return r.to(dt)


@tessera.jit
def factorial(n: tl.constexpr):
    if n <= 1:
        return 1
    else:
        return n * factorial(n - 1)


@tessera.jit
def tuples(x, y, n, B: tl.constexpr):
    o = tl.arange(0, B)
    v = fetch(x + o, mask=o < n, other=0)
    r, (d, s) = nested(((v, v * 2), 3.0))
    t = (r, d, s)
    tl.store(y + o, t[0] + t[-1] + t[1:][0])
    for i in tl.static_range(len(t)):
        tl.store(y + B * (i + 1) + o, t[i])


def test_nested_tuples_through_functions():
    y = np.zeros(64, np.float32)
    tuples[(1, )](X, y, 13, B=16)
    x = np.where(np.arange(16) < 13, X, 0)
    assert np.allclose(y, np.concatenate([11 * x, 9 * x, -x, 3 * x]), atol=1e-5)


@tessera.jit
def defaults(x, y, B: tl.constexpr, W: tl.constexpr = levels(100, base=3)):
    o = tl.arange(0, B)
    v = scaled(tl.load(x + o), scale=levels(B), none=None)
    v = scaled(v, shift=2, f=activation)
    L: tl.constexpr = levels(9, base=3) + W
    for i in tl.static_range(0, 4, 2):
        for j in tl.static_range(i, 3):
            v += i * 10 + j + L
    T: tl.constexpr = squares(4)
    tl.store(y + o, v + T[2] + WEIGHTS[1])


def test_keywords_defaults_and_constants_of_the_host():
    y = np.zeros(16, np.float32)
    defaults[(1, )](X, y, B=16)
    inner = np.maximum(X, 0) * 4 + 1.5
    assert np.allclose(y, np.maximum(inner, 0) * 2 + 2.5 + sum(i * 10 + j + 7 for i in (0, 2) for j in range(i, 3)) + 6, atol=1e-4)


@tessera.jit
def mixture(x, y, n, B: tl.constexpr, FUNCTIONS: tl.constexpr):
    o = tl.arange(0, B)
    v = tl.load(x + o)
    total = tl.zeros([B], dtype=Accumulator) + factorial(5)
    for f in tl.static_range(len(FUNCTIONS)):
        total += FUNCTIONS[f](v, KIND="square")
    doubled = [e * 2 for e in [v, v + 1, v + 2]]
    total += doubled[0] + doubled[2] + min(n, 7) * 100 + max(n, 2)
    for i in range(n, 0, -1):
        total += i
    for i in range(0, n, 2):
        if i == 4:
            total = total * 2
    total = total.to(tl.int32, bitcast=True).to(tl.float32, bitcast=True)
    small = not (n > 3)
    if small or (n > 1 and n < 7):
        total += tl.sum(v * (o < n)) + tl.max(v) - tl.min(v, axis=0) + tl.argmax(v, 0)
    tl.store(y + o, total, mask=(o >= 0) & (o < B))


@pytest.mark.parametrize("n", [1, 5, 9])
def test_functions_as_constants_comprehensions_and_dynamic_branches(n):
    y = np.zeros(16, np.float32)
    mixture[(1, )](X, y, n, B=16, FUNCTIONS=(activation, activation))
    want = 120 + 2 * X * X + 4 * X + 4 + min(n, 7) * 100 + max(n, 2) + sum(range(n + 1))
    want = want * 2 if n > 4 else want
    if n <= 5:
        want = want + X[:n].sum() + X.max() - X.min() + X.argmax()
    assert np.allclose(y, want, atol=1e-3)


@tessera.jit
def indices(y, start, stop, step):
    for i in range(start, stop, step):
        pass
    tl.store(y, i)
    for j in range(stop, start, -2):
        if j * 3 < stop:
            break
    tl.store(y + 1, j)
    last = -7
    for t in range(3):  # the inner loop has no iteration in the third
        for last in range(start, stop * (1 - t // 2), 3):
            pass
        tl.store(y + 2 + t, last)


@pytest.mark.parametrize("start, stop, step", [(0, 10, 1), (2, 11, 3), (3, 12, 4), (4, 5, 7)])
def test_the_index_of_a_loop_is_read_behind_it(start, stop, step):
    y = np.zeros(5, np.int32)
    indices[(1, )](y, start, stop, step)
    for down in range(stop, start, -2):
        if down * 3 < stop:
            break
    third = range(start, stop, 3)[-1]
    assert y.tolist() == [range(start, stop, step)[-1], down, third, third, third]
