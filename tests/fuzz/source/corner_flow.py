# corner_flow.py - steps of random kernels: loops with wishes, aggregates and tuples through them, functions of elements, sorts under conditions
# SPDX-License-Identifier: Apache-2.0
from model import LANGUAGE, WIDTH, Value

PRELUDE = '''

@triton.constexpr_function
def half_of(n):
    return max(1, n // 2)


@triton.constexpr_function
def pairs_of(n):
    return tuple((i, n - i) for i in range(n))


@tl.core._aggregate
class State:
    total: tl.tensor
    count: tl.tensor
    STEP: tl.constexpr

    def __init__(self, total, count, STEP):
        self.total = total
        self.count = count
        self.STEP = tl.constexpr(STEP)

    @triton.jit
    def added(self, x):
        return State(self.total + x, self.count + self.STEP, self.STEP)

    @triton.jit
    def value(self):
        return self.total ^ self.count


@tl.core._aggregate
class Nest:
    inner: State
    other: tl.tensor

    def __init__(self, inner, other):
        self.inner = inner
        self.other = other

    @triton.jit
    def turned(self, x):
        return Nest(self.inner.added(self.other), x)


@triton.jit
def steps_of(x):
    n = 0
    while (x > 1) & (n < 9):
        if x % 2 == 0:
            x = x // 2
        else:
            x = x * 3 + 1
        n += 1
    return n


@triton.jit
def larger_first(a, b):
    if a > b:
        return a, b
    return b, a


@triton.jit
def chosen_of(a, b, c):
    if c % 3 == 0:
        if a > b:
            r = a
        else:
            r = b - a
    elif c % 3 == 1:
        r = a ^ b
    else:
        r = a * 2
        for i in range(2):
            r = (r + i).to(a.dtype)
    return r


@triton.jit
def packed(a0, a1, b0, b1):
    return a0 + b1, a1 ^ b0


@triton.jit
def leave(x, n, limit):
    i = 0
    while i < n:
        x = (x + i).to(x.dtype)
        if i == limit:
            x = x ^ 5
        i += 1
    if i == 0:
        return x - 1
    return x * 2


@triton.jit
def count_and_first(n, v, i, m, u, j):
    return n + m, tl.where(i <= j, v, u), tl.minimum(i, j)


@triton.jit
def bits_and_sum(a, b, c, d):
    return a | c, b + d


@triton.jit
def two_by_two(a, b, c, d, e, f, g, h):
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


@triton.jit
def joined_runs(n, last, m, other):
    return tl.where(other == last, n + m, m), other


@triton.jit
def leaves(a, b, n, FLAG: tl.constexpr):
    if FLAG:
        if n == 0:
            return a, b
    for i in range(n):
        a = a + b
        if n > 2:
            b = b ^ i
    if n == 1:
        return b, a
    elif n == 2:
        c = a - b
        return c, a
    return a + 1, b


@triton.jit
def deep(pair, N: tl.constexpr):
    if N == 0:
        return pair
    left, right = pair
    return deep((right, (left[0] + N, left[1])), N - 1)
'''


def bounded(w):
    """Loops whose bounds have types of their own, any step, and a body that uses the index."""
    start_type, stop_type = w.any("int32", "int64", "int16", "int8", "uint8"), w.any("int32", "int32", "int64", "int16", "uint8", "uint16", "uint32")
    start = w.any("0", "-3", "5", w.bind(f"({number(w, 7)} - 2).to(tl.{start_type})"))
    stop = w.any("9", "0", "-4", w.bind(f"{number(w, 12)}.to(tl.{stop_type})"))
    step = w.any("1", "1", "2", "3", "-1", "-2", w.bind(f"{number(w, 3)} + 1"))
    total, rounds = w.bind("tl.full([], 0, tl.int64)", "t"), w.bind("0", "n")

    def body():
        w.line(f"{total} = {total} * 3 + i")
        w.line(f"{rounds} += 1")
        if w.chance(0.3):
            w.inside(f"for j in range(i, i + {w.any(1, 2)}):", lambda: w.line(f"{total} = {total} + j"))
        if w.chance(0.3):
            w.inside(f"if i {w.any('> 1', '== 0', '< 0')}:", lambda: w.line(f"{total} = -{total}"))

    w.inside(f"for i in {w.any('range', 'tl.range')}({start}, {stop}, {step}):", body)
    w.values += [Value(total, "int64", ()), Value(rounds, "int32", ())]


