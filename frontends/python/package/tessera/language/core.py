# core.py - triton.language.core: types, values and the functions that the compiler knows
# SPDX-License-Identifier: Apache-2.0
"""The heart of the language. Functions here are known to the compiler by name; calling one on the host is an error."""
from __future__ import annotations

import builtins
from enum import Enum

from tessera._types_of_arguments import TRITON_MAX_TENSOR_NUMEL, validate_block_shape
from tessera.language import _function
from tessera.language._constexpr import (CONSTEXPR_0, base_type, base_value, constexpr, constexpr_type, slice, tuple,
                                         _constexpr_to_value, _normalize_tuple, _unwrap_if_constexpr, _unwrap_shape)
from tessera.language._function import (ConstexprFunction, TRITON_BUILTIN, builtin, constexpr_function, extern, is_builtin,
                                        language, must_use_result)
from tessera.language._memory import (advance, atomic_add, atomic_and, atomic_cas, atomic_max, atomic_min, atomic_or,
                                      atomic_xchg, atomic_xor, load, load_tensor_descriptor, make_block_ptr,
                                      make_tensor_descriptor, store, store_tensor_descriptor)
from tessera.language._types import (_DtypeClass, bfloat16, block_type, const, dtype, float16, float32, float64,
                                     float8e4b15, float8e4b8, float8e4nv, float8e5, float8e5b16, get_int_dtype, int1,
                                     int16, int32, int64, int8, pi32_t, pointer_type, slice_type, str_to_ty,
                                     tensor_descriptor_base_type, tensor_descriptor_type, tuple_type, uint16, uint32,
                                     uint64, uint8, void, _type_of_values as _type_for_tuple_values)
from tessera.language._values import tensor, tensor_descriptor, tensor_descriptor_base


class PropagateNan(Enum):
    """What ``minimum`` and ``maximum`` do with a NaN: NONE gives the other operand, ALL gives NaN."""
    NONE = 0
    ALL = 0xFFFF


PropagateNan.__tessera_name__ = "triton.language.PropagateNan"
for _member in PropagateNan:
    _member.__tessera_name__ = f"triton.language.PropagateNan.{_member.name}"


