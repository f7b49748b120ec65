# _memory.py - functions of the language that touch memory
# SPDX-License-Identifier: Apache-2.0
"""Loads, stores, block pointers, tensor descriptors, atomics."""
from __future__ import annotations

from tessera.language._function import language, must_use_result


@language
def load(pointer, mask=None, other=None, boundary_check=(), padding_option="", cache_modifier="", eviction_policy="",
         volatile=False, _semantic=None):
    """Reads what ``pointer`` points at.

    Shapes: a scalar pointer gives a scalar, a block of pointers a block; ``mask`` and ``other`` broadcast to it. A block
    pointer gives its block; then ``boundary_check`` names the dimensions to check and ``padding_option`` ("zero", "nan")
    what out-of-bounds elements are; mask and other are not allowed.
    Types: ``mask`` is int1; ``other`` is cast to the element type. Where the mask is false and there is no ``other``
    the element is undefined. ``cache_modifier`` is "", ".ca", ".cg" or ".cv"; ``eviction_policy`` "", "evict_first" or
    "evict_last"; hints both.
    Errors: `other` without `mask`; a mask or value of higher rank than the pointer; a type that is no pointer.

    Example:
        x = tl.arange(0, 4)
        tl.store(scratch + x, x * x)
        tl.debug_barrier()
        out = tl.load(scratch + x, mask=x < 3, other=-1)            # [0, 1, 4, -1]
    """


@language
def store(pointer, value, mask=None, boundary_check=(), cache_modifier="", eviction_policy="", _semantic=None):
    """Writes ``value`` to where ``pointer`` points.

    Shapes: ``value`` and ``mask`` broadcast to the pointer's shape, never the reverse. With a block pointer,
    ``boundary_check`` names the dimensions beyond which writes are dropped.
    Types: the value is cast to the element type; ``mask`` is int1. ``cache_modifier``: "", ".wb", ".cg", ".cs", ".wt".
    Errors: a store through a pointer to const; a mask that is no boolean; a value whose shape does not fit.

    Example:
        x = tl.arange(0, 4)
        tl.store(scratch + x, x + 1)
        tl.debug_barrier()
        out = tl.load(scratch + 2)            # 3
    """


@language
def make_block_ptr(base, shape, strides, offsets, block_shape, order, _semantic=None):
    """A pointer to a block of a tensor in memory, which ``load`` and ``store`` bound-check themselves.

    Shapes: ``shape``, ``strides`` (elements), ``offsets``, ``block_shape`` (constant powers of two) and ``order`` (the
    dimensions, fastest first) have one entry a dimension.
    Types: shape and strides become int64, offsets int32.
    Errors: lists of different length, an order that is no permutation, an int64 offset.

    Example:
        p = tl.make_block_ptr(scratch, (3,), (1,), (0,), (4,), (0,))
        tl.store(p, tl.arange(0, 4) + 5, boundary_check=(0,))
        tl.debug_barrier()
        out = tl.load(p, boundary_check=(0,), padding_option="zero")            # [5, 6, 7, 0]
    """


@must_use_result("tl.advance returns the moved block pointer and leaves its operand as it was: assign the result.")
@language
def advance(base, offsets, _semantic=None):
    """A block pointer moved by ``offsets`` elements, one int32 a dimension.

    Errors: dropping the result is an error, since nothing else happens.

    Example:
        p = tl.make_block_ptr(scratch, (8,), (1,), (0,), (4,), (0,))
        tl.store(scratch + tl.arange(0, 8), tl.arange(0, 8))
        tl.debug_barrier()
        out = tl.load(tl.advance(p, (4,)))            # [4, 5, 6, 7]
    """


@language
def make_tensor_descriptor(base, shape, strides, block_shape, padding_option="zero", _semantic=None):
    """A descriptor of a tensor in memory; its ``load`` and ``store`` move blocks of ``block_shape``.

    Shapes: one to five dimensions; the last stride is the constant 1; leading strides are multiples of 16 bytes, as is
    the address; the last block dimension covers at least 16 bytes.
    Types: shape int32, strides int64 (elements). ``padding_option``: "zero", or "nan" for floats.
    Errors: a rank outside 1…5, a last stride that is not the constant 1.

    Example:
        d = tl.make_tensor_descriptor(scratch, [3, 4], [4, 1], [4, 4])
        d.store([0, 0], tl.full((4, 4), 7, tl.int32))
        tl.debug_barrier()
        out = d.load([1, 0])            # [[7,7,7,7],[7,7,7,7],[0,0,0,0],[0,0,0,0]]
    """


@language
def load_tensor_descriptor(desc, offsets, _semantic=None):
    """``desc.load(offsets)``: the block at ``offsets`` (one int32 a dimension)."""


@language
def store_tensor_descriptor(desc, offsets, value, _semantic=None):
    """``desc.store(offsets, value)``: writes a block; what lies out of bounds is dropped."""


_ATOMIC = """

    Shapes: as ``store``: {operands} broadcast to the pointer's shape; the result has that shape.
    Types: {types} Returns the old value.
    ``sem`` is "acquire", "release", "acq_rel" (default) or "relaxed"; ``scope`` "gpu" (default), "cta" or "sys".
    Errors: a type that the operation does not take ("{name} does not support …"), another ``sem`` or ``scope``.

    Example:
        tl.store(scratch, 12)
        tl.debug_barrier()
        old = tl.{call}
        tl.debug_barrier()
        out = tl.load(scratch)            # {result}
    """


def _atomic(summary, types, call, result, operands="``val`` and ``mask``"):

    def document(fn):
        fn.__doc__ = summary + _ATOMIC.format(operands=operands, types=types, name=fn.__name__, call=call, result=result)
        return fn

    return document


@language
@_atomic("Writes ``val`` where memory equals ``cmp``, atomically.", "16, 32 and 64 bit types; nothing is cast.",
         "atomic_cas(scratch, 12, 5)", 5, "``cmp`` and ``val``")
def atomic_cas(pointer, cmp, val, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Writes ``val``, atomically.", "32 and 64 bit types; ``val`` is cast.", "atomic_xchg(scratch, 5)", 5)
def atomic_xchg(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Adds ``val`` to memory, atomically.", "32 and 64 bit types, fp16 and bf16; ``val`` is cast.",
         "atomic_add(scratch, 5)", 17)
def atomic_add(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Keeps the larger of memory and ``val``, atomically.", "32 and 64 bit integers, fp32, fp64; ``val`` is cast.",
         "atomic_max(scratch, 50)", 50)
def atomic_max(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Keeps the smaller of memory and ``val``, atomically.", "32 and 64 bit integers, fp32, fp64; ``val`` is cast.",
         "atomic_min(scratch, 5)", 5)
def atomic_min(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Bitwise and of memory with ``val``, atomically.", "32 and 64 bit integers; ``val`` is cast.",
         "atomic_and(scratch, 6)", 4)
def atomic_and(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Bitwise or of memory with ``val``, atomically.", "32 and 64 bit integers; ``val`` is cast.",
         "atomic_or(scratch, 3)", 15)
def atomic_or(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


@language
@_atomic("Bitwise exclusive or of memory with ``val``, atomically.", "32 and 64 bit integers; ``val`` is cast.",
         "atomic_xor(scratch, 6)", 10)
def atomic_xor(pointer, val, mask=None, sem=None, scope=None, _semantic=None):
    pass


__all__ = ("load store make_block_ptr advance make_tensor_descriptor load_tensor_descriptor store_tensor_descriptor "
           "atomic_cas atomic_xchg atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor").split()
