# semantic.py - the object that user-written builtins receive as `_semantic`
# SPDX-License-Identifier: Apache-2.0
"""Drives the compiler from Python while a kernel compiles. A user's ``builtin`` receives one and hands it on to functions
of the language, or calls its methods, which are named as in Triton."""
from __future__ import annotations

from tessera.language import core as tl
from tessera.language._constexpr import _unwrap_if_constexpr


class IncompatibleTypeErrorImpl(Exception):
    """Two operand types that no rule combines."""

    def __init__(self, type_a, type_b):
        self.type_a = type_a
        self.type_b = type_b
        self.message = f"invalid operands of type {type_a!r} and {type_b!r}"
        super().__init__(self.message)


# Method -> what the compiler knows it by, where that is no function of the same name.
_PATHS = {"truediv": "operator:/", "floordiv": "operator://", "mod": "operator:%", "and_": "operator:&",
          "or_": "operator:|", "xor_": "operator:^", "lshr": "operator:>>", "ashr": "operator:>>", "shl": "operator:<<",
          "minus": "operator:neg", "invert": "operator:~", "not_": "operator:not", "logical_and": "operator:and",
          "logical_or": "operator:or", "greater_than": "operator:>", "greater_equal": "operator:>=", "less_than": "operator:<",
          "less_equal": "operator:<=", "equal": "operator:==", "not_equal": "operator:!="}
_FUNCTIONS = """program_id num_programs fdiv minimum maximum clamp expand_dims cat join split permute load store atomic_cas
                atomic_max atomic_min atomic_add atomic_and atomic_or atomic_xor atomic_xchg dot dot_scaled where gather
                histogram multiple_of max_contiguous max_constancy debug_barrier assume make_block_ptr advance
                make_tensor_descriptor""".split()


