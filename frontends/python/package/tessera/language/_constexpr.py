# _constexpr.py - compile-time values: constexpr, constexpr_type, tuples, slices
# SPDX-License-Identifier: Apache-2.0
"""Values that are known while a kernel compiles, and the tuples that carry them."""
from __future__ import annotations

import builtins
import operator


class base_value:
    """What a name inside a kernel may stand for; the classes below and ``tensor`` derive from it."""


class base_type:
    """The type of a ``base_value``. Types compare by meaning, not by identity."""

    def __eq__(self, other):
        raise NotImplementedError(f"{type(self).__name__} does not say when two of it are equal")

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    def mangle(self) -> str:
        """The spelling of this type in the name of a specialised function."""
        raise NotImplementedError(f"NYI: Type mangling for type {type(self)}")


class constexpr_type(base_type):
    """The type of a ``constexpr``: it holds the value, so different values are different types."""

    __tessera_name__ = "triton.language.constexpr_type"

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, constexpr_type) and self.value == other.value

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return f"constexpr_type[{self.value}]"

    def mangle(self):
        return repr(self)


class constexpr(base_value):
    """A value that is known when the kernel is compiled.

    As an annotation (``BLOCK: tl.constexpr``) it makes a parameter part of the specialisation key. As a value
    (``SIZE = tl.constexpr(128)``) it lets kernels read a global. Operators between constexprs, or a constexpr and a
    plain Python value, are Python's own and give a constexpr.

    Example:
        out = tl.constexpr(6) * 7 // 4            # 10
    """

    __tessera_name__ = "triton.language.constexpr"
    __tessera_kind__ = "constexpr"

    def __init__(self, value):
        while isinstance(value, constexpr):
            value = value.value
        self.value = value
        self.type = constexpr_type(value)

    def __repr__(self):
        return f"constexpr[{self.value}]"

    def __hash__(self):
        return hash((self.value, self.type))

    def __index__(self):
        return self.value

    def __bool__(self):
        return bool(self.value)

    def __iter__(self):
        return iter(self.value)

    def __call__(self, *args, **kwargs):
        return self.value(*args, **kwargs)

    def __getitem__(self, *args):
        return self.value.__getitem__(*(_unwrap_if_constexpr(x) for x in _normalize_tuple(args)))

    def __neg__(self):
        return constexpr(-self.value)

    def __pos__(self):
        return constexpr(+self.value)

    def __invert__(self):
        return constexpr(~self.value)

    def __not__(self):
        return constexpr(not self.value)

    def logical_and(self, other):
        return constexpr(self.value and _unwrap_if_constexpr(other))

    def logical_or(self, other):
        return constexpr(self.value or _unwrap_if_constexpr(other))


def _operators():
    def forward(op):
        return lambda self, other: constexpr(op(self.value, _unwrap_if_constexpr(other)))

    def reflected(op):
        return lambda self, other: constexpr(op(_unwrap_if_constexpr(other), self.value))

    arithmetic = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
                  "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow, "and": operator.and_,
                  "or": operator.or_, "xor": operator.xor, "lshift": operator.lshift, "rshift": operator.rshift}
    for name, op in arithmetic.items():
        setattr(constexpr, f"__{name}__", forward(op))
        setattr(constexpr, f"__r{name}__", reflected(op))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(constexpr, f"__{name}__", forward(getattr(operator, name)))
    for name in ("lt", "le", "gt", "ge"):
        setattr(constexpr, f"__r{name}__", reflected(getattr(operator, name)))


_operators()
CONSTEXPR_0 = constexpr(0)


class tuple(base_value):
    """A tuple of kernel values: tensors, constexprs, further tuples. ``fields`` of its type names a named tuple."""

    __tessera_name__ = "triton.language.tuple"
    __tessera_kind__ = "tuple"

    def __init__(self, args, type=None):
        from tessera.language._types import _type_of_values, tuple_type
        self.values = list(args)
        if isinstance(type, tuple_type):
            self.type = type
        elif type is not None:
            self.type = tuple_type(type)
        else:
            self.type = _type_of_values(self.values)

    def __getitem__(self, index):
        index = _unwrap_if_constexpr(index)
        if isinstance(index, int):
            return self.values[index]
        assert isinstance(index, (slice, builtins.slice)), f"a tuple takes constant indices and slices, not {index!r}"
        return tuple(self.values[builtins.slice(*(_unwrap_if_constexpr(x) for x in (index.start, index.stop, index.step)))])

    def __getattr__(self, name):
        fields = self.__dict__["type"].fields if "type" in self.__dict__ else ()
        if name in fields and name:
            return self.values[fields.index(name)]
        raise AttributeError(f"this tuple has no field '{name}'")

    def _setitem(self, index, value):
        from tessera.language._types import _type_of_values
        self.values[_unwrap_if_constexpr(index)] = value
        self.type = _type_of_values(self.values, self.type.fields)

    def __add__(self, other):
        return tuple(self.values + list(_normalize_tuple(other).values))

    def __mul__(self, other):
        return tuple(self.values * _unwrap_if_constexpr(other))

    def __eq__(self, other):
        other = _normalize_tuple(other)
        return constexpr(isinstance(other, tuple) and self.values == other.values)

    def __hash__(self):
        return hash(builtins.tuple(self.values))

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def __str__(self):
        return str([str(x) for x in self.values])

    def __repr__(self):
        return f"({', '.join(repr(x) for x in self.values)})"


class slice:
    """A subscript ``start:stop:step`` inside a kernel."""

    __tessera_name__ = "triton.language.slice"

    def __init__(self, start, stop, step):
        from tessera.language._types import slice_type
        self.start = start
        self.stop = stop
        self.step = step
        self.type = slice_type()


def _unwrap_if_constexpr(value):
    """The Python value in a constexpr; lists and tuples element by element; anything else as it is."""
    if isinstance(value, constexpr):
        return value.value
    if isinstance(value, list):
        return [_unwrap_if_constexpr(x) for x in value]
    if isinstance(value, builtins.tuple):
        if hasattr(value, "_fields"):
            return type(value)(*(_unwrap_if_constexpr(x) for x in value))
        return builtins.tuple(_unwrap_if_constexpr(x) for x in value)
    if isinstance(value, tuple):
        return tuple(_unwrap_if_constexpr(x) for x in value)
    return value


# The name that generated code of PyTorch's compiler asks for first.
_constexpr_to_value = _unwrap_if_constexpr


def _normalize_tuple(value):
    value = _unwrap_if_constexpr(value)
    return tuple(value) if isinstance(value, (list, builtins.tuple)) else value


def _unwrap_shape(shape):
    return [_unwrap_if_constexpr(extent) for extent in _unwrap_if_constexpr(shape)]
