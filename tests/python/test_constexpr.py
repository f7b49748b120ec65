# test_constexpr.py - operators of constexpr, tuples, unwrapping, the sign of zero
# SPDX-License-Identifier: Apache-2.0
import operator

import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera.language.core import _unwrap_if_constexpr

from software_devices import active
from test_devices import DeviceArray

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
          operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, operator.lt, operator.le, operator.gt,
          operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("op", BINARY)
def test_binary_operators_are_pythons_on_either_side(op):
    for left, right in ((7, 3), (-7, 2)):
        for result in (op(tl.constexpr(left), tl.constexpr(right)), op(tl.constexpr(left), right), op(left, tl.constexpr(right))):
            assert isinstance(result, tl.constexpr)
            assert result.value == op(left, right) and type(result.value) is type(op(left, right))


def test_unary_operators():
    five = tl.constexpr(5)
    assert (-five).value == -5 and (+five).value == 5 and (~five).value == -6
    assert five.__not__().value is False and tl.constexpr(0).__not__().value is True
    assert five.logical_and(0).value == 0 and tl.constexpr(0).logical_or(3).value == 3


def test_a_constexpr_of_a_constexpr_is_one():
    assert tl.constexpr(tl.constexpr(tl.constexpr(4))).value == 4


def test_behaves_as_its_value():
    assert [10, 20, 30][tl.constexpr(1)] == 20
    assert bool(tl.constexpr(0)) is False and bool(tl.constexpr([1])) is True
    assert list(tl.constexpr((1, 2))) == [1, 2] and tl.constexpr((1, 2))[tl.constexpr(1)] == 2
    assert tl.constexpr(max)(3, 9) == 9
    assert repr(tl.constexpr(4)) == "constexpr[4]" and hash(tl.constexpr(4)) == hash(tl.constexpr(4))
    assert tl.constexpr(3).type == tl.constexpr_type(3) and tl.constexpr(3).type != tl.constexpr_type(4)


def test_unwrap_reaches_into_lists_and_tuples():
    from collections import namedtuple
    Pair = namedtuple("Pair", "a b")
    assert _unwrap_if_constexpr([tl.constexpr(1), (tl.constexpr(2), 3)]) == [1, (2, 3)]
    assert _unwrap_if_constexpr(Pair(tl.constexpr(1), 2)) == Pair(1, 2)
    assert _unwrap_if_constexpr("text") == "text"


def test_tuple_of_the_language():
    t = tl.tuple([tl.constexpr(1), tl.constexpr(2), tl.constexpr(3)])
    assert len(t) == 3 and t[1].value == 2 and [x.value for x in t[1:]] == [2, 3]
    assert len(t + (4,)) == 4 and len(t * tl.constexpr(2)) == 6
    named = tl.tuple([1, 2], tl.tuple_type([tl.constexpr_type(1), tl.constexpr_type(2)], ["x", "y"]))
    assert named.y == 2
    with pytest.raises(AttributeError):
        named.z


@pytest.mark.parametrize("value, kind", [(10, tl.int32), (32.5, tl.float32), ((5, 6, 7), None), ("text", None)])
def test_the_type_of_a_constexpr_in_a_kernel_holds_its_value(value, kind):
    from tessera.language.core import constexpr_type

    @tessera.jit
    def kernel(given: tl.constexpr, other: tl.constexpr, kind: tl.constexpr):
        bound: tl.constexpr = given
        tl.static_assert(bound.type == constexpr_type(given) and bound.type != constexpr_type(other))
        tl.static_assert(isinstance(bound.type, constexpr_type) and bound.type.value == given)
        if kind is not None:
            plain = given
            tl.static_assert(plain.type == kind and not isinstance(plain.type, constexpr_type))

    kernel[(1, )](value, 11, kind)


def test_constexpr_function_runs_on_plain_values_and_wraps_in_kernels():

    @tl.constexpr_function
    def half(x):
        assert not isinstance(x, tl.constexpr)
        return x // 2

    assert half(tl.constexpr(8)) == 4 and half(8) == 4
    assert half(tl.constexpr(8), _semantic=object()).value == 4

    class Shape:

        def __init__(self, n):
            self.n = n

        @tl.constexpr_function
        def double(self):
            return 2 * self.n

    assert Shape(5).double() == 10


MINUS = tl.constexpr(-0.0)


@tessera.jit
def minus_by_default(z: tl.constexpr = -0.0):
    return tl.full([1], z, tl.float32)


@tessera.jit
def zeros(p, o, n, C: tl.constexpr):
    i = tl.arange(0, 1)
    pair = (1.0, -0.0)
    carried = -0.0
    for _ in range(n):
        carried += -0.0
    chosen = -0.0 if n > 0 else 0.0
    tl.store(o + 0, -0.0)
    tl.store(o + 1, C)
    tl.store(o + 2, MINUS)
    tl.store(o + 3, pair[1])
    tl.store(o + 4, carried)
    tl.store(o + 5, chosen)
    tl.store(o + 6 + i, tl.full([1], -0.0, tl.float16))
    tl.store(o + 7 + i, tl.full([1], C, tl.bfloat16))
    tl.store(o + 8 + i, minus_by_default())
    tl.store(o + 9 + i, minus_by_default(C))
    tl.store(o + 10 + i, tl.where(i == 0, -0.0, 1.0))
    tl.store(o + 11 + i, tl.load(p + i, mask=i > 0, other=-0.0))
    tl.store(o + 12 + i, tl.minimum(tl.zeros([1], tl.float32), -0.0))
    tl.store(o + 13 + i, tl.load(p + i) + -0.0)
    tl.store(o + 14 + i, tl.load(p + i) * 1.0 - 0.0)
    tl.store(o + 15, tl.sum(tl.full([4], -0.0, tl.float32)))


@pytest.mark.parametrize("name", ("cpu", "mock", "simt"))
def test_the_sign_of_zero(name):
    with active(name) as device:
        array = (lambda x: x) if name == "cpu" else (lambda x: DeviceArray(device, x))
        for constant in (0.0, -0.0, 0.0):  # equal keys, other kernels
            x, out = np.full(1, -0.0, np.float32), np.ones(16, np.float32)
            given, put = array(x), array(out)
            zeros[(1, )](given, put, 2, constant)
            device.synchronize()
            got = out if name == "cpu" else put.fetch()
            plus = [1, 7, 9] if np.copysign(1.0, constant) > 0 else []
            assert np.all(got == 0) and np.flatnonzero(~np.signbit(got)).tolist() == plus