class TritonSemantic:
    """``emit(path, args, kwargs)`` is the compiler's; every method ends there. Values are ``tl.tensor`` and constexpr.

    Errors: what the compiler refuses is raised here as the exception that a kernel would get.
    """

    tensor = tl.tensor
    lang = tl

    def __init__(self, emit):
        self._emit = emit
        self.builder = None

    def call(self, path, args, kwargs):
        return self._emit(path, args, kwargs)

    def to_tensor(self, x, check_type=True):
        return x if isinstance(x, tl.tensor) else self.call("triton.language.to_tensor", (x,), {})

    def scalar_constant(self, value, dtype):
        return self.full([], value, dtype)

    make_scalar = scalar_constant

    def full(self, shape, value, dtype):
        return self.call("triton.language.full", (list(shape), value, dtype), {})

    def splat(self, value, shape):
        return self.broadcast_impl_shape(value, shape)

    def unsplat(self, value):
        return self.call("triton.language.reshape", (value, []), {})

    def arange(self, start, end, *, ret_ty=None):
        return self.call("triton.language.arange", (start, end), {})

    def add(self, input, other, sanitize_overflow=True):
        return self.call("triton.language.add", (input, other, sanitize_overflow), {})

    def sub(self, input, other, sanitize_overflow=True):
        return self.call("triton.language.sub", (input, other, sanitize_overflow), {})

    def mul(self, input, other, sanitize_overflow=True):
        return self.call("triton.language.mul", (input, other, sanitize_overflow), {})

    def plus(self, input):
        return input

    def cast(self, input, dst_ty, fp_downcast_rounding=None):
        return self.call("triton.language.cast", (input, dst_ty.scalar), {"fp_downcast_rounding": fp_downcast_rounding})

    def bitcast(self, input, dst_ty):
        return self.call("triton.language.cast", (input, dst_ty.scalar), {"bitcast": True})

    def reshape(self, input, dst_shape, can_reorder=False):
        return self.call("triton.language.reshape", (input, list(dst_shape)), {"can_reorder": can_reorder})

    def broadcast_impl_shape(self, input, shape):
        return self.call("triton.language.broadcast_to", (input, list(shape)), {})

    def broadcast_impl_value(self, lhs, rhs):
        return tuple(self.call("triton.language.broadcast", (lhs, rhs), {}))

    def broadcast_tensors(self, *inputs):
        inputs = list(inputs)
        for _ in range(2):
            for i in range(1, len(inputs)):
                inputs[0], inputs[i] = self.broadcast_impl_value(inputs[0], inputs[i])
        return tuple(inputs)

    def binary_op_type_checking_impl(self, lhs, rhs, allow_lhs_ptr=False, allow_rhs_ptr=False, arithmetic_check=True,
                                     div_or_mod=False):
        lhs, rhs = self.to_tensor(lhs), self.to_tensor(rhs)
        for operand, allowed in ((lhs, allow_lhs_ptr), (rhs, allow_rhs_ptr)):
            if operand.type.scalar.is_ptr() and not allowed:
                raise IncompatibleTypeErrorImpl(lhs.type, rhs.type)
        if arithmetic_check and not (lhs.type.scalar.is_ptr() or rhs.type.scalar.is_ptr()):
            wanted = self.computation_type_impl(lhs.type.scalar, False, rhs.type.scalar, False, div_or_mod)
            lhs, rhs = self.cast(lhs, wanted), self.cast(rhs, wanted)
        return self.broadcast_impl_value(lhs, rhs)

    def integer_promote_impl(self, a_ty, b_ty):
        """C's usual arithmetic conversions on dtypes."""
        if a_ty.is_int_signed() == b_ty.is_int_signed():
            return a_ty if a_ty.int_bitwidth > b_ty.int_bitwidth else b_ty
        unsigned, signed = (b_ty, a_ty) if a_ty.is_int_signed() else (a_ty, b_ty)
        return unsigned if unsigned.int_bitwidth >= signed.int_bitwidth else signed

    def computation_type_impl(self, a_ty, a_is_scalar, b_ty, b_is_scalar, div_or_mod):
        """The dtype in which an operator on the two dtypes is computed (language.md, type promotion)."""
        if a_is_scalar != b_is_scalar:
            weak, strong = (a_ty, b_ty) if a_is_scalar else (b_ty, a_ty)
            if weak.kind().value <= strong.kind().value:
                return tl.float32 if div_or_mod and strong in (tl.float16, tl.bfloat16) else strong
        pair = (a_ty, b_ty)
        for wide in (tl.float64, tl.float32):
            if wide in pair:
                return wide
        if tl.float16 in pair:
            return tl.float32 if div_or_mod else tl.float16
        if tl.bfloat16 in pair:
            return tl.bfloat16 if a_ty == b_ty and not div_or_mod else tl.float32
        if a_ty.is_fp8() and b_ty.is_fp8():
            return a_ty if a_ty == b_ty else tl.float16
        if not (a_ty.is_int() and b_ty.is_int()):
            raise TypeError(f"unexpected type {a_ty} and {b_ty}")
        if div_or_mod and a_ty.int_signedness != b_ty.int_signedness:
            raise TypeError(f"Cannot use /, #, or % with {a_ty!r} and {b_ty!r} because they have different signedness;"
                            "this is unlikely to result in a useful answer. Cast them to the same signedness.")
        return self.integer_promote_impl(a_ty, b_ty)

    def descriptor_load(self, desc, offsets, cache_modifier="", eviction_policy=""):
        return self.call("method:load", (desc, list(offsets)), {})

    def descriptor_store(self, desc, value, offsets):
        return self.call("method:store", (desc, list(offsets), value), {})

    def descriptor_gather(self, desc, x_offsets, y_offset, cache_modifier="", eviction_policy=""):
        return self.call("method:gather", (desc, x_offsets, y_offset), {})

    def descriptor_scatter(self, desc, value, x_offsets, y_offset):
        return self.call("method:scatter", (desc, value, x_offsets, y_offset), {})

    def device_print(self, prefix, args, hex=False):
        return self.call("triton.language.device_print", (prefix, *args), {"hex": hex})

    def device_assert(self, cond, msg, mask=None):
        return self.call("triton.language.device_assert", (cond, msg), {"mask": mask})


def _forward(name, path):

    def method(self, *args, **kwargs):
        return self.call(path, tuple(_unwrap_if_constexpr(x) for x in args), kwargs)

    method.__name__ = name
    return method


for _name in _FUNCTIONS:
    setattr(TritonSemantic, _name, _forward(_name, f"triton.language.{_name}"))
for _name, _path in _PATHS.items():
    setattr(TritonSemantic, _name, _forward(_name, _path))
for _name in "add min max and or xor".split():
    setattr(TritonSemantic, f"descriptor_atomic_{_name}",
            lambda self, desc, value, offsets, _name=_name: self.call(f"method:atomic_{_name}", (desc, list(offsets), value), {}))
