# operations.py - steps of a random kernel: one operation each, on values in scope
# SPDX-License-Identifier: Apache-2.0
"""Each function appends lines to a Writer and says nothing; where no value in scope will do it appends none."""
from model import (FLOATS, FP8, INTS, LANGUAGE, LARGEST, PRECISION, WIDTH, Value, bounds, broadcast, fits, is_float, is_int, is_signed, kind,
                   literal_type, promote)

LIMIT = 1024  # elements of a block


def number(w, ty):
    """A Python number that may meet a value of the type in an operator."""
    r = w.random
    if ty == "int1":
        return r.choice([True, False])
    if is_int(ty):
        low, high = bounds(ty)
        pool = [n for n in (0, 1, 2, 3, 7, 10, 100, 127, 128, 255, 1000, 32767, 40000, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**63 - 1, -1, -2,
                            -100, -128, -30000, -2**31, -2**33, True, False) if low <= n <= high]
        return r.choice(pool)
    return r.choice([0.0, 0.5, -0.75, 1.0, 2.0, -3.0, 4, 1, -2, 0, True])


def literal(n):
    text = repr(n)
    return Value(f"({text})" if text.startswith("-") else text, literal_type(n), (), size=abs(float(n)), grain=0.25, number=n)


def simple(value):
    """Whether a value may go on: results far from exact ones would only say that floats round."""
    return value.exact or value.steps < 2


def cast_facts(value, to):
    if not is_float(to):
        return dict(exact=value.exact)
    if is_int(value.type):
        low, high = bounds(value.type)
        size = float(max(-low, high))
        known = fits(to, size, 1.0)
        return dict(size=size if size <= LARGEST[to] else float("inf"), grain=1.0 if known else 0.0)
    if fits(to, value.size, value.grain) or PRECISION[to] >= PRECISION[value.type] and value.size <= LARGEST[to]:
        return dict(size=value.size, grain=value.grain, exact=value.exact, steps=value.steps)
    size = value.size * 1.01 if value.size * 1.01 <= LARGEST[to] else float("inf")
    return dict(size=size, grain=0.0, exact=value.exact, steps=value.steps)


def joined(value, ty):
    """The facts of a value of a promoted operand, by which a result is judged."""
    facts = cast_facts(value, ty) if value.type != ty else dict(size=value.size, grain=value.grain, exact=value.exact, steps=value.steps)
    return Value("", ty, value.shape, **facts)


def float_facts(op, ty, a, b):
    a, b = joined(a, ty), joined(b, ty)
    size = a.size * b.size if op == "*" else a.size + b.size
    grain = a.grain * b.grain if op == "*" else min(a.grain, b.grain)
    exact = a.exact and b.exact
    if not size <= LARGEST[ty]:
        size, grain = float("inf"), 0.0
    elif not fits(ty, size, grain):
        size, grain = size * 1.01, 0.0
    return dict(size=size, grain=grain, exact=exact, steps=max(a.steps, b.steps) + (not exact))


def partner(w, a, accept=lambda b: True):
    """A second operand for a: a number, or a value whose shape goes with it."""
    if w.units and w.random.random() < 0.2:
        return w.random.choice(w.units)
    if w.random.random() < 0.25:
        return literal(number(w, a.type)) if w.random.random() < 0.8 else w.constant()
    return w.pick(lambda b: accept(b) and simple(b) and (s := broadcast(a.shape, b.shape)) is not None and numel(s) <= LIMIT)


def numel(shape):
    product = 1
    for n in shape:
        product *= n
    return product


def fine(a, b, ty):
    """Whether the language takes these operands: numbers in the range of the type they become."""
    for value in (a, b):
        if value.weak and is_int(ty):
            low, high = bounds(ty)
            if not low <= value.number <= high:
                return False
    return True


def ordered(w, a, b):
    return (b, a) if w.random.random() < 0.4 else (a, b)


def arithmetic(w):
    a = w.pick(lambda v: simple(v) and v.type not in FP8)
    b = a and partner(w, a, lambda v: v.type not in FP8)
    if not b:
        return
    op = w.random.choice(["+", "-", "*"])
    a, b = ordered(w, a, b)
    ty = promote(a.type, b.type, a.weak, b.weak)
    if ty is None or not fine(a, b, ty) or ty == "int1" and op == "-":
        return
    shape = broadcast(a.shape, b.shape)
    facts = float_facts(op, ty, a, b) if is_float(ty) else dict(exact=a.exact and b.exact)
    if w.random.random() < 0.1 and not a.weak:
        w.bind(a.text, a.type, a.shape, size=a.size, grain=a.grain, exact=a.exact, steps=a.steps)
        name = w.values.pop().text
        w.line(f"{name} {op}= {b.text}")
        w.values.append(Value(name, ty, shape, **facts))
        return
    form = {"+": "tl.add", "-": "tl.sub", "*": "tl.mul"}[op]
    text = f"{form}({a.text}, {b.text})" if w.random.random() < 0.1 and not (a.weak and b.weak) else f"{a.text} {op} {b.text}"
    w.bind(text, ty, shape, **facts)


