# wild.py - random kernels that need not make sense: for comparing what front ends accept, the types they find and where they complain
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives (name, text, signature). The kernels are never run. Templates are filled at random: {v} any value in scope,
{b} a block, {c} a condition, {i} {f} numbers, {n} any Python number, {a} an axis, {d} a dtype, {s} a shape, {w} a fresh name."""
import random
import re

from model import LANGUAGE

HELPERS = '''from typing import NamedTuple

import triton
import triton.language as tl

GLOBAL = tl.constexpr(3)
PLAIN = 3


class Pair(NamedTuple):
    first: tl.tensor
    second: tl.tensor


@triton.jit
def swaps(pair):
    return pair[1], pair[0]


@triton.jit
def add(a, b):
    return a + b


@triton.jit
def larger(a, b):
    return tl.where(a > b, a, b)


@triton.jit
def pair_of(a, b, SWAP: tl.constexpr = False):
    if SWAP:
        return b, a
    return a, b


@triton.jit
def combine(a, i, b, j):
    take = a > b
    return tl.where(take, a, b), tl.where(take, i, j)


@triton.jit
def scaled(x, factor=2, shift: tl.constexpr = 1):
    return x * factor + shift


@triton.jit
def sign_of(x):
    if x > 0:
        return 1
    return -1


@triton.jit
def maybe(x, FLAG: tl.constexpr):
    if FLAG:
        return x
    return x + 1.5


@triton.jit
def nothing(x):
    x + 1


@triton.jit
def default_none(x, y=None):
    if y is None:
        return x
    else:
        return x + y


@triton.jit
def apply(f: tl.constexpr, a, b):
    return f(a, b)


@triton.jit
def keeps(x, N: tl.constexpr, dtype: tl.constexpr = tl.float32):
    return x.to(dtype) * N
'''

OPERATORS = ["+", "-", "*", "/", "//", "%", "<<", ">>", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "and", "or", "+", "*", "-"]

EXPRESSIONS = """
{v} {o} {v}
{v} {o} {v}
{v} {o} {v}
{v} {o} {n}
{n} {o} {v}
({v} {o} {v}) {o} {v}
({v} {o} {n}) {o} ({v} {o} {n})
-{v}
~{v}
not {v}
+{v}
{v} if {c} else {v}
{v} if {v} else {v}
{v} if {c} else {n}
{n} if {c} else {n}
{n} if {n} else {v}
({v} if {c} else {n}) {o} {v}
sign_of({v}) {o} {v}
scaled({n}) {o} {v}
scaled({n}, {n})
default_none({n}, {n}) {o} {v}
add({n}, {n}) {o} {v}
pair_of({v}, {n})[1] {o} {v}
({v}, {n})[1] {o} {v}
swaps(({v}, {n}))[0] {o} {v}
Pair({v}, {n}).second {o} {v}
Pair(first={v}, second={v})
Pair({v}, {n})[0]
tl.abs({n}) {o} {v}
tl.exp({n}) {o} {v}
tl.cdiv({n}, {n}) {o} {v}
tl.maximum({n}, {n}) {o} {v}
min({n}, {n}) {o} {v}
tl.where({v}, {n}, {n}) {o} {v}
tl.cast({n}, tl.{d}) {o} {v}
tl.full([], {n}, tl.{d}) {o} {v}
GLOBAL {o} {v}
{v}.dtype.itemsize {o} {v}
{v}.shape[0] {o} {v}
{v} if {n} else {v}
{v}.to(tl.{d})
{v}.to(tl.{d}, bitcast=True)
{v}.to(tl.{d}, fp_downcast_rounding="rtz")
tl.cast({v}, tl.{d})
{v}.to({v}.dtype)
tl.where({v}, {v}, {v})
tl.where({c}, {v}, {n})
tl.where({c}, {n}, {v})
tl.where({c}, {n}, {n})
tl.minimum({v}, {v})
tl.maximum({v}, {n})
tl.minimum({v}, {v}, propagate_nan=tl.PropagateNan.ALL)
tl.clamp({v}, {n}, {n})
tl.clamp({v}, {v}, {v})
tl.fma({v}, {v}, {v})
tl.fma({v}, {n}, {v})
tl.fdiv({v}, {v})
tl.math.div_rn({v}, {v})
tl.umulhi({v}, {v})
tl.cdiv({v}, {v})
tl.cdiv({v}, {n})
tl.abs({v})
{v}.abs()
tl.exp({v})
tl.floor({v})
tl.sqrt_rn({v})
tl.sigmoid({v})
tl.math.erf({v})
{v}.log2()
min({v}, {v})
max({v}, {v}, {n})
min({i}, {i})
tl.sum({v}, {a})
tl.sum({v})
tl.sum({v}, {a}, keep_dims=True)
tl.sum({v}, {a}, dtype=tl.{d})
{v}.sum(axis={a})
tl.max({v}, {a})
tl.max({v}, {a}, return_indices=True)
tl.min({v}, {a}, return_indices=True, keep_dims=True)
tl.max({v}, {a}, return_indices=True, return_indices_tie_break_left=False)[0]
tl.argmax({v}, {a})
tl.argmin({v}, {a}, keep_dims=True)
tl.argmax({v}, {a}, tie_break_left=False)
tl.xor_sum({v}, {a})
tl.reduce_or({v}, {a})
tl.reduce({v}, {a}, add)
tl.reduce({v}, {a}, larger)
tl.reduce(({v}, {v}), {a}, combine)
tl.reduce(({b}, {b}), {a}, combine)[1]
tl.associative_scan({v}, {a}, add)
tl.associative_scan({v}, {a}, larger, reverse=True)
tl.associative_scan(({b}, {b}), {a}, combine)
tl.cumsum({v}, {a})
tl.cumsum({v}, {a}, dtype=tl.{d})
tl.cumprod({v}, {a}, reverse=True)
tl.sort({v})
tl.sort({v}, {a}, descending=True)
tl.topk({v}, 2)
tl.flip({v}, {a})
tl.flip({v})
tl.softmax({v})
tl.gather({v}, {v}, {a})
tl.histogram({v}, 8)
tl.histogram({v}, 8, mask={c})
tl.expand_dims({v}, {a})
{v}[:, None]
{v}[None, :]
{v}[None]
{v}[:]
{v}[:, None, :]
{v}[{i}]
{v}[{i}:]
tl.broadcast_to({v}, {s})
{v}.broadcast_to({s})
tl.broadcast_to({v}, 4, 8)
tl.broadcast({v}, {v})
tl.reshape({v}, {s})
{v}.reshape({s})
tl.reshape({v}, 4, 8)
tl.view({v}, {s})
tl.ravel({v})
tl.trans({v})
{v}.T
tl.trans({v}, 1, 0)
tl.permute({v}, (1, 0))
tl.permute({v}, 1, 0)
{v}.permute((0, 2, 1))
tl.join({v}, {v})
tl.split({v})
tl.interleave({v}, {v})
tl.cat({v}, {v}, can_reorder=True)
tl.cat({v}, {v})
tl.zeros({s}, tl.{d})
tl.zeros({s}, {v}.dtype)
tl.zeros_like({v})
tl.full({s}, {n}, tl.{d})
tl.full({s}, {v}, tl.{d})
tl.full(({i},), {n}, dtype=tl.{d})
tl.arange(0, {i})
tl.arange({i}, 16)
tl.dot({v}, {v})
tl.dot({m}, {m})
tl.dot({m}, {m}, acc={m})
tl.dot({m}, {m}, out_dtype=tl.{d})
tl.load({p})
tl.load({p}, mask={c})
tl.load({p}, mask={c}, other={n})
tl.load({p}, mask={v}, other={v})
tl.load({p}, other={n})
tl.load({v})
tl.atomic_add({p}, {v})
tl.atomic_max({p}, {v}, mask={c})
tl.atomic_cas({p}, {v}, {v})
tl.atomic_xchg({p}, {v}, sem="relaxed")
{p} + {v}
{v} + {p}
{p} - {v}
{p} - {p}
{p} == {p}
{p}.to(tl.int64)
{p}.to(tl.pointer_type(tl.{d}))
{v}.to(tl.pointer_type(tl.{d}))
add({v}, {v})
scaled({v})
scaled({v}, {v})
scaled({v}, factor={n}, shift={i})
scaled(x={v}, shift={v})
pair_of({v}, {v})
pair_of({v}, {v}, SWAP=True)[0]
pair_of({v}, {v}, {v})
sign_of({v})
maybe({v}, True)
maybe({v}, FLAG=False)
nothing({v})
default_none({v})
default_none({v}, {v})
apply(add, {v}, {v})
apply({v}, {v}, {v})
keeps({v}, 3)
keeps({v}, {v})
keeps({v}, 2, tl.{d})
({v}, {v})
({v}, {n})[{i}]
({v}, ({v}, {n}))[1][0]
({v}, {v}) + ({v},)
len(({v}, {v}))
[{v}, {n}]
{v}.dtype
{v}.shape
{v}.shape[0]
{v}.numel
{v}.type
{v}.dtype == tl.{d}
{v}.dtype.is_floating()
{v}.dtype.primitive_bitwidth
{v}.shape[0] * 2
tl.constexpr({n})
tl.program_id({i})
tl.num_programs(0)
tl.rand({v}, {v})
tl.randint({i}, {v})
tl.randn({i}, tl.arange(0, 8))
tl.swizzle2d({v}, {v}, {i}, {i}, 2)
tl.multiple_of({v}, 8)
tl.max_contiguous({v}, {i})
float({n})
int({n})
float({v})
{v} is None
{v} is not None
isinstance({v}, tl.tensor)
isinstance({n}, int)
{v}.nope
tl.nope({v})
undefined_name
PLAIN + {v}
{n} ** {n}
{v} ** 2
{v} @ {v}
{v} < {v} < {v}
{v} in ({v},)
lambda x: x
[x for x in ({v}, {n})]
f"{{{n}}}"
{v}.item()
tl.device_assert({v})
tl.static_assert({n} == {n})
tl.static_assert({v}.dtype == tl.{d})
tl.assume({v})
tl.debug_barrier()
tl.store({p}, {v})
tl.store({p}, {v}, mask={c})
tl.store({p}, {n}, mask={v})
tl.store({v}, {v})
""".strip().split("\n")

STATEMENTS = """
{u} += {v}
{u} -= {n}
{u} //= {v}
{u} = {v}
{w} = {n}
{w}: tl.constexpr = {n}
{w}: tl.constexpr = {v}
{w}, {w} = {v}, {n}
{w}, {w} = {v}
{w} = {w2} = {v}
{w} = ({v}, {n})\n{x} = {w0}[1] {o} {v}
{w} = {n}\n{x} = {w0} {o} {v}
{w} = [{v}, {n}]\n{x} = {w0}[0] {o} {v}
{w} = Pair({v}, {n})\n{x} = {w0}.second {o} {v}
{w}, {w2} = pair_of({n}, {v})\n{x} = {w2} {o} {v}
{w} = {n}\nfor i in range(3):\n    {w0} += 1
{w} = {n}\nif {c}:\n    {w0} = {n}
{w} = ({v}, {v})\nfor i in range(3):\n    {w0} = ({w0}[1], {w0}[0])
{w} = None\nif {c}:\n    {w0} = {v}
{w} = {v}\nfor i in tl.static_range(3):\n    {w0} = {w0} {o} i
for i in range({n}, {n}):\n    {u} = i {o} {v}
for i in range({v}):\n    {w} = i\n    {u} = {v}
for i in range(3):\n    for j in range(i):\n        {u} += j
for i in tl.range(0, 8, {i}, num_stages=2):\n    {u} += {v}
if {c}:\n    if {c}:\n        {u} += {n}\n    else:\n        {u} = {v}
if {c} and {c}:\n    {u} += {n}
if {c} or not {c}:\n    {u} += {n}
if C == 4 and {c}:\n    {u} += {n}
while {c} and {c}:\n    {u} += {n}
({w}, {w}) = pair_of({v}, {n})
({w}, {w}) = tl.max({b}, {a}, return_indices=True)
for i in range({i}):\n    {u} = {u} + {v}
for i in range({i}):\n    {u} += {n}
for i in range({i}):\n    {u} = i
for i in range({v}):\n    {u} += i
for i in range({v}, {v}, {i}):\n    {w} = i + {v}
for i in tl.range({i}, {i}):\n    {u} = {u}.to(tl.{d})
for i in tl.static_range({i}):\n    {u} = {u} + i
for i in tl.static_range({v}):\n    {u} = {u} + i
for i in range(3):\n    {w} = {v}\n{x} = {w0}
for i in ({v}, {n}):\n    {u} += i
for i in range(2):\n    if {c}:\n        break
while {c}:\n    {u} = {u} + {n}
while {v}:\n    {u} -= 1
while {n}:\n    {u} -= 1
if {c}:\n    {u} = {u} + {v}
if {c}:\n    {u} = {v}\nelse:\n    {u} = {v}
if {c}:\n    {w} = {v}\nelse:\n    {w0} = {v}
if {c}:\n    {w} = {v}\n{x} = {w0}
if {v}:\n    {u} = {u} * 2
if {n}:\n    {u} = {v}
if {n}:\n    {w} = {v}\nelse:\n    {w0} = {n}
if {v} is None:\n    {u} = {u} + None
if {c}:\n    return
if {c}:\n    return\nelse:\n    {u} += 1
if {c}:\n    pass\nelif {c}:\n    {u} += {n}\nelse:\n    {u} -= {n}
for i in range(2):\n    return
assert {c}
assert {v}
assert {n}, "message"
{v}
{v}[0] = {v}
{v}.x = {v}
del {v}
import math
tl.static_print({v}, {n})
tl.device_print("x", {v})
print("x", {v}, {n})
with {v}:\n    pass
try:\n    pass\nexcept:\n    pass
global {w}
raise ValueError("x")
pass
""".strip().split("\n")

NUMBERS = ["0", "1", "2", "3", "-1", "-3", "7", "100", "255", "256", "-129", "65536", "2147483648", "4294967296", "-2147483649", "1.5", "-0.5", "0.0", "1e-3", "1e39",
           "True", "False", "None", "float('inf')", "1 == 1", "2 ** 3", "7 // 2", "-7 // 2", "-7 % 3", "C", "C + 1", "C * 1.5", "C == 4", "C / 2"]
PARAMETERS = [("si8", "i8"), ("si16", "i16"), ("si32", "i32"), ("si64", "i64"), ("su8", "u8"), ("su32", "u32"), ("su64", "u64"), ("sb", "u1"),
              ("sf", "fp32"), ("sh", "fp16"), ("sg", "bf16"), ("sd", "fp64"), ("p", "*fp32"), ("q", "*i32"), ("pi8", "*i8"), ("pb", "*i1"), ("ph", "*fp16")]
BLOCKS = {"bi8": "tl.full([8], 3, tl.int8)", "bi32": "tl.arange(0, 8)", "bi64": "tl.arange(0, 8).to(tl.int64)", "bu8": "tl.full([8], 3, tl.uint8)",
          "bu32": "tl.full([8], 3, tl.uint32)", "bf": "tl.full([8], 1.5, tl.float32)", "bh": "tl.full([8], 1.5, tl.float16)",
          "bg": "tl.full([8], 1.5, tl.bfloat16)", "bd": "tl.full([8], 1.5, tl.float64)", "bb": "tl.full([8], 1, tl.int1)",
          "mi32": "tl.full([16, 16], 2, tl.int32)", "mf": "tl.full([16, 16], 1.0, tl.float32)", "mh": "tl.full([16, 16], 1.0, tl.float16)",
          "mi8": "tl.full([16, 32], 1, tl.int8)", "mx": "tl.full([4, 8], 1.0, tl.float32)", "mb": "tl.full([4, 8], 1, tl.int1)", "t2": "tl.full([4, 2], 7, tl.int32)",
          "one": "tl.full([1], 5, tl.int32)", "cube": "tl.full([2, 4, 8], 1, tl.int16)", "f8": "tl.full([8], 1.0, tl.float32).to(tl.float8e5)",
          "bp": "p + tl.arange(0, 8)", "pair": "(tl.arange(0, 8), sf)"}
DTYPES = list(LANGUAGE.values())


def kernel(seed):
    r = random.Random(seed)
    count = [0]
    scope = [name for name, _ in PARAMETERS] + list(BLOCKS)
    fresh = []

    def fill(match):
        hole = match[1]
        if hole == "v":
            return r.choice(scope)
        if hole == "u":
            return r.choice([name for name in scope if name not in ("p", "q")])
        if hole == "b":
            return r.choice([name for name in BLOCKS if name not in ("pair", "bp")])
        if hole == "m":
            return r.choice(["mf", "mh", "mi8", "mx", "mi32"]) if r.random() < 0.4 else "mh"
        if hole == "p":
            return r.choice(["p", "q", "pi8", "pb", "ph", "bp", "(q + bi32)", "(ph + mi32)"])
        if hole == "c":
            return r.choice(["si32 > 0", "sb", "bb", "si32", "bi32 < 3", "C > 2", "sf < 0.5", "mb", "True"])
        if hole == "i":
            return r.choice(["0", "1", "2", "3", "4", "8", "-1", "C"])
        if hole == "f":
            return r.choice(["1.5", "0.0", "-2.5"])
        if hole == "n":
            return r.choice(NUMBERS)
        if hole == "a":
            return r.choice(["0", "0", "0", "1", "1", "2", "-1", "None"])
        if hole == "d":
            return r.choice(DTYPES)
        if hole == "s":
            return r.choice(["[8]", "[4, 2]", "[16, 16]", "(8,)", "[1, 8]", "[8, 1]", "[]", "[3]", "[2, 2, 2]", "[C, 2]", "8"])
        if hole == "o":
            return r.choice(OPERATORS)
        if hole in ("w", "x", "w2"):
            count[0] += 1
            fresh.append(f"w{count[0]}")
            return fresh[-1]
        if hole == "w0":
            return fresh[-1] if fresh else "w0"
        raise KeyError(hole)

    lines = []
    for _ in range(r.choice([1, 1, 2, 2, 3])):
        if r.random() < 0.6:
            template = r.choice(EXPRESSIONS)
            text = re.sub(r"(?<!{){(\w+)}", fill, template).replace("{{", "{").replace("}}", "}")
            count[0] += 1
            lines += [f"w{count[0]} = {text}", f"tl.static_print(w{count[0]})"]
            scope.append(f"w{count[0]}")
            scope.append(f"w{count[0]}")
        else:
            template = r.choice(STATEMENTS).replace("\\n", "\n")
            lines += re.sub(r"(?<!{){(\w+)}", fill, template).split("\n")
            lines += [f"tl.static_print({name})" for name in dict.fromkeys(re.findall(r"^ *(\w+) (?:.?=|//=) ", "\n".join(lines[-4:]), re.M)) if not name.startswith("C")][:1]
    text = "\n".join(lines)
    # Only what is read is bound: less to go wrong elsewhere.
    bound = [f"{name} = {value}" for name, value in BLOCKS.items() if re.search(rf"\b{name}\b", text)]
    name = f"wild_{seed}"
    parameters = ", ".join([p for p, _ in PARAMETERS] + ["C: tl.constexpr"])
    body = "\n".join("    " + line for line in bound + text.split("\n"))
    return name, f"@triton.jit\ndef {name}({parameters}):\n{body}\n", {**dict(PARAMETERS), "C": "constexpr"}


def valid(text):
    try:
        compile(text, "kernel", "exec")
        return True
    except SyntaxError:
        return False
