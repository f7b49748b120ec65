# corner_numbers.py - steps of random kernels: numbers at the edges of their types
# SPDX-License-Identifier: Apache-2.0
"""Operands have any bits: extremes, zeros of both signs, denormals, infinities, NaN. Floats go straight into the output."""
from model import FLOATS, FP8, INTS, LANGUAGE, WIDTH, Value, is_float, is_signed, promote

PRELUDE = '''

@triton.jit
def no_nan(x, bits):
    return tl.where(x == x, bits, 0)
'''
UNSIGNED = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}


def load(w, ty, shape, kind="bits"):
    """A block, or a scalar where shape is (), of any bits."""
    array = next((a for a, t, k in w.arrays if (t, k) == (ty, kind) and w.chance(0.5)), None) or w.array(ty, kind)
    count = 1
    for n in shape:
        count *= n
    at = w.random.randrange(2048 - count + 1)
    if shape == ():
        return Value(w.bind(f"tl.load({array} + {at})"), ty, ())
    text = f"tl.arange(0, {count}) + {at}"
    name = w.bind(f"tl.load({array} + {text})")
    if len(shape) > 1:
        name = w.bind(f"tl.reshape({name}, {list(shape)})")
    return Value(name, ty, shape)


def shape(w):
    return w.any((), (64, ), (128, ), (256, ), (1, ), (4, 32), (16, 1), (2, 4, 8))