def divisor(w, ty, shape):
    """A value of an integer type, none of whose elements are 0 or -1."""
    r = w.random
    b = w.pick(lambda v: v.type == ty and (s := broadcast(shape, v.shape)) is not None and numel(s) <= LIMIT)
    if b is None or r.random() < 0.3:
        low, high = bounds(ty)
        return literal(r.choice([n for n in (1, 2, 3, 7, 10, 100, 127, -2, -3, -100, 255, 1000, 2**31, 2**40) if low <= n <= high]))
    text = f"(({b.text} & 7) + {r.choice([1, 2, 5])})"
    if is_signed(ty) and r.random() < 0.3:
        text = f"(-2 - ({b.text} & 15))"
    return Value(text, ty, b.shape)


def division(w):
    a = w.pick(lambda v: is_int(v.type) and v.type != "int1")
    if not a:
        return
    b = divisor(w, a.type, a.shape)
    ty = promote(a.type, b.type, a.weak, b.weak, True)
    op = w.random.choice(["//", "%", "//", "%", "cdiv"])
    shape = broadcast(a.shape, b.shape)
    w.bind(f"tl.cdiv({a.text}, {b.text})" if op == "cdiv" and not b.weak else f"{a.text} {op.replace('cdiv', '//')} {b.text}", ty, shape)


def true_division(w):
    a = w.pick(lambda v: simple(v) and v.type not in FP8 and v.type != "int1")
    if not a:
        return
    if is_int(a.type):
        b = divisor(w, a.type, a.shape)
        w.bind(f"{a.text} / {b.text}", "fp32", broadcast(a.shape, b.shape), exact=False, steps=1)
        return
    n = w.random.choice([0.5, 2.0, 4, -8.0, 2])
    ty = promote(a.type, literal_type(n), False, True, True)
    if not a.tame and not w.wide:
        return
    w.bind(f"{a.text} / {n}", ty, a.shape, size=a.size * 2, exact=False, steps=a.steps + 1)


def float_remainder(w):
    a = w.pick(lambda v: is_float(v.type) and v.exact and v.tame and v.grain and v.type not in FP8)
    if a:
        n = w.random.choice([0.5, 2.0, 3.0, 1.25, 3])
        w.bind(f"{a.text} % {n}", promote(a.type, literal_type(n), False, True, True), a.shape, size=4.0, grain=min(a.grain, 0.25))


def bitwise(w):
    a = w.pick(lambda v: is_int(v.type))
    b = a and partner(w, a, lambda v: is_int(v.type))
    if not b or is_float(b.type):
        return
    a, b = ordered(w, a, b)
    ty = promote(a.type, b.type, a.weak, b.weak)
    if ty is None or not fine(a, b, ty):
        return
    w.bind(f"{a.text} {w.random.choice('&|^')} {b.text}", ty, broadcast(a.shape, b.shape))


def shift(w):
    a = w.pick(lambda v: is_int(v.type) and v.type != "int1")
    if not a:
        return
    r = w.random
    b = w.pick(lambda v: is_int(v.type) and v.type != "int1" and (s := broadcast(a.shape, v.shape)) is not None and numel(s) <= LIMIT)
    op = r.choice(["<<", ">>"])
    if b is None or r.random() < 0.4:
        w.bind(f"{a.text} {op} {r.randrange(WIDTH[a.type])}", a.type, a.shape)
        return
    if r.random() < 0.15:
        n = r.choice([1, 3, 100])
        ty = promote("int32", b.type, True, False)
        w.bind(f"{n} {op} ({b.text} & 7)", ty, b.shape)
        return
    w.bind(f"{a.text} {op} ({b.text} & 7)", promote(a.type, b.type), broadcast(a.shape, b.shape))


def unary(w):
    a = w.pick(simple)
    op = w.random.choice(["-", "~", "abs", "not"])
    if not a or a.type in FP8:
        return
    facts = dict(size=a.size, grain=a.grain, exact=a.exact, steps=a.steps)
    if op == "-" and a.type != "int1":
        w.bind(f"-{a.text}", a.type, a.shape, **facts)
    elif op == "~" and is_int(a.type):
        w.bind(f"~{a.text}", a.type, a.shape)
    elif op == "abs" and (is_float(a.type) or a.type != "int1"):
        w.bind(w.random.choice([f"tl.abs({a.text})", f"{a.text}.abs()"]), a.type, a.shape, **facts)
    elif op == "not" and a.type == "int1":
        w.bind(f"not {a.text}", "int1", a.shape)


