# extras.py - steps of kernels of seeds from a million on: what needs an allocator, a device library or memory of its own
# SPDX-License-Identifier: Apache-2.0
from model import FP8, LANGUAGE, WIDTH, Value, is_float, is_int
from operations import same

HELPERS = '''
from triton.language.extra import libdevice
'''
FIRST = 1_000_000


def descriptor(w):
    """A load through a descriptor of an array as a matrix, partly outside of it."""
    r = w.random
    ty = r.choice(["int32", "fp32", "int16", "fp16", "int8", "int64"])
    columns = r.choice([c for c in (32, 64) if c * WIDTH[ty] >= 128])
    rows = 256 // columns
    block = (r.choice([1, 2, 4, 8]), r.choice([n for n in (4, 8, 16, 32) if n * WIDTH[ty] >= 128 and n <= columns]))
    name = w.name("d")
    w.line(f"{name} = tl.make_tensor_descriptor({w.array(ty)}, [{rows}, {columns}], [{columns}, 1], [{block[0]}, {block[1]}])")
    step = 128 // WIDTH[ty]
    w.bind(f"{name}.load([{r.randrange(-1, rows)}, {r.randrange(-1, columns // step) * step}])", ty, block, **w.facts(ty))


def block_store(w):
    """A store through a block pointer, partly outside of its matrix, and the whole matrix after it."""
    r = w.random
    a = w.pick(lambda v: v.exact and len(v.shape) == 2 and v.numel <= 256 and v.type not in FP8 + ["int1"])
    if a is None or w.scratch + 2048 > 16384 or w.depth > 1:
        return
    pointer, name = w.name("p"), w.name("b")
    w.line(f"{pointer} = (scratch + {w.scratch}).to(tl.pointer_type(tl.{LANGUAGE[a.type]}))")
    w.scratch += 2048
    strides = r.choice(["(16, 1)", "(1, 16)"])
    w.line(f"{name} = tl.make_block_ptr({pointer}, (16, 16), {strides}, ({r.randrange(-3, 16)}, {r.randrange(-3, 16)}), {a.shape}, {r.choice(['(1, 0)', '(0, 1)'])})")
    w.line(f"tl.store({name}, {a.text}, boundary_check=(0, 1))")
    w.line("tl.debug_barrier()")
    facts = same(a)
    w.bind(f"tl.load({pointer} + tl.arange(0, 256))", a.type, (256, ), **facts)


def library(w):
    """A function of the device library."""
    r = w.random
    a = w.pick(lambda v: v.type in ("fp32", "fp64") and v.exact and v.tame and v.size <= 64)
    if a is None:
        return
    one = {"tanh": 1, "tan": None, "asin": None, "atan": 1, "sinh": None, "cosh": None, "asinh": 1, "expm1": None, "log1p": None, "cbrt": 1, "erfc": 1,
           "trunc": 1, "rint": 1, "round": 1, "nearbyint": 1, "floor": 1, "ceil": 1, "abs": 1, "exp10": None, "isnan": 1, "signbit": 1, "lgamma": None,
           "erfinv": None, "normcdf": 1, "rcbrt": None, "j0": 1, "sinpi": 1}
    name = r.choice([n for n, fine in one.items() if fine])
    if name in ("isnan", "signbit"):
        w.bind(f"(libdevice.{name}({a.text}) != 0)", "int1", a.shape)
    else:
        exact = name in ("trunc", "rint", "round", "nearbyint", "floor", "ceil", "abs")
        w.bind(f"libdevice.{name}({a.text})", a.type, a.shape, size=a.size + 1, grain=1.0 if exact and a.grain >= 0.25 else 0.0, exact=exact, steps=1)


def library_pair(w):
    r = w.random
    a = w.pick(lambda v: v.type in ("fp32", "fp64") and v.exact and v.tame and v.grain and v.size <= 64)
    b = a and w.pick(lambda v: v.type == a.type and v.shape == a.shape and v.exact and v.tame and v.grain)
    if b:
        name = r.choice(["copysign", "fmod", "hypot", "atan2", "fdim", "nextafter", "remainder"])
        exact = name in ("copysign", "fdim", "nextafter")
        second = f"(tl.abs({b.text}) + 1.0)" if name in ("fmod", "remainder") else b.text
        w.bind(f"libdevice.{name}({a.text}, {second})", a.type, a.shape, size=a.size + b.size, exact=exact, steps=1)


def counted_bits(w):
    a = w.pick(lambda v: v.exact and v.type in ("int32", "int64"))
    if a:
        name = w.random.choice(["clz", "popc", "ffs"] + (["brev"] if a.type == "int32" else []))
        w.bind(f"libdevice.{name}({a.text})", a.type if name == "brev" else "int32", a.shape)


def sorted_narrow(w):
    a = w.pick(lambda v: v.exact and v.tame and len(v.shape) == 1 and v.numel >= 4 and v.type not in FP8 + ["int1"] and (is_int(v.type) or is_float(v.type)))
    if a:
        w.bind(f"tl.topk({a.text}, 4)", a.type if WIDTH[a.type] >= 32 else "fp32" if is_float(a.type) else "int32", (4, ), keep=False, **same(a))


STEPS = [descriptor] * 3 + [block_store] * 3 + [library] * 4 + [library_pair] * 2 + [counted_bits] * 2 + [sorted_narrow]


def step(w):
    w.random.choice(STEPS)(w)
