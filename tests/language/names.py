#!/usr/bin/env python3
# names.py - every name of triton.language and every method of a tensor compiles in a kernel of its own
# SPDX-License-Identifier: Apache-2.0
"""usage: names.py TESSERA-SEMA [PATTERN]

Each row of NAMES is a use of one name as the body of a kernel; `->` behind it tells what the result's type must be (checked
inside the kernel by a static assertion), `!` a message that must come instead. The names themselves are listed in ALL, in the
order of Triton 3.6's `__all__`; a name without a row fails. The last line is `N passed, N failed`."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ALL = """PropagateNan TRITON_MAX_TENSOR_NUMEL load_tensor_descriptor store_tensor_descriptor make_tensor_descriptor
tensor_descriptor abs add advance arange argmax argmin associative_scan assume atomic_add atomic_and atomic_cas atomic_max
atomic_min atomic_or atomic_xchg atomic_xor bfloat16 bitonic_merge block_type broadcast broadcast_to cat cast cdiv ceil clamp
condition const constexpr constexpr_type cos cumprod cumsum debug_barrier device_assert device_print div_rn dot dot_scaled dtype
erf exp exp2 expand_dims extra fdiv flip float16 float32 float64 float8e4b15 float8e4nv float8e4b8 float8e5 float8e5b16 floor fma
full gather histogram inline_asm_elementwise interleave int1 int16 int32 int64 int8 join load log log2 make_block_ptr
map_elementwise math max max_constancy max_contiguous maximum min minimum mul multiple_of num_programs pair_uniform_to_normal
permute philox philox_impl pi32_t pointer_type program_id rand rand4x randint randint4x randn randn4x range ravel reduce reduce_or
reshape rsqrt slice sigmoid sin softmax sort split sqrt sqrt_rn static_assert static_print static_range store sub sum swizzle2d
target_info tensor topk trans tuple uint16 uint32 uint64 uint8 uint_to_uniform_float umulhi view void where xor_sum zeros
zeros_like""".split()

METHODS = """abs advance argmax argmin associative_scan atomic_add atomic_and atomic_cas atomic_max atomic_min atomic_or
atomic_xchg atomic_xor broadcast_to cast cdiv ceil cos cumprod cumsum erf exp exp2 expand_dims flip floor gather histogram
item log log2 logical_and logical_or max min permute ravel reduce reduce_or reshape rsqrt sigmoid sin softmax sort split sqrt
sqrt_rn store sum to trans view xor_sum""".split()

# x, y: 16 fp32; i, j: 16 int32; u: 16 uint32; m: 16x16 fp32; h: 16x16 fp16; b: 16 int1; p: *fp32; q: *i32; n: i32; s: fp32
PRELUDE = """
    lane = tl.arange(0, 16)
    x = tl.load(p + lane)
    y = tl.load(p + 16 + lane)
    i = tl.load(q + lane)
    j = tl.load(q + 16 + lane)
    u = i.to(tl.uint32)
    b = x > 0
    m = x[:, None] * y[None, :]
    h = m.to(tl.float16)
