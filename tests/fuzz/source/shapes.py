# shapes.py - random kernels of shape operations of up to five dims, of functions and of what they pass around, as source files
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives a Kernel as loops.py does. Every value is an integer (or a float that is one, where order does not matter), so that results are bits
that everybody agrees on."""
import random

import loops
from generate import CARRIER
from loops import Kernel
from model import LANGUAGE, WIDTH, Value

LIMIT = 1024  # elements of a tile
TYPES = ["int32", "int32", "int32", "int64", "int16", "int8", "uint8", "uint32", "uint64", "uint16", "int1"]

PRELUDE = '''from collections import namedtuple

import triton
import triton.language as tl

SEVEN = tl.constexpr(7)
SHIFTS: tl.constexpr = tl.constexpr((1, 3, 2))


class Pair(namedtuple("Pair", ["left", "right"])):
    pass


@triton.jit
def put(out, value, OFFSET: tl.constexpr, TYPE: tl.constexpr):
    tl.static_assert(value.dtype == TYPE)
    place = (out + OFFSET).to(tl.pointer_type(value.dtype))
    if value.type.is_block():
        tl.store(place + tl.arange(0, value.numel), tl.reshape(value, [value.numel]))
    else:
        tl.store(place, value)


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def either(a, b):
    return a ^ b


@triton.jit
def most(a, b):
    return tl.where(a > b, a, b)


@triton.jit
def three(a, b, c, d, e, f):
    return a + d, b ^ e, most(c, f)


@triton.jit
def last(a, i, b, j):
    return tl.where(j >= i, b, a), tl.where(j >= i, j, i)


@triton.jit
def affine(a, b, c, d):
    return a * c, b * c + d


@triton.jit
def swapped(pair):
    return pair[1], pair[0]


@triton.jit
def nested(pair, extra):
    first, second = swapped(swapped(pair))
    return (first, (second, extra)), extra


@triton.jit
def fields(p, N: tl.constexpr):
    if N > 1:
        return Pair(p.right + N, p.left)
    return Pair(p.left, p.right ^ N)


@triton.jit
def times(x, N: tl.constexpr):
    if N == 0:
        return x * 0
    elif N % 2 == 1:
        return times(x, N - 1) + x
    else:
        return times(x, N // 2) * 2


@triton.jit
def early(x, n):
    if n == 0:
        return x
    if n < 0:
        return x + 1
    x = x * 3
    if n > 3:
        return x - 1
    else:
        x += n
    return x


@triton.jit(noinline=True)
def called(x, n):
    return x * SEVEN + n


@triton.jit
def reached(x, n):
    total = x
    step = 0
    while step < n:
        total += step
        step += 1
        if step == 2:
            total = total ^ SHIFTS[1]
    return total, step


@triton.jit
def applied(function: tl.constexpr, x, times_: tl.constexpr = 2):
    for _ in tl.static_range(times_):
        x = function(x, x)
    return x
'''


class Writer(loops.Writer):
    def __init__(self, seed):
        super().__init__(seed)
        self.random = random.Random(f"shapes {seed}")
        self.values = []

    def add(self, text, ty, shape):
        self.values.append(Value(self.bind(text), ty, tuple(shape)))
        return self.values[-1]

    def pick(self, accept=lambda v: v.shape != ()):
        found = [v for v in self.values if accept(v)]
        return found[-1 - min(int(self.random.expovariate(0.3)), len(found) - 1)] if found else None

    def shape(self, count=None):
        """Extents whose product is ``count``, or any up to the limit; one to five of them."""
        r = self.random
        bits = r.randrange(0, 11) if count is None else count.bit_length() - 1
        rank = r.choice([1, 2, 2, 3, 3, 4, 5])
        extents = [0] * rank
        for _ in range(bits):
            extents[r.randrange(rank)] += 1
        return tuple(1 << e for e in extents)

    def load(self, ty=None, shape=None):
        r = self.random
        ty = ty or r.choice(TYPES)
        shape = self.shape() if shape is None else shape
        array = next((a for a, t, kind in self.arrays if (t, kind) == (ty, "any") and r.random() < 0.5), None) or self.array(ty, "any")
        if len(shape) == 1 and shape[0] > 1 and r.random() < 0.5:
            return self.add(f"tl.load({array} + tl.arange(0, {shape[0]}) + {r.randrange(64)})", ty, shape)
        places = []
        order, stride = list(range(len(shape))), 1
        if r.random() < 0.4:
            r.shuffle(order)
        for axis in reversed(order):
            index = ", ".join(":" if i == axis else "None" for i in range(len(shape)))
            places.append(f"tl.arange(0, {shape[axis]})[{index}] * {stride}" if len(shape) > 1 else f"tl.arange(0, {shape[axis]})")
            stride *= shape[axis]
        at = " + ".join(places)
        if r.random() < 0.3:
            return self.add(f"tl.load({array} + ({at}), mask=({at}) < {r.randrange(stride + 1)}, other={r.randrange(2)})", ty, shape)
        return self.add(f"tl.load({array} + ({at}))", ty, shape)

    def put(self, value):
        size = max(1, WIDTH[value.type] // 8) * value.numel
        if self.offset + size > loops.SLOTS:
            return
        self.line(f"put(out, {value.text}, {self.offset}, tl.{LANGUAGE[value.type]})")
        self.puts[self.offset] = value
        self.offset += (size + 15) // 16 * 16


def summed(ty):
    """What sums make of a type."""
    return "int32" if ty in ("int8", "int16", "int1") else "uint32" if ty in ("uint8", "uint16") else ty


def wide(ty):
    """What max and min make of a type."""
    return "int32" if WIDTH[ty] < 32 else ty


# Steps. Each binds values, or nothing where nothing fits.
def reshaped(w):
    v = w.pick()
    shape = w.shape(v.numel)
    text = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    w.add(w.any(f"tl.reshape({v.text}, {text})", f"{v.text}.reshape({text})", f"tl.ravel({v.text}).reshape({text})"), v.type, shape)


def permuted(w):
    v = w.pick(lambda v: len(v.shape) > 1)
    if v:
        order = list(range(len(v.shape)))
        w.random.shuffle(order)
        w.add(w.any(f"tl.permute({v.text}, {tuple(order)})", f"tl.trans({v.text}, {', '.join(map(str, order))})"), v.type, [v.shape[i] for i in order])


def expanded(w):
    v = w.pick(lambda v: v.shape != () and len(v.shape) < 5)
    if v:
        axis = w.random.randrange(len(v.shape) + 1)
        shape = v.shape[:axis] + (1, ) + v.shape[axis:]
        index = ", ".join("None" if i == axis else ":" for i in range(len(shape)))
        one = w.add(w.any(f"tl.expand_dims({v.text}, {axis})", f"{v.text}[{index}]"), v.type, shape)
        to = w.any(1, 2, 4)
        if v.numel * to <= LIMIT:
            wide = shape[:axis] + (to, ) + shape[axis + 1:]
            w.add(f"tl.broadcast_to({one.text}, {wide})", v.type, wide)


def joined(w):
    v = w.pick(lambda v: v.shape != () and len(v.shape) < 5 and v.numel * 2 <= LIMIT)
    u = v and (w.pick(lambda u: u.type == v.type and u.shape == v.shape) or v)
    if v:
        if w.chance(0.5):
            w.add(f"tl.join({v.text}, {u.text})", v.type, v.shape + (2, ))
        else:
            w.add(f"tl.interleave({v.text}, {u.text})", v.type, v.shape[:-1] + (v.shape[-1] * 2, ))


def halved(w):
    v = w.pick(lambda v: v.numel >= 2 and v.shape != ())
    if v:
        if v.shape[-1] != 2 or len(v.shape) < 2:
            v = w.add(f"tl.reshape({v.text}, ({v.numel // 2}, 2))", v.type, (v.numel // 2, 2))
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = {w.any(f'tl.split({v.text})', f'{v.text}.split()')}")
        w.values += [Value(one, v.type, v.shape[:-1]), Value(two, v.type, v.shape[:-1])]


def together(w):
    """Cat gives its elements in any order: sorted, they are the same."""
    v = w.pick(lambda v: len(v.shape) == 1 and v.numel * 2 <= LIMIT and v.type != "int1")
    u = v and w.pick(lambda u: u.type == v.type and u.shape == v.shape)
    if v:
        w.add(f"tl.sort(tl.cat({v.text}, {u.text}, can_reorder=True))", v.type, (v.numel * 2, ))


def gathered(w):
    v = w.pick(lambda v: v.type != "int1" and v.shape != ())
    if v:
        axis = w.random.randrange(len(v.shape))
        shape = list(v.shape)
        if w.chance(0.4) and v.numel * 2 <= LIMIT:
            shape[axis] = w.any(1, 2, shape[axis] * 2, max(1, shape[axis] // 2))
        index = w.load("int32", tuple(shape))
        w.add(f"tl.gather({v.text}, {index.text} & {v.shape[axis] - 1}, {axis})", v.type, shape)


def ordered(w):
    v = w.pick(lambda v: v.shape != () and v.type != "int1")
    if v:
        form = w.random.randrange(4)
        if form == 0:
            w.add(f"tl.sort({v.text}{w.any('', ', descending=True', f', {len(v.shape) - 1}')})", v.type, v.shape)
        elif form == 1 and v.shape[-1] >= 2:
            k = w.any(*[1 << i for i in range(1, v.shape[-1].bit_length())])
            w.add(f"tl.topk({v.text}, {k})", wide(v.type) if k < v.shape[-1] else v.type, v.shape[:-1] + (k, ))
        else:
            w.add(f"tl.flip({v.text}, {w.random.randrange(len(v.shape))})", v.type, v.shape)


def reduced(w):
    v = w.pick(lambda v: v.shape != () and v.type != "int1")
    if not v:
        return
    axis = w.random.randrange(len(v.shape))
    shape = v.shape[:axis] + v.shape[axis + 1:]
    kept = v.shape[:axis] + (1, ) + v.shape[axis + 1:]
    form = w.random.randrange(7)
    if form == 0:
        keep = w.chance(0.4)
        name, ty = w.any(("sum", summed(v.type)), ("xor_sum", v.type), ("max", wide(v.type)), ("min", wide(v.type)), ("or", v.type))
        text = f"tl.reduce({v.text}, {axis}, most{', keep_dims=True' if keep else ''})" if name == "or" else f"tl.{name}({v.text}, {axis}{', keep_dims=True' if keep else ''})"
        w.add(text, ty, kept if keep else shape)
    elif form == 1:
        name = w.any("argmax", "argmin")
        w.add(f"tl.{name}({v.text}, {axis}{w.any('', ', keep_dims=False')})", "int32", shape)
    elif form == 2:
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = tl.{w.any('max', 'min')}({v.text}, {axis}, return_indices=True)")
        w.values += [Value(one, v.type, shape), Value(two, "int32", shape)]
    elif form == 3:
        names = [w.name() for _ in range(3)]
        others = [w.pick(lambda u: u.shape == v.shape and u.type != "int1") for _ in range(2)]
        w.line(f"{', '.join(names)} = tl.reduce(({v.text}, {others[0].text}, {others[1].text}), {axis}, three{', keep_dims=True' if w.chance(0.3) else ''})")
        keep = "keep_dims" in w.lines[-1]
        w.values += [Value(name, u.type, kept if keep else shape) for name, u in zip(names, [v, *others])]
    elif form == 4:
        function = w.any("plus", "either", "most")
        w.add(f"tl.associative_scan({v.text}, {axis}, {function}{w.any('', ', reverse=True')})", v.type, v.shape)
    elif form == 5:
        one, two = w.name(), w.name()
        u = w.pick(lambda u: u.shape == v.shape and u.type == v.type)
        w.line(f"{one}, {two} = tl.associative_scan(({v.text}, {u.text}), {axis}, {w.any('affine', 'last')}{w.any('', ', reverse=True')})")
        w.values += [Value(one, v.type, v.shape), Value(two, u.type, v.shape)]
    else:
        name, ty = w.any(("cumsum", summed(v.type)), ("cumprod", v.type))
        w.add(f"tl.{name}({v.text}, {axis}{w.any('', ', reverse=True')})", ty, v.shape)


def whole(w):
    v = w.pick(lambda v: v.shape != () and v.type != "int1")
    if v:
        w.add(*w.any((f"tl.sum({v.text})", summed(v.type)), (f"tl.max({v.text})", wide(v.type)), (f"tl.reduce({v.text}, None, plus)", v.type)), ())


def counted(w):
    v = w.pick(lambda v: len(v.shape) == 1 and v.type in ("int32", "uint32"))
    if v:
        bins = w.any(2, 8, 16, 64)
        mask = w.pick(lambda m: m.type == "int1" and m.shape == v.shape)
        w.add(f"tl.histogram({v.text} & {bins - 1}, {bins}{f', mask={mask.text}' if mask else ''})", "int32", (bins, ))


def arithmetic(w):
    v = w.pick(lambda v: v.type != "int1")
    if not v:
        return
    u = w.pick(lambda u: u.type == v.type and u.shape == v.shape)
    shift = WIDTH[v.type] - 1
    w.add(w.any(f"{v.text} + {u.text}", f"{v.text} * {u.text}", f"{v.text} ^ {u.text}", f"{v.text} - {u.text}", f"tl.where({v.text} > {u.text}, {v.text}, {u.text})",
                f"{v.text} << ({u.text} & {shift})", f"{v.text} >> ({u.text} & {shift})", f"~{v.text}", f"tl.maximum({v.text}, {u.text})", f"-{v.text}" if not v.type.startswith("u") else f"{v.text} & 15",
                f"tl.umulhi({v.text}, {u.text})" if v.type in ("int32", "uint32", "int64", "uint64") else f"{v.text} | {u.text}", f"{v.text} // (({u.text} & 7) + 3)", f"{v.text} % (({u.text} & 7) + 3)"), v.type, v.shape)


def compared(w):
    v = w.pick(lambda v: v.type != "int1")
    u = v and w.pick(lambda u: u.type == v.type and u.shape == v.shape)
    if v:
        w.add(f"{v.text} {w.any('<', '<=', '==', '!=', '>', '>=')} {u.text}", "int1", v.shape)


def cast(w):
    v = w.pick(lambda v: True)
    ty = w.any(*TYPES[:10])
    w.add(f"{v.text}.to(tl.{LANGUAGE[ty]})", ty, v.shape)


def chosen(w):
    c = w.pick(lambda v: v.type == "int1" and v.shape != ())
    v = c and w.pick(lambda v: v.shape == c.shape and v.type != "int1")
    u = v and w.pick(lambda u: u.shape == c.shape and u.type == v.type)
    if v:
        w.add(f"tl.where({c.text}, {v.text}, {u.text})", v.type, v.shape)


def scalar(w):
    """A scalar that no compiler knows, small."""
    v = w.pick(lambda v: v.shape == () and v.type == "int32")
    if v and w.chance(0.5):
        return w.add(f"{v.text} % 5", "int32", ())
    return w.add(f"tl.load({next((a for a, t, kind in w.arrays if (t, kind) == ('int32', 'any')), None) or w.array('int32', 'any')} + {w.random.randrange(64)}) % {w.any(2, 5)}", "int32", ())


def function(w):
    v = w.pick(lambda v: v.type != "int1")
    if not v:
        return
    u = w.pick(lambda u: u.type == v.type and u.shape == v.shape)
    form = w.random.randrange(9)
    if form == 0:
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = swapped(({v.text}, {u.text}))")
        w.values += [Value(one, v.type, v.shape), Value(two, v.type, v.shape)]
    elif form == 1:
        name = w.name("t")
        w.line(f"{name} = nested(({v.text}, {u.text}), {v.text})")
        w.values += [Value(f"{name}[0][1][0]", v.type, v.shape), Value(f"{name}[1]", v.type, v.shape)]
    elif form == 2:
        name = w.name("t")
        w.line(f"{name} = fields(Pair({v.text}, {u.text}), {w.any(0, 1, 2, 5)})")
        w.values += [Value(f"{name}.left", v.type, v.shape), Value(f"{name}.right", v.type, v.shape)]
    elif form == 3:
        w.add(f"times({v.text}, {w.any(0, 1, 2, 5, 6, 11)})", v.type, v.shape)
    elif form == 4:
        v = w.add(f"{v.text}.to(tl.int64)", "int64", v.shape)
        w.add(f"early({v.text}, {scalar(w).text})", v.type, v.shape)
    elif form == 5:
        s = scalar(w)
        w.add(f"called({s.text}, {s.text} + 1)", "int32", ())
    elif form == 6:
        v = w.add(f"{v.text}.to(tl.int64)", "int64", v.shape)
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = reached({v.text}, {scalar(w).text})")
        w.values += [Value(one, v.type, v.shape), Value(two, "int32", ())]
    elif form == 7:
        w.add(f"applied({w.any('plus', 'most', 'either')}, {v.text}{w.any('', ', 3', ', times_=1')})", v.type, v.shape)
    else:
        w.add(f"called({scalar(w).text}, {scalar(w).text})", "int32", ())


def loop(w):
    """A tuple, or names, that each round changes."""
    v = w.pick(lambda v: v.type != "int1" and v.shape != ())
    u = v and w.pick(lambda u: u.type == v.type and u.shape == v.shape)
    if not v:
        return
    n = scalar(w).text
    name, other = w.name("c"), w.name("c")
    forms = [lambda a, b: f"{a}, {b} = {b}, {a} + 1", lambda a, b: f"{a} = tl.flip({a}, 0)", lambda a, b: f"{b} = tl.associative_scan({a}, 0, either)", lambda a, b: f"{a} = {a} ^ {b}",
             lambda a, b: f"{b} = tl.where({a} > {b}, {a}, {b})", lambda a, b: f"{a}, {b} = swapped(({a}, {b}))", lambda a, b: f"{a} = tl.reshape(tl.ravel({a}), {list(v.shape)})",
             lambda a, b: f"{b} = {b} + tl.sum({a}, 0, keep_dims=True).to({b}.dtype)"]
    w.line(f"{name} = {v.text}")
    w.line(f"{other} = {u.text}")
    step = w.random.choice(forms)(name, other)
    more = w.random.choice(forms)(other, name)

    def body():
        w.line(step)
        if w.chance(0.5):
            w.inside(f"if i {w.any('> 0', '== 1', '% 2 == 0')}:", lambda: w.line(more))
            if w.chance(0.5):
                w.inside("else:", lambda: w.line(f"{name} = {name} + 1"))

    if w.chance(0.3):
        w.line("i = 0")
        w.inside(f"while i < {n}:", lambda: (body(), w.line("i += 1")))
    else:
        w.inside(f"for i in {w.any('range', 'tl.range')}({n}):", body)
    w.values += [Value(name, v.type, v.shape), Value(other, v.type, v.shape)]


STEPS = ([reshaped] * 4 + [permuted] * 4 + [expanded] * 3 + [joined] * 3 + [halved] * 3 + [together] + [gathered] * 3 + [ordered] * 3 + [reduced] * 8 + [whole] + [counted] +
         [arithmetic] * 4 + [compared] * 2 + [cast] * 2 + [chosen] * 2 + [function] * 5 + [loop] * 2)


def kernel(seed):
    w = Writer(seed)
    for _ in range(w.any(2, 3)):
        w.load()
    for _ in range(w.random.randrange(4, 14)):
        before = len(w.values)
        w.random.choice(STEPS)(w)
        for value in w.values[before:]:
            if w.chance(0.6):
                w.put(value)
    w.put(w.values[-1])
    name = f"kernel_{seed}"
    start = [f"    {array} = {array}.to(tl.pointer_type(tl.{LANGUAGE[ty]}))" for array, ty, _ in w.arrays if ty in CARRIER]
    text = "\n".join([f"@triton.jit\ndef {name}({', '.join(['out'] + [a[0] for a in w.arrays])}):"] + start + w.lines) + "\n"
    return Kernel(name, text, w.arrays, [], {}, (1, 1), {"num_warps": w.any(1, 2, 4, 4, 8, 16), "enable_fp_fusion": False}, w.puts)


def file_text(kernels):
    return PRELUDE + "".join("\n\n" + one.text for one in kernels)


cases = loops.cases