def comparison(w):
    a = w.pick(lambda v: v.exact and v.type not in FP8)
    b = a and partner(w, a, lambda v: v.exact and v.type not in FP8)
    if not b:
        return
    a, b = ordered(w, a, b)
    ty = promote(a.type, b.type)  # numbers are values here
    if ty is None:
        return
    w.bind(f"{a.text} {w.random.choice(['<', '<=', '>', '>=', '==', '!='])} {b.text}", "int1", broadcast(a.shape, b.shape))


def logical(w):
    a = w.pick(lambda v: v.type == "int1")
    b = a and w.pick(lambda v: v.type == "int1" and broadcast(a.shape, v.shape) is not None)
    if b:
        w.bind(f"{a.text} {w.random.choice(['and', 'or'])} {b.text}", "int1", broadcast(a.shape, b.shape))


def where(w):
    c = w.pick(lambda v: v.type == "int1")
    a = c and w.pick(lambda v: simple(v) and broadcast(c.shape, v.shape) is not None)
    b = a and partner(w, a, lambda v: v.type not in FP8)
    if not b or a.type in FP8:
        return
    a, b = ordered(w, a, b)
    ty = promote(a.type, b.type, a.weak, b.weak)
    shape = broadcast(a.shape, b.shape)
    shape = shape is not None and broadcast(c.shape, shape)
    if ty is None or not fine(a, b, ty) or not shape and shape != () or numel(shape) > LIMIT:
        return
    facts = {}
    if is_float(ty):
        x, y = joined(a, ty), joined(b, ty)
        facts = dict(size=max(x.size, y.size), grain=min(x.grain, y.grain), exact=x.exact and y.exact, steps=max(x.steps, y.steps))
    w.bind(f"tl.where({c.text}, {a.text}, {b.text})", ty, shape, **facts)


def cast(w):
    r = w.random
    a = w.pick(simple)
    if not a:
        return
    to = r.choice(INTS + FLOATS + ["int1"] + FP8)
    text = a.text
    if to in FP8 and (not is_float(a.type) or a.type in FP8 or not a.exact or not w.random.random() < 0.5 and not a.size <= 400):
        return
    if a.type in FP8 and not is_float(to):
        return
    facts = cast_facts(a, to)
    extra = ""
    if is_float(a.type) and is_int(to) and to != "int1":
        if not a.exact or a.type in FP8:
            return
        low, high = ("0.0", "100.0") if not is_signed(to) else ("-100.0", "100.0")
        text = f"tl.minimum(tl.maximum({text}, {low}), {high})"
    elif to == "int1" and not a.exact:
        return
    elif is_float(a.type) and is_float(to) and PRECISION[to] < PRECISION[a.type] and to not in FP8 and r.random() < 0.3:
        if a.tame:
            extra = r.choice([', fp_downcast_rounding="rtne"', ', fp_downcast_rounding="rtz"'])
    # Targets differ in what becomes of numbers that fp8 has no room for: such results are put and go nowhere else.
    lossy = to in FP8 and not a.size <= 400
    value = w.bind(f"{text}.to(tl.{LANGUAGE[to]}{extra})" if r.random() < 0.7 else f"tl.cast({text}, tl.{LANGUAGE[to]}{extra})", to, a.shape, keep=not lossy, **facts)
    if lossy and w.depth == 1:
        w.put(value)


def bitcast(w):
    a = w.pick(lambda v: v.exact and v.type != "int1" and (is_int(v.type) or v.tame and v.grain))
    if not a:
        return
    to = w.random.choice([t for t in INTS + FLOATS if WIDTH[t] == WIDTH[a.type]] or [a.type])
    facts = dict(exact=True)
    w.bind(f"{a.text}.to(tl.{LANGUAGE[to]}, bitcast=True)", to, a.shape, **facts)


def same(a):
    return dict(size=a.size, grain=a.grain, exact=a.exact, steps=a.steps)


