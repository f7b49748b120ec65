# features.py - steps of a random kernel that use what few kernels use
# SPDX-License-Identifier: Apache-2.0
from model import ELEMENTS, FP8, INTS, LANGUAGE, WIDTH, Value, broadcast, is_float, is_int, is_signed, literal_type, promote
from operations import LIMIT, fine, float_facts, numel, same

# Functions that kernels may map over elements; branches in them are real ones.
HELPERS = '''
@triton.jit
def collatz(x):
    if x % 2 == 0:
        return x // 2
    else:
        return x * 3 + 1


@triton.jit
def order(a, b):
    if a > b:
        return b, a
    else:
        return a, b


@triton.jit
def sum_and_xor(a, b, c, d):
    return a + c, b ^ d


@triton.jit
def power(x, N: tl.constexpr):
    if N == 0:
        return x * 0 + 1
    else:
        return power(x, N - 1) * x


@triton.jit
def count_down(x, n):
    while n > 0:
        x = x + n
        n -= 1
    return x
'''


def integers(w, accept=lambda v: True):
    return w.pick(lambda v: v.exact and is_int(v.type) and v.type != "int1" and accept(v))


def folded(w):
    """An operation with a number that is an expression of numbers: folded as Python folds it."""
    r = w.random
    a = w.pick(lambda v: v.exact and v.type not in FP8 + ["int1"])
    if a is None:
        return
    names = {name: number for name, number in w.constants.items() if not isinstance(number, bool)}
    pool = ["7 // -2", "-7 % 3", "2 ** 3", "1 << 4", "~5", "7 / 2", "3 * 2 - 1", "-7 // 2", "10 % 4 * 2", "5 & 3", "6 ^ 3", "-(-4)", "True + 1", "3 > 2", "1 if 3 > 2 else 0",
            "len((1, 2, 3))", "int(3.7)", "float(2)", "min(3, 2)", "max(3, 2, 5)", "7.5 // 2", "-7.5 % 2"]
    pool += [f"{name} * 2 + 1" for name in names] + [f"{name} // 2" for name in names] + [f"-{name}" for name in names]
    text = r.choice(pool)
    n = eval(text, {"__builtins__": {"len": len, "int": int, "float": float, "min": min, "max": max}}, dict(names))
    b = Value(f"({text})", literal_type(n), (), size=abs(float(n)), grain=0.25, number=n)
    op = r.choice(["+", "-", "*", "<", ">="] + (["&", "|"] if is_int(a.type) and is_int(b.type) else []))
    if op in ("<", ">="):
        w.bind(f"{a.text} {op} {b.text}", "int1", a.shape)
        return
    ty = promote(a.type, b.type, False, True)
    if ty is None or not fine(a, b, ty):
        return
    text = f"{a.text} {op} {b.text}" if r.random() < 0.6 else f"{b.text} {op} {a.text}"
    facts = float_facts("*" if op == "*" else "+", ty, a, b) if is_float(ty) else {}
    w.bind(text, ty, a.shape, **facts)


def augmented(w):
    a = integers(w)
    if a is None:
        return
    b = integers(w, lambda v: broadcast(a.shape, v.shape) == a.shape and is_signed(v.type) == is_signed(a.type) and WIDTH[v.type] <= WIDTH[a.type])
    name = w.name()
    op = w.random.choice(["+", "-", "*", "&", "|", "^", "<<", ">>", "//", "%"])
    b = b or a
    text = {"<<": f"{b.text} & 7", ">>": f"{b.text} & 7", "//": f"({b.text} & 7) + 2", "%": f"({b.text} & 7) + 2"}.get(op, b.text)
    w.line(f"{name} = {a.text}")
    w.line(f"{name} {op}= {text}")
    w.values.append(Value(name, a.type, a.shape))


def mapped(w):
    a = integers(w, lambda v: v.shape != () and v.numel >= 2)
    if a is None:
        return
    if w.random.random() < 0.5:
        w.bind(f"tl.map_elementwise(collatz, {a.text})", a.type, a.shape)
        return
    b = integers(w, lambda v: v.type == a.type and v.shape == a.shape) or a
    one, two = w.name(), w.name()
    w.line(f"{one}, {two} = tl.map_elementwise(order, {a.text}, {b.text})")
    w.values += [Value(one, a.type, a.shape), Value(two, a.type, a.shape)]


def tuples(w):
    a = integers(w)
    b = a and integers(w)
    if b is None:
        return
    r = w.random
    name = w.name("t")
    w.line(f"{name} = ({a.text}, {b.text})")
    if a.type == b.type and a.shape == b.shape:
        w.line(f"for {w.name('i')} in range({r.randrange(4)}):")
        w.line(f"    {name} = ({name}[1], {name}[0] + 1)")
    w.values += [Value(f"{name}[0]", a.type, a.shape), Value(f"{name}[1]", b.type, b.shape)]


def reduced_pairs(w):
    a = integers(w, lambda v: v.shape != ())
    if a is None:
        return
    b = integers(w, lambda v: v.shape == a.shape) or a
    axis = w.random.randrange(len(a.shape))
    one, two = w.name(), w.name()
    shape = a.shape[:axis] + a.shape[axis + 1:]
    if w.random.random() < 0.5:
        w.line(f"{one}, {two} = tl.reduce(({a.text}, {b.text}), {axis}, sum_and_xor)")
    else:
        shape = a.shape
        w.line(f"{one}, {two} = tl.associative_scan(({a.text}, {b.text}), {axis}, sum_and_xor)")
    w.values += [Value(one, a.type, shape), Value(two, b.type, shape)]


