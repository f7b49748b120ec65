# standard.py - triton.language.standard: reductions, scans, sorting and what is built of them
# SPDX-License-Identifier: Apache-2.0
"""Functions that other implementations write in the language itself; the compiler knows them by name."""
from __future__ import annotations

from tessera.language import core, math
from tessera.language._constexpr import CONSTEXPR_0, _unwrap_if_constexpr
from tessera.language._function import constexpr_function, library


@constexpr_function
def _log2(i):
    """The base-two logarithm of a power of two."""
    return int(_unwrap_if_constexpr(i)).bit_length() - 1


@constexpr_function
def _is_power_of_two(i):
    return (i & (i - 1)) == 0 and i != 0


_get_int_dtype = constexpr_function(core.get_int_dtype)


@constexpr_function
def _pick_sum_dtype(in_dtype, dtype):
    """The type in which ``sum`` adds: integers below 32 bits widen, all else stays."""
    if dtype is not None:
        return dtype
    if in_dtype.is_int() and in_dtype.int_bitwidth < 32:
        return core.int32 if in_dtype.is_int_signed() else core.uint32
    return None


@constexpr_function
def _get_flip_dim(dim, shape):
    dim = len(shape) - 1 if dim is None else dim
    return dim + len(shape) if dim < 0 else dim


@library
def cdiv(x, div):
    """``x / div`` rounded up, of integers that are not negative.

    Example:
        out = tl.cdiv(tl.arange(0, 4), 2)            # [0, 1, 1, 2]
    """


@library
def sigmoid(x):
    """``1 / (1 + exp(-x))``. Types: fp32, fp64.

    Example:
        out = tl.sigmoid(tl.full((1,), 0.0, tl.float32))            # [0.5]
    """


@library
def softmax(x, dim=None, keep_dims=False, ieee_rounding=False):
    """Exponentials along ``dim`` (0 if None; negative counts from the end), scaled to sum one.

    Shapes: as ``x``. Types: fp32, fp64. ``axis`` is another name of ``dim``.

    Example:
        out = tl.softmax(tl.full((2,), 3.0, tl.float32))            # [0.5, 0.5]
    """


@library
def ravel(x, can_reorder=False):
    """``x`` as a 1-D block.

    Example:
        out = tl.ravel(tl.reshape(tl.arange(0, 4), 2, 2))            # [0, 1, 2, 3]
    """


@library
def swizzle2d(i, j, size_i, size_j, size_g):
    """Renumbers the cells of a ``size_i`` x ``size_j`` grid: row-major order becomes column-major within groups of
    ``size_g`` rows, so that neighbours in time share rows and columns. Returns the new (i, j).

    Example:
        i, j = tl.swizzle2d(0, 1, 4, 4, 2)
        out = i * 10 + j            # 10
    """


@library
def zeros(shape, dtype):
    """A block of zeros; see ``full``.

    Example:
        out = tl.zeros((2,), tl.int32)            # [0, 0]
    """


@library
def zeros_like(input):
    """Zeros of the shape and type of ``input``.

    Example:
        out = tl.zeros_like(tl.arange(0, 2))            # [0, 0]
    """


_REDUCE = """{summary}

    Shapes: ``axis`` goes (or becomes one with ``keep_dims``); ``axis=None`` reduces everything to a scalar.
    Types: {types}

    Example:
        out = tl.{name}(tl.arange(0, 4), {arguments})            # {result}
    """


def _document(summary, types, result, arguments="axis=0"):

    def apply(fn):
        fn.__doc__ = _REDUCE.format(summary=summary, types=types, name=fn.__name__, result=result, arguments=arguments)
        return fn

    return apply


@library
@_document("The largest element along ``axis``, with ``return_indices`` also where it is (int32); of equals the first if "
           "``return_indices_tie_break_left``. NaNs are ignored.",
           "below 32 bits: floats become fp32, integers int32; bf16 becomes fp32.", 3)
def max(input, axis=None, return_indices=False, return_indices_tie_break_left=True, keep_dims=False):
    pass


@library
@_document("The smallest element along ``axis``; see ``max``.", "as ``max``.", 0)
def min(input, axis=None, return_indices=False, return_indices_tie_break_left=True, keep_dims=False):
    pass


@library
@_document("Where the largest element along ``axis`` is; of equals the first if ``tie_break_left``.", "gives int32.", 3)
def argmax(input, axis, tie_break_left=True, keep_dims=False):
    pass


@library
@_document("Where the smallest element along ``axis`` is; of equals the first if ``tie_break_left``.", "gives int32.", 0)
def argmin(input, axis, tie_break_left=True, keep_dims=False):
    pass


