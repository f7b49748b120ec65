# generate.py - random kernels as source files
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives a Kernel: the text of a jit function over the helpers of ``PRELUDE``, what to launch it with, and the
values that it puts into its output. Nothing in it is undefined: divisors are not zero, shifts stay below the width, floats are
clamped before they become integers, NaN reaches nothing whose result depends on the order of operations."""
import random
from dataclasses import dataclass

import control
import extras
import features
import operations
from model import ELEMENTS, FLOATS, FP8, INTS, LANGUAGE, SIGNATURE, Value, is_float, literal_type

# Types that no framework need know: the kernel gives the pointer its type.
CARRIER = {"bf16": "uint16", "fp8e5": "uint8", "fp8e4nv": "uint8"}
SLOTS = 16384  # bytes a program may put

PRELUDE = '''import triton
import triton.language as tl


@triton.jit
def put(out, value, OFFSET: tl.constexpr):
    tl.static_print("put", OFFSET, value.type)
    place = (out + OFFSET).to(tl.pointer_type(value.dtype))
    if value.type.is_block():
        tl.store(place + tl.arange(0, value.numel), tl.reshape(value, [value.numel]))
    else:
        tl.store(place, value)


@triton.jit
def add(a, b):
    return a + b


@triton.jit
def larger(a, b):
    return tl.where(a > b, a, b)


@triton.jit
def first_largest(a, i, b, j):
    take = (a > b) | ((a == b) & (i < j))
    return tl.where(take, a, b), tl.where(take, i, j)


@triton.jit
def affine(a, b, c, d):
    return a * c, b * c + d


@triton.jit
def twice(x, scale=2, add: tl.constexpr = 1):
    return x * scale + add


@triton.jit
def pick(pair, INDEX: tl.constexpr):
    return pair[INDEX]


@triton.jit
def both(a, b, SWAP: tl.constexpr = False):
    if SWAP:
        return b, a
    return a, b


@triton.jit
def early(x, n):
    if n > 2:
        return x + 1
    return x - 1


@triton.jit
def apply(function: tl.constexpr, a, b):
    return function(a, b)
'''


@dataclass
class Kernel:
    """A generated kernel: ``text``, the function ``name``; ``arrays``: (parameter, type, "tame" | "special"); ``scalars``: (parameter,
    type, value); ``constants``: {parameter: value}; ``grid``, ``warps``; ``puts``: offset -> the Value put there."""
    name: str
    text: str
    arrays: list
    scalars: list
    constants: dict
    grid: tuple
    warps: int
    puts: dict

    @property
    def signature(self):
        return {"out": "*u8", "scratch": "*u8", **{name: "*" + SIGNATURE[CARRIER.get(ty, ty)] for name, ty, _ in self.arrays},
                **{name: "constexpr" if n == 1 and ty == "int32" else SIGNATURE[ty] if ty != "int1" else "u1" for name, ty, n in self.scalars},
                **{name: "constexpr" for name in self.constants}}


class Writer:
    """The kernel being written: its lines, the values in scope and the choices."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wide = seed >= extras.FIRST  # more is drawn from, which would rename the kernels of older seeds
        self.units = []
        self.lines, self.depth = [], 1
        self.values = []
        self.count, self.offset, self.scratch = 0, 0, 0
        self.puts = {}
        self.arrays, self.scalars, self.constants = [], [], {}
        self.helpers = []

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    def name(self, prefix="v"):
        self.count += 1
        return f"{prefix}{self.count}"

    def bind(self, text, ty, shape=(), keep=True, **facts):
        """Assigns an expression to a new name."""
        name = self.name()
        self.line(f"{name} = {text}")
        value = Value(name, ty, tuple(shape), **facts)
        if keep:
            self.values.append(value)
        return value

    def pick(self, accept=lambda value: True):
        """A value in scope, newer ones rather; None where none will do."""
        found = [value for value in self.values if accept(value)]
        if not found:
            return None
        return found[-1 - min(int(self.random.expovariate(0.25)), len(found) - 1)]

    def put(self, value):
        """Stores a value where the drivers look for it."""
        size = 8 * value.numel
        if self.offset + size > SLOTS or value.type is None:
            return
        self.line(f"put(out, {value.text}, {self.offset})")
        self.puts[self.offset] = value
        self.offset += size

    def put_untyped(self, name, shape):
        """Stores integers whose width the operation chose."""
        self.put(Value(name, "any", shape))

    # What kernels read.
    def array(self, ty, special=False):
        for name, have, kind in self.arrays:
            if have == ty and kind == ("special" if special else "tame") and self.random.random() < 0.7:
                return name
        name = f"x{len(self.arrays)}"
        self.arrays.append((name, ty, "special" if special else "tame"))
        return name

    def shape(self, rank=None):
        rank = self.random.choice([1, 1, 2, 2, 3]) if rank is None else rank
        largest = 1024 if self.random.random() < 0.15 else 256
        while True:
            shape = tuple(self.random.choice([1, 2, 4, 8, 16, 32, 64] if rank > 1 else [1, 2, 8, 16, 32, 64, 128, 512, 1024]) for _ in range(rank))
            product = 1
            for n in shape:
                product *= n
            if product <= largest:
                return shape

    def places(self, shape):
        """The text of row-major element numbers of a shape."""
        if len(shape) == 1:
            return f"tl.arange(0, {shape[0]})"
        terms, stride = [], 1
        for axis in reversed(range(len(shape))):
            index = ", ".join(":" if i == axis else "None" for i in range(len(shape)))
            terms.append(f"tl.arange(0, {shape[axis]})[{index}]" + (f" * {stride}" if stride > 1 else ""))
            stride *= shape[axis]
        return " + ".join(reversed(terms))

    def facts(self, ty, special=False):
        if not is_float(ty):
            return {}
        if special:
            return {"size": float("inf"), "grain": 0.0}
        return {"size": 8.0, "grain": 1.0} if ty in FP8 else {"size": 8.0, "grain": 0.25}

    def load(self, ty=None, shape=None, special=None):
        r = self.random
        ty = ty or r.choice(INTS + INTS + FLOATS * 2 + ["int1"] + FP8[:1])
        special = r.random() < 0.15 and is_float(ty) and ty not in FP8 if special is None else special
        array = self.array(ty, special)
        if shape is None:
            shape = () if r.random() < 0.15 else self.shape()
        if shape == ():
            return self.bind(f"tl.load({array} + {r.randrange(ELEMENTS)})", ty, (), **self.facts(ty, special))
        count = 1
        for n in shape:
            count *= n
        if count > ELEMENTS:
            return self.bind(f"tl.load({array} + (({self.places(shape)}) & {ELEMENTS - 1}))", ty, shape, **self.facts(ty, special))
        start = r.randrange(ELEMENTS - count + 1)
        places = self.places(shape) + (f" + {start}" if start else "")
        form = r.randrange(6)
        if form == 0 and ty not in FP8 + ["int1"]:
            limit = r.randrange(ELEMENTS + 1)
            other = r.choice(["0", "1", "-1" if is_float(ty) or not ty.startswith("u") else "2", "1.5" if is_float(ty) else "3"])
            return self.bind(f"tl.load({array} + ({places}), mask=({places}) < {limit}, other={other})", ty, shape, **self.facts(ty, special))
        if form == 1 and len(shape) <= 2:
            return self.block_pointer(array, ty, shape, special)
        return self.bind(f"tl.load({array} + ({places}))", ty, shape, **self.facts(ty, special))

    def block_pointer(self, array, ty, shape, special):
        r = self.random
        pointer = self.name("b")
        if len(shape) == 1:
            full, strides, offsets = (ELEMENTS, ), (1, ), (r.randrange(-4, ELEMENTS), )
            text = f"tl.make_block_ptr({array}, ({full[0]},), (1,), ({offsets[0]},), ({shape[0]},), (0,))"
            check = "(0,)"
        else:
            rows = 8
            full, strides = (rows, ELEMENTS // rows), (ELEMENTS // rows, 1)
            if r.random() < 0.3:
                full, strides = full[::-1], strides[::-1]
            offsets = tuple(r.randrange(-2, n) for n in full)
            text = f"tl.make_block_ptr({array}, {full}, {strides}, {offsets}, {shape}, (1, 0))"
            check = "(0, 1)"
        self.line(f"{pointer} = {text}")
        if r.random() < 0.3:
            steps = "(" + ", ".join(str(r.randrange(-3, 4)) for _ in shape) + ("," if len(shape) == 1 else "") + ")"
            self.line(f"{pointer} = tl.advance({pointer}, {steps})")
        nan = is_float(ty) and ty not in FP8 and r.random() < 0.2
        facts = self.facts(ty, special)
        if nan:
            facts = self.facts(ty, True)
        padding = "nan" if nan else "zero"
        return self.bind(f'tl.load({pointer}, boundary_check={check}, padding_option="{padding}")', "int8" if ty == "int1" else ty, shape, **facts)

    def scalar(self):
        """A scalar parameter."""
        r = self.random
        ty = r.choice(["int32", "int32", "int64", "uint64", "fp32"] * 3 + ["int1"])
        name = f"s{len(self.scalars)}"
        number = {"int32": lambda: r.choice([0, 2, 3, 7, 16, -1, -5, 100, 2**31 - 1, -2**31]), "int64": lambda: r.choice([2**31, 2**40 + 3, -2**35]),
                  "uint64": lambda: r.choice([2**63, 2**64 - 1]), "fp32": lambda: r.choice([0.5, -1.25, 2.0, 0.0, 3.0]),
                  "int1": lambda: r.random() < 0.5}[ty]()
        if self.wide and ty == "int32" and self.random.random() < 0.3:
            # An argument that is 1 is a constant of the kernel.
            self.scalars.append((name, ty, 1))
            self.units.append(Value(name, ty, (), size=1.0, grain=1.0, number=1))
            return self.units[-1]
        self.scalars.append((name, ty, number))
        value = Value(name, ty, (), **(dict(size=8.0, grain=0.25) if ty == "fp32" else {}))
        self.values.append(value)
        return value

    def constant(self):
        r = self.random
        name = f"C{len(self.constants)}"
        number = r.choice([0, 1, 2, 3, 5, 8, -1, -3, 100, 0.5, -1.5, 2.0, True])
        self.constants[name] = number
        return Value(name, literal(number).type, (), size=abs(float(number)), grain=0.25, number=number)


def literal(number):
    text = repr(number)
    return Value(f"({text})" if text.startswith("-") else text, literal_type(number), (), size=abs(float(number)), grain=0.25, number=number)


def kernel(seed, steps=None):
    """The kernel of a seed; ``steps``: how many operations beside the first loads, 3 to 11 where it is None."""
    writer = Writer(seed)
    r = writer.random
    steps = steps or r.randrange(3, 12)
    for _ in range(r.randrange(0, 3)):
        writer.scalar()
    for _ in range(r.randrange(2, 4)):
        writer.load()
    if r.random() < 0.5:
        writer.bind(r.choice(["tl.program_id(0)", "tl.program_id(1)", "tl.num_programs(0)"]), "int32")
    for _ in range(steps):
        before = len(writer.values)
        if r.random() < 0.16:
            control.step(writer)
        elif seed >= extras.FIRST and r.random() < 0.3:
            extras.step(writer)
        elif r.random() < 0.12:
            writer.load()
        elif r.random() < 0.25:
            features.step(writer)
        else:
            operations.step(writer)
        for value in writer.values[before:]:
            if r.random() < 0.7:
                writer.put(value)
    if not writer.puts:
        writer.put(writer.values[-1])
    name = f"kernel_{seed}"
    parameters = ["out", "scratch"] + [a[0] for a in writer.arrays] + [s[0] for s in writer.scalars]
    parameters += [f"{name}: tl.constexpr" for name in writer.constants]
    start = ["    here = tl.program_id(0) + tl.num_programs(0) * tl.program_id(1)", f"    out += here * {SLOTS}", f"    scratch += here * {SLOTS}"]
    start += [f"    {name} = {name}.to(tl.pointer_type(tl.{LANGUAGE[ty]}))" for name, ty, _ in writer.arrays if ty in CARRIER]
    text = "\n".join([f"@triton.jit\ndef {name}({', '.join(parameters)}):"] + start + writer.lines) + "\n"
    return Kernel(name, "\n\n".join(writer.helpers + [text]), writer.arrays, writer.scalars, writer.constants, r.choice([(1, 1), (2, 1), (1, 2), (2, 2)]), r.choice([1, 2, 4, 4, 8]), writer.puts)


def file_text(kernels):
    return extras.HELPERS.strip() + "\n" + PRELUDE + "\n" + features.HELPERS + "".join("\n\n" + one.text for one in kernels)


def portable(value):
    """Whether all targets put the same bits."""
    return value.exact and not (value.type in FP8 and not value.size <= 400)


def cases(kernels):
    """What the drivers need to launch the kernels of a file and to judge them."""
    return [{"name": k.name, "arrays": k.arrays, "scalars": k.scalars, "constants": k.constants, "grid": list(k.grid), "warps": k.warps, "bytes": SLOTS,
             "signature": k.signature, "constexprs": {**k.constants, **{name: n for name, ty, n in k.scalars if ty == "int32" and n == 1}},
             "puts": [[offset, value.type, list(value.shape), value.exact, portable(value)] for offset, value in k.puts.items()]} for k in kernels]


if __name__ == "__main__":
    import json
    import sys
    # FIRST COUNT BASE [FIRST COUNT]…: writes BASE.py, BASE.cases.json for launch.py and BASE.json for front.py.
    base, numbers = sys.argv[3], [int(n) for n in sys.argv[1:3] + sys.argv[4:]]
    made = [kernel(seed) for first, count in zip(numbers[::2], numbers[1::2]) for seed in range(first, first + count)]
    with open(base + ".py", "w") as file:
        file.write(file_text(made))
    for suffix, content in ((".cases.json", cases(made)), (".json", {"file": base + ".py", "cases": cases(made)})):
        with open(base + suffix, "w") as file:
            json.dump(content, file)