def pointers(w):
    """Blocks of pointers that go through operations on shapes, choices, loops, functions and integers."""
    ty = w.any("int32", "int16", "int8", "int64", "uint8")
    array = w.array(ty, "any")
    shape = w.any((16, ), (64, ), (8, 8), (4, 32), (2, 4, 8))
    count = 1
    for n in shape:
        count *= n
    p = w.bind(f"tl.reshape({array} + {w.random.randrange(64)} + tl.arange(0, {count}) * {w.any(1, 2, 5)}, {list(shape)})", "p")
    mask = w.bind(f"tl.load({w.array('int32', 'any')} + tl.reshape(tl.arange(0, {count}), {list(shape)})) > 0")
    shape = list(shape)
    for _ in range(w.any(1, 2, 3)):
        form = w.random.randrange(8)
        if form == 0:
            p = w.bind(f"tl.where({mask}, {p}, {p} + {w.any(1, 7)})", "p")
        elif form == 1 and len(shape) > 1:
            order = list(range(len(shape)))
            w.random.shuffle(order)
            p, mask, shape = w.bind(f"tl.permute({p}, {tuple(order)})", "p"), w.bind(f"tl.permute({mask}, {tuple(order)})"), [shape[i] for i in order]
        elif form == 2:
            p, mask, shape = w.bind(f"tl.ravel({p})", "p"), w.bind(f"tl.ravel({mask})"), [count]
        elif form == 3:
            one = w.bind(f"{p}.to(tl.int64)")
            p = w.bind(f"({one} + {w.any(0, 8, 16)}).to(tl.pointer_type(tl.{ty}))", "p")
        elif form == 4:
            w.inside(f"for i in range({number(w, 4)}):", lambda: w.line(f"{p} += {w.any(1, 3, 'i')}"))
        elif form == 5:
            w.inside(f"if {number(w, 2)} == 0:", lambda: w.line(f"{p} = {p} + {w.any(1, 9)}"))
        elif form == 6:
            one, two = w.name("p"), w.name("p")
            w.line(f"{one}, {two} = swapped(({p}, {p} + 4))")
            p = w.any(one, two)
        else:
            w.values.append(Value(w.bind(f"{p}.to(tl.int64) {w.any('==', '!=', '<')} tl.where({mask}, {p} + 1, {p}).to(tl.int64)"), "int1", tuple(shape)))
    load = w.any(f"tl.load({p})", f"tl.load({p}, mask={mask}, other=3)")
    w.values.append(Value(w.bind(load), ty, tuple(shape)))


def ended(w):
    """A kernel that ends here, or not."""
    w.inside(f"if {number(w, 4)} {w.any('== 1', '> 1', '< 3')}:", lambda: w.line("return"))


def early(w):
    """Functions that return tuples from here and there."""
    v = ints(w, ty=w.any("int32", "int64"))
    u = ints(w, v.shape, v.type)
    one, two = w.name(), w.name()
    w.line(f"{one}, {two} = leaves({v.text}, {u.text}, {number(w, 5)}, {w.any('True', 'False')})")
    w.values += [Value(one, v.type, v.shape), Value(two, v.type, v.shape)]


WISHES = ("", "num_stages=1", "num_stages=2", "num_stages=3", "num_stages=4", "flatten=True", "warp_specialize=True", "loop_unroll_factor=2", "loop_unroll_factor=3", "loop_unroll_factor=4",
          "disallow_acc_multi_buffer=True", "disable_licm=True")


def wishes(w):
    found = {}
    for _ in range(w.any(0, 1, 1, 2, 3, 4)):
        word = w.any(*WISHES)
        if word:
            found[word.partition("=")[0]] = word
    return "".join(", " + word for word in found.values())


def number(w, below):
    """A scalar that no compiler knows."""
    return w.bind(f"tl.load({w.array('int32', 'index')} + {w.random.randrange(64)}) % {below}", "n")