def shape_change(w):
    r = w.random
    a = w.pick(lambda v: v.shape != ())
    if not a:
        return
    s, t, n = a.shape, a.text, len(a.shape)
    form = r.randrange(12)
    if form == 0 and n < 3:
        axis = r.randrange(n + 1)
        w.bind(f"tl.expand_dims({t}, {axis if r.random() < 0.6 else axis - n - 1})", a.type, s[:axis] + (1, ) + s[axis:], **same(a))
    elif form == 1 and n < 3:
        axis = r.randrange(n + 1)
        index = [":"] * n
        index.insert(axis, "None")
        w.bind(f"{t}[{', '.join(index)}]", a.type, s[:axis] + (1, ) + s[axis:], **same(a))
    elif form == 2 and 1 in s:
        wide = tuple(r.choice([2, 4, 8]) if d == 1 else d for d in s)
        if numel(wide) <= LIMIT:
            w.bind(f"tl.broadcast_to({t}, {wide})" if n > 1 else f"tl.broadcast_to({t}, [{wide[0]}])", a.type, wide, **same(a))
    elif form == 3:
        count, dims = numel(s), []
        while count > 1 and len(dims) < 2:
            d = r.choice([d for d in (1, 2, 4, 8, 16) if d <= count])
            dims.append(d)
            count //= d
        dims.append(count)
        text = ", ".join(map(str, dims))
        w.bind(r.choice([f"tl.reshape({t}, ({text},))", f"{t}.reshape({text})", f"tl.reshape({t}, [{text}])"]), a.type, dims, **same(a))
    elif form == 4 and n == 2:
        w.bind(r.choice([f"tl.trans({t})", f"{t}.T", f"tl.permute({t}, (1, 0))"]), a.type, s[::-1], **same(a))
    elif form == 5 and n == 3:
        order = r.sample(range(3), 3)
        w.bind(r.choice([f"tl.permute({t}, {tuple(order)})", f"{t}.permute{tuple(order)}", f"tl.trans({t}, {order[0]}, {order[1]}, {order[2]})"]),
               a.type, tuple(s[i] for i in order), **same(a))
    elif form in (6, 7) and n < 3 and numel(s) * 2 <= LIMIT:
        b = w.pick(lambda v: v.type == a.type and v.shape == s) or a
        facts = dict(size=max(a.size, b.size), grain=min(a.grain, b.grain), exact=a.exact and b.exact, steps=max(a.steps, b.steps))
        if form == 6:
            w.bind(f"tl.join({t}, {b.text})", a.type, s + (2, ), **facts)
        else:
            w.bind(f"tl.interleave({t}, {b.text})", a.type, s[:-1] + (2 * s[-1], ), **facts)
    elif form == 8 and s[-1] == 2:
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = tl.split({t})" if r.random() < 0.5 else f"{one}, {two} = {t}.split()")
        w.values += [Value(one, a.type, s[:-1], **same(a)), Value(two, a.type, s[:-1], **same(a))]
    elif form == 9 and a.type not in FP8 and numel(s) > 1:
        axis = r.randrange(n)
        w.bind(f"tl.flip({t}, {axis})", a.type, s, **same(a))
    elif form == 10:
        w.bind(f"tl.ravel({t})", a.type, (numel(s), ), **same(a))
    elif form == 11 and n == 1 and is_int(a.type) and a.type != "int1":
        b = w.pick(lambda v: v.type == a.type and v.shape == s) or a
        w.bind(f"tl.sum(tl.cat({t}, {b.text}, can_reorder=True).to(tl.int64))", "int64")


def widest(ty):
    """What tl.max makes of a type."""
    return ty if WIDTH[ty] >= 32 else "int32" if is_int(ty) else "fp32"


def widened(ty):
    """What sums, maxima and minima make of a narrow integer."""
    return ("int32" if is_signed(ty) else "uint32") if is_int(ty) and WIDTH[ty] < 32 else ty


def reduction(w):
    r = w.random
    a = w.pick(lambda v: v.shape != () and v.exact and v.type not in FP8)
    if not a:
        return
    s, n, t = a.shape, len(a.shape), a.text
    axis = r.randrange(n)
    left = s[:axis] + s[axis + 1:]
    keep = r.random() < 0.2
    kept = s[:axis] + (1, ) + s[axis + 1:] if keep else left
    keeps = ", keep_dims=True" if keep else ""
    form = r.choice(["sum", "sum", "max", "min", "argmax", "argmin", "xor_sum", "reduce", "pair", "all", "max_indices", "or"])
    spelled = str(axis if r.random() < 0.7 else axis - n) if form in ("sum", "max", "min", "argmax", "argmin") else str(axis)
    if form == "sum":
        ty, extra = widened(a.type), ""
        if r.random() < 0.2:
            ty = r.choice(["int32", "int64", "int8", "fp32"]) if is_int(a.type) else r.choice(["fp32", "fp64"])
            extra = f", dtype=tl.{LANGUAGE[ty]}"
        facts = {}
        if is_float(ty):
            x = joined(a, ty)
            size = x.size * s[axis]
            if fits(ty, size, x.grain):
                facts = dict(size=size, grain=x.grain, exact=True)
            elif x.size * s[axis] <= LARGEST[ty]:
                facts = dict(size=size, exact=False, steps=2)
            else:
                return
        w.bind(f"tl.sum({t}, {spelled}{extra}{keeps})" if r.random() < 0.6 else f"{t}.sum({spelled}{extra}{keeps})", ty, kept, **facts)
    elif form in ("max", "min"):
        if not a.tame and not w.wide:
            return
        ty = widest(a.type)
        w.bind(f"tl.{form}({t}, {spelled}{keeps})", ty, kept, **same(a))
    elif form == "max_indices" and a.tame and a.type != "int1":
        one, two = w.name(), w.name()
        which = r.choice(["max", "min"])
        tie = r.choice(["", ", return_indices_tie_break_left=False"])
        ty = "fp32" if a.type == "bf16" else a.type
        unique = not tie
        w.line(f"{one}, {two} = tl.{which}({t}, {spelled}, return_indices=True{tie}{keeps})")
        w.values.append(Value(one, ty, kept, **same(a)))
        if unique:
            w.values.append(Value(two, "int32", kept))
    elif form in ("argmax", "argmin") and a.tame and a.type != "int1":
        w.bind(f"tl.{form}({t}, {spelled}{keeps})", "int32", kept)
    elif form in ("xor_sum", "or") and is_int(a.type):
        w.bind(f"tl.{'xor_sum' if form == 'xor_sum' else 'reduce_or'}({t}, {spelled}{keeps})", a.type, kept)
    elif form == "reduce" and (is_int(a.type) and a.type != "int1"):
        w.bind(f"tl.reduce({t}, {axis}, {r.choice(['add', 'larger'])}{keeps})", a.type, kept)
    elif form == "pair" and a.tame and a.type != "int1":
        index = w.bind(f"tl.broadcast_to({w.places(s)}, {list(s)})" if n > 1 else w.places(s), "int32", s, keep=False)
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = tl.reduce(({t}, {index.text}), {axis}, first_largest{keeps})")
        w.values += [Value(one, a.type, kept, **same(a)), Value(two, "int32", kept)]
    elif form == "all" and is_int(a.type):
        if r.random() < 0.5:
            w.bind(f"tl.sum({t})", widened(a.type))
        else:
            w.bind(f"tl.max({t})", widest(a.type))


