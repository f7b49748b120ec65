# control.py - steps of a random kernel that branch and repeat
# SPDX-License-Identifier: Apache-2.0
import operations
from model import FP8, LANGUAGE, Value, is_float, is_int


def step(w):
    w.random.choice([loop, loop, branch, branch, unrolled, static_branch, conditional, while_loop])(w)


def carried(w):
    """A value to change in a body: a fresh name for one in scope."""
    a = w.pick(lambda v: v.exact and v.type not in FP8 + ["int1"] and (is_int(v.type) or v.grain > 0))
    if a is None:
        return None
    name = w.name("c")
    w.line(f"{name} = {a.text}")
    return Value(name, a.type, a.shape, size=a.size, grain=a.grain)


def update(w, value, index):
    """Changes a carried value, keeping its type."""
    r = w.random
    if is_float(value.type):
        w.line(r.choice([f"{value.text} = -{value.text}", f"{value.text} = tl.abs({value.text})", f"{value.text} = tl.where({index} > 1, {value.text}, -{value.text})"]))
        return
    ty = f"tl.{LANGUAGE[value.type]}"
    other = w.pick(lambda v: v.exact and is_int(v.type) and v.type != "int1" and v.shape in ((), value.shape))
    term = r.choice([index, "3", other.text if other else "5", f"({index} * 2 + 1)"])
    w.line(r.choice([
        f"{value.text} = ({value.text} + {term}).to({ty})",
        f"{value.text} = ({value.text} ^ {term}).to({ty})",
        f"{value.text} = {value.text} * 3",
        f"{value.text} += 1",
        f"{value.text} = tl.where({index} == 1, {value.text}, {value.text} + 1)",
    ]))


def inside(w, body):
    """Runs body one level deeper; names bound in it are gone afterwards."""
    kept = list(w.values)
    w.depth += 1
    body()
    w.depth -= 1
    w.values = kept


def bounds(w):
    r = w.random
    start, stop, step = r.choice([(0, 3, 1), (0, 5, 2), (4, 0, -1), (7, -1, -3), (2, 2, 1), (-2, 3, 2), (0, 1, 1)])
    forms = [f"{start}, {stop}, {step}"]
    if step == 1:
        forms.append(f"{start}, {stop}")
    if start == 0 and step == 1:
        forms.append(f"{stop}")
    return r.choice(forms)


def loop(w):
    value = carried(w)
    if value is None:
        return
    second = carried(w)
    index = w.name("i")
    if w.random.random() < 0.3:
        limit = w.pick(lambda v: v.shape == () and v.type in ("int32", "int64", "int16", "uint8"))
        # Five rounds at most.
        text = f"0, {limit.text} & 3" if limit else "3"
        index_type = {"int64": "int64"}.get(limit.type, "int32") if limit else "int32"
    else:
        text, index_type = bounds(w), "int32"
    hint = ""
    if w.random.random() < 0.15:
        hint = ", " + w.random.choice(["num_stages=2", "loop_unroll_factor=2", "flatten=True", "disallow_acc_multi_buffer=True"])
    w.line(f"for {index} in {'tl.range' if hint else w.random.choice(['range', 'tl.range'])}({text}{hint}):")

    def body():
        w.values.append(Value(index, index_type))
        for _ in range(w.random.randrange(3)):
            operations.step(w)
        update(w, value, index)
        update(w, second, index)
        if w.random.random() < 0.2:
            branch(w)
        if w.random.random() < 0.15 and w.depth < 4:
            loop(w)

    inside(w, body)
    w.values += [value, second]


def while_loop(w):
    value = carried(w)
    if value is None:
        return
    count = w.name("n")
    w.line(f"{count} = {w.random.randrange(4)}")
    w.line(f"while {count} {w.random.choice(['> 0', '>= 1', '!= 0'])}:")

    def body():
        update(w, value, count)
        w.line(f"{count} -= 1")

    inside(w, body)
    w.values += [value, Value(count, "int32")]


def unrolled(w):
    value = carried(w)
    if value is None:
        return
    index = w.name("i")
    w.line(f"for {index} in tl.static_range({bounds(w)}):")

    def body():
        update(w, value, index)
        if w.random.random() < 0.3:
            w.line(f"if {index} % 2 == 0:")
            inside(w, lambda: update(w, value, index))

    inside(w, body)
    w.values.append(value)


def condition(w):
    c = w.pick(lambda v: v.shape == () and v.exact and (v.type == "int1" or is_int(v.type)))
    if c is None:
        return "tl.program_id(0) == 0"
    if c.type == "int1":
        return w.random.choice([c.text, f"not {c.text}", f"{c.text} and tl.program_id(0) == 0", f"{c.text} or tl.program_id(1) == 1"])
    return w.random.choice([c.text, f"{c.text} > 1", f"{c.text} == 0"])


def branch(w):
    value = carried(w)
    if value is None:
        return
    fresh = None
    w.line(f"if {condition(w)}:")
    inside(w, lambda: update(w, value, "2"))
    form = w.random.random()
    if form < 0.3:
        w.line(f"elif {condition(w)}:")
        inside(w, lambda: update(w, value, "1"))
    if 0.2 < form < 0.8:
        w.line("else:")
        inside(w, lambda: update(w, value, "0"))
    w.values.append(value)


def static_branch(w):
    value = carried(w)
    if value is None:
        return
    constant = w.constant()
    w.line(f"if {constant.text} {w.random.choice(['> 1', '== 0', '!= 2', 'is None', 'is not None'])}:")
    inside(w, lambda: update(w, value, "1"))
    if w.random.random() < 0.6:
        w.line("else:")
        inside(w, lambda: update(w, value, "2"))
    w.values.append(value)


def conditional(w):
    """a if c else b, of scalars."""
    a = w.pick(lambda v: v.exact and v.type not in FP8 + ["int1"])
    b = a and w.pick(lambda v: v.exact and v.type == a.type and v.shape == a.shape)
    if b:
        facts = dict(size=max(a.size, b.size), grain=min(a.grain, b.grain)) if is_float(a.type) else {}
        w.bind(f"{a.text} if {condition(w)} else {b.text}", a.type, a.shape, **facts)