def ints(w, shape=None, ty=None):
    """An integer block."""
    v = w.pick(lambda v: v.shape != () and v.type not in ("int1", ) and (shape is None or v.shape == shape) and (ty is None or v.type == ty)) if w.chance(0.7) else None
    if v:
        return v
    if shape is None:
        shape = w.any((16, ), (64, ), (8, 16), (32, 4), (4, 4, 8))
    return w.load(ty or w.any("int32", "int32", "int64", "int16", "uint8", "uint32", "uint64", "int8"), shape)


def looped(w):
    """Nested loops with every combination of wishes; loads by moved pointers, sums and stores of their own."""
    ty = w.any("int32", "fp32", "int8", "fp16")
    n = w.any(16, 64, 128)
    array = w.array(ty, "whole")
    total_type = "int32" if ty.startswith("int") else "fp32"
    total = w.bind(f"tl.zeros([{n}], tl.{LANGUAGE[total_type]})", "t")
    stop = w.any(number(w, 5), str(w.random.randrange(6)), w.number(w.random.randrange(5), "n"))
    step = w.any("", "", "", ", 2", ", 3")
    start = w.any("0", "0", "1", "-1")
    q = w.room_for(total_type, n * 8) if w.chance(0.4) else None
    inner = w.chance(0.4)
    plain = f"tl.range({start}, {stop}{step or ', 1'}{wishes(w)})" if w.chance(0.9) else f"range({start}, {stop}{step})"

    def body():
        if inner:
            w.inside(f"for j in tl.range(0, {w.any('2', '3', 'i + 1', stop)}{wishes(w)}):", lambda: w.line(f"{total} += tl.load({array} + (i + 1) * {n} + j * 3 + tl.arange(0, {n})).to(tl.{LANGUAGE[total_type]})"))
            if w.chance(0.4):
                w.line(f"{total} = {total} + i")
        else:
            mask = w.any("", "", f", mask=tl.arange(0, {n}) < {n - 3}, other=0", f", mask=(tl.arange(0, {n}) + i) % 2 == 0, other=1")
            w.line(f"{total} += tl.load({array} + (i + 1) * {n} + tl.arange(0, {n}){mask}).to(tl.{LANGUAGE[total_type]})")
        if w.chance(0.2):
            w.inside(f"if i {w.any('== 1', '> 0', '% 2 == 0')}:", lambda: w.line(f"{total} = -{total}"))
        if q and w.chance(0.9):
            w.line(f"tl.store({q} + (i + 1) * {n} + tl.arange(0, {n}), {total})")

    w.inside(f"for i in {plain}:", body)
    w.put(Value(total, total_type, (n, )))


def product_loops(w):
    """Products in loops with every combination of wishes."""
    m, n, k = w.any((16, 16, 16), (32, 32, 32), (16, 32, 16), (64, 16, 32), (64, 32, 32), (32, 16, 64))
    ty = w.any("fp16", "fp16", "bf16", "int8", "fp32")
    if ty == "int8":
        k = max(k, 32)
    kind = "int32" if ty == "int8" else "fp32"
    a, b = w.array(ty, "whole"), w.array(ty, "whole")
    acc = w.bind(f"tl.zeros(({m}, {n}), tl.{LANGUAGE[kind]})", "acc")
    stop = w.any(number(w, 5), w.number(w.random.randrange(5), "n"))
    rows, columns, inner = f"tl.arange(0, {m})[:, None]", f"tl.arange(0, {n})[None, :]", f"tl.arange(0, {k})"
    precision = ', input_precision="ieee"' if ty == "fp32" else ""
    outer = w.chance(0.3)

    def body():
        x = w.bind(f"tl.load({a} + {rows} * 256 + (i * {k} + {inner})[None, :])")
        y = w.bind(f"tl.load({b} + (i * {k} + {inner})[:, None] * {n} + {columns})" if w.chance(0.6) else f"tl.load({b} + (i * {k} + {inner})[:, None] + {columns} * 256)")
        w.line(w.any(f"{acc} = tl.dot({x}, {y}, {acc}{precision})", f"{acc} += tl.dot({x}, {y}{precision}{', out_dtype=tl.int32' if kind == 'int32' else ''})"))
        if w.chance(0.2):
            w.inside(f"if i {w.any('== 1', '% 2 == 0')}:", lambda: w.line(f"{acc} = {acc} {w.any('+ 1', '* 2')}"))

    inside = lambda: w.inside(f"for i in tl.range(0, {stop}{wishes(w)}):", body)
    if outer:
        w.inside(f"for t in tl.range({w.any(1, 2)}{wishes(w)}):", inside)
    else:
        inside()
    if m * n <= 1024:
        w.put(Value(acc, kind, (m, n)))
    else:
        w.show(f"tl.sum({acc}, {w.any(0, 0)})", kind, (n, ))


