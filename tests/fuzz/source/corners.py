# corners.py - random kernels of what few kernels use, as source files
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives a Kernel as loops.py does, of one to three corners of the language (corner_flow.py, corner_memory.py, corner_numbers.py) among steps of
shapes.py. Every value has bits that everybody agrees on, NaNs' own aside; what is unspecified is masked or kept out. ``python corners.py FIRST COUNT BASE``
writes BASE.py and BASE.cases.json for launch.py."""
import random

import corner_flow
import corner_memory
import corner_numbers
import loops
import shapes
from generate import CARRIER
from loops import Kernel
from model import LANGUAGE, WIDTH, Value

SLOTS = 1 << 16  # bytes a program may put
WHOLE = 640 * 512  # elements of an array of small whole numbers
CORNERS = corner_flow.STEPS + corner_memory.STEPS + corner_numbers.STEPS
PRELUDE = shapes.PRELUDE + corner_flow.PRELUDE + corner_numbers.PRELUDE


class Writer(shapes.Writer):
    def __init__(self, seed):
        super().__init__(seed)
        self.random = random.Random(f"corners {seed}")
        self.programs = 1
        self.options = {}
        self.descriptors = {}  # array -> the arguments of its TensorDescriptor
        self.written = []  # arrays that the kernel writes: looked at as a whole

    def pick(self, accept=lambda v: v.shape != ()):
        found = super().pick(accept)
        return found if found or accept.__code__.co_argcount != 1 else None

    def put(self, value):
        size = max(1, WIDTH[value.type] // 8) * value.numel
        if self.depth == 1 and self.offset + size <= SLOTS:
            super().put(value)

    def show(self, text, ty, shape):
        """Binds an expression and puts it."""
        value = Value(self.bind(text), ty, tuple(shape))
        self.put(value)
        return value

    def room_for(self, ty, count):
        """A name bound to a pointer to ``count`` elements of the program's own, zero at first; all are looked at in the end."""
        offset, size = self.offset, max(1, WIDTH[ty] // 8) * count
        if offset + size > SLOTS:
            return None
        self.offset += (size + 15) // 16 * 16
        self.puts[offset] = Value("", ty, (count, ))
        return self.bind(f"(out + {offset}).to(tl.pointer_type(tl.{LANGUAGE[ty]}))", "p")


def kernel(seed, corners=CORNERS):
    w = Writer(seed)
    name = f"kernel_{seed}"
    if w.chance(0.2):
        w.programs = w.any(2, 3)
    for _ in range(2):
        w.load()
    for _ in range(w.any(1, 1, 2, 3)):
        before = len(w.values)
        w.random.choice(corners)(w)
        if w.chance(0.5):
            w.random.choice(shapes.STEPS)(w)
        for value in w.values[before:]:
            if w.chance(0.7):
                w.put(value)
    w.put(w.values[-1])
    start = [f"    {array} = {array}.to(tl.pointer_type(tl.{LANGUAGE[ty]}))" for array, ty, _ in w.arrays if ty in CARRIER and array not in w.descriptors]
    start += ["    first = out", f"    out += tl.program_id(0) * {SLOTS}"] if w.programs > 1 else ["    first = out"]
    parameters = ["out"] + [a[0] for a in w.arrays] + [s[0] for s in w.scalars] + [f"{c}: tl.constexpr" for c in w.constants]
    text = "\n".join([f"@triton.jit\ndef {name}({', '.join(parameters)}):"] + start + w.lines) + "\n"
    options = {"num_warps": w.any(1, 2, 4, 4, 8), "enable_fp_fusion": False, **({"num_ctas": 2} if w.chance(0.15) else {}), **({"num_stages": w.any(1, 2, 4)} if w.chance(0.3) else {}), **w.options}
    one = Kernel(name, text, w.arrays, w.scalars, w.constants, (w.programs, 1), options, w.puts)
    one.descriptors, one.written = w.descriptors, w.written
    return one


def file_text(kernels):
    return PRELUDE + "".join("\n\n" + one.text for one in kernels)


def cases(kernels):
    """As loops.cases. ``descriptors``: array -> [shape, strides, block, padding]; ``written``: the arrays that the kernel writes, put behind the programs' bytes."""
    table = []
    for case, one in zip(loops.cases(kernels), kernels):
        puts, offset, types = case["puts"], SLOTS, {name: ty for name, ty, _ in one.arrays}
        for name in one.written:
            ty = types[name]
            count = WHOLE if [kind for other, _, kind in one.arrays if other == name] == ["whole"] else 2048
            puts.append([offset, ty, [count], True, True])
            offset += count * max(1, WIDTH[ty] // 8)
        table.append({**case, "programs": one.grid[0], "bytes": SLOTS, "descriptors": one.descriptors, "written": one.written, "puts": puts})
    return table


if __name__ == "__main__":
    import json
    import sys
    base, first, count = sys.argv[3], int(sys.argv[1]), int(sys.argv[2])
    made = [kernel(seed) for seed in range(first, first + count)]
    with open(base + ".py", "w") as file:
        file.write(file_text(made))
    with open(base + ".cases.json", "w") as file:
        json.dump(cases(made), file)