def scan(w):
    r = w.random
    a = w.pick(lambda v: v.shape != () and v.exact and v.type not in FP8 + ["int1"])
    if not a:
        return
    n, t = len(a.shape), a.text
    axis = r.randrange(n)
    reverse = r.choice(["", "", ", reverse=True"])
    form = r.choice(["cumsum", "cumprod", "scan", "pair", "max"])
    if form in ("cumsum", "cumprod") and is_int(a.type):
        w.bind(f"tl.{form}({t}, {axis}{reverse})", widened(a.type) if form == "cumsum" else a.type, a.shape)
    elif form == "cumsum" and a.type != "bf16":
        size = a.size * a.shape[axis]
        if fits(a.type, size, a.grain):
            w.bind(f"tl.cumsum({t}, {axis}{reverse})", a.type, a.shape, size=size, grain=a.grain)
    elif form == "scan" and is_int(a.type):
        w.bind(f"tl.associative_scan({t}, {axis}, {r.choice(['add', 'larger'])}{reverse})", a.type, a.shape)
    elif form == "max" and a.tame:
        w.bind(f"tl.associative_scan({t}, {axis}, larger{reverse})", a.type, a.shape, **same(a))
    elif form == "pair" and is_int(a.type):
        b = w.pick(lambda v: v.type == a.type and v.shape == a.shape) or a
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = tl.associative_scan(({t}, {b.text}), {axis}, affine{reverse})")
        w.values += [Value(one, a.type, a.shape), Value(two, a.type, a.shape)]


def ordering(w):
    r = w.random
    a = w.pick(lambda v: v.shape != () and v.exact and v.tame and v.type not in FP8 + ["int1"] and v.shape[-1] > 1 and numel(v.shape[:-1]) != 1 or v.shape[1:] == () and v.shape not in ((), (1, )) and v.exact and v.tame and v.type not in FP8 + ["int1"])
    if not a:
        return
    if r.random() < 0.7 or WIDTH[a.type] < 32:
        w.bind(f"tl.sort({a.text}{r.choice(['', ', descending=True', f', {len(a.shape) - 1}'])})", a.type, a.shape, **same(a))
    else:
        k = r.choice([k for k in (1, 2, 4, 8) if k <= a.shape[-1]])
        w.bind(f"tl.topk({a.text}, {k})", a.type, a.shape[:-1] + (k, ), **same(a))


def gather(w):
    r = w.random
    a = w.pick(lambda v: v.shape != () and v.type not in FP8)
    if not a:
        return
    axis = r.randrange(len(a.shape))
    index = w.pick(lambda v: v.type in ("int32", "uint32", "int64", "int8", "uint8", "int16") and len(v.shape) == len(a.shape)
                   and all(x == y for i, (x, y) in enumerate(zip(v.shape, a.shape)) if i != axis))
    if index:
        mask = f"({index.text} & {a.shape[axis] - 1})" if a.shape[axis] <= 64 else None
        if mask:
            w.bind(f"tl.gather({a.text}, {mask}, {axis})" if r.random() < 0.7 else f"{a.text}.gather({mask}, {axis})", a.type, index.shape, **same(a))


