# language - what kernels are written in: `import tessera.language as tl`
# SPDX-License-Identifier: Apache-2.0
"""The kernel language. Names are those of ``triton.language`` 3.6; docs/python/ has the reference."""
from __future__ import annotations

__tessera_name__ = "triton.language"

from tessera.language import core
from tessera.language.core import (
    PropagateNan, TRITON_MAX_TENSOR_NUMEL, add, advance, arange, associative_scan, assume, atomic_add, atomic_and,
    atomic_cas, atomic_max, atomic_min, atomic_or, atomic_xchg, atomic_xor, bfloat16, block_type, broadcast, broadcast_to,
    cast, cat, clamp, condition, const, constexpr, constexpr_function, constexpr_type, debug_barrier, device_assert,
    device_print, dot, dot_scaled, dtype, expand_dims, float16, float32, float64, float8e4b15, float8e4b8, float8e4nv,
    float8e5, float8e5b16, full, gather, histogram, inline_asm_elementwise, int1, int16, int32, int64, int8, item, join,
    load, load_tensor_descriptor, make_block_ptr, make_tensor_descriptor, map_elementwise, max_constancy, max_contiguous,
    maximum, minimum, mul, multiple_of, must_use_result, num_programs, permute, pi32_t, pointer_type, program_id, range,
    reduce, reshape, slice, split, static_assert, static_print, static_range, store, store_tensor_descriptor, str_to_ty, sub,
    tensor, tensor_descriptor, tensor_descriptor_type, to_tensor, trans, tuple, tuple_type, uint16, uint32, uint64, uint8,
    view, void, where)
from tessera.language import math
from tessera.language.math import (abs, ceil, cos, div_rn, erf, exp, exp2, fdiv, floor, fma, log, log2, rsqrt, sin, sqrt,
                                   sqrt_rn, umulhi)
from tessera.language import standard
from tessera.language.standard import (argmax, argmin, bitonic_merge, cdiv, cumprod, cumsum, flip, interleave, max, min,
                                       ravel, reduce_or, sigmoid, softmax, sort, sum, swizzle2d, topk, xor_sum, zeros,
                                       zeros_like)
from tessera.language import random
from tessera.language.random import (pair_uniform_to_normal, philox, philox_impl, rand, rand4x, randint, randint4x, randn,
                                     randn4x, uint_to_uniform_float)
from tessera.language import target_info
from tessera.language import extra

for _module in (core, math, standard, random, target_info):
    _module.__tessera_name__ = "triton" + _module.__name__.removeprefix("tessera")


def __getattr__(name):
    if name in ("_aggregate", "_aggregate_type"):
        return getattr(core, name)
    if name == "semantic":
        import importlib
        return importlib.import_module("tessera.language.semantic")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = """
PropagateNan TRITON_MAX_TENSOR_NUMEL load_tensor_descriptor store_tensor_descriptor make_tensor_descriptor
tensor_descriptor abs add advance arange argmax argmin associative_scan assume atomic_add atomic_and atomic_cas atomic_max
atomic_min atomic_or atomic_xchg atomic_xor bfloat16 bitonic_merge block_type broadcast broadcast_to cat cast cdiv ceil
clamp condition const constexpr constexpr_type cos cumprod cumsum debug_barrier device_assert device_print div_rn dot
dot_scaled dtype erf exp exp2 expand_dims extra fdiv flip float16 float32 float64 float8e4b15 float8e4nv float8e4b8
float8e5 float8e5b16 floor fma full gather histogram inline_asm_elementwise interleave int1 int16 int32 int64 int8 join
load log log2 make_block_ptr map_elementwise math max max_constancy max_contiguous maximum min minimum mul multiple_of
num_programs pair_uniform_to_normal permute philox philox_impl pi32_t pointer_type program_id rand rand4x randint
randint4x randn randn4x range ravel reduce reduce_or reshape rsqrt slice sigmoid sin softmax sort split sqrt sqrt_rn
static_assert static_print static_range store sub sum swizzle2d target_info tensor topk trans tuple uint16 uint32 uint64
uint8 uint_to_uniform_float umulhi view void where xor_sum zeros zeros_like
""".split()
