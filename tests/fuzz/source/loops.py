# loops.py - random loops of products and of rows, as source files
# SPDX-License-Identifier: Apache-2.0
"""``kernel(seed)`` gives a Kernel: what pipelines, tensor copies, roles and persistent loops are made for, in random combination. Numbers are small and
whole, so that every sum is exact in whatever order it is done: two devices that differ in a bit differ in meaning.

A kernel's programs share the tiles of one product; all of them put into one array, each at places of its own. Nothing is undefined: what is loaded and
stored in one loop is apart, or has a barrier between."""
import random
from dataclasses import dataclass, field

import loads
from generate import CARRIER
from model import LANGUAGE, Value

SLOTS = 1 << 17  # bytes of the array that kernels put into

PRELUDE = '''import triton
import triton.language as tl


@triton.jit
def add(a, b):
    return a + b


@triton.jit
def larger(a, b):
    return tl.where(a > b, a, b)


@triton.jit
def sum_and_most(a, m, b, n):
    return a + b, larger(m, n)


@triton.jit
def small(x, LIMIT: tl.constexpr):
    return tl.minimum(tl.maximum(x, -LIMIT), LIMIT)


@triton.jit
def step_of(acc, x, y, FIRST: tl.constexpr):
    if FIRST:
        return tl.dot(x, y, acc)
    return acc + tl.dot(x, y)
'''


@dataclass
class Kernel:
    """A generated kernel: ``text``, the function ``name``; ``arrays``: (parameter, type, contents); ``scalars``: (parameter, type, value);
    ``constants``: {parameter: value}; ``grid``; ``options`` of the launch; ``puts``: offset -> the Value put there."""
    name: str
    text: str
    arrays: list
    scalars: list
    constants: dict
    grid: tuple
    options: dict
    puts: dict = field(default_factory=dict)


class Writer:
    """The kernel being written: its lines and the choices."""

    def __init__(self, seed):
        self.random = random.Random(f"loops {seed}")
        self.lines, self.depth, self.count = [], 1, 0
        self.arrays, self.scalars, self.constants, self.puts = [], [], {}, {}
        self.offset, self.scratch = 0, 0

    def chance(self, p):
        return self.random.random() < p

    def any(self, *of):
        return self.random.choice(of)

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    def name(self, prefix="v"):
        self.count += 1
        return f"{prefix}{self.count}"

    def bind(self, text, prefix="v"):
        name = self.name(prefix)
        self.line(f"{name} = {text}")
        return name

    def array(self, ty, contents):
        name = f"x{len(self.arrays)}"
        self.arrays.append((name, ty, contents))
        return name

    def number(self, value, prefix="n"):
        """An integer that the kernel takes as an argument, as a constexpr or says itself."""
        form = self.random.random()
        if form < 0.15:
            return str(value)
        name = f"{prefix}{len(self.scalars) + len(self.constants)}"
        if form < 0.3:
            self.constants[name] = value
        else:
            self.scalars.append((name, "int32", value))
        return name

    def place(self, ty, count):
        """The text of a pointer to ``count`` elements of the output that nothing else is put to, and where they are."""
        offset, size = self.offset, {"fp32": 4, "int32": 4, "fp16": 2, "bf16": 2}[ty] * count
        if offset + size > SLOTS:
            return None, None
        self.offset += (size + 127) // 128 * 128
        return f"(out + {offset}).to(tl.pointer_type(tl.{LANGUAGE[ty]}))", offset

    def room(self, ty, *shape):
        """The same; what is there will be looked at."""
        count = 1
        for n in shape:
            count *= n
        pointer, offset = self.place(ty, count)
        if pointer:
            self.puts[offset] = Value("", ty, tuple(shape))
        return pointer

    def inside(self, head, body):
        self.line(head)
        self.depth += 1
        body()
        self.depth -= 1