def aggregates(w):
    v = ints(w, ty=w.any("int32", "int64", "uint32"))
    u = ints(w, v.shape, v.type)
    name = w.name("g")
    step = w.any(1, 2, 7)
    w.line(f"{name} = State({v.text}, {u.text}, {step})")
    form = w.random.randrange(5)
    if form == 0:
        w.inside(f"for i in range({number(w, 4)}):", lambda: w.line(f"{name} = {name}.added({u.text})"))
    elif form == 1:
        w.inside(f"if {number(w, 2)} == 0:", lambda: w.line(f"{name} = {name}.added({v.text})"))
        if w.chance(0.5):
            w.inside("else:", lambda: w.line(f"{name} = State({name}.count, {name}.total, {step})"))
    elif form == 2:
        n = number(w, 4)
        w.line("i = 0")
        w.inside(f"while i < {n}:", lambda: (w.line(f"{name} = {name}.added(i)"), w.line("i += 1")))
    elif form == 3:
        nest = w.name("g")
        w.line(f"{nest} = Nest({name}, {u.text})")
        w.inside(f"for i in {w.any('range', 'tl.static_range')}({w.any(1, 2, 3)}):", lambda: w.line(f"{nest} = {nest}.turned({v.text})"))
        w.values += [Value(f"{nest}.inner.total", v.type, v.shape), Value(f"{nest}.other", v.type, v.shape)]
        return
    w.values += [Value(f"{name}.total", v.type, v.shape), Value(f"{name}.count", v.type, v.shape), Value(w.bind(f"{name}.value()"), v.type, v.shape)]


def constexpr_calls(w):
    v = ints(w)
    n = w.any(1, 2, 3, 8)
    form = w.random.randrange(3)
    if form == 0:
        w.add(f"{v.text} + half_of({n})", v.type, v.shape)
    elif form == 1:
        name = w.bind(v.text)
        w.inside(f"for p in tl.static_range(len(pairs_of({n}))):", lambda: w.line(f"{name} = {name} * 2 + pairs_of({n})[p][{w.any(0, 1)}]"))
        w.values.append(Value(name, v.type, v.shape))
    else:
        w.add(f"tl.full([half_of({2 * n if n & n - 1 == 0 else 8})], {w.any(3, 5)}, tl.int32) + {w.any(0, 1)}", "int32", (n if n & n - 1 == 0 else 4, ))


def nested_tuples(w):
    v = ints(w)
    u = ints(w, v.shape, v.type)
    name = w.name("t")
    w.line(f"{name} = deep((({v.text}, {u.text}), ({u.text}, {v.text})), {w.any(0, 1, 2, 3)})")
    if w.chance(0.5):
        w.inside(f"for i in range({number(w, 4)}):", lambda: w.line(f"{name} = ({name}[1], ({name}[0][1], {name}[0][0] + 1))"))
    if w.chance(0.4):
        w.inside(f"if {number(w, 2)} == 1:", lambda: w.line(f"{name} = ({name}[1], {name}[0])"))
    w.values += [Value(f"{name}[{i}][{j}]", v.type, v.shape) for i, j in ((0, 0), (1, 1))]