def histogram(w):
    a = w.pick(lambda v: len(v.shape) == 1 and v.type in ("int32", "uint32", "int64"))
    if a:
        bins = w.random.choice([2, 8, 16])
        mask = w.pick(lambda v: v.type == "int1" and v.shape == a.shape)
        extra = f", mask={mask.text}" if mask and w.random.random() < 0.5 else ""
        w.bind(f"tl.histogram({a.text} & {bins - 1}, {bins}{extra})", "int32", (bins, ))


def dot(w):
    r = w.random
    ty = r.choice(["fp16", "bf16", "fp32", "int8", "fp8e5", "fp16"])
    m, n, k = r.choice([16, 32]), r.choice([16, 32]), r.choice([16, 32] if WIDTH[ty] > 8 else [32])
    if m * k > 256 or k * n > 256:
        m = n = 16
        k = 16 if WIDTH[ty] > 8 else 32
    if m * k > 256:
        m = n = 8 if ty != "int8" else 16
        if m * k > 256:
            return
    def operand(shape):
        start = r.randrange(256 - numel(shape) + 1)
        return w.bind(f"tl.load({w.array(ty)} + ({w.places(shape)}){f' + {start}' if start else ''})", ty, shape, **w.facts(ty))
    a, b = operand((m, k)), operand((k, n))
    if r.random() < 0.3:
        a = w.bind(f"tl.trans(tl.trans({a.text}))", ty, (m, k), **same(a))
    result = "int32" if ty == "int8" else "fp32"
    extra = ""
    if ty == "fp32":
        extra = ', input_precision="ieee"'
    elif ty == "fp16" and r.random() < 0.2:
        extra, result = ", out_dtype=tl.float16", "fp16"
    facts = dict(size=a.size * b.size * k, grain=a.grain * b.grain) if result != "int32" else {}
    if result != "int32" and not fits(result, facts["size"], facts["grain"]):
        facts = dict(size=facts["size"], exact=False, steps=2)
    accumulator = w.pick(lambda v: v.type == result and v.shape == (m, n) and (v.exact and v.grain or is_int(v.type)))
    if accumulator and result != "fp16" and r.random() < 0.5:
        if is_float(result):
            facts = float_facts("+", result, Value("", result, **facts), accumulator)
            facts["exact"] = facts["exact"] and facts["grain"] > 0
        w.bind(f"tl.dot({a.text}, {b.text}, {accumulator.text}{extra})", result, (m, n), **facts)
    else:
        w.bind(f"tl.dot({a.text}, {b.text}{extra})", result, (m, n), **facts)


def mathematics(w):
    r = w.random
    form = r.choice(["exp", "exp2", "log", "log2", "sin", "cos", "sqrt", "rsqrt", "erf", "floor", "ceil", "sigmoid", "sqrt_rn", "fma", "clamp", "minmax",
                     "minmax", "minmax", "umulhi", "div_rn", "fdiv"])
    if form == "umulhi":
        a = w.pick(lambda v: v.type in ("uint32", "uint64", "int32", "int64"))
        b = a and w.pick(lambda v: v.type == a.type and broadcast(a.shape, v.shape) is not None)
        if b and numel(broadcast(a.shape, b.shape)) <= LIMIT and not a.type.startswith("int"):
            w.bind(f"tl.umulhi({a.text}, {b.text})", a.type, broadcast(a.shape, b.shape))
        return
    if form == "minmax":
        return minmax(w)
    a = w.pick(lambda v: v.type in ("fp32", "fp64") and v.exact and (v.tame or w.wide and v.steps == 0))
    if not a:
        return
    t = a.text
    if not a.tame:
        w.bind(f"tl.{form}({t})" if form in ("exp", "exp2", "log", "log2", "sin", "cos", "sqrt", "rsqrt", "erf", "floor", "ceil", "sigmoid") else f"tl.abs({t})",
               a.type, a.shape, exact=False, steps=2)
        return
    if form in ("floor", "ceil"):
        w.bind(r.choice([f"tl.{form}({t})", f"{t}.{form}()", f"tl.math.{form}({t})"]), a.type, a.shape, size=a.size + 1, grain=1.0)
    elif form == "fma":
        b = w.pick(lambda v: v.type == a.type and v.grain and broadcast(a.shape, v.shape) is not None and v.exact)
        if b and numel(broadcast(a.shape, b.shape)) <= LIMIT:
            size, grain = a.size * b.size + b.size, min(a.grain * b.grain, b.grain)
            if fits(a.type, size, grain):
                w.bind(f"tl.fma({t}, {b.text}, {b.text})", a.type, broadcast(a.shape, b.shape), size=size, grain=grain)
    elif form == "clamp":
        w.bind(f"tl.clamp({t}, {r.choice(['-1.5', '0.0', '-2'])}, {r.choice(['1.0', '2', '3.5'])})", a.type, a.shape, size=4.0, grain=min(a.grain, 0.25))
    elif form in ("div_rn", "fdiv", "sqrt_rn") and a.type == "fp32":
        facts = dict(exact=form != "fdiv", steps=1)
        if form == "sqrt_rn":
            w.bind(f"tl.sqrt_rn(tl.abs({t}))", "fp32", a.shape, size=max(a.size, 1.0), **facts)
        else:
            w.bind(f"tl.{form}({t}, {r.choice(['3.0', '7.0', '0.75'])})", "fp32", a.shape, size=a.size * 2, **facts)
    elif a.size <= 64 and a.steps == 0:
        facts = dict(exact=False, steps=1)
        argument = {"log": f"tl.abs({t}) + 0.5", "log2": f"tl.abs({t}) + 0.5", "sqrt": f"tl.abs({t})", "rsqrt": f"tl.abs({t}) + 0.5",
                    "exp": f"tl.minimum({t}, 8.0)", "exp2": f"tl.minimum({t}, 8.0)"}.get(form, t)
        if form not in ("sqrt_rn", "div_rn", "fdiv"):
            w.bind(r.choice([f"tl.{form}({argument})", f"({argument}).{form}()"]), a.type, a.shape, size=4000.0, **facts)