def __getattr__(name):
    if name in ("_aggregate", "_aggregate_type"):
        from tessera.language import _aggregates
        return getattr(_aggregates, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _unwrap_iterable(x):
    """``f(1, 2)`` and ``f((1, 2))`` mean the same: the second is unpacked."""
    if len(x) == 1:
        try:
            iter(x[0])
            return x[0]
        except TypeError:
            pass
    return x


def _shape_check_impl(shape):
    shape = _unwrap_shape(shape)
    validate_block_shape(shape)
    return shape


def _wrap_axis(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"invalid axis {axis}. Expected {-ndim} <= axis < {ndim}")
    return axis % ndim


def _tensor_member_fn(fn):
    """Makes a function of the user's (jit or builtin) a method of tensors under its own name."""
    setattr(tensor, fn.__name__, fn)
    return fn


def check_bit_width(value, shift_value):
    if isinstance(value, tensor) and isinstance(shift_value, constexpr):
        width = value.type.scalar.primitive_bitwidth
        if shift_value.value >= width:
            from warnings import warn
            warn(f"Value {shift_value.value} exceeds the maximum bitwidth ({width}) for type '{value.dtype}'. "
                 "This may result in undefined behavior.")


# --- the program


@language
def program_id(axis, _semantic=None):
    """The index of this program along ``axis`` (constant 0, 1 or 2) of the launch grid, as an int32.

    Errors: ValueError for another axis.

    Example:
        out = tl.program_id(0) + tl.program_id(axis=1)            # 0
    """


@language
def num_programs(axis, _semantic=None):
    """The extent of the launch grid along ``axis`` (constant 0, 1 or 2), as an int32.

    Errors: ValueError for another axis.

    Example:
        out = tl.num_programs(0)            # 1
    """


# --- making tensors


@language
def arange(start, end, _semantic=None):
    """The integers from ``start`` to ``end - 1`` as a 1-D int32 block.

    Shapes: ``(end - start,)``; both are constants, the difference a power of two, ``start`` any int32.
    Errors: bounds that are not constant, an empty range, a length that is no power of two.

    Example:
        out = tl.arange(3, 7)            # [3, 4, 5, 6]
    """


@language
def full(shape, value, dtype, _semantic=None):
    """A block in which each element is ``value``, cast to ``dtype``; the value may be a runtime scalar. Integers that ``dtype`` does not hold
    wrap (300 is 44 as int8, -1 is 255 as uint8), floats become infinite.

    Shapes: constant powers of two, at most 2**20 elements; ``[]`` makes a scalar.
    Errors: a block as value, an extent that is no power of two; a constant that is no integer, or needs more than 64 bits, for an integer dtype.

    Example:
        out = tl.full((2, 2), 1.5, tl.float32)            # [[1.5, 1.5], [1.5, 1.5]]
    """


@language
def to_tensor(x, _semantic=None):
    """``x`` as a tensor: a Python number becomes a scalar of the smallest fitting of int1, int32, uint32, int64, uint64,
    fp32, fp64."""


@language
def cast(input, dtype, fp_downcast_rounding=None, bitcast=False, _semantic=None):
    """``input`` as ``dtype``, element by element; the method is ``to``.

    Types: floats to narrower floats round to nearest even, or toward zero with ``fp_downcast_rounding="rtz"``; floats to
    integers truncate; anything to int1 is "is not zero". ``bitcast`` reinterprets bits of the same width.
    Errors: a rounding where nothing narrows; a bitcast between widths.

    Example:
        out = tl.cast(tl.full((2,), 3.75, tl.float32), tl.int32)            # [3, 3]
    """


# --- shapes


@language
def broadcast(input, other, _semantic=None):
    """Both operands, brought to one shape: ranks are aligned at the end, extents equal or one.

    Errors: extents that differ and are not one.

    Example:
        a, b = tl.broadcast(tl.arange(0, 2)[:, None], tl.arange(0, 2)[None, :])
        out = a * 10 + b            # [[0, 1], [10, 11]]
    """


@language
def broadcast_to(input, *shape, _semantic=None):
    """``input`` repeated to ``shape`` (same rank; extents equal or one; a scalar fills any shape).

    Example:
        out = tl.broadcast_to(tl.arange(0, 2)[:, None], 2, 2)            # [[0, 0], [1, 1]]
    """


@language
def trans(input, *dims, _semantic=None):
    """The dimensions in the order ``dims``; without them the last two change places.

    Errors: a rank below two without ``dims``; ``dims`` that are no permutation.

    Example:
        out = tl.trans(tl.reshape(tl.arange(0, 4), 2, 2))            # [[0, 2], [1, 3]]
    """


@language
def permute(input, *dims, _semantic=None):
    """The dimensions in the order ``dims``, all of them.

    Errors: ``dims`` that are no permutation.

    Example:
        out = tl.permute(tl.reshape(tl.arange(0, 4), 2, 2), (1, 0))            # [[0, 2], [1, 3]]
    """


@language
def cat(input, other, can_reorder=False, _semantic=None):
    """The elements of two 1-D blocks of one length in one block; ``can_reorder=True`` must allow any order.

    Errors: ``can_reorder=False``, operands of another rank or unequal types.

    Example:
        out = tl.sum(tl.cat(tl.arange(0, 4), tl.arange(0, 4), can_reorder=True))            # 12
    """


@language
def join(a, b, _semantic=None):
    """``a`` and ``b`` along a new last dimension of extent two; shapes broadcast.

    Example:
        out = tl.join(tl.arange(0, 2), tl.arange(4, 6))            # [[0, 4], [1, 5]]
    """


@language
def split(a, _semantic=None, _generator=None):
    """The two halves of a tensor whose last dimension is two: the reverse of ``join``. Shape (2,) gives two scalars.

    Errors: a last dimension other than two.

    Example:
        left, right = tl.split(tl.reshape(tl.arange(0, 4), 2, 2))
        out = left * 10 + right            # [1, 23]
    """


@language
def view(input, *shape, _semantic=None):
    """``reshape`` that may reorder elements; kept for old programs.

    Example:
        out = tl.sum(tl.view(tl.arange(0, 4), 2, 2))            # 6
    """


@language
def item(input, _semantic=None, _generator=None):
    """The one element of a block of one element, as a scalar.

    Errors: a block of more elements.

    Example:
        out = tl.full((1,), 5, tl.int32).item()            # 5
    """


@language
def reshape(input, *shape, can_reorder=False, _semantic=None, _generator=None):
    """``input`` with another shape of as many elements, row-major order kept unless ``can_reorder``; ``[]`` makes a scalar
    of one element.

    Errors: another number of elements.

    Example:
        out = tl.reshape(tl.arange(0, 4), (2, 2))            # [[0, 1], [2, 3]]
    """


@language
def expand_dims(input, axis, _semantic=None):
    """``input`` with new dimensions of extent one at ``axis`` (an int or several; negative counts from the end).

    Errors: an axis out of range or named twice.

    Example:
        out = tl.expand_dims(tl.arange(0, 2), 0)            # [[0, 1]]
    """


# --- matrix products


@language
def dot(input, other, acc=None, input_precision=None, allow_tf32=None, max_num_imprecise_acc=None, out_dtype=float32,
        _semantic=None):
    """The matrix product, plus ``acc``.

    Shapes: (M, K) x (K, N) -> (M, N), or with one batch dimension in front of each.
    Types: both operands int8, fp16, bf16, fp32, fp64, or any two fp8. int8 gives int32; fp64 fp64; the rest
    ``out_dtype`` (fp32 or fp16). ``acc`` has the result's shape and type. ``input_precision``: what may be done to fp32
    operands: "tf32", "tf32x3", "ieee", "bf16x3", "bf16x6", as far as the target knows it.
    Errors: shapes that do not match, blocks smaller than the target's smallest, types that differ.

    Example:
        a = tl.full((16, 16), 2.0, tl.float32)
        out = tl.sum(tl.dot(a, a, input_precision="ieee"))            # 16384.0
    """


@language
def dot_scaled(lhs, lhs_scale, lhs_format, rhs, rhs_scale, rhs_format, acc=None, fast_math=False, lhs_k_pack=True,
               rhs_k_pack=True, out_dtype=float32, _semantic=None):
    """The product of matrices in microscaling formats.

    Shapes: ``lhs`` (M, K), ``rhs`` (K, N); K counts elements: "e2m1" packs two in a uint8, low half first. Scales are
    (M, K/32) and (N, K/32) of uint8 (e8m0), or (…, K/16) of float8e4nv; None for an operand without scales.
    Types: formats "e2m1", "e4m3", "e5m2", "bf16", "fp16"; the result is ``out_dtype``.
    Errors: an unknown format, shapes or scales that do not match.
    """


# --- elementwise


@language
def where(condition, x, y, _semantic=None):
    """``x`` where the condition holds, else ``y``; both are evaluated.

    Shapes: all three broadcast. Types: ``x`` and ``y`` are promoted to one type; pointers are allowed.

    Example:
        x = tl.arange(0, 4)
        out = tl.where(x > 1, x, -x)            # [0, -1, 2, 3]
    """


@language
def add(x, y, sanitize_overflow=True, _semantic=None):
    """``x + y``; ``sanitize_overflow=False`` leaves out the overflow check of debug builds.

    Example:
        out = tl.add(tl.arange(0, 4), 1)            # [1, 2, 3, 4]
    """


@language
def sub(x, y, sanitize_overflow=True, _semantic=None):
    """``x - y``; see ``add``.

    Example:
        out = tl.sub(tl.arange(0, 4), 1)            # [-1, 0, 1, 2]
    """


@language
def mul(x, y, sanitize_overflow=True, _semantic=None):
    """``x * y``; see ``add``.

    Example:
        out = tl.mul(tl.arange(0, 4), 3)            # [0, 3, 6, 9]
    """


@language
def minimum(x, y, propagate_nan=PropagateNan.NONE, _semantic=None):
    """The smaller of ``x`` and ``y`` element by element; of a number and NaN the number, or NaN with
    ``PropagateNan.ALL``. bf16 is computed as fp32. A Python number is an int32 or fp32 value here, by its
    size a wider one, and promotes: of fp16 and 0.0 the result is fp32.

    Example:
        out = tl.minimum(tl.arange(0, 4), 2)            # [0, 1, 2, 2]
    """


@language
def maximum(x, y, propagate_nan=PropagateNan.NONE, _semantic=None):
    """The larger of ``x`` and ``y`` element by element; see ``minimum``.

    Example:
        out = tl.maximum(tl.arange(0, 4), 2)            # [2, 2, 2, 3]
    """


@language
def clamp(x, min, max, propagate_nan=PropagateNan.NONE, _semantic=None):
    """``x`` limited to [``min``, ``max``]; floats only. Where ``min > max`` the result is undefined.

    Errors: "Only floating point clamp is supported".

    Example:
        out = tl.clamp(tl.arange(0, 4).to(tl.float32), 1.0, 2.0)            # [1.0, 1.0, 2.0, 2.0]
    """


@language
def map_elementwise(scalar_fn, *args, pack=1, _semantic=None, _generator=None):
    """Calls a jit function for each element (or each ``pack`` elements), with real branches and loops inside.

    Shapes: the arguments broadcast; the function takes ``pack`` scalars an argument and returns as many a result.
    """


@language
def inline_asm_elementwise(asm, constraints, args, dtype, is_pure, pack, _semantic=None):
    """Assembly of the target, once for each ``pack`` elements.

    Shapes: ``args`` broadcast; the result has that shape, or is a tuple of them when ``dtype`` is one. ``constraints`` are
    LLVM's. Elements below 32 bits travel packed in 32-bit registers.
    Errors: a target without inline assembly, such as a CPU, is a compile error.
    """


@language
def extern_elementwise(lib_name, lib_path, args, arg_type_symbol_dict, is_pure, _semantic=None):
    """Calls a function of a device library: ``arg_type_symbol_dict`` maps a tuple of dtypes to (symbol, result dtype)."""


# --- over an axis


@language
def reduce(input, axis, combine_fn, keep_dims=False, _semantic=None, _generator=None):
    """Combines the elements along ``axis`` with a jit function of two (of 2N for a tuple of N tensors) scalars.

    Shapes: the axis goes, or becomes one with ``keep_dims``; ``axis=None`` reduces all. ``combine_fn`` should be
    associative and commutative; the order is not defined.

    Example:
        out = tl.reduce(tl.arange(0, 4), 0, tl.standard._sum_combine)            # 6
    """


@language
def associative_scan(input, axis, combine_fn, reverse=False, _semantic=None, _generator=None):
    """All prefixes along ``axis`` combined with an associative jit function; from the end with ``reverse``.

    Shapes: the result has the shape of ``input`` (of each tensor of a tuple).

    Example:
        out = tl.associative_scan(tl.arange(0, 4), 0, tl.standard._sum_combine)            # [0, 1, 3, 6]
    """


@language
def histogram(input, num_bins, mask=None, _semantic=None, _generator=None):
    """How often each of 0 … ``num_bins - 1`` occurs in a 1-D integer block, as int32; other values are undefined
    unless masked.

    Example:
        out = tl.histogram(tl.arange(0, 4) // 2, 4)            # [2, 2, 0, 0]
    """


@language
def gather(src, index, axis, _semantic=None):
    """``src`` read along ``axis`` at ``index``.

    Shapes: the result has the shape of ``index``; other dimensions are equal. Types: ``index`` is an integer.

    Example:
        out = tl.gather(tl.arange(4, 8), 3 - tl.arange(0, 4), 0)            # [7, 6, 5, 4]
    """


# --- hints and debugging


@language
def debug_barrier(_semantic=None):
    """Waits for all threads of the program; memory written before is visible after."""


@language
def multiple_of(input, values, _semantic=None):
    """Promises that elements are multiples of ``values`` (one constant a dimension); returns ``input``.

    Example:
        out = tl.multiple_of(tl.arange(0, 2) * 8, 8)            # [0, 8]
    """


@language
def max_contiguous(input, values, _semantic=None):
    """Promises that runs of ``values`` elements count up by one; returns ``input``.

    Example:
        out = tl.max_contiguous(tl.arange(0, 2), 2)            # [0, 1]
    """


@language
def max_constancy(input, values, _semantic=None):
    """Promises that runs of ``values`` elements are equal; returns ``input``.

    Example:
        out = tl.max_constancy(tl.arange(0, 2) * 0, 2)            # [0, 0]
    """


@language
def assume(cond, _semantic=None):
    """Promises that ``cond`` (a scalar int1) holds."""


@language
def static_print(*values, sep=" ", end="\n", file=None, flush=False, _semantic=None):
    """Prints while the kernel compiles."""


@language
def static_assert(cond, msg="", _semantic=None):
    """Stops the compile with CompileTimeAssertionFailure and ``msg`` unless the constant ``cond`` holds."""


@language
def device_print(prefix, *args, hex=False, _semantic=None):
    """Prints each element of each tensor while the kernel runs, as ``pid (x, y, z) idx (…) prefix: value``.

    Errors: a prefix that is no constant ASCII string.
    """


@language
def device_assert(cond, msg="", mask=None, _semantic=None):
    """Stops the kernel where ``cond`` is false (and ``mask`` true), in debug builds (``debug=True``, TRITON_DEBUG)."""


# --- iterators


class _Iterator(base_value):

    def __iter__(self):
        raise RuntimeError(f"{self._name} can only be used in @triton.jit'd functions")

    __next__ = __iter__


class static_range(_Iterator):
    """``for i in tl.static_range(…)``: unrolled completely, ``i`` is a constexpr; all arguments are constants.

    Example:
        total = 0
        for i in tl.static_range(1, 4):
            total += i
        out = total            # 6
    """

    __tessera_name__ = "triton.language.static_range"
    _name = "static_range"

    def __init__(self, arg1, arg2=None, step=None):
        for what, value in (("start" if arg2 is not None else "end", arg1), ("end", arg2), ("step", step)):
            assert value is None or isinstance(value, constexpr), f"{value} used as tl.static_range {what} value is not a constexpr"
        self.step = constexpr(1) if step is None else step
        self.start, self.end = (constexpr(0), arg1) if arg2 is None else (arg1, arg2)


class range(_Iterator):
    """``for i in tl.range(…)``: a loop of the kernel, with wishes to the compiler.

    ``num_stages``: start loads up to that many iterations less one ahead, before stores of the loop too, unless those may write what is
    loaded (the kernel's own ``num_stages`` is for loops with a dot that do not store); ``loop_unroll_factor``: iterations done as one; ``flatten``, of a
    loop around another: start the inner one's first loads before the rest of the outer's previous iteration; ``warp_specialize``: warps
    of their own do the loads by descriptor of a loop with a dot (also of one inside of this loop), where the target has copies by
    descriptor; ``disallow_acc_multi_buffer``: keep one accumulator; ``disable_licm``: leave in the loop what does not
    change. A target may ignore any of them. A loop with ``break`` keeps ``disable_licm`` and does nothing ahead of an iteration: a remark (W0904) names the wishes that
    are lost. ``continue`` changes nothing. Wishes are known when the kernel is compiled.

    Which way a loop counts is decided when it is compiled: a constant step may be negative, one that is known at run time only must be greater than 0. With
    another one the loop has no iterations on the CPU, and runs not at all or for ever on other devices; ``debug=True`` makes that an assertion that fails,
    the interpreter and the mock device report it.

    Example:
        total = 0
        for i in tl.range(1, 4, num_stages=2):
            total += i
        out = total            # 6
    """

    __tessera_name__ = "triton.language.range"
    _name = "tl.range"

    def __init__(self, arg1, arg2=None, step=None, num_stages=None, loop_unroll_factor=None,
                 disallow_acc_multi_buffer=False, flatten=False, warp_specialize=False, disable_licm=False):
        self.step = constexpr(1) if step is None else step
        self.start, self.end = (constexpr(0), arg1) if arg2 is None else (arg1, arg2)
        self.num_stages = num_stages
        self.loop_unroll_factor = loop_unroll_factor
        self.disallow_acc_multi_buffer = disallow_acc_multi_buffer
        self.flatten = flatten
        self.warp_specialize = warp_specialize
        self.disable_licm = disable_licm


class condition(base_value):
    """``while tl.condition(c, disable_licm=True)``: the condition ``c`` with a wish to the compiler, to leave in the loop what does not change."""

    __tessera_name__ = "triton.language.condition"

    def __init__(self, arg1, disable_licm=False):
        self.condition = arg1
        self.disable_licm = disable_licm


@language
def builtin_max(*args, propagate_nan=None, _semantic=None):
    """Python's ``max`` inside kernels: of constants a constant, of scalars ``maximum``."""


@language
def builtin_min(*args, propagate_nan=None, _semantic=None):
    """Python's ``min`` inside kernels: of constants a constant, of scalars ``minimum``."""


def dispatch(func, lib_name, lib_path, args, arg_type_symbol_dict, ret_type, is_pure, _semantic):
    """``extern_elementwise`` under the name of older releases; ``func`` is ignored."""
    return extern_elementwise(lib_name, lib_path, args, arg_type_symbol_dict, is_pure, _semantic=_semantic)


def binary_op_type_legalization(lhs, rhs, semantic):
    return semantic.binary_op_type_checking_impl(lhs, rhs)


def is_negative_zero(x):
    import math
    return x == 0.0 and math.copysign(1.0, x) < 0
