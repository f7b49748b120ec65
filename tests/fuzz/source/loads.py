# loads.py - how the operands of random loops of products are loaded, and what else their loops do
# SPDX-License-Identifier: Apache-2.0
from model import LANGUAGE

PADDED = ', padding_option="zero"'
ROW = 512  # elements of a row of the arrays that operands are parts of


class Operand:
    """A tile of ``extent`` rows (or columns: of b) by the step along k. ``k_last``: k is the contiguous dim in memory; ``first``: it is the
    first operand, extent x step; else step x extent."""

    def __init__(self, w, product, first, extent, style):
        r = w.random
        self.w, self.first, self.extent = w, first, extent
        self.step = product.bk
        self.k_last = w.chance(0.75 if first else 0.4)
        self.stored = product.type
        self.wide = product.type == "fp16" and w.chance(0.06)  # stored as bytes
        if self.wide:
            self.stored = "int8"
        self.type = product.type
        self.base = w.array(self.stored, "whole")
        forms = ["computed", "computed", "pointers", "pointers", "base", "block", "descriptor", "descriptor", "gathered", "paged"]
        self.form = style or r.choice(forms)
        if self.form == "gathered" and not self.k_last:
            self.form = "computed"
        if self.form == "paged" and self.k_last:
            self.form = "computed"
        self.name = w.name("a" if first else "b")
        # ROW elements of 2 bytes a row: the stride is a multiple of 16 as an argument or as a constant.
        self.stride = w.number(ROW, "r")
        self.moves = self.form in ("pointers", "base") or self.form == "block" and w.chance(0.6)
        self.masked = w.any("none", "k", "k", "both", "rows")
        self.changed = w.any(*[""] * 9, "tl.where({x} > 0, {x}, 0)", "{x} * 2", "{x} + {x}", "-{x}", "tl.abs({x})")

    def strides(self):
        """Of the tile's own dims and of k, in elements."""
        return (self.stride, "1") if self.k_last else ("1", self.stride)

    def grid(self, across, k):
        """The text of the offsets of index ``across`` (of the extent) and ``k``."""
        a, b = self.strides()

        def times(index, by):
            return index if by == "1" else f"{index} * {by}"

        one = times(across + ("[:, None]" if self.first else "[None, :]"), a)
        two = times(k + ("[None, :]" if self.first else "[:, None]"), b)
        return f"{one} + {two}" if self.first else f"{two} + {one}"

    def shape(self):
        return (self.extent, self.step) if self.first else (self.step, self.extent)

    def mask(self, product, i, across, bound):
        k = f"({i} + tl.arange(0, {self.step}) < {product.k_name})" + ("[None, :]" if self.first else "[:, None]")
        rows = f"({across} < {bound})" + ("[:, None]" if self.first else "[None, :]")
        needed = product.k_must if self.first else False
        parts = ([k] if self.masked in ("k", "both") or needed else []) + ([rows] if self.masked in ("rows", "both") else [])
        return " & ".join(parts)

    def before(self, product, across, bound, at):
        """Lines before the loop. across: the text of the indices; bound: of how many there are; at: of the first."""
        w = self.w
        self.across = across
        if self.form == "gathered":
            array = w.array("int32", "index")
            w.line(f"{self.name}_at = tl.load({array} + ({across}) % 64)")
            self.across = f"{self.name}_at"
        elif w.chance(0.15):
            w.line(f"{self.name}_at = ({across}) % {bound}" if w.chance(0.6) else f"{self.name}_at = tl.where({across} < {bound}, {across}, 0)")
            self.across = f"{self.name}_at"
        k = f"tl.arange(0, {self.step})"
        if self.form == "pointers":
            w.line(f"{self.name} = {self.base} + ({self.grid(self.across, k)})")
        elif self.form == "base":
            w.line(f"{self.name} = {self.base}")
        elif self.form == "block":
            a, b = self.strides()
            full = (bound, product.k_name)
            order = "(1, 0)" if self.k_last == self.first else "(0, 1)"
            if self.first:
                text = f"({full[0]}, {full[1]}), ({a}, {b}), ({at}, 0), ({self.extent}, {self.step}), {order}"
            else:
                text = f"({full[1]}, {full[0]}), ({b}, {a}), (0, {at}), ({self.step}, {self.extent}), {order}"
            w.line(f"{self.name} = tl.make_block_ptr({self.base}, {text})")
        elif self.form == "descriptor":
            rows, columns, block = (bound, product.k_name, (self.extent, self.step)) if self.k_last else (product.k_name, bound, (self.step, self.extent))
            if block[1] * (1 if self.stored == "int8" else 2) < 16:
                self.form = "computed"
            else:
                w.line(f"{self.name} = tl.make_tensor_descriptor({self.base}, [{rows}, {columns}], [{self.stride}, 1], [{block[0]}, {block[1]}])")
        elif self.form == "paged":
            self.pages = w.array("int32", "index")
        self.bound, self.at = bound, at

    def load(self, product, i):
        """Binds the tile of the step that begins at k ``i``."""
        w = self.w
        k = f"tl.arange(0, {self.step})"
        mask = self.mask(product, i, self.across, self.bound)
        masked = f", mask={mask}" + w.any(", other=0", ", other=0.0" if self.stored != "int8" else ", other=0") if mask else ""
        if self.form in ("computed", "gathered"):
            at = w.any(f"({i} + {k})", f"({k} + {i})")
            text = f"tl.load({self.base} + ({self.grid(self.across, at)}){masked})"
        elif self.form == "paged":
            page = w.bind(f"tl.load({self.pages} + ({i}) // {self.step})", "page")
            text = f"tl.load({self.base} + ({self.grid(self.across, f'({page} % 8 * {self.step} + {k})')}){masked})"
        elif self.form == "pointers":
            text = f"tl.load({self.name}{masked})"
        elif self.form == "base":
            text = f"tl.load({self.name} + ({self.grid(self.across, k)}){masked})"
        elif self.form == "block":
            pointer = self.name
            if not self.moves:
                pointer = f"tl.advance({self.name}, {f'(0, {i})' if self.first else f'({i}, 0)'})"
            text = f'tl.load({pointer}, boundary_check=(0, 1){PADDED})'
        else:
            where = f"[{self.at}, {i}]" if self.k_last else f"[{i}, {self.at}]"
            text = f"{self.name}.load({where})"
            if self.k_last != self.first:
                text = w.any(f"{text}.T", f"tl.trans({text})", f"tl.permute({text}, (1, 0))")
        x = w.bind(text, "x" if self.first else "y")
        if self.wide:
            x = w.bind(f"{x}.to(tl.{LANGUAGE[self.type]})", "x")
        if self.changed:
            x = w.bind(f"({self.changed.format(x=x)}).to(tl.{LANGUAGE[self.type]})", "x")
        return x

    def carried(self):
        b = self.strides()[1]
        by = str(self.step) if b == "1" else f"{self.step} * {b}"
        if self.form in ("pointers", "base"):
            return [f"{self.name} += {by}"]
        if self.form == "block" and self.moves:
            return [f"{self.name} = tl.advance({self.name}, {f'(0, {self.step})' if self.first else f'({self.step}, 0)'})"]
        return []