def minmax(w):
    r = w.random
    a = w.pick(lambda v: v.exact and v.type not in FP8 + ["int1"])
    b = a and partner(w, a, lambda v: v.exact and v.type not in FP8 + ["int1"])
    if not b:
        return
    a, b = ordered(w, a, b)
    ty = promote(*("fp32" if v.type == "bf16" else v.type for v in (a, b)))  # numbers are values here
    if ty is None:
        return
    form = r.choice(["minimum", "maximum"])
    nan = r.choice(["", "", ", propagate_nan=tl.PropagateNan.ALL"]) if is_float(ty) else ""
    facts = {}
    if is_float(ty):
        x, y = joined(a, ty), joined(b, ty)
        size = max(x.size, y.size)
        facts = dict(size=size, grain=min(x.grain, y.grain))
    builtin = r.random() < 0.1 and not nan and broadcast(a.shape, b.shape) == () and not (a.weak or b.weak)
    w.bind(f"{'min' if form == 'minimum' else 'max'}({a.text}, {b.text})" if builtin else f"tl.{form}({a.text}, {b.text}{nan})", ty,
           broadcast(a.shape, b.shape), **facts)


def randomness(w):
    r = w.random
    shape = w.shape(1)
    offset = f"tl.arange(0, {shape[0]})"
    if r.random() < 0.3:
        offset = f"{offset}.to(tl.int64) + {2**33}"
    seed = w.pick(lambda v: v.shape == () and is_int(v.type) and v.type != "int1")
    seed = seed.text if seed and r.random() < 0.6 else r.choice(["0", "7", "123456789", str(2**40 + 5)])
    form = r.choice(["randint", "rand", "randn", "philox" if "int64" not in offset else "rand", "randint4x"])
    if form == "randint":
        name = w.name("r")
        w.line(f"{name} = tl.randint({seed}, {offset})")
        w.put_untyped(name, shape)
    elif form in ("rand", "randn"):
        name = w.bind(f"tl.{form}({seed}, {offset})", "fp32", shape, size=8.0, exact=form == "rand", steps=1)
    else:
        names = [w.name("r") for _ in range(4)]
        call = f"tl.philox({seed}, {offset}, 0, 0, 0)" if form == "philox" else f"tl.randint4x({seed}, {offset})"
        w.line(f"{', '.join(names)} = {call}")
        for name in names:
            w.put_untyped(name, shape)


def atomic(w):
    """An atomic operation on zeroed memory of the program's own, one address an element; its old values, and what the memory then holds."""
    r = w.random
    a = w.pick(lambda v: v.exact and v.type in ("int32", "uint32", "int64", "uint64", "fp32", "fp64", "fp16") and v.numel <= 64 and v.tame)
    if not a or w.scratch + a.numel * 8 > 16384:
        return
    ops = ["add", "max", "min", "xchg"] + (["and", "or", "xor"] if is_int(a.type) else [])
    op = r.choice(ops)
    if a.type == "fp16":
        op = "add"
    place = f"(scratch + {w.scratch}).to(tl.pointer_type(tl.{LANGUAGE[a.type]}))"
    w.scratch += a.numel * 8
    if a.shape:
        place += f" + ({w.places(a.shape)})"
    pointer = w.name("p")
    w.line(f"{pointer} = {place}")
    mask = w.pick(lambda v: v.type == "int1" and v.shape == a.shape)
    masked = f", mask={mask.text}" if mask and r.random() < 0.4 else ""
    if not masked:
        w.bind(f"tl.atomic_{op}({pointer}, {a.text})", a.type, a.shape, size=0.0, grain=1.0)
    else:
        w.line(f"tl.atomic_{op}({pointer}, {a.text}{masked})")
    w.line("tl.debug_barrier()")
    w.bind(f"tl.load({pointer})", a.type, a.shape, size=a.size, grain=a.grain)


