# _types.py - the types of kernel values
# SPDX-License-Identifier: Apache-2.0
"""Element types, pointers, blocks, tuples and descriptors, with the questions that kernels ask of them."""
from __future__ import annotations

import builtins
from enum import Enum

from tessera._types_of_arguments import TRITON_MAX_TENSOR_NUMEL, get_primitive_bitwidth, validate_block_shape
from tessera.language._constexpr import (base_type, base_value, constexpr, constexpr_type, tuple, _unwrap_if_constexpr,
                                         _unwrap_shape)

# name -> (width of the mantissa, bias of the exponent)
_FLOATS = {"fp8e4b15": (3, 15), "fp8e4nv": (3, 7), "fp8e4b8": (3, 8), "fp8e5": (2, 15), "fp8e5b16": (2, 16),
           "fp16": (10, 15), "bf16": (7, 127), "fp32": (23, 127), "fp64": (52, 1023)}


class dtype(base_type):
    """The type of one element, such as ``tl.float16``.

    Kernels and host code ask it questions: ``is_floating()``, ``is_int_signed()``, ``is_fp8()``,
    ``primitive_bitwidth`` (bits), ``itemsize`` (bytes), ``int_bitwidth``, ``fp_mantissa_width``,
    ``get_int_max_value()``, ``scalar`` and ``element_ty`` (of pointers and blocks).
    Two dtypes are equal when they name the same type.

    Errors: AssertionError for a name that is no type.

    Example:
        out = tl.float16.primitive_bitwidth + tl.int8.itemsize            # 17
    """

    __tessera_name__ = "triton.language.dtype"
    __tessera_kind__ = "dtype"
    SINT_TYPES = ["int8", "int16", "int32", "int64"]
    UINT_TYPES = ["int1", "uint8", "uint16", "uint32", "uint64"]
    FP_TYPES = list(_FLOATS)
    STANDARD_FP_TYPES = ["fp16", "bf16", "fp32", "fp64"]
    OTHER_TYPES = ["void"]

    class SIGNEDNESS(Enum):
        SIGNED = 0
        UNSIGNED = 1

    class KIND(Enum):
        BOOLEAN = 0
        INTEGRAL = 1
        FLOATING = 2

    def __init__(self, name):
        name = _unwrap_if_constexpr(name)
        assert dtype.is_dtype(name), name
        self.name = name
        self.primitive_bitwidth = get_primitive_bitwidth(name)
        self.itemsize = self.primitive_bitwidth // 8
        if name in _FLOATS:
            self.fp_mantissa_width, self.exponent_bias = _FLOATS[name]
        elif name != "void":
            signed = name in dtype.SINT_TYPES
            self.int_signedness = dtype.SIGNEDNESS.SIGNED if signed else dtype.SIGNEDNESS.UNSIGNED
            self.int_bitwidth = self.primitive_bitwidth

    @staticmethod
    def is_dtype(type_str):
        return type_str in _FLOATS or type_str in _INTEGERS or type_str == "void"

    def is_fp8(self):
        return self.name.startswith("fp8")

    def is_floating(self):
        return self.name in _FLOATS

    def is_standard_floating(self):
        return self.name in dtype.STANDARD_FP_TYPES

    def is_int(self):
        return self.name in _INTEGERS

    def is_int_signed(self):
        return self.name in dtype.SINT_TYPES

    def is_int_unsigned(self):
        return self.name in dtype.UINT_TYPES

    def is_bool(self):
        return self.name == "int1"

    def is_void(self):
        return self.name == "void"

    @staticmethod
    def is_block():
        return False

    @staticmethod
    def is_ptr():
        return False

    @staticmethod
    def is_const():
        return False

    def kind(self):
        """BOOLEAN < INTEGRAL < FLOATING, the order of type promotion."""
        if self.is_bool():
            return dtype.KIND.BOOLEAN
        if self.is_int():
            return dtype.KIND.INTEGRAL
        assert self.is_floating(), f"{self} has no kind"
        return dtype.KIND.FLOATING

    def get_int_max_value(self):
        assert self.is_int(), f"{self} is no integer type"
        return 2**(self.int_bitwidth - (1 if self.is_int_signed() else 0)) - 1

    def get_int_min_value(self):
        assert self.is_int(), f"{self} is no integer type"
        return -2**(self.int_bitwidth - 1) if self.is_int_signed() else 0

    @property
    def scalar(self):
        return self

    def with_element_ty(self, element_ty):
        assert not self.is_block()
        return element_ty

    def __eq__(self, other):
        other = _unwrap_if_constexpr(other)
        return isinstance(other, dtype) and self.name == other.name

    def __hash__(self):
        return hash((self.name,))

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"triton.language.{self.codegen_name()}"

    def codegen_name(self):
        """The spelling in source: float16, bfloat16, int32."""
        for short, long in (("fp", "float"), ("bf", "bfloat")):
            if self.name.startswith(short):
                return long + self.name[2:]
        return self.name

    @property
    def cache_key_part(self):
        return self.name

    @property
    def signature(self):
        """The spelling in signatures: fp32, i32, u1, *fp16, *kfp16."""
        return self.mangle() if self.name in _INTEGERS else self.name

    def mangle(self):
        if self.is_int():
            return ("i" if self.is_int_signed() else "u") + str(self.int_bitwidth)
        return "V" if self.name == "void" else self.name