class Operands:
    """Both operands of the product, and those of a chain."""

    def __init__(self, w, product):
        self.w = w
        # Often both alike, as most programs have them.
        style = w.any(None, None, "descriptor", "descriptor", "pointers", "computed", "block")
        self.a = Operand(w, product, True, product.bm, style)
        self.b = Operand(w, product, False, product.bn, style)
        product.k_must = product.odd
        self.moves = self.a.moves or self.b.moves

    def before(self, product):
        self.a.before(product, "rows", product.m_name, f"at_m * {product.bm}")
        self.b.before(product, "columns", product.n_name, f"at_n * {product.bn}")

    def load(self, product, i):
        if self.w.chance(0.3):
            y = self.b.load(product, i)
            return self.a.load(product, i), y
        return self.a.load(product, i), self.b.load(product, i)

    def another(self, product, i):
        """A third tile, like the second operand."""
        w, b = self.w, self.b
        array = w.array(product.type, "whole")
        k = f"({i} + tl.arange(0, {product.bk}))"
        return w.bind(f"tl.load({array} + {k}[:, None] * {ROW} + columns[None, :])", "w")

    def carried(self, product):
        return self.a.carried() + self.b.carried()

    # A chain: q stays, keys are bk x head, values bk x bn.
    def before_chain(self, product):
        w = self.w
        self.head = w.any(16, 32, 64)
        if product.type == "int8":
            self.head = 32
        q = w.array(product.type, "whole")
        w.line(f"q = tl.load({q} + rows[:, None] * {ROW} + tl.arange(0, {self.head})[None, :])")
        self.keys_form = w.any("pointers", "descriptor", "turned", "descriptor")
        self.keys = w.array(product.type, "whole")
        if self.keys_form == "descriptor":
            w.line(f"keys = tl.make_tensor_descriptor({self.keys}, [{product.k_name}, {self.head}], [{ROW}, 1], [{product.bk}, {self.head}])")
        self.q_inside = w.chance(0.1)
        self.q = q
        product.k_must = False
        self.b.before(product, "columns", product.n_name, f"at_n * {product.bn}")

    def load_chain(self, product, i):
        w = self.w
        q = "q"
        if self.q_inside:
            q = w.bind(f"tl.load({self.q} + rows[:, None] * {ROW} + tl.arange(0, {self.head})[None, :])", "q")
        k = f"({i} + tl.arange(0, {product.bk}))"
        h = f"tl.arange(0, {self.head})"
        mask = f", mask={k}{{}} < {product.k_name}, other=0.0" if w.chance(0.6) else ""
        if self.keys_form == "descriptor":
            keys = w.bind(f"keys.load([{i}, 0])", "y")
            keys = w.any(f"{keys}.T", f"tl.trans({keys})")
        elif self.keys_form == "pointers":
            keys = w.bind(f"tl.load({self.keys} + {k}[None, :] * {ROW} + {h}[:, None]{mask.format('[None, :]')})", "y")
        else:
            keys = w.bind(f"tl.trans(tl.load({self.keys} + {k}[:, None] * {ROW} + {h}[None, :]{mask.format('[:, None]')}))", "y")
        return q, keys, self.b.load(product, i)

    def carried_chain(self, product):
        return self.b.carried()