def store_and_load(w):
    r = w.random
    a = w.pick(lambda v: v.exact and v.type not in FP8 + ["int1"] and v.numel <= 64)
    if not a or w.scratch + a.numel * 8 > 16384:
        return
    ty = r.choice(INTS if is_int(a.type) else [a.type])
    pointer = w.name("p")
    w.line(f"{pointer} = (scratch + {w.scratch}).to(tl.pointer_type(tl.{LANGUAGE[ty]}))" + (f" + ({w.places(a.shape)})" if a.shape else ""))
    w.scratch += a.numel * 8
    mask = w.pick(lambda v: v.type == "int1" and broadcast(v.shape, a.shape) == a.shape and (a.shape or not v.shape))
    w.line(f"tl.store({pointer}, {a.text}" + (f", mask={mask.text}" if mask and r.random() < 0.5 else "") + ")")
    w.line("tl.debug_barrier()")
    w.bind(f"tl.load({pointer})", ty, a.shape, **(same(a) if is_float(ty) else {}))


def creation(w):
    r = w.random
    ty = r.choice(INTS + FLOATS + ["int1"])
    shape = w.shape() if r.random() < 0.8 else ()
    spelled = str(list(shape))
    if r.random() < 0.3:
        w.bind(r.choice([f"tl.zeros({spelled}, tl.{LANGUAGE[ty]})", f"tl.zeros({spelled}, dtype=tl.{LANGUAGE[ty]})"]), ty, shape, size=0.0, grain=1.0)
    elif r.random() < 0.3 and shape:
        start = r.choice([0, 0, 5, 100])
        n = shape[-1]
        w.bind(f"tl.arange({start}, {start + n})", "int32", (n, ))
    else:
        n = number(w, ty)
        if is_int(ty) and ty != "int1" and isinstance(n, bool):
            n = int(n)
        if is_float(ty):
            n = float(n)
        w.bind(f"tl.full({spelled}, {n!r}, tl.{LANGUAGE[ty]})", ty, shape, size=abs(float(n)), grain=0.25)


def helper(w):
    """A call of a function of the prelude."""
    r = w.random
    a = w.pick(lambda v: v.exact and is_int(v.type) and v.type != "int1")
    if not a:
        return
    b = w.pick(lambda v: v.exact and is_int(v.type) and v.type == a.type and v.shape == a.shape) or a
    form = r.randrange(7)
    if form == 0:
        w.bind(r.choice([f"twice({a.text})", f"twice({a.text}, 3)", f"twice({a.text}, add=2)", f"twice(x={a.text}, scale=1, add=0)"]), twice_type(a.type), a.shape)
    elif form == 1:
        index = r.randrange(2)
        w.bind(f"pick(({a.text}, {b.text}), {index})", a.type, a.shape)
    elif form == 2:
        one, two = w.name(), w.name()
        w.line(f"{one}, {two} = both({a.text}, {b.text}{r.choice(['', ', True', ', SWAP=False'])})")
        w.values += [Value(one, a.type, a.shape), Value(two, a.type, a.shape)]
    elif form == 3:
        n = w.pick(lambda v: v.shape == () and v.type in ("int32", "int64"))
        if n:
            w.bind(f"early({a.text}, {n.text})", a.type, a.shape)
    elif form == 4:
        w.bind(f"apply(add, {a.text}, {b.text})", a.type, a.shape)
    elif form == 5:
        name = w.name("t")
        w.line(f"{name} = ({a.text}, ({b.text}, 3))")
        w.bind(f"{name}[1][0] + {name}[0]", a.type, a.shape)
    else:
        n, m = r.choice([2, 4, 8]), r.choice([2, 4])
        one, two = w.name(), w.name()
        index = w.bind(f"tl.arange(0, {n * m})", "int32", (n * m, ), keep=False)
        w.line(f"{one}, {two} = tl.swizzle2d({index.text} // {m}, {index.text} % {m}, {n}, {m}, {r.choice([1, 2, 4])})")
        w.values += [Value(one, "int32", (n * m, )), Value(two, "int32", (n * m, ))]


def twice_type(ty):
    """twice multiplies by an argument that is a number, given as such or a default, and stays one inside."""
    return ty


STEPS = ([arithmetic] * 7 + [division] * 3 + [true_division, float_remainder] + [bitwise] * 2 + [shift] * 3 + [unary] * 2 + [comparison] * 3 + [logical] +
         [where] * 3 + [cast] * 5 + [bitcast] + [shape_change] * 6 + [reduction] * 5 + [scan] * 2 + [ordering, gather, histogram, dot] + [mathematics] * 4 +
         [randomness] + [atomic, store_and_load] + [creation] * 2 + [helper] * 2)


def step(w):
    w.random.choice(STEPS)(w)