class Product:
    """One product, of tiles BM x BN in steps of BK, and what goes on around it."""

    def __init__(self, w):
        r = w.random
        self.w = w
        self.type = r.choice(["fp16"] * 9 + ["bf16"] * 2 + ["fp32", "int8"])
        self.sum_type = "int32" if self.type == "int8" else "fp32"
        self.bm, self.bn = r.choice([(64, 64), (64, 32), (64, 32), (16, 16), (16, 16), (32, 64), (64, 16), (64, 16), (128, 32), (32, 32), (16, 64), (16, 32)] + [(64, 128), (128, 64)] * w.chance(0.2))
        self.bk = r.choice([16, 16, 16, 32, 32, 64] if self.type != "int8" else [32, 32, 64])
        # Iterations: none, one, two, and more than there are stages.
        steps = r.choice([0, 1, 1, 2, 2, 3, 3, 4, 5])
        self.k = max(0, steps * self.bk - (r.choice([0, 0, 0, 1, 3, 8, self.bk - 1]) if steps else 0))
        self.odd = self.k % self.bk != 0
        self.tiles_m, self.tiles_n = r.choice([(1, 1)] * 4 + [(2, 1), (1, 2), (2, 2), (3, 1)])
        if self.bm * self.bn * self.tiles_m * self.tiles_n > 8192:
            self.tiles_m, self.tiles_n = 1, 1
        self.m = self.tiles_m * self.bm - r.choice([0, 0, 0, 1, 7, 8, self.bm // 2])
        self.n = self.tiles_n * self.bn - r.choice([0, 0, 0, 3, 8, self.bn // 2])
        self.stages = r.choice([1, 2, 2, 3, 3, 4, 5])

    def wish(self):
        """What the loop over k asks for."""
        w = self.w
        words = []
        if w.chance(0.5):
            words.append(f"num_stages={self.stages}")
        if w.chance(0.25):
            words.append("warp_specialize=True")
        if w.chance(0.08):
            words.append(w.any("loop_unroll_factor=2", "loop_unroll_factor=4", "disallow_acc_multi_buffer=True", "disable_licm=True", "flatten=True"))
        return "".join(", " + word for word in words)

    # Around the product.
    def write(self):
        w = self.w
        self.k_name, self.m_name, self.n_name = w.number(self.k, "k"), w.number(self.m, "m"), w.number(self.n, "n")
        self.operands = loads.Operands(w, self)
        self.results()
        tiles = self.tiles_m * self.tiles_n
        w.line("pid = tl.program_id(0)")
        self.form = w.any("each", "each", "shared", "shared", "while", "drawn", "guarded") if tiles > 1 or w.chance(0.4) else "each"
        self.grid = (tiles, ) if self.form == "each" else (w.any(1, 2, 3), )
        if self.form == "each":
            self.tile("pid")
            return
        count = w.number(tiles, "t") if w.chance(0.7) else "tl.cdiv({m}, {bm}) * tl.cdiv({n}, {bn})".format(m=self.m_name, bm=self.bm, n=self.n_name, bn=self.bn)
        wish = w.any("", "", "", ", flatten=True", ", warp_specialize=True", ", flatten=True, warp_specialize=True", ", num_stages=2", ", num_stages=1")
        loop = f"tl.range(pid, {count}, tl.num_programs(0){wish})" if wish or w.chance(0.5) else f"range(pid, {count}, tl.num_programs(0))"
        if self.form == "drawn":
            # Who comes first gets the next tile.
            ticket = w.bind(w.place("int32", 1)[0], "o")
            w.line(f"tile = tl.atomic_add({ticket}, 1)")
            w.inside(f"while tile < {count}:", lambda: (self.tile("tile"), w.line(f"tile = tl.atomic_add({ticket}, 1)")))
        elif self.form == "guarded":
            w.inside(f"for tile in {loop}:", lambda: w.inside(f"if {w.any('tile >= 0', f'tile * {self.bm} < 4096', 'tile != 1')}:", lambda: self.tile("tile")))
        elif self.form == "while":
            w.line("tile = pid")
            w.inside(f"while tile < {count}:", lambda: (self.tile("tile"), w.line("tile += tl.num_programs(0)")))
        else:
            w.inside(f"for tile in {loop}:", lambda: self.tile("tile"))

    def results(self):
        """Room for what the tiles put, and how they do it: chosen once, before the loop over tiles."""
        w = self.w
        self.ends = []
        forms = ["pointers", "pointers", "descriptor", "block", "halves", "turned", "rows", "added", "columns", "narrow", "scanned"]
        for form in w.random.sample(forms, w.any(1, 1, 2)):
            rows, columns = self.tiles_m * self.bm, self.tiles_n * self.bn
            narrow = "fp16" if self.type != "bf16" else "bf16"
            if form in ("pointers", "block", "descriptor", "narrow"):
                ty = narrow if self.sum_type == "fp32" and (form == "narrow" or w.chance(0.4)) else self.sum_type
                room = w.room(ty, rows, columns)
            elif form in ("halves", "turned", "scanned"):
                ty, room = self.sum_type, w.room(self.sum_type, rows, columns)
            elif form == "rows":
                ty, room = self.sum_type, w.room(self.sum_type, self.tiles_n, rows)
            elif form == "columns":
                ty, room = self.sum_type, w.room(self.sum_type, self.tiles_m, columns)
            else:
                ty, room = self.sum_type, w.room(self.sum_type, self.bm, self.bn)
            if room is None:
                continue
            pointer = w.bind(room, "o")
            if form in ("descriptor", "narrow"):
                half = form == "narrow" and w.chance(0.5) and self.bn >= 32
                width = self.bn // 2 if half else self.bn
                rows_text, columns_text = (str(rows), str(columns)) if w.chance(0.5) else (self.m_name, self.n_name)
                w.line(f"{pointer}_d = tl.make_tensor_descriptor({pointer}, [{rows_text}, {columns_text}], [{columns}, 1], [{self.bm}, {width}])")
                self.ends.append((form, pointer, ty, half))
            else:
                self.ends.append((form, pointer, ty, False))

    def tile(self, tile):
        w = self.w
        columns = self.tiles_n
        if w.chance(0.5):
            w.line(f"at_m = {tile} // {columns}")
            w.line(f"at_n = {tile} % {columns}")
        else:
            w.line(f"at_n = {tile} // {self.tiles_m}")
            w.line(f"at_m = {tile} % {self.tiles_m}")
        w.line(f"rows = at_m * {self.bm} + tl.arange(0, {self.bm})")
        w.line(f"columns = at_n * {self.bn} + tl.arange(0, {self.bn})")
        kind = w.any("plain", "plain", "plain", "chained", "attention", "two", "branch", "nested", "split")
        if self.sum_type == "int32" and kind in ("chained", "attention"):
            kind = "two"
        self.kind = kind
        {"chained": self.chained, "attention": self.chained, "two": self.two}.get(kind, self.plain)()
        for end in self.ends:
            self.put(*end)

    # The loop over k.
    def over_k(self, body, carried=()):
        """``body(i)``, i the text of the first k of the step. carried: lines behind each step."""
        w = self.w
        k, bk = self.k_name, self.bk
        form = w.any("elements", "elements", "steps", "steps", "while", "back", "from", "break")
        if form == "break" and not w.chance(0.4):
            form = "steps"
        if form == "back" and self.operands.moves:
            form = "elements"
        wish = self.wish()

        def all_of(i):
            body(i)
            for line in carried:
                w.line(line)

        word = "tl.range" if wish or w.chance(0.5) else "range"
        if form == "elements":
            w.inside(f"for i in {word}(0, {k}, {bk}{wish}):", lambda: all_of("i"))
        elif form == "from":
            # From a start that no compiler knows.
            start = w.number(0, "z")
            w.inside(f"for i in {word}({start}, {k}, {bk}{wish}):", lambda: all_of("i"))
        elif form == "steps":
            w.inside(f"for j in {word}(0, tl.cdiv({k}, {bk}){wish}):", lambda: all_of(f"j * {bk}" if w.chance(0.5) else f"{bk} * j"))
        elif form == "back":
            w.inside(f"for j in {word}(tl.cdiv({k}, {bk}) - 1, -1, -1{wish}):", lambda: all_of(f"j * {bk}"))
        elif form == "while":
            w.line("i = 0")
            w.inside(f"while i < {k}:", lambda: (all_of("i"), w.line(f"i += {bk}")))
        else:
            # Not a loop of Triton's, which has no break.
            limit = w.number(self.k // bk, "l")
            w.inside(f"for j in {word}(0, 9{wish}):", lambda: (w.line(f"if j * {bk} >= {k}:"), w.line("    break"), all_of(f"j * {bk}"), w.line(f"if j >= {limit}:"), w.line("    break")))

    def dot(self, x, y, acc=None):
        extra = ', input_precision="ieee"' if self.type == "fp32" else ""
        return f"tl.dot({x}, {y}{', ' + acc if acc else ''}{extra}{', out_dtype=tl.int32' if self.sum_type == 'int32' and not acc else ''})"

    def zeros(self, m, n):
        return f"tl.zeros(({m}, {n}), tl.{LANGUAGE[self.sum_type]})"

    def plain(self):
        w, o = self.w, self.operands
        o.before(self)
        w.line(f"acc = {self.zeros(self.bm, self.bn)}" if w.chance(0.8) else f"acc = {self.zeros(self.bm, self.bn)} + {w.any('1', 'at_n')}")
        extras = loads.Extras(w, self)
        extras.before()

        def body(i):
            x, y = o.load(self, i)
            if self.kind == "branch":
                first = "at_m == 0" if self.form == "drawn" else "pid == 0"  # who draws a tile is nobody's to know
                test = w.any(f"{i} % {2 * self.bk} == 0", first, f"{i} > {self.bk}", f"tl.load({w.array('int32', 'index')} + ({i}) // {self.bk}) % 2 == 0")

                def otherwise():
                    w.line(w.any("acc += 1", "acc = acc * 1", f"acc = {self.dot(x, y, 'acc')} + 1", "acc = acc"))
                w.inside(f"if {test}:", lambda: w.line(f"acc = {self.dot(x, y, 'acc')}"))
                if w.chance(0.5):
                    w.inside("else:", otherwise)
            elif self.kind == "nested":
                w.line(f"acc = {self.dot(x, y, 'acc')}")
                count = w.any("2", w.number(w.any(0, 1, 3), "q"))
                w.inside(f"for q in range({count}):", lambda: w.line(w.any(f"acc = {self.dot(x, y, 'acc')}", "acc += q", "acc = acc + q * 2")))
            else:
                form = w.any("in", "in", "in", "sum", "reverse", "scaled", "function")
                if form == "in":
                    w.line(f"acc = {self.dot(x, y, 'acc')}")
                elif form == "sum":
                    w.line(f"acc += {self.dot(x, y)}")
                elif form == "reverse":
                    w.line(f"acc = {self.dot(x, y)} + acc")
                elif form == "scaled":
                    w.line(f"acc = acc * {w.any('-1', '1', 's')} + {self.dot(x, y)}".replace("* s ", f"* {w.number(-1, 's')} "))
                elif self.type != "fp32":
                    w.line(f"acc = step_of(acc, {x}, {y}, {w.any('True', 'False')})" if self.sum_type == "fp32" else f"acc = {self.dot(x, y, 'acc')}")
                else:
                    w.line(f"acc = {self.dot(x, y, 'acc')}")
            extras.inside(i, x, y)

        self.over_k(body, o.carried(self))
        if w.chance(0.2) and not o.moves and not extras.forms:
            # And once more, as the blocks of an attention on the diagonal follow those before it.
            self.over_k(body, o.carried(self))
        extras.after()

    def two(self):
        """Two sums of one loop."""
        w, o = self.w, self.operands
        o.before(self)
        w.line(f"acc = {self.zeros(self.bm, self.bn)}")
        w.line(f"more = {self.zeros(self.bm, self.bn)}")

        def body(i):
            x, y = o.load(self, i)
            w.line(f"acc = {self.dot(x, y, 'acc')}")
            other = w.any(f"{x} * 2", f"-{x}", f"{x} + {x}")
            if w.chance(0.5):
                w.line(f"more = {self.dot(f'({other}).to({x}.dtype)', y, 'more')}")
            else:
                z = o.another(self, i)
                w.line(f"more = {self.dot(x, z, 'more')}")

        self.over_k(body, o.carried(self))
        w.line(f"acc = acc {w.any('+', '-')} more")

    def chained(self):
        """The result of a product is an operand of the next; an attention carries the most of each row."""
        w, o = self.w, self.operands
        ty = LANGUAGE[self.type]
        attention = self.kind == "attention"
        o.before_chain(self)
        w.line(f"acc = {self.zeros(self.bm, self.bn)}")
        if attention:
            w.line(f"most = tl.full(({self.bm},), {w.any('-100.0', '-1e9')}, tl.float32)")
            w.line(f"total = tl.zeros(({self.bm},), tl.float32)")

        def body(i):
            q, keys, values = o.load_chain(self, i)
            w.line(f"s = {self.dot(q, keys)}")
            if w.chance(0.4):
                w.line(f"s = tl.where(({i} + tl.arange(0, {self.bk}))[None, :] {w.any('<', '<=')} {w.any(self.k_name, '(rows % 64)[:, None]', '3')}, s, {w.any('-50.0', '0.0')})")
            if attention:
                w.line("now = tl.maximum(most, tl.max(s, 1))" if w.chance(0.7) else "now = larger(most, tl.reduce(s, 1, larger))")
                w.line("scale = tl.where(now > most, 1.0, -1.0)")
                w.line("p = small(s - now[:, None] + 3.0, 2.0)")
                w.line("total = total * scale + tl.sum(p, 1)")
                w.line("acc = acc * scale[:, None]")
                w.line("most = now")
            else:
                w.line(f"p = {w.any('small(s, 2.0)', 'tl.where(s > 0, 1.0, -2.0)', 'tl.where(s > 0, s * 0 + 1, 0)')}")
            w.line(f"acc = {self.dot(f'p.to(tl.{ty})', values, 'acc')}" if w.chance(0.7) else f"acc += {self.dot(f'p.to(tl.{ty})', values)}")

        self.over_k(body, o.carried_chain(self))
        if attention:
            w.line(w.any("acc = acc + total[:, None]", "acc = acc - tl.maximum(most, -64.0)[:, None]"))

    # Behind it.
    def put(self, form, pointer, ty, half):
        w = self.w
        width = self.tiles_n * self.bn
        convert = "" if ty == self.sum_type else f".to(tl.{LANGUAGE[ty]})"
        value = f"small(acc, {'100' if ty == 'bf16' else '2000'}){convert}" if convert else "acc"
        inside = f"(rows < {self.m_name})[:, None] & (columns < {self.n_name})[None, :]"
        if form == "pointers":
            mask = f", mask={inside}" if w.chance(0.7) else ""
            w.line(f"tl.store({pointer} + rows[:, None] * {width} + columns[None, :], {value}{mask})")
        elif form == "block":
            w.line(f"b = tl.make_block_ptr({pointer}, ({self.m_name}, {self.n_name}), ({width}, 1), (at_m * {self.bm}, at_n * {self.bn}), ({self.bm}, {self.bn}), (1, 0))")
            w.line(f"tl.store(b, {value}, boundary_check=(0, 1))")
        elif form in ("descriptor", "narrow"):
            if half:
                w.line(f"parts = tl.permute(tl.reshape({value}, ({self.bm}, 2, {self.bn // 2})), (0, 2, 1))")
                w.line("left, right = tl.split(parts)")
                w.line(f"{pointer}_d.store([at_m * {self.bm}, at_n * {self.bn}], left)")
                w.line(f"{pointer}_d.store([at_m * {self.bm}, at_n * {self.bn} + {self.bn // 2}], right)")
            else:
                w.line(f"{pointer}_d.store([at_m * {self.bm}, at_n * {self.bn}], {value})")
        elif form == "halves":
            w.line(f"pair = tl.join(acc, {w.any('acc * 2', '-acc', 'acc')})")
            w.line("one, other = tl.split(pair)")
            w.line(f"tl.store({pointer} + rows[:, None] * {width} + columns[None, :], one + other)")
        elif form == "turned":
            w.line(f"tl.store({pointer} + columns[:, None] * {self.tiles_m * self.bm} + rows[None, :], {w.any('tl.trans(acc)', 'acc.T', 'tl.permute(acc, (1, 0))')})")
        elif form == "scanned":
            w.line(f"tl.store({pointer} + rows[:, None] * {width} + columns[None, :], {w.any('tl.cumsum(small(acc, 100), 1)', 'tl.cumsum(small(acc, 100), 0, reverse=True)', 'tl.sort(acc, 1)', 'tl.flip(acc, 1)')})")
        elif form == "rows":
            w.line(f"tl.store({pointer} + at_n * {self.tiles_m * self.bm} + rows, {w.any('tl.sum(small(acc, 1000), 1)', 'tl.max(acc, 1)', 'tl.min(acc, 1)', 'tl.argmax(acc, 1).to(tl.int32)')})")
        elif form == "columns":
            w.line(f"tl.store({pointer} + at_m * {width} + columns, {w.any('tl.sum(small(acc, 1000), 0)', 'tl.max(acc, 0)', 'tl.reduce(acc, 0, larger)')})")
        else:
            mask = f", mask={inside}" if w.chance(0.5) else ""
            order = w.any("", ', sem="relaxed"', ', sem="release"')
            w.line(f"tl.atomic_add({pointer} + tl.arange(0, {self.bm})[:, None] * {self.bn} + tl.arange(0, {self.bn})[None, :], acc{mask}{order})")


class Rows:
    """Loops without a product: over the columns of a few rows, twice at times, as softmax and norms are."""

    def __init__(self, w):
        r = w.random
        self.w = w
        self.type = r.choice(["fp16", "fp32", "fp32", "int32", "int8", "bf16"])
        self.sum_type = "int32" if self.type.startswith("int") else "fp32"
        self.bm, self.bn = r.choice([(1, 64), (1, 256), (4, 64), (8, 32), (16, 16), (2, 128), (32, 64)])
        self.n = max(0, r.choice([0, 1, 1, 2, 3, 4, 7]) * self.bn - r.choice([0, 0, 1, 8, self.bn // 2]))
        if self.n > 448:
            self.n = 448 - r.choice([0, 5])
        self.tiles = r.choice([1, 2, 3]) if self.bm < 32 else 1
        self.stages = r.choice([1, 2, 3, 4])
        self.grid = (r.choice([1, 2]), )

    def wish(self):
        w = self.w
        words = [f"num_stages={self.stages}"] * w.chance(0.7) + [w.any("loop_unroll_factor=2", "disable_licm=True")] * w.chance(0.1)
        return "".join(", " + word for word in words)

    def write(self):
        w = self.w
        array, ty = w.array(self.type, "whole"), LANGUAGE[self.sum_type]
        n = w.number(self.n, "n")
        rows = self.tiles * self.bm
        totals, most, out = (w.bind(w.room(self.sum_type, *shape), "o") for shape in ((rows, ), (rows, ), (rows, 512)))
        form = w.any("pointers", "pointers", "carried", "descriptor", "gathered", "block")
        if self.bn * (4 if self.type in ("fp32", "int32") else 1 if self.type == "int8" else 2) < 16:
            form = "pointers"
        stride = w.number(loads.ROW, "r")
        w.line("pid = tl.program_id(0)")
        if form == "descriptor":
            w.line(f"d = tl.make_tensor_descriptor({array}, [{w.number(rows, 'm')}, {n}], [{stride}, 1], [{self.bm}, {self.bn}])")
        wish = w.any("", "", ", num_stages=2", ", num_stages=3", ", flatten=True")
        w.line(f"for t in tl.range(pid, {w.number(self.tiles, 't')}, tl.num_programs(0){wish}):")
        w.depth += 1
        w.line(f"rows = t * {self.bm} + tl.arange(0, {self.bm})")
        at = "rows"
        if form == "gathered":
            w.line(f"at = tl.load({w.array('int32', 'index')} + rows)")
            at = "at"
        w.line(f"total = tl.zeros(({self.bm},), tl.{ty})")
        w.line(f"most = tl.full(({self.bm},), -100, tl.{ty})")
        rest = w.any("0", "0", "-1", "1")

        def load(i):
            columns = f"({i} + tl.arange(0, {self.bn}))"
            if form == "descriptor":
                return w.bind(f"d.load([t * {self.bm}, {i}])", "x")
            if form == "block":
                b = w.bind(f"tl.make_block_ptr({array}, ({rows}, {n}), ({stride}, 1), (t * {self.bm}, {i}), ({self.bm}, {self.bn}), (1, 0))", "b")
                return w.bind(f"tl.load({b}, boundary_check=(0, 1){loads.PADDED})", "x")
            if form == "carried":
                return w.bind(f"tl.load(p, mask=({columns} < {n})[None, :], other={rest})", "x")
            mask = f", mask=({columns} < {n})[None, :], other={rest}" if w.chance(0.85) else ""
            return w.bind(f"tl.load({array} + {at}[:, None] * {stride} + {columns}[None, :]{mask})", "x")

        def loop(body):
            if form == "carried":
                w.line(f"p = {array} + {at}[:, None] * {stride} + tl.arange(0, {self.bn})[None, :]")

            def all_of(i):
                body(i, load(i))
                if form == "carried":
                    w.line(f"p += {self.bn}")

            wish = self.wish()
            if w.chance(0.7):
                w.inside(f"for i in {'tl.range' if wish else 'range'}(0, {n}, {self.bn}{wish}):", lambda: all_of("i"))
            else:
                w.inside(f"for j in {'tl.range' if wish else 'range'}(tl.cdiv({n}, {self.bn}){wish}):", lambda: all_of(f"j * {self.bn}"))

        def sums(i, x):
            w.line(f"y = {x}.to(tl.{ty})")
            kind = w.any("sum", "pair", "scan", "both")
            if kind == "pair":
                w.line("more, best = tl.reduce((y, y), 1, sum_and_most)")
                w.line("total += more")
                w.line("most = tl.maximum(most, best)")
            elif kind == "scan":
                w.line("s = tl.cumsum(y, 1)")
                w.line("most = tl.maximum(most, tl.max(s + total[:, None], 1))")
                w.line("total += tl.sum(y, 1)")
            else:
                w.line("total = total + tl.sum(y, 1)")
                if kind == "both":
                    w.line("most = tl.maximum(most, tl.max(y, 1))")
                if w.chance(0.2):
                    w.inside(f"if tl.max(most, 0) > {w.any(0, 1)}:", lambda: w.line("total -= 1"))

        def results(i, x):
            columns = f"({i} + tl.arange(0, {self.bn}))"
            w.line(f"tl.store({out} + rows[:, None] * 512 + {columns}[None, :], {x}.to(tl.{ty}) - most[:, None]{w.any('', ' + total[:, None]')}, mask=({columns} < {n})[None, :])")

        loop(sums)
        if w.chance(0.6):
            loop(results)
        w.line(f"tl.store({totals} + rows, total)")
        w.line(f"tl.store({most} + rows, {w.any('most', 'most + total')})")
        w.depth -= 1


def kernel(seed):
    w = Writer(seed)
    one = Rows(w) if w.chance(0.25) else Product(w)
    one.write()
    name = f"kernel_{seed}"
    parameters = ["out"] + [a[0] for a in w.arrays] + [s[0] for s in w.scalars] + [f"{c}: tl.constexpr" for c in w.constants]
    start = [f"    {array} = {array}.to(tl.pointer_type(tl.{LANGUAGE[ty]}))" for array, ty, _ in w.arrays if ty in CARRIER]
    text = "\n".join([f"@triton.jit\ndef {name}({', '.join(parameters)}):"] + start + w.lines) + "\n"
    warps = w.random.choice([1, 2, 4, 4, 4, 4, 8, 8, 16])
    if one.bm * one.bn >= 4096:
        warps = max(warps, 4)
    return Kernel(name, text, w.arrays, w.scalars, w.constants, (*one.grid, 1), {"num_warps": warps, "num_stages": one.stages, "enable_fp_fusion": False}, w.puts)


def file_text(kernels):
    return PRELUDE + "".join("\n\n" + one.text for one in kernels)


def cases(kernels):
    """What the drivers need, as generate.cases; ``programs``: all programs put into the first one's bytes."""
    return [{"name": k.name, "arrays": k.arrays, "scalars": k.scalars, "constants": k.constants, "grid": list(k.grid), "programs": 1, "options": k.options, "bytes": SLOTS,
             "puts": [[offset, value.type, list(value.shape), True, True] for offset, value in k.puts.items()]} for k in kernels]