"""

NAMES = r"""
PropagateNan            tl.maximum(x, y, propagate_nan=tl.PropagateNan.ALL) -> [16] float32
PropagateNan            tl.minimum(x, y, propagate_nan=tl.PropagateNan.NONE) -> [16] float32
TRITON_MAX_TENSOR_NUMEL tl.full([tl.TRITON_MAX_TENSOR_NUMEL], 1, tl.int8) -> [1048576] int8
load_tensor_descriptor  tl.load_tensor_descriptor(tl.make_tensor_descriptor(p, [n, n], [n, 1], [16, 16]), [0, n]) -> [16, 16] float32
store_tensor_descriptor tl.store_tensor_descriptor(tl.make_tensor_descriptor(p, [n, n], [n, 1], [16, 16]), [0, n], m)
make_tensor_descriptor  tl.make_tensor_descriptor(p, shape=[n, n], strides=[n, 1], block_shape=[16, 16], padding_option="nan").load([0, 0]) -> [16, 16] float32
make_tensor_descriptor  tl.make_tensor_descriptor(p, [n, n], [n, 2], [16, 16]) ! Tensor descriptor last dim must be 1 but got 2
make_tensor_descriptor  tl.make_tensor_descriptor(p, [n, n], [n, 1], [16, 2]) ! Descriptor block shape must have at least 16 bytes in the last dimension, but got 2 * 4 = 8 bytes
tensor_descriptor       tl.zeros(tl.make_tensor_descriptor(p, [n], [1], [16]).type.block_type.shape, tl.int8) -> [16] int8
tensor_descriptor       tl.static_assert(isinstance(tl.make_tensor_descriptor(p, [n], [1], [16]), tl.tensor_descriptor))
abs                     tl.abs(x) -> [16] float32
abs                     tl.abs(u) -> [16] uint32
add                     tl.add(x, y) -> [16] float32
add                     tl.add(2147483647, 3) -> int32
add                     tl.add(i, j, sanitize_overflow=False) -> [16] int32
advance                 tl.load(tl.advance(tl.make_block_ptr(p, (n, n), (n, 1), (0, 0), (16, 16), (1, 0)), (16, 0))) -> [16, 16] float32
arange                  tl.arange(3, 19) -> [16] int32
arange                  tl.arange(0, n) ! arange's arguments must be of type tl.constexpr
arange                  tl.arange(0, 12) ! arange's range must be a power of 2
arange                  tl.arange(4, 4) ! arange's end argument must be greater than the start argument
argmax                  tl.argmax(x, 0) -> int32
argmax                  tl.argmax(m, axis=1, tie_break_left=False, keep_dims=True) -> [16, 1] int32
argmin                  tl.argmin(m, 0) -> [16] int32
associative_scan        tl.associative_scan(x, 0, plus) -> [16] float32
associative_scan        tl.associative_scan((x, i), 0, first_two, reverse=True)[1] -> [16] int32
assume                  tl.assume(n > 0)
atomic_add              tl.atomic_add(p + lane, x, mask=b, sem="relaxed", scope="cta") -> [16] float32
atomic_add              tl.atomic_add(p + lane, x, sem="weak") ! Memory semantic weak not supported
atomic_and              tl.atomic_and(q + lane, i) -> [16] int32
atomic_cas              tl.atomic_cas(q, 0, 1) -> int32
atomic_cas              tl.atomic_cas(q.to(tl.pointer_type(tl.uint32)), 0, 1) -> int32
atomic_cas              tl.atomic_cas(q + lane, i, u) -> [16] uint32
atomic_max              tl.atomic_max(p + lane, x) -> [16] float32
atomic_max              tl.atomic_max(g, 1.0) ! atomic_max does not support fp16
atomic_min              tl.atomic_min(q, n) -> int32
atomic_or               tl.atomic_or(q + lane, i) -> [16] int32
atomic_xchg             tl.atomic_xchg(q + lane, i) -> [16] int32
atomic_xor              tl.atomic_xor(q, 1) -> int32
bfloat16                x.to(tl.bfloat16) -> [16] bfloat16
bitonic_merge           tl.bitonic_merge(x) -> [16] float32
block_type              tl.static_assert(tl.block_type(tl.float32, [16]).is_block())
broadcast               tl.broadcast(x[:, None], y[None, :])[0] -> [16, 16] float32
broadcast_to            tl.broadcast_to(x[:, None], (16, 8)) -> [16, 8] float32
broadcast_to            tl.broadcast_to(s, 4, 4) -> [4, 4] float32
cat                     tl.cat(x, y, can_reorder=True) -> [32] float32
cast                    tl.cast(x, tl.float16, fp_downcast_rounding="rtz") -> [16] float16
cast                    tl.cast(i, tl.float32, bitcast=True) -> [16] float32
cast                    tl.cast(i, tl.float64, bitcast=True) ! Cannot bitcast data-type of size 32 to data-type of size 64
cdiv                    tl.cdiv(n, 16) -> int32
ceil                    tl.ceil(x) -> [16] float32
ceil                    tl.ceil(h) ! Expected dtype ['fp32', 'fp64'] but got fp16
clamp                   tl.clamp(x, 0.0, 1.0) -> [16] float32
clamp                   tl.clamp(i, 0, 1) ! Only floating point clamp is supported
condition               loop_condition(p, n)
const                   tl.static_assert(True)
constexpr               tl.zeros((tl.constexpr(4), 4), tl.int32) -> [4, 4] int32
constexpr_type          tl.static_assert(isinstance((1).type, tl.constexpr_type) and not isinstance(n.type, tl.constexpr_type))
constexpr_type          tl.static_assert((7).type == tl.constexpr_type(7) and (7).type != (8).type and (7).type.value == 7)
constexpr_type          tl.static_assert((4, "a").type == tl.constexpr_type((4, "a")) and "a".type == tl.constexpr_type("a") and not isinstance((7).type, tl.dtype))
constexpr_type          tl.constexpr_type(n) ! tl.constexpr_type of a value that is known at run time only
core.CONSTEXPR_0        tl.static_assert(tl.core.CONSTEXPR_0 == 0 and tl.random.N_ROUNDS_DEFAULT == 10)
cos                     tl.cos(x) -> [16] float32
cumprod                 tl.cumprod(x, 0, reverse=True) -> [16] float32
cumsum                  tl.cumsum(i, axis=0) -> [16] int32
cumsum                  tl.cumsum(m, axis=1, dtype=tl.float64) -> [16, 16] float64
debug_barrier           tl.debug_barrier()
device_assert           tl.device_assert(n > 0, "positive")
device_assert           tl.device_assert(x > 0, "positive", mask=b)
device_print            tl.device_print("x", x, i, hex=True)
device_print            tl.device_print(f"{1 + 1} x")
div_rn                  tl.div_rn(x, y) -> [16] float32
div_rn                  tl.div_rn(1.0, 1e-40) -> float64
dot                     tl.dot(h, h) -> [16, 16] float32
dot                     tl.dot(m, m, acc=m, input_precision="tf32x3", max_num_imprecise_acc=None) -> [16, 16] float32
dot                     tl.dot(h, h, out_dtype=tl.float16) -> [16, 16] float16
dot                     tl.dot(m, m, allow_tf32=False) -> [16, 16] float32
dot                     tl.dot(h, tl.trans(h), trans_b=True) -> [16, 16] float32
dot                     tl.dot(h, m) ! Both operands must be same dtype. Got fp16 and fp32
dot                     tl.dot(m, m, input_precision="x") ! input_precision must be one of
dot                     tl.dot(h, h, out_dtype=tl.bfloat16) ! out_dtype=bfloat16 is unsupported. Please use out_dtype=float32/float16 and cast with `.to(tl.bfloat16)`
dot_scaled              tl.dot_scaled(e, es, "e4m3", e, es, "e4m3") -> [32, 32] float32
dot_scaled              tl.dot_scaled(e, None, "e5m2", e, es, "e5m2", acc=tl.zeros((32, 32), tl.float32), fast_math=True) -> [32, 32] float32
dtype                   tl.static_assert(isinstance(tl.float32, tl.dtype))
dtype                   x.to(tl.core.dtype("bf16")) -> [16] bfloat16
dot                     tl.dot(h, h, max_num_imprecise_acc=4, trans_a=True) -> [16, 16] float32
erf                     tl.erf(x) -> [16] float32
exp                     tl.exp(x) -> [16] float32
math.tanh               tl.math.tanh(tl.math.exp(x)) -> [16] float32
math.tangh              tl.math.tangh(x) ! has no `tangh`
exp                     h.exp() -> [16, 16] float16
exp                     tl.exp(h) ! Expected dtype ['fp32', 'fp64'] but got fp16
.exp                    h.exp() -> [16, 16] float16
.sqrt                   h.to(tl.bfloat16).sqrt().sin() -> [16, 16] bfloat16
exp2                    tl.exp2(s) -> float32
expand_dims             tl.expand_dims(x, 0) -> [1, 16] float32
expand_dims             tl.expand_dims(x, [0, -1]) -> [1, 16, 1] float32
expand_dims             tl.expand_dims(x, [0, 0]) ! expand_dims received duplicate axes
extra                   tl.extra.libdevice.rint(x) -> [16] float32
extra                   tl.core.extern_elementwise("libdevice", "", [x, y], POWF, is_pure=True) -> [16] float32
extra                   tl.core.extern_elementwise("fast", "/fast.bc", [x, s, i], MINE, is_pure=False) -> [16] float64
extra                   tl.core.extern_elementwise("fast", "", [x], MINE, is_pure=True) ! input arg type does not match: no entry for (fp32)
extra                   tl.extra.cuda.libdevice.rint(x) -> [16] float32
extra                   tl.full([4], tl.extra.cuda.num_threads() + tl.extra.cuda.num_warps(), tl.int32) -> [4] int32
extra                   tl.extra.cuda.globaltimer() ! this target has no global timer
extra                   tl.extra.cuda.gdc_wait()
extra                   tl.extra.cuda.gdc_launch_dependents()
extra                   tl.extra.hip.memrealtime() ! this target has no real-time counter
fdiv                    tl.fdiv(h, h) -> [16, 16] float16
fdiv                    tl.fdiv(h, 2.0) -> [16, 16] float32
fdiv                    tl.fdiv(x, y, ieee_rounding=True) -> [16] float32
flip                    tl.flip(m, 0) -> [16, 16] float32
float16                 x.to(tl.float16) -> [16] float16
float32                 i.to(tl.float32) -> [16] float32
float64                 x.to(tl.float64) -> [16] float64
float8e4b15             h.to(tl.float8e4b15) -> [16, 16] float8e4b15
float8e4nv              x.to(tl.float8e4nv) -> [16] float8e4nv
float8e4b8              x.to(tl.float8e4b8) -> [16] float8e4b8
float8e5                x.to(tl.float8e5) -> [16] float8e5
float8e5b16             x.to(tl.float8e5b16) -> [16] float8e5b16
floor                   tl.floor(x) -> [16] float32
fma                     tl.fma(x, y, 1.0) -> [16] float32
fma                     tl.fma(h, 2.0, 1.0) -> [16, 16] float32
fma                     tl.fma(h, h, 1) -> [16, 16] float16
full                    tl.full((4, 4), s, tl.float16) -> [4, 4] float16
full                    tl.full((), 1, tl.int64) -> int64
full                    tl.full((4,), 300, tl.int8) -> [4] int8
full                    tl.full((4,), -1, tl.uint8) -> [4] uint8
full                    tl.full((4,), 2.0, tl.int32) -> [4] int32
full                    tl.full((4,), 1.5, tl.int32) ! value 1.5 is no integer, which int32 needs
full                    tl.full((4,), float("nan"), tl.int32) ! value nan is no integer, which int32 needs
full                    tl.full((4,), 2**64, tl.uint64) ! does not fit 64 bits
full                    tl.full((3,), 1, tl.int64) ! Shape element 0 must be a power of 2
gather                  tl.gather(x, i, 0) -> [16] float32
histogram               tl.histogram(i, 32, mask=b) -> [32] int32
inline_asm_elementwise  tl.inline_asm_elementwise("mov.b32 $0, $1;", "=r,r", [i], dtype=tl.int32, is_pure=True, pack=1) -> [16] int32
inline_asm_elementwise  tl.inline_asm_elementwise("{ $0 $1 $2 $3 }", "=r,=h,r,l", [m.to(tl.int32), (p + lane)[None, :]], dtype=(tl.int32, tl.int16), is_pure=False, pack=2)[1] -> [16, 16] int16
inline_asm_elementwise  tl.inline_asm_elementwise("mov.u64 $0, %clock64;", "=l", [], dtype=tl.int64, is_pure=False, pack=1) -> int64
inline_asm_elementwise  tl.inline_asm_elementwise("neg $0, $1;", "=f,f", [s], dtype=tl.float32, is_pure=True, pack=4) -> float32
inline_asm_elementwise  tl.inline_asm_elementwise("nop;", "r", [i], dtype=(), is_pure=True, pack=1) ! dtype names no result
inline_asm_elementwise  tl.inline_asm_elementwise("mov.b32 $0, $1;", "=r", [i], dtype=tl.int32, is_pure=True, pack=1) ! the constraints name 0 operands, and args has 1
inline_asm_elementwise  tl.inline_asm_elementwise("", "=r,r", [i], dtype=(tl.int32, tl.int8), is_pure=True, pack=1) ! the constraints name 1 results, and dtype 2
inline_asm_elementwise  tl.inline_asm_elementwise("", "=r,r", [i], dtype=tl.int32, is_pure=True, pack=3) ! pack (3) must divide the number of elements (16)
interleave              tl.interleave(x, y) -> [32] float32
int1                    i.to(tl.int1) -> [16] int1
int16                   i.to(tl.int16) -> [16] int16
int32                   x.to(tl.int32) -> [16] int32
int64                   i.to(tl.int64) -> [16] int64
int8                    i.to(tl.int8) -> [16] int8
join                    tl.join(x, y) -> [16, 2] float32
join                    tl.join(u, i) -> [16, 2] uint32
join                    tl.join(x, i) ! join: operands must have one element type, got fp32 and int32
load                    tl.load(p + lane, mask=b, other=0.0, cache_modifier=".cg", eviction_policy="evict_last", volatile=True) -> [16] float32
load                    tl.load(p + lane, other=0.0) ! `other` cannot be provided without `mask`
load                    tl.load(p + lane, cache_modifier=".xx") ! Cache modifier .xx not supported
load                    tl.load(p, mask=b) ! Mask argument cannot be block type if pointer argument is not a block
load                    tl.load(x) ! Unsupported ptr type
log                     tl.log(x) -> [16] float32
log2                    tl.log2(x) -> [16] float32
make_block_ptr          tl.load(tl.make_block_ptr(p, (n, n), (n, 1), (0, 0), (16, 16), (1, 0)), boundary_check=(0, 1), padding_option="zero") -> [16, 16] float32
make_block_ptr          tl.load(tl.make_block_ptr(p.to(tl.pointer_type(tl.int1)), (n,), (1,), (0,), (16,), (0,))) -> [16] int8
make_block_ptr          tl.store(tl.make_block_ptr(base=p, shape=(n,), strides=(1,), offsets=(0,), block_shape=(16,), order=(0,)), x, boundary_check=(0,))
map_elementwise         tl.map_elementwise(scalar_rule, x, i) -> [16] float32
map_elementwise         tl.map_elementwise(pair_rule, x, pack=2)[0] -> [16] float32
math                    tl.math.sqrt_rn(x) -> [16] float32
max                     tl.max(x, 0) -> float32
max                     tl.max(m, 1, return_indices=True)[1] -> [16] int32
max                     tl.max(h, axis=0, keep_dims=True) -> [1, 16] float32
max_constancy           tl.max_constancy(i, 16) -> [16] int32
max_contiguous          tl.max_contiguous(tl.multiple_of(i, 16), 16) -> [16] int32
maximum                 tl.maximum(x, 0.0) -> [16] float32
maximum                 tl.maximum(h, 0.0) -> [16, 16] float32
maximum                 tl.maximum(h, 0) -> [16, 16] float16
maximum                 tl.maximum(i.to(tl.int8), 0) -> [16] int32
maximum                 max(i.to(tl.int16), 70000) -> [16] int32
min                     tl.min(i, 0, return_indices=True, return_indices_tie_break_left=False)[0] -> int32
minimum                 tl.minimum(i, j) -> [16] int32
minimum                 tl.minimum(u, -1) -> [16] uint32
mul                     tl.mul(x, y) -> [16] float32
multiple_of             tl.multiple_of(i, 8) -> [16] int32
multiple_of             tl.multiple_of(m.to(tl.int32), [8, 8]) -> [16, 16] int32
num_programs            tl.num_programs(axis=2) -> int32
pair_uniform_to_normal  tl.pair_uniform_to_normal(x, y)[0] -> [16] float32
permute                 tl.permute(m[None, :, :], (2, 0, 1)) -> [16, 1, 16] float32
permute                 tl.permute(m[None, :, :], 2, 0, 1) -> [16, 1, 16] float32
philox                  tl.philox(n, u, u, u, u)[0] -> [16] uint32
philox_impl             tl.philox_impl(u, u, u, u, u, u)[3] -> [16] uint32
pi32_t                  tl.static_assert(tl.pi32_t.is_ptr())
pointer_type            tl.load(n.to(tl.int64).to(tl.pointer_type(tl.float16))) -> float16
program_id              tl.program_id(axis=0) -> int32
program_id              tl.program_id(3) ! program_id axis must be 0, 1, or 2 but got 3
program_id              triton.program_id(0) -> int32
arange                  triton.arange(0, 16) -> [16] int32
load                    triton.load(p + lane) -> [16] float32
store                   triton.store(p + lane, x)
rand                    tl.rand(n, lane) -> [16] float32
rand4x                  tl.rand4x(n, lane)[3] -> [16] float32
randint                 tl.randint(n, lane) -> [16] uint32
randint4x               tl.randint4x(n, lane, n_rounds=7)[0] -> [16] uint32
randn                   tl.randn(n, lane) -> [16] float32
randn4x                 tl.randn4x(n, lane)[1] -> [16] float32
range                   loop_range(n) -> int32
ravel                   tl.ravel(m) -> [256] float32
reduce                  tl.reduce(x, 0, plus) -> float32
reduce                  tl.reduce((x, i), 0, first_two, keep_dims=True)[0] -> [1] float32
reduce                  tl.reduce(m, None, plus) -> float32
reduce_or               tl.reduce_or(i, 0) -> int32
reshape                 tl.reshape(m, (4, 64)) -> [4, 64] float32
reshape                 tl.reshape(m, 4, 64, can_reorder=True) -> [4, 64] float32
reshape                 tl.reshape(m, 4, 4) ! reshape() cannot change total number of elements in tensor
rsqrt                   tl.rsqrt(x) -> [16] float32
slice                   tl.static_assert((1, 2, 3)[tl.slice(0, 2)] == (1, 2))
sigmoid                 tl.sigmoid(x) -> [16] float32
sin                     tl.sin(x) -> [16] float32
softmax                 tl.softmax(x) -> [16] float32
softmax                 tl.softmax(m, axis=-1) -> [16, 16] float32
softmax                 tl.softmax(m, dim=1, keep_dims=True, ieee_rounding=True) -> [16, 16] float32
sort                    tl.sort(x, descending=True) -> [16] float32
sort                    tl.sort(m, 0) ! only minor dimension is currently supported
split                   tl.split(tl.join(x, y))[0] -> [16] float32
split                   tl.split(tl.reshape(x, (8, 2)))[1] -> [8] float32
sqrt                    tl.sqrt(x) -> [16] float32
sqrt_rn                 tl.sqrt_rn(x) -> [16] float32
static_assert           tl.static_assert(1 + 1 == 2, "arithmetic")
static_assert           tl.static_assert(False, "told so") ! told so
static_assert           tl.static_assert(n > 0) ! Assertion condition could not be determined at compile-time
static_print            tl.static_print("x:", x.dtype)
static_range            loop_static(n) -> int32
store                   tl.store(p + lane, x, mask=b, cache_modifier=".wt", eviction_policy="evict_first")
store                   tl.store(p, x) ! Value argument cannot be block type if pointer argument is not a block
store                   tl.store(c, 1.0) ! Cannot store to a constant pointer
sub                     tl.sub(x, y) -> [16] float32
sum                     tl.sum(x, 0) -> float32
sum                     tl.sum(m) -> float32
sum                     tl.sum(b, 0) -> uint32
sum                     tl.sum(i.to(tl.int8), 0) -> int32
sum                     tl.sum(h, axis=1, keep_dims=True, dtype=tl.float64) -> [16, 1] float64
swizzle2d               tl.swizzle2d(n, n, 8, 8, 4)[0] -> int32
target_info             tl.static_assert(not tl.target_info.is_cuda() and not tl.target_info.is_hip() and not tl.target_info.cuda_capability_geq(9, 0))
tensor_descriptor       tl.make_tensor_descriptor(q, [n, n], [n, 1], [4, 4]).atomic_add([0, n], tl.zeros((4, 4), tl.int32))
tensor_descriptor       tl.make_tensor_descriptor(q, [n, n], [n, 1], [4, 4]).atomic_xor([0, n], tl.zeros((4, 4), tl.int32))
tensor_descriptor       tl.make_tensor_descriptor(q, [n, n], [n, 1], [4, 4]).atomic_min([0, n], tl.zeros((4, 4), tl.int32))
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [4, 4]).atomic_max([0, n], tl.zeros((4, 4), tl.float32)) ! Unsupported dtype
tensor_descriptor       tl.make_tensor_descriptor(g, [n, n], [n, 1], [8, 8]).atomic_max([0, n], tl.zeros((8, 8), tl.float16))
tensor_descriptor       tl.make_tensor_descriptor(g, [n, n], [n, 1], [8, 8]).atomic_min([0, n], tl.zeros((8, 8), tl.float16))
tensor_descriptor       tl.make_tensor_descriptor(g, [n, n], [n, 1], [8, 8]).atomic_xor([0, n], tl.zeros((8, 8), tl.float16)) ! Unsupported dtype
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [1, 16]).gather(i, n) -> [16, 16] float32
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [1, 16]).scatter(m, i, 0)
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [1, 4]).gather(i, n) ! descriptor gather of fp32 must have at least 8 columns, but got 4
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [1, 16]).gather(tl.arange(0, 4), n) ! descriptor gather must have at least 8 rows, but got [4]
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [16, 16]).shape[0] -> int32
tensor_descriptor       tl.make_tensor_descriptor(p, [n, n], [n, 1], [16, 16]).strides[1] -> int64
tensor                  tl.static_assert(isinstance(x, tl.tensor))
topk                    tl.topk(x, 4) -> [4] float32
topk                    tl.topk(x.to(tl.float16), 4) -> [4] float32
topk                    tl.topk(x, 3) -> [2] float32
topk                    tl.topk(x, 7) -> [4] float32
topk                    tl.topk(x.to(tl.float16), 16) -> [16] float16
topk                    tl.topk(i.to(tl.uint8), 2) -> [2] int32
trans                   tl.trans(m) -> [16, 16] float32
trans                   tl.trans(m[None, :, :], 2, 1, 0) -> [16, 16, 1] float32
tuple                   tl.static_assert(len(tl.tuple([x, y])) == 2)
uint16                  i.to(tl.uint16) -> [16] uint16
uint32                  i.to(tl.uint32) -> [16] uint32
uint64                  i.to(tl.uint64) -> [16] uint64
uint8                   i.to(tl.uint8) -> [16] uint8
uint_to_uniform_float   tl.uint_to_uniform_float(u) -> [16] float32
umulhi                  tl.umulhi(u, u) -> [16] uint32
view                    tl.view(m, (4, 64)) -> [4, 64] float32
void                    tl.static_assert(tl.void.is_void())
where                   tl.where(b, x, 0.0) -> [16] float32
where                   tl.where(b, p + lane, p)
xor_sum                 tl.xor_sum(i, axis=0) -> int32
zeros                   tl.zeros((4, 4), dtype=tl.float32) -> [4, 4] float32
zeros                   tl.zeros([], dtype=tl.float32) -> float32
zeros_like              tl.zeros_like(x) -> [16] float32
.abs                    x.abs() -> [16] float32
.advance                tl.make_block_ptr(p, (n,), (1,), (0,), (16,), (0,)).advance((16,)).load() -> [16] float32
.argmax                 x.argmax(0) -> int32
.argmin                 m.argmin(axis=1) -> [16] int32
.associative_scan       x.associative_scan(0, plus) -> [16] float32
.atomic_add             (p + lane).atomic_add(x) -> [16] float32
.atomic_and             (q + lane).atomic_and(i) -> [16] int32
.atomic_cas             q.atomic_cas(0, 1) -> int32
.atomic_max             (q + lane).atomic_max(i, mask=b) -> [16] int32
.atomic_min             q.atomic_min(n) -> int32
.atomic_or              q.atomic_or(n) -> int32
.atomic_xchg            q.atomic_xchg(n) -> int32
.atomic_xor             q.atomic_xor(n) -> int32
.broadcast_to           x[:, None].broadcast_to((16, 4)) -> [16, 4] float32
.cast                   x.cast(tl.int32) -> [16] int32
.cdiv                   n.cdiv(16) -> int32
.ceil                   x.ceil() -> [16] float32
.cos                    x.cos() -> [16] float32
.cumprod                x.cumprod() -> [16] float32
.cumsum                 x.cumsum(axis=0, reverse=True) -> [16] float32
.erf                    x.erf() -> [16] float32
.exp                    x.exp() -> [16] float32
.exp2                   x.exp2() -> [16] float32
.expand_dims            x.expand_dims(1) -> [16, 1] float32
.flip                   x.flip() -> [16] float32
.floor                  x.floor() -> [16] float32
.gather                 x.gather(i, axis=0) -> [16] float32
.histogram              i.histogram(16) -> [16] int32
.item                   tl.sum(x, 0, keep_dims=True).item() -> float32
.log                    x.log() -> [16] float32
.log2                   x.log2() -> [16] float32
.logical_and            b.logical_and(b) -> [16] int1
.logical_or             b.logical_or(x > y) -> [16] int1
.max                    x.max() -> float32
.min                    m.min(0, return_indices=True)[0] -> [16] float32
.permute                m.permute(1, 0) -> [16, 16] float32
.ravel                  m.ravel() -> [256] float32
.reduce                 x.reduce(0, plus) -> float32
.reduce_or              i.reduce_or(0) -> int32
.reshape                x.reshape(4, 4) -> [4, 4] float32
.reshape                x.reshape([4, 4]) -> [4, 4] float32
.rsqrt                  x.rsqrt() -> [16] float32
.sigmoid                x.sigmoid() -> [16] float32
.sin                    x.sin() -> [16] float32
.softmax                x.softmax() -> [16] float32
.sort                   x.sort() -> [16] float32
.split                  x.reshape(8, 2).split()[0] -> [8] float32
.sqrt                   x.sqrt() -> [16] float32
.sqrt_rn                x.sqrt_rn() -> [16] float32
.store                  tl.make_block_ptr(p, (n,), (1,), (0,), (16,), (0,)).store(x)
.sum                    x.sum() -> float32
.to                     x.to(tl.float64) -> [16] float64
.to                     x.to(dtype=tl.int32, bitcast=True) -> [16] int32
.trans                  m.trans() -> [16, 16] float32
.view                   x.view(4, 4) -> [4, 4] float32
.xor_sum                i.xor_sum() -> int32
T                       (m[:, :8] if False else m).T -> [16, 16] float32
"""

HELPERS = """
import triton
import triton.language as tl