_INTEGERS = frozenset(dtype.SINT_TYPES + dtype.UINT_TYPES)
for _name in list(_FLOATS) + list(_INTEGERS):
    setattr(dtype, f"is_{_name}", lambda self, _name=_name: self.name == _name)
_DtypeClass = dtype


class pointer_type(dtype):
    """A pointer to ``element_ty``; ``const`` forbids stores through it. ``x.to(tl.pointer_type(tl.float16))`` makes
    one of an integer.

    Errors: TypeError when ``element_ty`` is no dtype.
    """

    __tessera_name__ = "triton.language.pointer_type"

    def __init__(self, element_ty, address_space=1, const=False):
        element_ty = _unwrap_if_constexpr(element_ty)
        if not isinstance(element_ty, dtype):
            raise TypeError(f"element_ty has type `{type(element_ty).__name__}`; expected `dtype`.")
        self.element_ty = element_ty
        self.address_space = _unwrap_if_constexpr(address_space)
        self.const = bool(_unwrap_if_constexpr(const))
        self.name = f"{'const_pointer' if self.const else 'pointer'}<{element_ty}>"

    def is_ptr(self):
        return True

    def is_const(self):
        return self.const

    def __eq__(self, other):
        other = _unwrap_if_constexpr(other)
        return (isinstance(other, pointer_type) and self.element_ty == other.element_ty and
                self.address_space == other.address_space and self.const == other.const)

    def __hash__(self):
        return hash((self.name, self.address_space))

    def __repr__(self):
        return self.name

    @property
    def signature(self):
        return ("*k" if self.const else "*") + self.element_ty.signature

    def mangle(self):
        return f"P{self.element_ty.mangle()}"