def elements(w):
    """Functions of single elements, with branches and loops of their own."""
    form = w.random.randrange(5)
    v = ints(w, ty=w.any("int32", "int64", "int16", "uint32", "int32"))
    if form == 0:
        w.add(f"tl.map_elementwise(steps_of, {v.text} & 63)", "int32", v.shape)
    elif form == 1:
        u = ints(w, v.shape, v.type)
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = tl.map_elementwise(larger_first, {v.text}, {u.text})")
        w.values += [Value(one, v.type, v.shape), Value(two, v.type, v.shape)]
    elif form == 2:
        u = ints(w, v.shape, v.type)
        c = ints(w, v.shape, "int32")
        w.add(f"tl.map_elementwise(chosen_of, {v.text}, {u.text}, {c.text} & 7)", v.type, v.shape)
    elif form == 3 and v.shape[-1] >= 2:
        u = ints(w, v.shape, v.type)
        w.add(f"tl.map_elementwise(packed, {v.text}, {u.text}, pack=2)[0]", v.type, v.shape)
    else:
        name = w.bind(v.text, "c")
        w.inside(f"for i in range({number(w, 3)}):", lambda: w.line(f"{name} = {name} + tl.map_elementwise(steps_of, {name} & 31).to(tl.{LANGUAGE[v.type]})"))
        w.values.append(Value(name, v.type, v.shape))


def under_conditions(w):
    """Sorts, scans, histograms, gathers in branches and loops that the program decides on."""
    v = ints(w, w.any((32, ), (64, ), (16, 8), (128, )), w.any("int32", "int32", "int64", "uint32", "int16"))
    name, n = w.bind(v.text, "c"), number(w, 4)
    last = len(v.shape) - 1

    def step():
        pool = [f"{name} = tl.sort({name}{w.any('', ', descending=True')})", f"{name} = tl.flip({name}, {w.random.randrange(len(v.shape))})",
                f"{name} = tl.associative_scan({name}, {w.random.randrange(len(v.shape))}, {w.any('either', 'most', 'plus')}{w.any('', ', reverse=True')})",
                f"{name} = tl.gather({name}, (({name} ^ 3) & {v.shape[last] - 1}).to(tl.int32), {last})", f"{name} = {name} + tl.max({name}, {last}, keep_dims=True).to({name}.dtype)",
                f"{name} = {name} ^ tl.argmax({name}, {last}, keep_dims=True).to({name}.dtype)"]
        if len(v.shape) == 1:
            pool += [f"{name} = {name} + tl.histogram(({name} & 7).to(tl.int32), {v.shape[0]}).to(tl.{v.type})"] * 2
            pool += [f"{name} = {name} + tl.sum(tl.topk({name}, 4), 0).to({name}.dtype)", f"{name} = tl.sort(tl.cat({name}, {name} + 1, can_reorder=True)).reshape({v.shape[0]}, 2).sum(1).to({name}.dtype)"]
            pool += [f"{name} = tl.interleave(*tl.split(tl.reshape({name}, [{v.shape[0] // 2}, 2])))"]
        w.line(w.any(*pool))

    form = w.random.randrange(5)
    if form == 0:
        w.inside(f"if {n} > {w.any(0, 1, 2)}:", step)
        if w.chance(0.5):
            w.inside("else:", step)
    elif form == 1:
        w.inside(f"for i in {w.any('range', 'tl.range')}({n}):", step)
    elif form == 2:
        w.line("i = 0")
        w.inside(f"while (i < {n}) & (tl.sum({name}.to(tl.int32)) != 12345):", lambda: (step(), w.line("i += 1")))
    elif form == 3:
        w.inside(f"for i in range({n}):", lambda: (w.inside(f"if i {w.any('% 2 == 0', '> 0')}:", step), step()))
    else:
        w.inside(f"for i in tl.static_range({w.any(1, 2)}):", lambda: (step(), w.inside(f"if {n} == i:", step)))
    w.values.append(Value(name, v.type, v.shape))


