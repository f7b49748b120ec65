# _types_of_arguments.py - names and widths of element types, paths into nested arguments
# SPDX-License-Identifier: Apache-2.0
"""What the launch path, the language and the tools share about types. Served as ``triton._utils`` by the drop-in."""
from __future__ import annotations

import builtins
from functools import reduce

TRITON_MAX_TENSOR_NUMEL = 1048576

_WIDTHS = {"u1": 1, "fp16": 16, "bf16": 16, "fp32": 32, "fp64": 64, "void": 0}
_WIDTHS.update({f"{sign}{n}": n for sign in "iu" for n in (8, 16, 32, 64)})
_WIDTHS.update({f"fp8{kind}": 8 for kind in ("e4nv", "e4b15", "e4b8", "e5", "e5b16")})

# Any spelling of an element type (ours, PyTorch's, NumPy's) -> the name in signatures.
type_canonicalisation_dict = {name: name for name in _WIDTHS}
type_canonicalisation_dict.update(
    {spelling: name for name, spellings in {
        "u1": "bool int1 uint1 i1 B",
        "fp8e4nv": "float8e4nv float8_e4m3fn", "fp8e4b8": "float8e4b8 float8_e4m3fnuz", "fp8e4b15": "float8e4b15",
        "fp8e5": "float8e5 float8_e5m2", "fp8e5b16": "float8e5b16 float8_e5m2fnuz",
        "fp16": "half float16", "bf16": "bfloat16", "fp32": "float float32", "fp64": "double float64",
        "i8": "int8", "i16": "int16", "i32": "int int32", "i64": "int64",
        "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64"}.items() for spelling in spellings.split()})

BITWIDTH_DICT = {spelling: _WIDTHS[name] for spelling, name in type_canonicalisation_dict.items()}


def canonicalize_dtype(dtype) -> str:
    """The signature's name of a dtype object or spelling (``torch.float16`` -> ``fp16``). KeyError if there is none."""
    return type_canonicalisation_dict[str(dtype).rpartition(".")[2]]


def canonicalize_ptr_dtype(dtype, is_const) -> str:
    return ("*k" if is_const else "*") + canonicalize_dtype(dtype)


def get_primitive_bitwidth(dtype: str) -> int:
    return BITWIDTH_DICT[dtype]


def is_power_of_two(x):
    return (x & (x - 1)) == 0


def validate_block_shape(shape) -> int:
    """The number of elements of a block. Errors: TypeError, ValueError with the words that Triton's users know."""
    numel = 1
    for i, extent in enumerate(shape):
        if not isinstance(extent, int):
            raise TypeError(f"Shape element {i} must have type `constexpr[int]`, got `constexpr[{type(extent)}]")
        if not is_power_of_two(extent):
            raise ValueError(f"Shape element {i} must be a power of 2")
        numel *= extent
    if numel > TRITON_MAX_TENSOR_NUMEL:
        raise ValueError(f"numel ({numel}) exceeds triton maximum tensor numel ({TRITON_MAX_TENSOR_NUMEL})")
    return numel


def get_iterable_path(iterable, path):
    return reduce(lambda at, index: at[index], path, iterable)


def set_iterable_path(iterable, path, value):
    assert len(path) != 0
    get_iterable_path(iterable, path[:-1])._setitem(path[-1], value)


def find_paths_if(iterable, pred):
    """Paths of the leaves of nested tuples for which ``pred(path, leaf)`` holds, in order, each once."""
    from tessera.language._constexpr import tuple as language_tuple
    from tessera.language._types import tuple_type
    found = {}

    def visit(path, current):
        if isinstance(current, (list, builtins.tuple, language_tuple, tuple_type)):
            for index, item in enumerate(current):
                visit((*path, index), item)
        elif pred(path, current):
            found[path] = None

    visit((), iterable)
    return list(found)


def is_namedtuple(value) -> bool:
    return isinstance(value, type) and issubclass(value, builtins.tuple) and hasattr(value, "_fields")