@library
@_document("The sum along ``axis``, in ``dtype`` if given.",
           "integers below 32 bits add as int32 or uint32; floats add in their own type.", 6)
def sum(input, axis=None, keep_dims=False, dtype: core.constexpr = None):
    pass


@library
@_document("The bitwise exclusive or along ``axis``.", "integers only.", 0)
def xor_sum(input, axis=None, keep_dims=False):
    pass


@library
@_document("The bitwise or along ``axis``.", "integers only.", 3)
def reduce_or(input, axis, keep_dims=False):
    pass


@library
@_document("Running sums along ``axis``, from the end with ``reverse``, in ``dtype`` if given. The shape stays.",
           "as ``sum``.", [0, 1, 3, 6])
def cumsum(input, axis=0, reverse=False, dtype: core.constexpr = None):
    pass


@library
@_document("Running products along ``axis``, from the end with ``reverse``. The shape stays.", "of the operand.",
           [0, 0, 0, 0])
def cumprod(input, axis=0, reverse=False):
    pass


@library
def sort(x, dim: core.constexpr = None, descending: core.constexpr = CONSTEXPR_0):
    """``x`` sorted along ``dim``, which must be the last one (None).

    Errors: "only minor dimension is currently supported".

    Example:
        out = tl.sort(3 - tl.arange(0, 4))            # [0, 1, 2, 3]
    """


@library
def sort_impl(x, k: core.constexpr = None, dim: core.constexpr = None, descending: core.constexpr = CONSTEXPR_0):
    """``sort``, keeping the first ``k`` of each row."""


@library
def topk(x, k: core.constexpr, dim: core.constexpr = None):
    """The ``k`` largest elements along the last dimension, largest first. Of a ``k`` that is no power of two, the power of two below it.

    Example:
        out = tl.topk(tl.arange(0, 8), 2)            # [7, 6]
    """


@library
def bitonic_merge(x, dim: core.constexpr = None, descending: core.constexpr = CONSTEXPR_0):
    """Sorts along the last dimension rows that rise and then fall, or fall and then rise.

    Example:
        x = tl.arange(0, 4)
        out = tl.bitonic_merge(tl.where(x < 2, x, 9 - x))            # [0, 1, 6, 7]
    """


@library
def flip(x, dim=None):
    """``x`` with the order along ``dim`` (the last one if None) reversed.

    Example:
        out = tl.flip(tl.arange(0, 4))            # [3, 2, 1, 0]
    """


@library
def interleave(a, b):
    """The elements of ``a`` and ``b`` in turn along the last dimension, which doubles.

    Example:
        out = tl.interleave(tl.arange(0, 2), tl.arange(4, 6))            # [0, 4, 1, 5]
    """


@library
def _sum_combine(a, b):
    """``a + b``, for ``reduce``."""


@library
def _prod_combine(a, b):
    """``a * b``, for ``reduce``."""


@library
def _xor_combine(a, b):
    """``a ^ b``, for ``reduce``."""


@library
def _or_combine(x, y):
    """``x | y``, for ``reduce``."""


@library
def _elementwise_max(a, b):
    """``maximum``, for ``reduce``."""


@library
def _elementwise_min(a, b):
    """``minimum``, for ``reduce``."""


@library
def _argmax_combine(value1, index1, value2, index2, tie_break_left):
    """The larger value and its index, for ``reduce`` over two tensors."""


@library
def _argmax_combine_tie_break_left(value1, index1, value2, index2):
    """``_argmax_combine``; of equals the first."""


@library
def _argmax_combine_tie_break_fast(value1, index1, value2, index2):
    """``_argmax_combine``; of equals any."""


@library
def _argmin_combine(value1, index1, value2, index2, tie_break_left):
    """The smaller value and its index, for ``reduce`` over two tensors."""


@library
def _argmin_combine_tie_break_left(value1, index1, value2, index2):
    """``_argmin_combine``; of equals the first."""


@library
def _argmin_combine_tie_break_fast(value1, index1, value2, index2):
    """``_argmin_combine``; of equals any."""


@library
def _indicator(n_dims: core.constexpr, j: core.constexpr):
    """A hypercube of ``n_dims`` dimensions that holds its index along dimension ``j`` from the end."""


@library
def _compare_and_swap(x, flip, i: core.constexpr):
    """One stage of a bitonic network."""


@library
def _bitonic_merge(x, stage: core.constexpr, order: core.constexpr, n_dims: core.constexpr):
    """The last ``stage`` stages of a bitonic network."""


@library
def _bitonic_merge_hypercube(x, stage: core.constexpr, order: core.constexpr):
    """``_bitonic_merge`` on a hypercube."""
