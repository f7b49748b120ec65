# _values.py - tensors and descriptors as host code sees them
# SPDX-License-Identifier: Apache-2.0
"""Runtime values of a kernel. User code meets these classes in annotations, in ``isinstance`` and in its own builtins."""
from __future__ import annotations

from tessera.language._constexpr import base_value, constexpr, tuple
from tessera.language._function import OUTSIDE, TRITON_BUILTIN, active_semantic
from tessera.language._types import block_type, tensor_descriptor_base_type, tensor_descriptor_type, runtime_type


class tensor(base_value):
    """A block of elements, or one element, of a kernel under compilation.

    ``type`` is a dtype or block_type, ``dtype`` the element's type, ``shape`` a tuple of constexprs (empty for one
    element), ``numel`` a constexpr, ``T`` the transpose. Nearly every function of the language whose first operand is a
    tensor is a method too: ``x.to(tl.float16)``, ``x.sum(axis=0)``, ``x.reshape(4, 8)``.

    Element access is by new axes only: ``x[:, None]``, ``x[None, :]``.

    Example:
        x = tl.arange(0, 4)
        out = x[:, None] * 10 + x[None, :]            # [[0,1,2,3],[10,11,12,13],[20,21,22,23],[30,31,32,33]]
    """

    __tessera_name__ = "triton.language.tensor"
    __tessera_kind__ = "runtime"

    def __init__(self, handle, type):
        self.handle = handle
        self.type = type
        shape = type.shape if type.is_block() else ()
        self.shape = tuple([constexpr(extent) for extent in shape])
        numel = 1
        for extent in shape:
            numel *= extent
        self.numel = constexpr(numel)
        self.dtype = type.scalar

    def __str__(self):
        return f"{self.dtype}[{', '.join(str(extent) for extent in self.shape)}]"

    @property
    def T(self):
        """The transpose of a matrix."""
        return _call("method:T", (self,), {})

    __hash__ = object.__hash__


def _call(path, args, kwargs):
    semantic = kwargs.pop("_semantic", None)
    kwargs.pop("_generator", None)
    if semantic is None:
        semantic = active_semantic()
    if semantic is None:
        raise ValueError(OUTSIDE)
    return semantic.call(path, args, kwargs)


def _member(name, path):

    def method(self, *args, **kwargs):
        return _call(path, (self, *args), kwargs)

    method.__name__ = name
    method.__qualname__ = f"tensor.{name}"
    method.__doc__ = f"``tl.{name}`` with this tensor as its first operand."
    setattr(method, TRITON_BUILTIN, True)
    method.__tessera_name__ = path
    return method


def _reflected(name, path):

    def method(self, other, _semantic=None):
        return _call(path, (other, self), {"_semantic": _semantic})

    method.__name__ = name
    method.__qualname__ = f"tensor.{name}"
    setattr(method, TRITON_BUILTIN, True)
    return method


_BINARY = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "and": "&", "or": "|",
           "xor": "^", "lshift": "<<", "rshift": ">>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, _symbol in _BINARY.items():
    setattr(tensor, f"__{_name}__", _member(f"__{_name}__", f"operator:{_symbol}"))
    setattr(tensor, f"__r{_name}__", _reflected(f"__r{_name}__", f"operator:{_symbol}"))
tensor.__neg__ = _member("__neg__", "operator:neg")
tensor.__invert__ = _member("__invert__", "operator:~")
tensor.__not__ = _member("__not__", "operator:not")
tensor.logical_and = _member("logical_and", "operator:and")
tensor.logical_or = _member("logical_or", "operator:or")
tensor.__getitem__ = _member("__getitem__", "operator:[]")
tensor.to = _member("to", "method:to")
# Filled from the functions of core, math and standard that say they are methods.
METHODS = ("broadcast_to trans permute split view item reshape expand_dims cast store advance atomic_cas atomic_xchg "
           "atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor exp exp2 log log2 cos sin sqrt sqrt_rn rsqrt "
           "abs erf floor ceil reduce associative_scan gather histogram cdiv sigmoid softmax ravel max argmax min argmin "
           "sum xor_sum reduce_or cumsum cumprod sort flip").split()
for _name in METHODS:
    setattr(tensor, _name, _member(_name, f"triton.language.{_name}"))


class tensor_descriptor_base(base_value):
    """A tensor in memory of which a kernel moves whole blocks; shape and strides are not known to the kernel.

    ``load([offsets])`` gives the block at the offsets (elements out of bounds are the padding), ``store([offsets], x)``
    writes one (out of bounds is dropped), ``atomic_add/min/max/and/or/xor`` combine, ``gather(rows, column)`` and
    ``scatter(x, rows, column)`` move rows of a 2-D tensor by index.
    """

    __tessera_name__ = "triton.language.tensor_descriptor_base"
    __tessera_kind__ = "runtime"

    def __init__(self, handle, block_type):
        self.handle = handle
        self.type = tensor_descriptor_base_type(block_type)

    @property
    def block_type(self):
        return self.type.block_type

    @property
    def block_shape(self):
        return self.type.block_type.shape

    @property
    def dtype(self):
        return self.type.block_type.element_ty

    def __str__(self):
        return str(self.type)


for _name in "load store atomic_add atomic_min atomic_max atomic_and atomic_or atomic_xor gather scatter".split():
    setattr(tensor_descriptor_base, _name, _member(_name, f"method:{_name}"))


class tensor_descriptor(tensor_descriptor_base):
    """A tensor in memory with its shape and strides: of ``make_tensor_descriptor``, or an argument that the host made
    with ``tessera.tools.tensor_descriptor.TensorDescriptor``."""

    __tessera_name__ = "triton.language.tensor_descriptor"

    def __init__(self, handle, shape, strides, block_type):
        super().__init__(handle, block_type)
        self.shape = tuple(shape)
        self.strides = tuple(strides)
        self.type = tensor_descriptor_type(block_type, self.shape.type, self.strides.type)


def runtime_value(handle: int, text: str):
    """The value of a kernel under compilation that the compiler knows by ``handle``; ``text`` is its type
    (``fp32``, ``*fp16``, ``block<[128],fp32>``, ``tensordesc<fp16[64, 64]>``)."""
    if text.startswith("tensordesc"):
        return tensor_descriptor_base(handle, runtime_type(text).block_type)
    return tensor(handle, runtime_type(text))


__all__ = ["tensor", "tensor_descriptor_base", "tensor_descriptor", "runtime_value", "block_type"]
