# flow.py - random control flow over a few names whose types and bindings change: for comparing what front ends make of scopes
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives (name, text, signature), like wild.py. Names are bound in some branches only, carried through loops with and without
their types, shadowed, compared with None; two are printed at the end.

Not drawn: the index of a loop under a name that is used after it (in Triton that is an undefined value), and `return` (Triton goes on to
analyse what nothing reaches)."""
import random

NAMES = ["a", "b", "c", "d", "e"]
SIGNATURE = {"p": "*fp32", "n": "i32", "m": "i64", "f": "fp32", "g": "u1", "N": "constexpr", "Z": "constexpr"}
CONSTEXPRS = {"N": 4, "Z": None}
VALUES = ["1", "2.5", "True", "n", "m", "f", "g", "N", "tl.arange(0, 8)", "tl.zeros([8], tl.float32)", "tl.zeros([4, 8], tl.float16)", "None", "(n, f)", "(1, m)", "n + 1",
          "tl.load(p)", "n > 3", "p", "p + n", "tl.float32", "-1", "N * 2", "[n, n]"]
CONDITIONS = ["n > 3", "g", "m == 2", "N == 4", "N > 5", "Z is None", "Z is not None", "True", "n", "not g", "g and n > 1", "N == 4 and g", "N == 5 and g", "N", "Z"]


class Flow:

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []

    def value(self):
        r = self.random
        if r.random() < 0.55:
            return r.choice(VALUES)
        name = r.choice(NAMES)
        return r.choice([name, f"{name} + 1", f"{name} * 2", f"{name} + {r.choice(NAMES)}", f"{name}.to(tl.float32)", f"({name}, {r.choice(NAMES)})", f"{name}[0]", f"{name} + n",
                         f"{name} if {self.condition()} else {r.choice(NAMES)}", f"tl.maximum({name}, 1)", f"{name} == {r.choice(NAMES)}", f"-{name}"])

    def condition(self):
        r = self.random
        return r.choice(CONDITIONS) if r.random() < 0.85 else f"{r.choice(NAMES)} {r.choice(['is None', 'is not None', '> 1', '== 2'])}"

    def statement(self, indent, depth, loop):
        r = self.random
        pad = "    " * indent
        form = r.random()
        if form < 0.5 or depth == 0:
            name = r.choice(NAMES)
            kind = r.random()
            if kind < 0.7:
                self.lines.append(f"{pad}{name} = {self.value()}")
            elif kind < 0.85:
                self.lines.append(f"{pad}{name} {r.choice(['+', '-', '*'])}= {r.choice(['1', 'n', '2.5', r.choice(NAMES)])}")
            elif kind < 0.93:
                self.lines.append(f"{pad}{name}: tl.constexpr = {r.choice(['1', 'N', 'N + 1', r.choice(NAMES), '2.5'])}")
            else:
                self.lines.append(f"{pad}{name}, {r.choice(NAMES)} = {r.choice(['1, n', '(f, 2)', 'n, n', r.choice(NAMES)])}")
        elif form < 0.75:
            self.lines.append(f"{pad}if {self.condition()}:")
            self.body(indent + 1, depth - 1, loop)
            if r.random() < 0.25:
                self.lines.append(f"{pad}elif {self.condition()}:")
                self.body(indent + 1, depth - 1, loop)
            if r.random() < 0.5:
                self.lines.append(f"{pad}else:")
                self.body(indent + 1, depth - 1, loop)
        elif form < 0.95:
            index = r.choice(["i", "j"])
            self.lines.append(pad + r.choice([f"for {index} in range({r.choice(['3', 'n', 'N', 'm', '0, n, 2', '3, 0, -1'])}):",
                                              f"for {index} in tl.static_range({r.choice(['2', 'N', '0', '3, 1, -1'])}):", f"while {r.choice(['n > 3', 'g', r.choice(NAMES) + ' > 1'])}:"]))
            self.body(indent + 1, depth - 1, True)
        else:
            self.lines.append(pad + r.choice(["pass", "tl.debug_barrier()", "assert g"]))

    def body(self, indent, depth, loop):
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self.statement(indent, depth, loop)


def kernel(seed):
    flow = Flow(seed)
    r = flow.random
    for name in r.sample(NAMES, r.randrange(1, 5)):
        flow.lines.append(f"    {name} = {r.choice(VALUES)}")
    for _ in range(r.randrange(1, 4)):
        flow.statement(1, 3, False)
    flow.lines += [f"    tl.static_print({name})" for name in r.sample(NAMES, 2)]
    name = f"flow_{seed}"
    body = "\n".join(flow.lines)
    return name, f"@triton.jit\ndef {name}(p, n, m, f, g, N: tl.constexpr, Z: tl.constexpr):\n{body}\n", SIGNATURE