POWF = tl.constexpr({(tl.float32, tl.float32): ("__nv_powf", tl.float32)})
MINE = tl.constexpr({(tl.float32, tl.float32, tl.int32): ("my_function", tl.float64)})


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def first_two(a, i, b, j):
    return a + b, tl.maximum(i, j)


@triton.jit
def scalar_rule(a, i):
    if a > 0:
        r = a * 2
        while i > 0:
            r += 1.0
            i -= 1
    else:
        r = -a
    return r


@triton.jit
def pair_rule(a, b):
    return b, a


@triton.jit
def loop_condition(p, n):
    i = 0
    while tl.condition(i < n):
        i += 1
    tl.store(p, i)


@triton.jit
def loop_range(n):
    a = 0
    for i in tl.range(0, n, 1, num_stages=2, loop_unroll_factor=2, flatten=True, warp_specialize=False, disable_licm=True):
        a += i
    return a


@triton.jit
def loop_static(n):
    for i in tl.static_range(0, 4, 2):
        n += i
    return n

"""

RESULT = re.compile(r"^(?:\[([\d, ]+)\] )?(\w+)$")


def kernel_of(index, use, result):
    lines = [f"@triton.jit\ndef k{index}(p, q, n, s, g, c):", PRELUDE.rstrip("\n").lstrip("\n")]
    if "(e, " in use:
        lines.append("    e = tl.zeros((32, 32), tl.uint8)\n    es = tl.zeros((32, 1), tl.uint8)")
    lines.append(f"    r = {use}" if result else f"    {use}")
    if result:
        shape, dtype = RESULT.match(result).groups()
        lines.append(f"    tl.static_assert(r.dtype == tl.{dtype}, r.dtype.name)")
        if shape:
            dims = shape.split(", ")
            lines.append(f"    tl.static_assert(len(r.shape) == {len(dims)})")
            lines += [f"    tl.static_assert(r.shape[{i}] == {d}, \"dim {i}\")" for i, d in enumerate(dims)]
        else:
            lines.append("    tl.static_assert(not r.type.is_block(), r.type.name)")
    return "\n".join(lines) + "\n\n\n"


def main(sema, pattern=""):
    rows, seen = [], set()
    for line in NAMES.strip().splitlines():
        name, use = line.split(None, 1)
        use, _, error = use.partition(" ! ")
        use, _, result = use.partition(" -> ")
        rows.append((name, use.strip(), result.strip(), error.strip()))
        seen.add(name)
    failures = [f"{n}: no row" for n in ALL if n not in seen] + [f".{n}: no row" for n in METHODS if "." + n not in seen]
    rows = [r for r in rows if pattern in r[0]]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "names_of_the_language.py")
        path.write_text(HELPERS + "".join(kernel_of(i, use, result) for i, (_, use, result, _) in enumerate(rows)))

        def check(index):
            name, use, _, error = rows[index]
            run = subprocess.run([sema, f"{path}:k{index}", "--debug", "--signature=*fp32:16,*i32:16,i32,fp32,*fp16,*kfp32"],
                                 capture_output=True, text=True)
            messages = "\n".join(line for line in run.stderr.splitlines() if "error" in line)
            if error:
                return None if run.returncode == 1 and error in messages else f"{name}: {use}\n    expected: {error}\n    got: {messages}"
            return None if run.returncode == 0 else f"{name}: {use}\n    {messages or run.stderr[-500:]}"

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            failures += [f for f in pool.map(check, range(len(rows))) if f]
    print("\n".join(failures))
    print(f"{len(rows) + len(ALL) + len(METHODS) - len(failures)} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
