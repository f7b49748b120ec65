# Loops over the grid whose launches may have more programs (tile-find-grid-stride), and why others may not.
# SPDX-License-Identifier: Apache-2.0
# DEFINE: %{case} =
# DEFINE: %{kernel} = rows
# DEFINE: %{block} = 1024
# DEFINE: %{find} = %sema %s:%{kernel} --signature="*fp32:16,*fp32:16,i32,i32,i32,i32" -D BLOCK=%{block} -D CASE=%{case} | %tessera-opt --tile-simplify --tile-simplify-pointers --tile-simplify-masks --tile-simplify --tile-merge-equal-ops --tile-hoist-invariants --tile-find-grid-stride=remarks=true --tile-merge-equal-ops 2>&1
# REDEFINE: %{case} = "'softmax'"
# RUN: %{find} | FileCheck %s --check-prefix=ROWS
# REDEFINE: %{case} = "'one number a row'"
# RUN: %{find} | FileCheck %s --check-prefix=FOUND
# REDEFINE: %{case} = "'in place'"
# RUN: %{find} | FileCheck %s --check-prefix=INPLACE
# REDEFINE: %{case} = "'one place'"
# RUN: %{find} | FileCheck %s --check-prefix=PLACE
# REDEFINE: %{case} = "'the row before'"
# RUN: %{find} | FileCheck %s --check-prefix=REACH
# REDEFINE: %{case} = "'gathered'"
# RUN: %{find} | FileCheck %s --check-prefix=WINDOW
# REDEFINE: %{case} = "'volatile'"
# RUN: %{find} | FileCheck %s --check-prefix=HEARS
# REDEFINE: %{case} = "'printed'"
# RUN: %{find} | FileCheck %s --check-prefix=MORE
# REDEFINE: %{case} = "'atomic'"
# RUN: %{find} | FileCheck %s --check-prefix=MORE
# REDEFINE: %{case} = "'told'"
# RUN: %{find} | FileCheck %s --check-prefix=ASKS
# REDEFINE: %{case} = "'promised'"
# RUN: %{find} | FileCheck %s --check-prefix=ASKS
# REDEFINE: %{case} = "'assembly'"
# RUN: %{find} | FileCheck %s --check-prefix=ASSEMBLY
# REDEFINE: %{case} = "'carried'"
# RUN: %{find} | FileCheck %s --check-prefix=ASKS
# REDEFINE: %{case} = "'loaded before'"
# RUN: %{find} | FileCheck %s --check-prefix=OUTSIDE
# REDEFINE: %{case} = "'how many is loaded'"
# RUN: %{find} | FileCheck %s --check-prefix=OUTSIDE
# REDEFINE: %{case} = "'softmax'"
# REDEFINE: %{block} = 256
# RUN: %{find} | FileCheck %s --check-prefix=LITTLE
# REDEFINE: %{kernel} = tiles
# REDEFINE: %{block} = 1024
# RUN: %{find} | FileCheck %s --check-prefix=TILES
# REDEFINE: %{kernel} = products
# REDEFINE: %{block} = 32
# RUN: %{find} | FileCheck %s --check-prefix=PRODUCTS
import triton
import triton.language as tl

# The arrays are apart, and a row of y is no shorter than what is written of it.
# ROWS-LABEL: func.func @rows(
# ROWS: arith.cmpi slt
# ROWS: tile.ptrtoint
# ROWS: %[[OK:[0-9]+]] = arith.extsi %{{[0-9]+}} : i1 to i64
# ROWS: %[[N:[0-9]+]] = arith.andi %{{[0-9]+}}, %[[OK]] : i64
# ROWS: tile.grid_stride %[[N]] axis = 0 : i64
# ROWS: scf.for
# FOUND: tile.grid_stride
# One array: only how long its rows are is asked.
# INPLACE-LABEL: func.func @rows(
# INPLACE-NOT: ptrtoint
# INPLACE: tile.grid_stride
# PLACE: remark: launches have the programs that they ask for: iterations store to the same place
# REACH: tile.grid_stride
# WINDOW: remark: launches have the programs that they ask for: what an iteration touches is no window on an array
# HEARS: remark: launches have the programs that they ask for: it hears of what others store
# MORE: remark: launches have the programs that they ask for: an iteration does more than load and store
# ASKS: remark: launches have the programs that they ask for: the kernel is no loop over its grid
# ASSEMBLY: remark: launches have the programs that they ask for: it asks the target by assembly
# OUTSIDE: remark: launches have the programs that they ask for: the kernel does something outside of its loop
# LITTLE: remark: launches have the programs that they ask for: an iteration moves too little
# PRODUCTS: remark: launches have the programs that they ask for: it has products


