# corner_memory.py - steps of random kernels: descriptors, atomics, pointers and block pointers of unusual kinds
# SPDX-License-Identifier: Apache-2.0
from model import LANGUAGE, WIDTH, Value

# What atomics and the reductions by descriptor take.
RMW = {"add": ["int32", "uint32", "int64", "uint64", "fp32", "fp64", "fp16", "bf16"], "max": ["int32", "uint32", "int64", "uint64", "fp32", "fp64"],
       "and": ["int32", "uint32", "int64", "uint64"], "xchg": ["int32", "uint32", "int64", "uint64", "fp32", "fp64"]}
RMW["min"], RMW["or"], RMW["xor"] = RMW["max"], RMW["and"], RMW["and"]
REDUCED = {"add": ["int32", "uint32", "uint64", "fp32", "fp16", "bf16"], "max": RMW["and"], "and": RMW["and"]}
REDUCED["min"], REDUCED["or"], REDUCED["xor"] = REDUCED["max"], REDUCED["and"], REDUCED["and"]
ORDERS = ("", "", ', sem="relaxed"', ', sem="acquire"', ', sem="release"', ', scope="cta"', ', sem="acq_rel", scope="sys"')


def small(w, ty, shape, contents="whole"):
    """A block of small whole numbers."""
    count = 1
    for n in shape:
        count *= n
    array = w.array(ty, contents)
    text = w.bind(f"tl.load({array} + {w.random.randrange(64)} + tl.arange(0, {count}))" if shape else f"tl.load({array} + {w.random.randrange(64)})")
    return w.bind(f"tl.reshape({text}, {list(shape)})") if len(shape) > 1 else text


def contents_of(ty):
    return "whole" if not ty.startswith("uint") else "bits"