def while_loops(w):
    """Loops that end by what they compute, and functions that return early."""
    form = w.random.randrange(5)
    if form == 0:
        v = ints(w, ty="int32")
        x, n = w.bind(f"{v.text} & 255", "c"), w.bind("0", "n")
        w.inside(f"while tl.max({x}) > {w.any(3, 10)}:", lambda: (w.line(f"{x} = {x} // 2"), w.line(f"{n} += 1")))
        w.values += [Value(x, "int32", v.shape), Value(n, "int32", ())]
    elif form == 1:
        v = ints(w)
        name = w.bind(f"leave({v.text}, {number(w, 5)}, {number(w, 3)})")
        w.values.append(Value(name, v.type, v.shape))
    elif form == 2:
        a, b = w.bind(f"{number(w, 60)} + 1", "c"), w.bind(f"{number(w, 50)}", "c")

        def body():
            w.line(f"{a}, {b} = {b}, {a} % {b}")

        w.inside(f"while {b} != 0:", body)
        w.values.append(Value(a, "int32", ()))
    elif form == 3:
        n = number(w, 5)
        v = ints(w)
        x = w.bind(v.text, "c")
        w.line("i = 0")

        def outer():
            w.line("j = i")
            w.inside(f"while j {w.any('>', '>=')} 0:", lambda: (w.line(f"{x} = ({x} + j).to(tl.{v.type})"), w.line("j -= 1")))
            if w.chance(0.5):
                w.inside("if i == 2:", lambda: w.line("i += 1"))
            w.line("i += 1")

        w.inside(f"while i < {n} and i < 4:", outer)
        w.values += [Value(x, v.type, v.shape), Value(w.bind("i"), "int32", ())]
    else:
        v = ints(w)
        x = w.bind(v.text, "c")
        n = number(w, 6)

        def body():
            w.inside(f"if i == {w.any(1, 2, 3)}:", lambda: w.line(w.any("break", "continue")))
            w.line(f"{x} = ({x} * 3 + i).to(tl.{v.type})")

        w.inside(f"for i in {w.any('range', 'tl.range')}({n}):", body)
        w.values.append(Value(x, v.type, v.shape))


def combined(w):
    """Reductions and scans of several operands by functions of the program."""
    v = ints(w, w.any((16, ), (64, ), (8, 16), (4, 4, 8)), "int32")
    axis = w.random.randrange(len(v.shape))
    index = ", ".join(":" if i == axis else "None" for i in range(len(v.shape)))
    scan = w.chance(0.5)
    reverse = w.any("", ", reverse=True") if scan else w.any("", "", ", keep_dims=True")
    shape = v.shape if scan else v.shape[:axis] + ((1, ) if reverse else ()) + v.shape[axis + 1:]
    call = "tl.associative_scan" if scan else "tl.reduce"
    form = w.random.randrange(4)
    if form == 0 and not (scan and reverse):
        # The first element that is not zero, and how many are not.
        place = w.bind(f"tl.where({v.text} != 0, tl.broadcast_to(tl.arange(0, {v.shape[axis]}){f'[{index}]' if len(v.shape) > 1 else ''}, {list(v.shape)}), 1000)")
        other = ints(w, v.shape, w.any("int32", "int64", "uint8"))
        names = [w.name() for _ in range(3)]
        w.line(f"{', '.join(names)} = {call}((({v.text} != 0).to(tl.int32), tl.where({v.text} != 0, {other.text}, 0), {place}), {axis}, count_and_first{reverse})")
        w.values += [Value(names[0], "int32", shape), Value(names[2], "int32", shape)]
    elif form == 1:
        other = ints(w, v.shape, w.any("int32", "int64", "uint32", "uint64", "int16", "uint8"))
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = {call}(({v.text}, {other.text}), {axis}, bits_and_sum{reverse})")
        w.values += [Value(one, "int32", shape), Value(two, other.type, shape)]
    elif form == 2:
        # Matrices: the order counts, so only scans.
        names = [w.name() for _ in range(4)]
        parts = [ints(w, v.shape, "int32") for _ in range(4)]
        w.line(f"{', '.join(names)} = tl.associative_scan(({', '.join(p.text for p in parts)}), {axis}, two_by_two{w.any('', ', reverse=True')})")
        w.values += [Value(name, "int32", v.shape) for name in names]
    else:
        w.add(f"{call}({v.text}, {axis}, {w.any('either', 'most', 'plus')}{reverse})", "int32", shape)


STEPS = [looped] * 4 + [product_loops] * 3 + [aggregates] * 3 + [constexpr_calls] + [nested_tuples] * 2 + [elements] * 3 + [under_conditions] * 4 + [while_loops] * 4 + [combined] * 4 + [bounded] * 3 + [pointers] * 3 + [early] * 2 + [ended]