def bits(w, text, ty, of):
    """Puts the bits of floats, zero for NaN: the signs of zeros are looked at."""
    carrier = UNSIGNED[WIDTH[ty] // 8]
    w.show(f"no_nan({text}, ({text}).to(tl.{carrier}, bitcast=True))", carrier, of)


# Integers.
def integers(w):
    """Operators on two types, any values; what division leaves undefined is replaced."""
    of = shape(w)
    a_type, b_type = w.any(*INTS), w.any(*INTS)
    if w.chance(0.5):
        b_type = a_type
    a, b = load(w, a_type, of), load(w, b_type, of if w.chance(0.7) else ())
    for _ in range(w.any(1, 2, 3)):
        op = w.any("+", "-", "*", "&", "|", "^", "//", "%", "//", "%", "<", ">=", "==", "cdiv", "umulhi", "neg", "abs", "min", "max", "shift", "shift", "shift", "number", "divided")
        ty = promote(a_type, b_type)
        if op in ("//", "%"):
            if is_signed(a_type) != is_signed(b_type):
                continue
            d = w.bind(f"tl.where(({b.text} == 0) | ({b.text} == -1), {w.any(3, 7, 2)}, {b.text})" if is_signed(b_type) else f"tl.where({b.text} == 0, 5, {b.text})")
            w.show(f"{a.text} {op} {d}", ty, of)
        elif op == "divided":
            number = w.any(2, 3, 7, 10, 64, 100, 127) if not is_signed(a_type) or w.chance(0.5) else w.any(-2, -3, -8, -100, -127)
            w.show(f"{a.text} {w.any('//', '%')} {number}" if number > 0 else f"{a.text} {w.any('//', '%')} ({number})", a_type, of)
        elif op in ("<", ">=", "=="):
            w.show(f"{a.text} {op} {b.text}", "int1", of)
        elif op == "cdiv":
            w.show(f"tl.cdiv({a.text} & 63, ({a.text} & 7) + 1)", a_type, of)
        elif op == "umulhi":
            if WIDTH[a_type] >= 32:
                w.show(f"tl.umulhi({a.text}, {a.text} + 3)", a_type, of)
        elif op == "neg":
            w.show(w.any(f"-{a.text}", f"~{a.text}", f"0 - {a.text}"), a_type, of)
        elif op == "abs":
            w.show(f"tl.abs({a.text})", a_type, of)
        elif op in ("min", "max"):
            w.show(f"tl.{op}imum({a.text}, {b.text})", ty, of)
        elif op == "shift":
            kind = w.random.randrange(4)
            width = WIDTH[a_type]
            direction = w.any("<<", ">>")
            if kind == 0:
                w.show(f"{a.text} {direction} {w.any(0, 1, width // 2, width - 1)}", a_type, of)
            elif kind == 1 and a_type == b_type:
                # Beyond the width: zero, or the sign.
                beyond = w.bind(f"({b.text} & {2 * width - 1 if width < 64 else 127}).to(tl.{a_type})")
                w.show(f"{a.text} {direction} {beyond}", a_type, of)
            else:
                w.show(f"{a.text} {direction} ({b.text} & {width - 1})", ty if WIDTH[ty] == WIDTH[a_type] else ty, of)
        elif op == "number":
            number = w.any(0, 1, 3, 127, *([-1, -128] if is_signed(a_type) else [255]))
            w.show(f"{a.text} {w.any('+', '-', '*', '&', '|', '^')} {number}", a_type, of)
        else:
            w.show(f"{a.text} {op} {b.text}", ty, of)


def booleans(w):
    of = shape(w)
    a, b = load(w, "int1", of), load(w, "int1", of)
    n = load(w, w.any(*INTS), of)
    for _ in range(w.any(1, 2, 3)):
        text, ty = w.any((f"{a.text} & {b.text}", "int1"), (f"{a.text} | {b.text}", "int1"), (f"{a.text} ^ {b.text}", "int1"), (f"{a.text} == {b.text}", "int1"), (f"{a.text} < {b.text}", "int1"),
                         (f"not {a.text}" if of == () else f"~{a.text}", "int1"), (f"{a.text}.to(tl.{n.type})", n.type), (f"{n.text}.to(tl.int1)", "int1"), (f"{a.text} + {n.text}", n.type),
                         (f"{a.text} * {n.text}", n.type), (f"{n.text} - {a.text}", n.type), (f"tl.where({a.text}, {b.text}, {a.text} ^ {b.text})", "int1"),
                         (f"{a.text}.to(tl.float32)", "fp32"), (f"{a.text}.to(tl.uint64)", "uint64"), (f"{a.text} >= {n.text}", "int1"))
        w.show(text, ty, of)
    if len(of) == 1 and of[0] > 1:
        w.show(f"tl.sum({a.text}.to(tl.int32), 0)", "int32", ())
        w.show(f"tl.reduce({a.text}, 0, either)", "int1", ())
        w.show(f"tl.associative_scan({a.text}, 0, either{w.any('', ', reverse=True')})", "int1", of)


# Floats.
def arithmetic(w):
    """One rounding each: everybody agrees on the bits."""
    ty, of = w.any(*FLOATS), shape(w)
    a, b = load(w, ty, of), load(w, ty, of if w.chance(0.7) else ())
    for _ in range(w.any(1, 2, 3)):
        op = w.any("+", "-", "*", "neg", "abs", "<", "<=", "==", "!=", ">", "where", "number", "sqrt_rn", "div_rn", "floor", "fma", "int1")
        if op in ("+", "-", "*"):
            bits(w, w.bind(f"{a.text} {op} {b.text}"), ty, of)
        elif op == "neg":
            bits(w, w.bind(f"-{a.text}"), ty, of)
        elif op == "abs":
            bits(w, w.bind(f"tl.abs({a.text})"), ty, of)
        elif op == "where":
            bits(w, w.bind(f"tl.where({a.text} {w.any('<', '>=', '!=')} {b.text}, {a.text}, {b.text})"), ty, of)
        elif op == "number":
            bits(w, w.bind(f"{a.text} {w.any('+', '*', '-')} {w.any('0.0', '(-0.0)', '1.0', '(-1.0)', '0.5', '2')}"), ty, of)
        elif op in ("sqrt_rn", "div_rn"):
            if ty == "fp32":
                bits(w, w.bind(f"tl.sqrt_rn({a.text})" if op == "sqrt_rn" else f"tl.div_rn({a.text}, {b.text})"), ty, of)
        elif op == "floor":
            if ty in ("fp32", "fp64"):
                bits(w, w.bind(f"tl.{w.any('floor', 'ceil')}({a.text})"), ty, of)
        elif op == "fma":
            if ty in ("fp32", "fp64"):
                bits(w, w.bind(f"tl.fma({a.text}, {b.text}, {a.text})"), ty, of)
        elif op == "int1":
            w.show(f"{a.text}.to(tl.int1)", "int1", of)
        else:
            w.show(f"{a.text} {op} {b.text}", "int1", of)


def minima(w):
    """Of NaN and numbers; zeros of either sign count as one where the language does not tell them apart."""
    ty, of = w.any(*FLOATS), shape(w)
    a, b = load(w, ty, of), load(w, ty, of if w.chance(0.7) else ())
    nan = w.any("", ", propagate_nan=tl.PropagateNan.ALL", ", propagate_nan=tl.PropagateNan.NONE")
    result = "fp32" if ty == "bf16" else ty
    for _ in range(w.any(1, 2)):
        form = w.random.randrange(6)
        if form < 3:
            name = w.any("minimum", "maximum")
            w.show(f"tl.{name}({a.text}, {b.text}{nan})", result, of)
        elif form == 3:
            low = w.bind(f"tl.where(({b.text} <= 1.0) & ({b.text} >= -1.0), {b.text}, 0).to({a.text}.dtype)")
            high = w.bind(f"({low} + 1.0).to({a.text}.dtype)")
            w.show(f"tl.clamp({a.text}, {low}, {high}{nan})", result, of)
        elif form == 4:
            w.show(f"tl.clamp({a.text}, {w.any('-1.0', '-0.5', '0.0')}, {w.any('1.0', '2.0', '0.5')}{nan})", "fp64" if ty == "fp64" else "fp32", of)
        elif of != ():
            # NaN is no element of these, unless all are.
            axis = w.random.randrange(len(of))
            w.show(f"tl.{w.any('max', 'min')}({a.text}, {axis})", "fp64" if ty == "fp64" else "fp32", of[:axis] + of[axis + 1:])


def number_codes(w):
    """A block of every fp8 code of a kind."""
    ty = w.any(*FP8)
    return ty, w.bind(f"tl.arange(0, 256).to(tl.uint8).to(tl.{LANGUAGE[ty]}, bitcast=True)")


def conversions(w):
    form = w.random.randrange(7)
    if form == 0:
        ty, codes = number_codes(w)
        to = w.any(*FLOATS)
        bits(w, w.bind(f"{codes}.to(tl.{LANGUAGE[to]})"), to, (256, ))
        return
    of = shape(w)
    if form == 1:
        # To fp8: what is too large, and NaN, depends on the target.
        ty, to = w.any(*FLOATS), w.any(*FP8)
        a = load(w, ty, of)
        small = w.bind(f"tl.where(tl.abs({a.text}) <= {w.any(240.0, 400.0)}, {a.text}, 1.5).to(tl.{LANGUAGE[ty]})")
        rounding = w.any("", "", ', fp_downcast_rounding="rtne"', ', fp_downcast_rounding="rtz"')
        w.show(f"{small}.to(tl.{LANGUAGE[to]}{rounding}).to(tl.uint8, bitcast=True)", "uint8", of)
    elif form == 2:
        ty, to = w.any(("fp32", "fp16"), ("fp32", "bf16"), ("fp64", "fp32"), ("fp64", "fp16"), ("fp64", "bf16"))
        a = load(w, ty, of)
        rounding = w.any("", ', fp_downcast_rounding="rtne"', ', fp_downcast_rounding="rtz"')
        bits(w, w.bind(f"{a.text}.to(tl.{LANGUAGE[to]}{rounding})"), to, of)
    elif form == 3:
        ty, to = w.any(("fp16", "fp32"), ("bf16", "fp32"), ("fp16", "fp64"), ("bf16", "fp64"), ("fp32", "fp64"), ("fp16", "bf16"), ("bf16", "fp16"))
        bits(w, w.bind(f"{load(w, ty, of).text}.to(tl.{LANGUAGE[to]})"), to, of)
    elif form == 4:
        ty, to = w.any(*INTS, "int1"), w.any(*FLOATS)
        bits(w, w.bind(f"{load(w, ty, of).text}.to(tl.{LANGUAGE[to]})"), to, of)
    elif form == 5:
        # Beyond the type, and NaN: some number, no trap.
        ty, to = w.any(*FLOATS), w.any(*INTS)
        a = load(w, ty, of)
        low, high = (-(2.0**(WIDTH[to] - 1)), 2.0**(WIDTH[to] - 1)) if is_signed(to) else (0.0, 2.0**WIDTH[to])
        wide = w.bind(f"{a.text}.to(tl.float64)")
        w.show(f"tl.where(({wide} > {low}) & ({wide} < {high}), {a.text}.to(tl.{to}), 0)", to, of)
    else:
        ty, to = w.any(*INTS, "int1"), w.any(*INTS)
        w.show(f"{load(w, ty, of).text}.to(tl.{to})", to, of)


def mixed(w):
    """Integers and floats, and floats of two kinds, in one operator."""
    of = shape(w)
    a_type, b_type = w.any(*FLOATS), w.any(*FLOATS, *INTS)
    ty = promote(a_type, b_type)
    a, b = load(w, a_type, of), load(w, b_type, of)
    left, right = (a, b) if w.chance(0.5) else (b, a)
    text = w.bind(f"{left.text} {w.any('+', '-', '*')} {right.text}")
    w.line(f"tl.static_assert({text}.dtype == tl.{LANGUAGE[ty]})")
    bits(w, text, ty, of)


def orders(w):
    """Sorts and searches of floats with infinities and zeros of both signs; NaN has no place in an order."""
    ty = w.any("fp16", "fp32", "fp32", "fp64", "bf16")
    n = w.any(16, 64, 256)
    a = load(w, ty, (n, ))
    number = w.bind(f"tl.where({a.text} == {a.text}, {a.text}, 3.0).to(tl.{LANGUAGE[ty]})")
    form = w.random.randrange(4)
    if form == 0:
        w.show(f"tl.sort({number}{w.any('', ', descending=True')})", ty, (n, ))
    elif form == 1:
        k = w.any(2, 8)
        w.show(f"tl.topk({number}, {k})", ty if ty == "fp64" else "fp32", (k, ))
    elif form == 2:
        if w.chance(0.5):
            w.show(f"tl.{w.any('argmax', 'argmin')}({number}, 0{w.any('', ', tie_break_left=True')})", "int32", ())
        else:
            one, two = w.name(), w.name()
            w.line(f"{one}, {two} = tl.{w.any('max', 'min')}({number}, 0, return_indices=True)")
            w.put(Value(one, ty if ty != "bf16" else "fp32", ()))
            w.put(Value(two, "int32", ()))
    else:
        w.show(f"tl.associative_scan({number}, 0, most{w.any('', ', reverse=True')})", ty, (n, ))


def scaled(w):
    """dot_scaled: codes whose products have few bits, so that sums are exact in any order."""
    m, n = w.any((16, 16), (32, 16), (32, 32), (64, 32), (16, 64), (128, 32))
    k = w.any(32, 64, 64, 128)
    formats = [w.any("e2m1", "e2m1", "e4m3", "e5m2", "bf16", "fp16") for _ in range(2)]
    if all(f in ("bf16", "fp16") for f in formats):
        formats[w.random.randrange(2)] = w.any("e2m1", "e4m3")
    operands, scales, packs = [], [], []
    for side, form in enumerate(formats):
        rows = (m, n)[side]
        pack = form != "e2m1" or w.chance(0.75)
        packs.append(pack)
        along_k = k // 2 if form == "e2m1" and pack else k
        across = rows if form != "e2m1" or pack else rows // 2
        ty = {"bf16": "bf16", "fp16": "fp16"}.get(form, "uint8")
        array = w.array(ty, "any" if ty == "uint8" else "whole")
        turned = w.chance(0.4)
        i, j = f"tl.arange(0, {across})", f"tl.arange(0, {along_k})"
        first, second = (i, j) if side == 0 else (j, i)
        strides = (along_k, 1) if (side == 0) != turned else (1, across)
        if side == 1:
            strides = (across, 1) if not turned else (1, along_k)
        name = w.bind(f"tl.load({array} + {first}[:, None] * {strides[0]} + {second}[None, :] * {strides[1]})") if along_k * across <= 2048 or ty != "uint8" else \
            w.bind(f"tl.load({array} + (({first}[:, None] * {strides[0]} + {second}[None, :] * {strides[1]}) & 2047))")
        if form == "e4m3":
            name = w.bind(f"({name} & 0x87) | {w.any('0x38', '0x40')}")
        elif form == "e5m2":
            name = w.bind(f"({name} & 0x83) | {w.any('0x3c', '0x40')}")
        operands.append(name)
        if form in ("bf16", "fp16") or w.chance(0.2):
            scales.append("None")
        else:
            codes = w.array("uint8", "any")
            scales.append(w.bind(f"(tl.load({codes} + tl.arange(0, {rows})[:, None] * {k // 32} + tl.arange(0, {k // 32})[None, :]) & 3) + {w.any(125, 126, 127)}"))
    words = "".join(f", {side}_k_pack=False" for side, pack in zip(("lhs", "rhs"), packs) if not pack)
    if w.chance(0.3):
        words += ", acc=tl.full((%d, %d), 3.0, tl.float32)" % (m, n)
    if w.chance(0.2):
        words += ", fast_math=True"
    name = w.bind(f'tl.dot_scaled({operands[0]}, {scales[0]}, "{formats[0]}", {operands[1]}, {scales[1]}, "{formats[1]}"{words})')
    if m * n <= 1024:
        w.put(Value(name, "fp32", (m, n)))
    else:
        w.show(f"tl.sum({name}, 0)", "fp32", (n, ))


def products(w):
    """Products of narrow types, batched or not, of operands by any stride."""
    ty, kind = w.any(("fp8e5", "fp32"), ("fp8e4nv", "fp32"), ("int8", "int32"), ("fp16", "fp16"), ("fp16", "fp32"), ("bf16", "fp32"), ("fp32", "fp32"), ("fp64", "fp64"))
    m, n, k = w.any((16, 16, 32), (32, 16, 32), (16, 64, 32), (64, 32, 64), (128, 16, 32))
    batch = w.any(0, 0, 0, 2, 4) if m * n <= 512 else 0
    operands = []
    for rows, columns in ((m, k), (k, n)):
        strides = w.any((columns, 1), (1, rows))
        place = f"tl.arange(0, {rows})[:, None] * {strides[0]} + tl.arange(0, {columns})[None, :] * {strides[1]}"
        if batch:
            place = f"tl.arange(0, {batch})[:, None, None] * {rows * columns} + ({place})[None, :, :]"
        if ty in FP8:
            # 0, 1, -1 and 2, -2 in either format.
            one, two = {"fp8e5": ("0x3c", "0x40"), "fp8e4nv": ("0x38", "0x40")}[ty]
            x = w.bind(f"tl.load({w.array('int32', 'index')} + (({place}) & 1023))")
            operands.append(w.bind(f"tl.where({x} % 3 == 0, 0, tl.where({x} % 3 == 1, {one}, {two}) | (({x} & 8) << 4)).to(tl.uint8).to(tl.{LANGUAGE[ty]}, bitcast=True)"))
        else:
            operands.append(w.bind(f"tl.load({w.array(ty, 'whole')} + {place})"))
    words = {"fp32": "", "int32": ", out_dtype=tl.int32", "fp16": ", out_dtype=tl.float16", "fp64": ", out_dtype=tl.float64"}[kind]
    if ty == "fp32":
        words += ', input_precision="ieee"'
    if w.chance(0.4):
        words += f", acc=tl.full([{f'{batch}, ' if batch else ''}{m}, {n}], 2, tl.{LANGUAGE[kind]})"
    name = w.bind(f"tl.dot({operands[0]}, {operands[1]}{words})")
    shape = ((batch, ) if batch else ()) + (m, n)
    if m * n * max(batch, 1) > 1024:
        w.show(f"tl.{w.any('max', 'min')}({name}, 0)", kind if kind != "fp16" else "fp32", shape[1:])
    else:
        w.put(Value(name, kind, shape))


STEPS = [integers] * 4 + [booleans] * 2 + [arithmetic] * 3 + [minima] * 3 + [conversions] * 4 + [mixed] * 2 + [orders] * 2 + [scaled] * 3 + [products] * 3