# Atomics.
def atomics(w):
    """Each lane at a place of its own: the old values are known. In loops, under masks and conditions."""
    op = w.any(*RMW, "cas")
    ty = w.any(*RMW[op]) if op != "cas" else w.any("int32", "int64", "uint32", "uint64", "fp32", "fp64", "fp16", "bf16", "int16", "uint16")
    n = w.any(1, 16, 64, 128, 256)
    p = w.room_for(ty, n)
    if not p:
        return
    block = n > 1
    at = w.any("tl.arange(0, {n})", "(tl.arange(0, {n}) ^ {x})", "({n} - 1 - tl.arange(0, {n}))", "((tl.arange(0, {n}) * 5 + 3) & ({n} - 1))").format(n=n, x=n // 2) if block else "0"
    places = w.bind(f"{p} + {at}", "q")
    shape = (n, ) if block else ()
    old = w.bind(f"tl.zeros([{n if block else ''}], tl.{LANGUAGE[ty]})", "o")
    value = small(w, ty, shape, contents_of(ty))
    order = w.any(*ORDERS)

    def once(step):
        given = w.any(value, f"({value} + {step}).to(tl.{LANGUAGE[ty]})", f"{step}" if op != "cas" else value)
        if op == "cas":
            compare = w.any(f"tl.load({places})", value, old)
            if given == value and w.chance(0.5):
                given = old
            got = w.bind(f"tl.atomic_cas({places}, {compare}, {given}{order})")
            w.line("tl.debug_barrier()")
        else:
            mask = w.any(None, None, f"tl.arange(0, {n}) < {w.any(0, n // 2, n - 1, f'({step} * 7) % {n}')}", f"(tl.arange(0, {n}) & 1) == ({step} & 1)", f"{value} > 0", f"tl.program_id(0) == {w.any(0, 1)}") if block else \
                w.any(None, None, f"{value} > 0", f"({step} & 1) == 0")
            got = w.bind(f"tl.atomic_{op}({places}, {given}{f', mask={mask}' if mask else ''}{order})")
            if mask:
                got = w.bind(f"tl.where({mask}, {got}, 0)")
        if w.chance(0.8):
            w.line(f"{old} = ({old} + {got}).to(tl.{LANGUAGE[ty]})" if w.chance(0.7) else f"{old} = tl.where({old} > {got}, {old}, {got})")

    form = w.random.randrange(5)
    if form == 0:
        once("2")
    elif form == 1:
        w.inside(f"for i in {w.any('range(3)', 'tl.range(3, num_stages=2)', 'tl.range(0, 4, 2)', 'tl.static_range(2)', 'tl.range(3, loop_unroll_factor=2)')}:", lambda: once("i"))
    elif form == 2:
        condition = w.bind(f"tl.load({w.array('int32', 'any')} + {w.random.randrange(64)})")
        w.inside(f"if {condition} % 2 == 0:", lambda: once("1"))
        if w.chance(0.5):
            w.inside("else:", lambda: once("3"))
    elif form == 3:
        limit = w.bind(f"tl.load({w.array('int32', 'index')} + {w.random.randrange(64)}) % 4")
        w.line("i = 0")
        w.inside(f"while i < {limit}:", lambda: (once("i"), w.line("i += 1")))
    else:
        limit = w.bind(f"tl.load({w.array('int32', 'index')} + {w.random.randrange(64)}) % 5")
        w.inside(f"for i in range({limit}):", lambda: w.inside(f"if i {w.any('% 2 == 0', '> 1', '!= 3')}:", lambda: once("i")))
    w.put(Value(old, ty, shape))


def contended(w):
    """All at a few places, of all programs: what is there in the end does not depend on the order."""
    op = w.any("add", "add", "max", "min", "and", "or", "xor")
    ty = w.any(*[t for t in RMW[op] if t not in ("fp16", "bf16") or w.chance(0.5)])
    count = w.any(1, 2, 4, 16)
    offset = w.offset
    p = w.room_for(ty, count)
    if not p:
        return
    if w.programs > 1:
        w.line(f"{p} = (first + {offset}).to(tl.pointer_type(tl.{LANGUAGE[ty]}))")
    n = w.any(32, 64, 256)
    value = small(w, ty, (n, ), contents_of(ty))
    index = w.bind(f"tl.load({w.array('int32', 'index')} + tl.arange(0, {n})) % {count}")
    mask = w.any("", "", f", mask=tl.arange(0, {n}) < {w.random.randrange(n)}", f", mask=({index} & 1) == 0")
    call = f"tl.atomic_{op}({p} + {index}, {value}{mask}{w.any(*ORDERS)})" if w.chance(0.7) else f"tl.atomic_{op}({p} + {w.random.randrange(count)} + tl.zeros([{n}], tl.int32), {value}{mask})"
    if w.chance(0.4):
        w.inside(f"for i in range({w.any(1, 2, 3)}):", lambda: w.line(call))
    else:
        w.line(call)


def tickets(w):
    """Each draws another number: as a set they are known."""
    n = w.any(16, 64, 128)
    ty = w.any("int32", "int64", "uint32")
    p = w.room_for(ty, 1)
    if p:
        drawn = w.bind(f"tl.atomic_add({p} + tl.zeros([{n}], tl.int32), 1{w.any(*ORDERS)})")
        w.show(w.any(f"tl.sort({drawn})", f"tl.sort({drawn}, descending=True)"), ty, (n, ))


# Descriptors.
def geometry(w, ty, gathered=False):
    """(shape, strides, block) of an array as a descriptor takes it."""
    size = max(1, WIDTH[ty] // 8)
    rank = 2 if gathered else w.any(1, 2, 2, 2, 3, 4)
    least = 16 // size
    last = w.any(*[n for n in (least, 2 * least, 4 * least) if n <= 64])
    block = [1] * (rank - 1) + [last]
    for axis in range(rank - 1):
        block[axis] = w.any(1, 2, 4) if rank > 2 else w.any(1, 4, 8, 16)
    if gathered:
        block = [1, max(last, 32 // size)]
    shape = [max(1, w.any(b, b * 2, b + 1, b * 3 - 1)) for b in block]
    if w.chance(0.6):
        shape[-1] = max(least, shape[-1] // least * least)
    strides, step = [1], (shape[-1] + least - 1) // least * least + w.any(0, 0, least)
    for axis in reversed(range(rank - 1)):
        strides.insert(0, step)
        step *= shape[axis] + w.any(0, 0, 1)
    return shape, strides, block


def described(w, ty, gathered=False, contents="whole"):
    """(descriptor, array, its shape, block): an argument of the host's, or made by the kernel."""
    shape, strides, block = geometry(w, ty, gathered)
    while contents == "bits" and strides[0] * shape[0] > 2048:
        shape, strides, block = geometry(w, ty, gathered)
    nan = ty in ("fp16", "fp32", "bf16") and w.chance(0.3)
    array = w.array(ty, contents)
    if w.chance(0.6) and ty != "bf16":
        w.descriptors[array] = [shape, strides, block, "nan" if nan else "zero"]
        return array, array, shape, block
    extents = [w.number(n, "n") if w.chance(0.3) else str(n) for n in shape]
    name = w.bind(f"tl.make_tensor_descriptor({array}, [{', '.join(extents)}], {strides}, {block}{', padding_option=' + repr('nan') if nan else ''})", "d")
    return name, array, shape, block


def places(w, shape, block, ty, inside=False):
    """Offsets, partly outside; along the last dim also such as no copy engine takes."""
    least = 16 // max(1, WIDTH[ty] // 8)
    found = []
    for axis, (n, b) in enumerate(zip(shape, block)):
        place = w.any(0, 0, n - b, w.random.randrange(-b, n + 1)) if not inside else w.any(0, max(0, n - b))
        if axis == len(shape) - 1 and w.chance(0.7):
            place = place // least * least
        found.append(str(place))
    return ", ".join(found)


DESCRIBED = ["fp16", "fp16", "fp32", "int32", "int8", "bf16", "int16", "uint8", "int64"]


def described_loads(w):
    ty = w.any(*DESCRIBED)
    name, _, shape, block = described(w, ty, contents=contents_of(ty))
    squeezed = tuple(block)
    for _ in range(w.any(1, 2)):
        form = w.random.randrange(4)
        load = f"tl.load_tensor_descriptor({name}, [{places(w, shape, block, ty)}])" if w.chance(0.2) else f"{name}.load([{places(w, shape, block, ty)}])"
        if form < 2:
            w.show(load, ty, squeezed)
        elif form == 2:
            total = w.bind(f"tl.zeros({block}, tl.{LANGUAGE[ty]})", "t")
            axis = w.random.randrange(len(block))
            step = block[axis]
            offsets = ["0"] * len(block)
            offsets[axis] = f"i * {step}"
            words = w.any("", ", num_stages=2", ", num_stages=3", ", loop_unroll_factor=2", ", warp_specialize=True", ", num_stages=3, flatten=True")
            w.inside(f"for i in tl.range({w.any(1, 2, 3)}{words}):", lambda: w.line(f"{total} = ({total} + {name}.load([{', '.join(offsets)}])).to(tl.{LANGUAGE[ty]})"))
            w.put(Value(total, ty, squeezed))
        elif ty.startswith("int") and len(block) > 1:
            w.show(f"tl.sum({load}.to(tl.int32), {len(block) - 1})", "int32", squeezed[:-1])
        elif ty in ("fp16", "fp32", "bf16"):
            x = w.bind(load)
            w.show(f"tl.sum(tl.where({x} == {x}, {x}, 7.0).to(tl.float32), 0)", "fp32", squeezed[1:])


def gathers(w):
    ty = w.any("fp16", "fp32", "int32", "int8", "bf16", "int16")
    name, _, shape, block = described(w, ty, True)
    n = w.any(8, 16, 32)
    rows = w.bind(f"tl.load({w.array('int32', 'index')} + tl.arange(0, {n})) % {w.any(shape[0], shape[0] + 2, 1)}{w.any('', ' - 1')}")
    least = 16 // max(1, WIDTH[ty] // 8)
    w.show(f"{name}.gather({rows}, {w.any(0, 0, least, -least, shape[1] - block[1])})", ty, (n, block[1]))


def described_stores(w):
    """Stores, scatters and reductions by descriptor into an array; then what is there."""
    if w.programs > 1:
        return
    form = w.any("store", "store", "scatter", "reduce", "reduce", "reduce")
    op = w.any("add", "add", "max", "min", "and", "or", "xor") if form == "reduce" else None
    ty = w.any(*(REDUCED[op] if op else ["fp16", "fp32", "int32", "int8", "bf16", "int16"]))
    name, array, shape, block = described(w, ty, form == "scatter", contents_of(ty))
    w.written.append(array)
    if form == "scatter":
        n = w.any(8, 16)
        # Rows apart, some outside.
        rows = w.bind(f"(tl.arange(0, {n}) * {w.any(1, 3, -1)} + {w.any(0, -2, 1)})")
        w.line(f"{name}.scatter({small(w, ty, (n, block[1]))}, {rows}, {w.any(0, 0, 16 // max(1, WIDTH[ty] // 8))})")
        return
    value = small(w, ty, tuple(block), contents_of(ty))
    call = f"{name}.store([{places(w, shape, block, ty)}], {value})" if not op else f"{name}.atomic_{op}([{places(w, shape, block, ty)}], {value})"
    if form == "store" and w.chance(0.2):
        call = f"tl.store_tensor_descriptor({name}, [{places(w, shape, block, ty)}], {value})"
    where = w.random.randrange(4)
    if where == 0:
        w.inside(f"for i in {w.any('range(2)', 'tl.range(3, num_stages=2)', 'tl.range(0)')}:", lambda: w.line(call))
    elif where == 1:
        condition = w.bind(f"tl.load({w.array('int32', 'any')} + {w.random.randrange(64)})")
        w.inside(f"if {condition} % 2 == 0:", lambda: w.line(call))
    else:
        w.line(call)


# Pointers.
HINTS = ("", "", "", ", volatile=True", ', cache_modifier=".ca"', ', cache_modifier=".cg"', ', cache_modifier=".cv"', ', eviction_policy="evict_first"', ', eviction_policy="evict_last"',
         ', cache_modifier=".cg", eviction_policy="evict_last"')
STORE_HINTS = ("", "", ', cache_modifier=".wb"', ', cache_modifier=".cg"', ', cache_modifier=".cs"', ', cache_modifier=".wt"', ', eviction_policy="evict_first"', ', eviction_policy="evict_last"')
ANY = ["int32", "int32", "int64", "int16", "int8", "uint8", "uint32", "uint64", "uint16", "int1"]


def strided(w):
    """Loads by strides of any sign, also none, and offsets of any width."""
    ty = w.any(*ANY)
    array = w.array(ty, "any")
    rank = w.any(1, 2, 2, 3)
    shape = tuple(w.any(1, 2, 4, 8, 16, 32) for _ in range(rank))
    while shape[0] * (shape[1] if rank > 1 else 1) * (shape[2] if rank > 2 else 1) > 1024:
        shape = (shape[0] // 2, *shape[1:])
    start, reach, terms = w.random.randrange(16), 0, []
    for axis, n in enumerate(shape):
        stride = w.any(0, 1, 1, -1, 2, 3, -4, 8, 16, -16)
        if reach + abs(stride) * n > 2000:
            stride = 0
        reach += abs(stride) * (n - 1)
        start -= min(stride, 0) * (n - 1)
        index = ", ".join(":" if i == axis else "None" for i in range(rank))
        wide = w.any("", "", ".to(tl.int64)", ".to(tl.int16)", ".to(tl.int8)", ".to(tl.uint8)") if 0 <= stride and stride * n < 128 else w.any("", ".to(tl.int64)", ".to(tl.int16)")
        step = str(stride) if w.chance(0.5) or stride in (0, 1) else w.number(stride, "s")
        terms.append(f"tl.arange(0, {n}){wide}{f'[{index}]' if rank > 1 else ''} * {step}")
    far = w.any("", "", str(1 << 33), str(-(1 << 34)), str(1 << 31))
    base = w.bind(f"{array} + {start}", "p")
    if far:
        base = w.bind(f"{base} + {far}", "p")
    place = " + ".join(terms)
    if far:
        place = f"({place}).to(tl.int64) - ({far})"
    at = w.bind(f"{base} + ({place})", "p")
    if shape != ():
        at = w.bind(f"tl.broadcast_to({at}, {list(shape)})", "p") if any(n == 1 for n in shape) and w.chance(0.5) else at
    mask = None
    if w.chance(0.5):
        mask = w.bind(w.any(f"tl.arange(0, {shape[-1]}){'[' + 'None, ' * (rank - 1) + ':]' if rank > 1 else ''} < {w.random.randrange(shape[-1] + 1)}",
                            f"(tl.load({w.array('int32', 'any')} + tl.arange(0, {shape[0]})) & 1 == 0){'[:' + ', None' * (rank - 1) + ']' if rank > 1 else ''}"))
    if mask is None:
        w.values.append(Value(w.bind(f"tl.load({at}{w.any(*HINTS)})"), ty, shape))
    elif w.chance(0.6) or ty == "int1":
        w.values.append(Value(w.bind(f"tl.load({at}, mask={mask}, other={w.any(0, 1)}{w.any(*HINTS)})"), ty, shape))
    else:
        w.values.append(Value(w.bind(f"tl.where({mask}, tl.load({at}, mask={mask}{w.any(*HINTS)}), 1)"), ty, shape))


def strided_stores(w):
    """Stores to places apart, by strides of any sign, under masks."""
    v = w.pick(lambda v: v.shape != () and v.numel <= 512)
    if not v:
        return
    gap = w.any(1, 1, 2, 3)
    p = w.room_for(v.type, v.numel * gap)
    if not p:
        return
    flat = w.bind(f"tl.reshape({v.text}, [{v.numel}])")
    at = w.any(f"tl.arange(0, {v.numel}) * {gap}", f"({v.numel} - 1 - tl.arange(0, {v.numel})) * {gap}", f"(tl.arange(0, {v.numel}) ^ {v.numel // 2}).to(tl.int64) * {gap}")
    mask = w.any("", "", f", mask=tl.arange(0, {v.numel}) {w.any('<', '>=')} {w.random.randrange(v.numel + 1)}", f", mask=({flat}) > 0" if v.type != "int1" else f", mask={flat}", ", mask=tl.program_id(0) == 0")
    w.line(f"tl.store({p} + {at}, {flat}{mask}{w.any(*STORE_HINTS)})")


def block_pointers(w):
    """Of one to three dims in any order, checked along some, moved in loops; loads and stores."""
    ty = w.any("int32", "int16", "int8", "int64", "fp32", "fp16")
    rank = w.any(1, 2, 2, 3)
    shape = [w.any(3, 4, 8, 11, 16) for _ in range(rank)]
    block = [w.any(1, 2, 4, 8) for _ in range(rank)]
    order = list(range(rank))
    w.random.shuffle(order)
    strides, step = [0] * rank, 1
    for axis in order:
        strides[axis] = step
        step *= shape[axis] + w.any(0, 0, 1)
    if w.chance(0.1):
        strides[w.random.randrange(rank)] = 0
    checked, offsets = [], []
    for axis in range(rank):
        if w.chance(0.7) or shape[axis] < block[axis]:
            checked.append(axis)
            offsets.append(w.random.randrange(-block[axis], shape[axis] + 1))
        else:
            offsets.append(w.random.randrange(0, shape[axis] - block[axis] + 1))
    said = w.any(order, list(reversed(range(rank))), list(range(rank)))
    tupled = lambda of: "(" + ", ".join(map(str, of)) + ("," if len(of) == 1 else "") + ")"
    check = f", boundary_check={tupled(checked)}" if checked else ""
    extents = [w.number(n, "n") if w.chance(0.2) else n for n in shape]
    if w.chance(0.3):
        v = small(w, ty, tuple(block))
        p = w.room_for(ty, step)
        if p and 0 not in strides:
            b = w.bind(f"tl.make_block_ptr({p}, {tupled(extents)}, {tupled(strides)}, {tupled(offsets)}, {tupled(block)}, {tupled(said)})", "b")
            w.line(f"tl.store({b}, {v}{check}{w.any(*STORE_HINTS)})")
        return
    array = w.array(ty, "whole")
    b = w.bind(f"tl.make_block_ptr({array}, {tupled(extents)}, {tupled(strides)}, {tupled(offsets)}, {tupled(block)}, {tupled(said)})", "b")
    padding = w.any("", ', padding_option="zero"', *([', padding_option="nan"'] if ty.startswith("fp") else []))
    if not checked or padding == "":
        # What lies outside is zero or nothing that anybody says.
        padding = ', padding_option="zero"' if checked else ""
    load = f"tl.load({b}{check}{padding}{w.any(*HINTS[:3], *HINTS[4:])})"
    if w.chance(0.4) and checked:
        axis = w.any(*checked)
        steps = ["0"] * rank
        steps[axis] = w.any(1, -1, block[axis])
        total = w.bind(f"tl.zeros({block}, tl.{LANGUAGE[ty]})", "t")

        def body():
            x = w.bind(load)
            w.line(f"{total} = ({total} + tl.where({x} == {x}, {x}, 5)).to(tl.{LANGUAGE[ty]})")
            w.line(f"{b} = tl.advance({b}, {tupled(steps)})")

        w.inside(f"for i in {w.any('range', 'tl.range')}({w.any(1, 2, 3)}):", body)
        w.put(Value(total, ty, tuple(block)))
        return
    if ty.startswith("fp"):
        w.show(load, ty, tuple(block))
    else:
        w.values.append(Value(w.bind(load), ty, tuple(block)))


STEPS = [atomics] * 5 + [contended] * 3 + [tickets] + [described_loads] * 5 + [gathers] * 2 + [described_stores] * 5 + [strided] * 5 + [strided_stores] * 3 + [block_pointers] * 4