class block_type(dtype):
    """A block of ``element_ty`` with a static shape of powers of two.

    Errors: TypeError for an empty shape, ValueError for an extent that is no power of two or more than
    ``TRITON_MAX_TENSOR_NUMEL`` elements.
    """

    __tessera_name__ = "triton.language.block_type"

    def __init__(self, element_ty, shape):
        self.element_ty = element_ty
        self.shape = tuple(_unwrap_shape(shape))
        if not len(self.shape):
            raise TypeError("0d block_type is forbidden")
        self.numel = validate_block_shape(self.shape)
        self.name = f"<{self.shape}, {self.element_ty}>"

    def is_block(self):
        return True

    def get_block_shapes(self):
        return self.shape

    def with_element_ty(self, scalar_ty):
        return block_type(scalar_ty, self.shape)

    @property
    def scalar(self):
        return self.element_ty

    @property
    def nbytes(self):
        return self.numel * (self.element_ty.primitive_bitwidth // 8)

    def __eq__(self, other):
        other = _unwrap_if_constexpr(other)
        return isinstance(other, block_type) and self.element_ty == other.element_ty and bool(self.shape == other.shape)

    def __hash__(self):
        return hash((self.name,))

    def __repr__(self):
        return self.name

    @property
    def signature(self):
        return f"block<[{','.join(map(str, self.shape))}],{self.element_ty.signature}>"

    def mangle(self):
        return f"{self.scalar.mangle()}S{'_'.join(map(str, self.shape))}S"


class tuple_type(base_type):
    """The type of a tuple: the types of its elements, and their names where it is a named tuple."""

    __tessera_name__ = "triton.language.tuple_type"

    def __init__(self, types, fields=None):
        self.types = types
        self.fields = list(fields) if fields else [""] * len(types)
        self.name = "[" + ",".join(f"{k}:{v}" for k, v in zip(self.fields, self.types)) + "]"

    def __iter__(self):
        return iter(self.types)

    def __len__(self):
        return len(self.types)

    def __getitem__(self, index):
        return self.types[index]

    def __eq__(self, other):
        return type(self) is type(other) and self.types == other.types and self.fields == other.fields

    def __hash__(self):
        return hash((builtins.tuple(self.types), builtins.tuple(self.fields)))

    def __str__(self):
        return self.name

    __repr__ = __str__

    def mangle(self):
        return f"T{'_'.join(ty.mangle() for ty in self.types)}T"


class slice_type(dtype):

    def __init__(self):
        self.name = "slice_type"


class tensor_descriptor_base_type(base_type):
    """The type of a tensor descriptor: the block that one load or store moves."""

    __tessera_name__ = "triton.language.tensor_descriptor_base_type"

    def __init__(self, block_type):
        self.block_type = block_type

    def __eq__(self, other):
        return type(other) is type(self) and self.block_type == other.block_type

    def __hash__(self):
        return hash((type(self).__name__, self.block_type))

    def __str__(self):
        return f"tensor_descriptor<{self.block_type}>"

    __repr__ = __str__

    def mangle(self):
        return f"TD{self.block_type.mangle()}"


class tensor_descriptor_type(tensor_descriptor_base_type):
    """A descriptor's type together with the types of its shape and strides."""

    __tessera_name__ = "triton.language.tensor_descriptor_type"

    def __init__(self, block_type, shape_type, strides_type):
        super().__init__(block_type)
        self.shape_type = shape_type
        self.strides_type = strides_type

    def __eq__(self, other):
        return super().__eq__(other) and self.shape_type == other.shape_type and self.strides_type == other.strides_type

    def __hash__(self):
        return super().__hash__()


class const:
    """Annotation of a pointer parameter that the kernel only reads: ``def kernel(x: tl.const, …)``.

    Errors: storing through such a pointer is a compile error ("Cannot store to a constant pointer").
    """

    __tessera_name__ = "triton.language.const"


void = dtype("void")
int1 = dtype("int1")
int8 = dtype("int8")
int16 = dtype("int16")
int32 = dtype("int32")
int64 = dtype("int64")
uint8 = dtype("uint8")
uint16 = dtype("uint16")
uint32 = dtype("uint32")
uint64 = dtype("uint64")
float8e5 = dtype("fp8e5")
float8e5b16 = dtype("fp8e5b16")
float8e4nv = dtype("fp8e4nv")
float8e4b8 = dtype("fp8e4b8")
float8e4b15 = dtype("fp8e4b15")
float16 = dtype("fp16")
bfloat16 = dtype("bf16")
float32 = dtype("fp32")
float64 = dtype("fp64")
pi32_t = pointer_type(int32)

# The short names of signatures ("fp16", "i32"; B is an old spelling of a bool).
_SIGNATURE = {t.name: t for t in (float8e5, float8e5b16, float8e4nv, float8e4b8, float8e4b15, float16, bfloat16,
                                  float32, float64, void)}
_SIGNATURE.update({t.mangle(): t for t in (int8, int16, int32, int64, uint8, uint16, uint32, uint64)})
_SIGNATURE.update({"i1": int1, "u1": int1, "B": int1})


def get_int_dtype(bitwidth: int, signed: bool) -> dtype:
    """The integer dtype of ``bitwidth`` bits. Errors: ValueError for widths other than 1, 8, 16, 32, 64."""
    bitwidth, signed = _unwrap_if_constexpr(bitwidth), _unwrap_if_constexpr(signed)
    if bitwidth == 1:
        return int1
    if bitwidth not in (8, 16, 32, 64):
        raise ValueError(f"Unsupported bitwidth {bitwidth} and signedness {signed}")
    return _SIGNATURE[("i" if signed else "u") + str(bitwidth)]


def str_to_ty(name, c=None):
    """The type that a signature names: ``"fp16"``, ``"*fp32"``, ``"*kfp32"`` (const), ``"tensordesc<fp16[64, 64]>"``,
    ``"constexpr"`` (of value ``c``), or a tuple of such. Errors: KeyError for an unknown name."""
    if isinstance(name, (builtins.tuple, tuple)):
        return tuple_type([str_to_ty(x, c) for x in name], getattr(type(name), "_fields", None))
    if name[0] == "*":
        const_pointer = name[1:2] == "k"
        return pointer_type(str_to_ty(name[2:] if const_pointer else name[1:], c), const=const_pointer)
    if name.startswith("tensordesc"):
        element, _, rest = name.partition("<")[2].rstrip(">").partition("[")
        shape = [int(extent) for extent in rest.partition("]")[0].split(",")]
        return tensor_descriptor_type(block_type(str_to_ty(element), shape), tuple_type([int32] * len(shape)),
                                      tuple_type([int64] * len(shape)))
    if name.startswith("constexpr"):
        return constexpr_type(c)
    return _SIGNATURE[name]


def runtime_type(text: str):
    """The type that the compiler prints for a value under compilation: ``"fp32"``, ``"*fp16"``,
    ``"block<[128],fp32>"``."""
    if text.startswith("block<["):
        shape, _, element = text[len("block<["):-1].partition("],")
        return block_type(runtime_type(element), [int(extent) for extent in shape.split(",")])
    return str_to_ty(text)


def _type_of_values(values, fields=None):
    return tuple_type([constexpr_type(x) if isinstance(x, (int, float, str, dtype, type(None))) else
                       x.type if hasattr(x, "type") else constexpr_type(x) for x in values], fields)


__all__ = [name for name in dir() if not name.startswith("__")]