def recursive(w):
    a = integers(w)
    if a:
        w.bind(f"power({a.text}, {w.random.randrange(4)})", a.type, a.shape)


def counted(w):
    a = integers(w)
    n = a and integers(w, lambda v: v.shape == () and v.type == "int32")
    if n and broadcast(a.shape, ()) is not None and promote(a.type, "int32") == a.type:
        w.bind(f"count_down({a.text}, {n.text} & 3)", a.type, a.shape)


def leave(w):
    """Returns early in some programs; nothing is put after that."""
    if w.depth == 1 and w.random.random() < 0.4:
        a = integers(w, lambda v: v.shape == ())
        w.line(f"if {w.random.choice([f'{a.text} == 3' if a else 'tl.program_id(0) > 0', 'tl.program_id(0) == 1', 'tl.program_id(1) > 0'])}:")
        w.line("    return")


def swapped(w):
    """A compare-and-swap of an element of its own."""
    a = w.pick(lambda v: v.exact and v.type in ("int32", "uint32", "int64", "uint64") and v.numel <= 64)
    if a is None or w.scratch + a.numel * 8 > 16384 or w.depth > 1:
        return
    pointer = w.name("p")
    w.line(f"{pointer} = (scratch + {w.scratch}).to(tl.pointer_type(tl.{LANGUAGE[a.type]}))" + (f" + ({w.places(a.shape)})" if a.shape else ""))
    w.scratch += a.numel * 8
    w.bind(f"tl.atomic_cas({pointer}, {a.text} & 0, {a.text})", a.type, a.shape)
    w.line("tl.debug_barrier()")
    w.bind(f"tl.load({pointer})", a.type, a.shape)


def batched(w):
    r = w.random
    ty = r.choice(["fp16", "fp32", "bf16"])

    def operand():
        return w.bind(f"tl.load({w.array(ty)} + (({w.places((2, 16, 16))}) & 255))", ty, (2, 16, 16), keep=False, **w.facts(ty))

    a, b = operand(), operand()
    extra = ', input_precision="ieee"' if ty == "fp32" else ""
    w.bind(f"tl.dot({a.text}, {b.text}{extra})", "fp32", (2, 16, 16), size=a.size * b.size * 16, grain=a.grain * b.grain)


def filled(w):
    a = w.pick(lambda v: v.exact and v.shape == () and v.type not in FP8)
    if a is None:
        return
    shape = w.shape()
    if is_int(a.type):
        ty = w.random.choice(INTS)
        w.bind(f"tl.full({list(shape)}, {a.text}, tl.{LANGUAGE[ty]})", ty, shape)
    else:
        w.bind(f"tl.full({list(shape)}, {a.text}, tl.{LANGUAGE[a.type]})", a.type, shape, **same(a))


def together(w):
    a = w.pick(lambda v: v.shape != () and v.type not in FP8)
    b = a and w.pick(lambda v: v.shape != () and v.type not in FP8 and (s := broadcast(a.shape, v.shape)) is not None and numel(s) <= LIMIT)
    if b:
        one, two, shape = w.name(), w.name(), broadcast(a.shape, b.shape)
        w.line(f"{one}, {two} = tl.broadcast({a.text}, {b.text})")
        w.values += [Value(one, a.type, shape, **same(a)), Value(two, b.type, shape, **same(b))]


def asserted(w):
    a = integers(w, lambda v: v.shape == ())
    name = w.random.choice(list(w.constants) or ["0"])
    w.line(w.random.choice([f'tl.static_assert({name} == {name}, "same")', 'tl.static_print(f"{1 + 1} and {2.5:.2f}")', f"assert {a.text} == {a.text}" if a else "pass",
                            f'tl.device_assert({a.text} == {a.text}, "same")' if a else "pass"]))


def quotients(w):
    """Softmax and the like: rounded many times."""
    a = w.pick(lambda v: v.exact and v.type == "fp32" and len(v.shape) == 1 and v.tame and v.size <= 64)
    if a:
        w.bind(w.random.choice([f"tl.softmax({a.text})", f"tl.sigmoid({a.text})", f"{a.text}.sigmoid()"]), "fp32", a.shape, size=1.0, exact=False, steps=2)


def loaded(w):
    """A load with hints, which change nothing."""
    r = w.random
    ty = r.choice(["int32", "fp32", "int16", "fp16"])
    shape = w.shape(1)
    hint = r.choice(['cache_modifier=".ca"', 'cache_modifier=".cg"', 'eviction_policy="evict_first"', 'eviction_policy="evict_last"', "volatile=True"])
    array, places = w.array(ty), w.places(shape)
    if shape[0] > ELEMENTS:
        places = f"({places} & {ELEMENTS - 1})"
    w.bind(f"tl.load({array} + {places}, {hint})", ty, shape, **w.facts(ty))


def scanned(w):
    a = integers(w, lambda v: v.shape != ())
    if a:
        axis = w.random.randrange(len(a.shape))
        ty = w.random.choice(["int64", "int32", "int16", "uint8"])
        w.bind(f"tl.cumsum({a.text}, {axis}, dtype=tl.{LANGUAGE[ty]})", ty, a.shape)


STEPS = ([folded] * 4 + [augmented] * 3 + [mapped] * 2 + [tuples] * 2 + [reduced_pairs] * 2 + [recursive, counted, leave, swapped, batched, filled, together, asserted, quotients,
         loaded, scanned])


def step(w):
    w.random.choice(STEPS)(w)