@triton.jit
def rows(x, y, x_row, y_row, n, cols, BLOCK: tl.constexpr, CASE: tl.constexpr):
    i = tl.arange(0, BLOCK)
    inside = i < cols
    total = 0.0
    count = n
    if CASE == 'loaded before':
        total = tl.load(x)
    if CASE == 'how many is loaded':
        count = tl.load(x).to(tl.int32)
    step = tl.num_programs(0)
    if CASE == 'promised':
        step = tl.multiple_of(step, 8)
    for row in tl.range(tl.program_id(0), count, step, num_stages=2):
        at = y + row * y_row + i
        if CASE == 'in place':
            v = tl.load(at, mask=inside)
        elif CASE == 'the row before':
            v = tl.load(y + (row + 1) * y_row + i, mask=inside)
        elif CASE == 'gathered':
            v = tl.load(x + tl.load(x + row * x_row + i, mask=inside, other=0).to(tl.int32))
        elif CASE == 'volatile':
            v = tl.load(x + row * x_row + i, mask=inside, volatile=True)
        else:
            v = tl.load(x + row * x_row + i, mask=inside, other=float("-inf"))
        if CASE == 'softmax':
            v = tl.exp(v - tl.max(v, axis=0))
            tl.store(at, v / tl.sum(v, axis=0), mask=inside)
        elif CASE == 'one number a row':
            tl.store(y + row, tl.sum(v, axis=0))
        elif CASE == 'one place':
            tl.store(y + i, v)
        elif CASE == 'printed':
            tl.device_print("row", row)
            tl.store(at, v)
        elif CASE == 'atomic':
            tl.atomic_add(at, v)
        elif CASE == 'told':
            tl.store(at, v + tl.program_id(0))
        elif CASE == 'assembly':
            place = tl.inline_asm_elementwise("mov.u32 $0, %ctaid.x;", "=r", [], dtype=tl.int32, is_pure=True, pack=1)
            tl.store(at, v + place, mask=inside)
        elif CASE == 'carried':
            total += tl.sum(v, axis=0)
            tl.store(at, v + total)
        else:
            tl.store(at, v + total, mask=inside)


# Whole tiles lie apart whatever the arguments are; so do rows' arrays, or not.
# TILES-LABEL: func.func @tiles(
# TILES: arith.divsi
# TILES: tile.ptrtoint
# TILES: tile.grid_stride %{{[0-9]+}} axis = 1 : i64
@triton.jit
def tiles(x, y, x_row, y_row, n, cols, BLOCK: tl.constexpr, CASE: tl.constexpr):
    for tile in range(tl.program_id(1), tl.cdiv(n, BLOCK), tl.num_programs(1)):
        at = tile * BLOCK + tl.arange(0, BLOCK)
        tl.store(y + at, tl.load(x + at, mask=at < n) + 1, mask=at < n)


@triton.jit
def products(x, y, x_row, y_row, n, cols, BLOCK: tl.constexpr, CASE: tl.constexpr):
    i, j = tl.arange(0, BLOCK)[:, None], tl.arange(0, BLOCK)[None, :]
    for tile in range(tl.program_id(0), n, tl.num_programs(0)):
        v = tl.load(x + (tile * BLOCK + i) * x_row + j)
        tl.store(y + (tile * BLOCK + i) * y_row + j, tl.dot(v, v))