class Extras:
    """What else a loop over k does, and what it leaves behind."""

    def __init__(self, w, product):
        self.w, self.product = w, product
        self.forms = w.random.sample(["row", "vector", "atomic", "store", "exchange", "pair", "rewrite"], w.any(0, 0, 0, 1, 1, 2))

    def before(self):
        w, p = self.w, self.product
        kept = []
        for form in self.forms:
            if form == "row":
                pointer = w.room(p.sum_type, p.tiles_n, p.tiles_m * p.bm)
                w.line(f"sums = tl.zeros(({p.bm},), tl.{LANGUAGE[p.sum_type]})")
            elif form == "vector":
                pointer = w.array(p.sum_type, "whole")
            elif form == "atomic":
                pointer = w.room("int32", 16)
            elif form == "exchange":
                pointer = w.room("int32", 16)
            elif form == "store":
                pointer = w.room(p.sum_type, p.tiles_n * p.tiles_m, 9, p.bn)
            elif form == "pair":
                pointer = w.room("int32", p.tiles_n * p.tiles_m, 4)
                w.line("pair = (0, at_m)")
            else:
                pointer = w.room(p.sum_type, p.tiles_n * p.tiles_m, p.bn)
            if pointer:
                kept.append((form, w.bind(pointer, "o")))
        self.forms = kept
        self.tile = f"(at_m * {p.tiles_n} + at_n)"

    def inside(self, i, x, y):
        w, p = self.w, self.product
        step = f"(({i}) // {p.bk})"
        for form, pointer in self.forms:
            if form == "row":
                w.line(f"sums += tl.sum({x}.to(tl.{LANGUAGE[p.sum_type]}), 1)")
            elif form == "vector":
                w.line(f"acc += tl.load({pointer} + {step} * {ROW} + columns)[None, :]")
            elif form == "atomic":
                w.line(f"tl.atomic_add({pointer} + {step}, {w.any('1', 'at_m + 2', 'tl.max(' + x + '.to(tl.int32).reshape(' + str(p.bm * p.bk) + ',), 0)')})")
            elif form == "exchange":
                w.line(f"old = tl.atomic_max({pointer} + {step}, {step} + 1)")
                w.line("acc += old * 0")
            elif form == "store":
                w.line(f"tl.store({pointer} + ({self.tile} * 9 + {step}) * {p.bn} + tl.arange(0, {p.bn}), tl.sum({y}.to(tl.{LANGUAGE[p.sum_type]}), 0))")
            elif form == "pair":
                w.line(w.any("pair = (pair[1], pair[0] + 1)", f"pair = (pair[0] + {step}, pair[1] - 1)"))
            else:
                # Written and read again, by other lanes.
                at = f"{pointer} + {self.tile} * {p.bn} + tl.arange(0, {p.bn})"
                w.line(f"tl.store({at}, tl.sum({y}.to(tl.{LANGUAGE[p.sum_type]}), 0))")
                w.line("tl.debug_barrier()")
                w.line(f"acc += tl.load({at})[None, :]")
                w.line("tl.debug_barrier()")

    def after(self):
        w, p = self.w, self.product
        for form, pointer in self.forms:
            if form == "row":
                w.line(f"tl.store({pointer} + at_n * {p.tiles_m * p.bm} + rows, sums)")
            elif form == "pair":
                w.line(f"tl.store({pointer} + {self.tile} * 4, pair[0])")
                w.line(f"tl.store({pointer} + {self.tile} * 4 + 1, pair[1])")
