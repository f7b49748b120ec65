# Accesses through pointers that become tensor copies (tile-find-tensor-copies), and why others do not.
# SPDX-License-Identifier: Apache-2.0
# DEFINE: %{case} =
# DEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16
# DEFINE: %{kernel} = product
# DEFINE: %{pair} =
# DEFINE: %{find} = %sema %s:%{kernel} --signature="%{types}" -D CASE=%{case} | sed 's/^module .*{/module attributes {tile.tensor_copy_bytes = 65536 : i64%{pair}} {/' | %tessera-opt --tile-lower-descriptors --tile-lower-block-pointers --tile-simplify --tile-uniform-carried --tile-simplify-pointers --tile-simplify-masks --tile-simplify --tile-merge-equal-ops --tile-hoist-invariants --tile-find-tensor-copies=remarks=true --tile-drop-carried-values --tile-merge-equal-ops 2>&1
# REDEFINE: %{case} = "'wraps'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'clamped'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'chosen'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'masked'"
# RUN: %{find} | FileCheck %s --check-prefix=MASKED
# REDEFINE: %{case} = "'even'"
# RUN: %{find} | FileCheck %s --check-prefix=EVEN
# REDEFINE: %{case} = "'row sums'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'column sums'"
# RUN: %{find} | FileCheck %s --check-prefix=NEEDED
# REDEFINE: %{case} = "'all stored'"
# RUN: %{find} | FileCheck %s --check-prefix=NEEDED
# REDEFINE: %{case} = "'another mask'"
# RUN: %{find} | FileCheck %s --check-prefix=NEEDED
# REDEFINE: %{case} = "'other'"
# RUN: %{find} | FileCheck %s --check-prefix=OTHER
# REDEFINE: %{case} = "'odd mask'"
# RUN: %{find} | FileCheck %s --check-prefix=MASK
# REDEFINE: %{case} = "'negative'"
# RUN: %{find} | FileCheck %s --check-prefix=NEGATIVE
# REDEFINE: %{case} = "'odd place'"
# RUN: %{find} | FileCheck %s --check-prefix=PLACE
# REDEFINE: %{case} = "'in place'"
# RUN: %{find} | FileCheck %s --check-prefix=STORED
# REDEFINE: %{case} = "'stores before'"
# RUN: %{find} | FileCheck %s --check-prefix=BEFORE
# REDEFINE: %{case} = "'gathered'"
# RUN: %{find} | FileCheck %s --check-prefix=GATHERED
# REDEFINE: %{case} = "'volatile'"
# RUN: %{find} | FileCheck %s --check-prefix=VOLATILE
# REDEFINE: %{case} = "'chained'"
# RUN: %{find} | FileCheck %s --check-prefix=CHAINED
# REDEFINE: %{case} = "'past the first cache'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'barrier'"
# RUN: %{find} | FileCheck %s --check-prefix=WRAPS
# REDEFINE: %{case} = "'barrier in the loop'"
# RUN: %{find} | FileCheck %s --check-prefix=MEETS
# REDEFINE: %{case} = "'barrier and flag'"
# RUN: %{find} | FileCheck %s --check-prefix=NONE
# REDEFINE: %{case} = "'barrier and count'"
# RUN: %{find} | FileCheck %s --check-prefix=NONE
# REDEFINE: %{case} = "'lock'"
# RUN: %{find} | FileCheck %s --check-prefix=NONE
# REDEFINE: %{case} = "'wraps'"
# REDEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32,i32:16,i32:16
# RUN: %{find} | FileCheck %s --check-prefix=STRIDE
# REDEFINE: %{types} = *fp16:16,*fp16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16
# RUN: %{find} | FileCheck %s --check-prefix=START
# REDEFINE: %{types} = *fp32:16,*fp32:16,*fp32:16,i32,i32,i32,i32:16,i32:16,i32:16
# RUN: %{find} | FileCheck %s --check-prefix=WIDE
# REDEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16
# REDEFINE: %{kernel} = batches
# REDEFINE: %{case} = 0
# RUN: %{find} | FileCheck %s --check-prefix=BATCHES
# REDEFINE: %{types} = *i8:16,*i8:16,*i32:16,i32,i32,i32,i32:16,i32:16,i32:16
# RUN: %{find} | FileCheck %s --check-prefix=BYTES
# REDEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,i32,i32:16,i32,i32:16,i32:16,i32:16
# REDEFINE: %{kernel} = tiles
# REDEFINE: %{case} = "'masked'"
# RUN: %{find} | FileCheck %s --check-prefix=TILES
# REDEFINE: %{case} = "'counted twice'"
# RUN: %{find} | FileCheck %s --check-prefix=TILES
# REDEFINE: %{case} = "'without a tail'"
# RUN: %{find} | FileCheck %s --check-prefix=TILES
# REDEFINE: %{case} = "'even'"
# RUN: %{find} | FileCheck %s --check-prefix=ENDLESS
# REDEFINE: %{case} = "'added'"
# RUN: %{find} | FileCheck %s --check-prefix=LANES
# REDEFINE: %{case} = "'added without an end'"
# RUN: %{find} | FileCheck %s --check-prefix=ENDLESS
# REDEFINE: %{case} = "'added later'"
# RUN: %{find} | FileCheck %s --check-prefix=LATER
# REDEFINE: %{case} = "'in place'"
# RUN: %{find} | FileCheck %s --check-prefix=STAYS
# REDEFINE: %{case} = "'masked'"
# REDEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,i32,i32,i32,i32:16,i32:16,i32:16
# RUN: %{find} | FileCheck %s --check-prefix=ODD
# REDEFINE: %{kernel} = attention
# REDEFINE: %{types} = *fp16:16,*fp16:16,*fp16:16,*fp16:16,i32,i32:16
# REDEFINE: %{case} = "'even'"
# RUN: %{find} | FileCheck %s --check-prefix=CHAINED
# REDEFINE: %{case} = "'asked'"
# RUN: %{find} | FileCheck %s --check-prefix=ATTENTION
# REDEFINE: %{case} = "'even'"
# REDEFINE: %{pair} = , tile.group_pair = array<i64: 8, 232448>
# RUN: %{find} | FileCheck %s --check-prefix=ATTENTION
# REDEFINE: %{case} = "'masked'"
# RUN: %{find} | FileCheck %s --check-prefix=ATTENTION
# REDEFINE: %{case} = "'transposed'"
# RUN: %{find} | FileCheck %s --check-prefix=TRANSPOSED
# REDEFINE: %{case} = "'moved'"
# RUN: %{find} | FileCheck %s --check-prefix=ATTENTION
# REDEFINE: %{case} = "'block pointers'"
# RUN: %{find} | FileCheck %s --check-prefix=ATTENTION
# REDEFINE: %{case} = "'three products'"
# RUN: %{find} | FileCheck %s --check-prefix=CHAINED
# REDEFINE: %{case} = "'even'"
# REDEFINE: %{pair} = , tile.group_pair = array<i64: 16, 232448>
# RUN: %{find} | FileCheck %s --check-prefix=CHAINED
# REDEFINE: %{pair} = , tile.group_pair = array<i64: 8, 500000>
# RUN: %{find} | FileCheck %s --check-prefix=CHAINED
import triton
import triton.language as tl


# The index that wraps is that of an array with M rows: what lies beyond is masked off where it is stored. The tail of K gives its extent.
# WRAPS-LABEL: func.func @product(
# WRAPS-SAME: %[[A:[a-z0-9]*]]: !tile.ptr<f16> {{[{][^}]*[}]}}, %[[B:[a-z0-9]*]]: !tile.ptr<f16> {{[{][^}]*[}]}}, {{.*}}, %[[M:[a-z0-9]*]]: i32 {tile.name = "M"}, %[[N:[a-z0-9]*]]: i32 {tile.name = "N"}, %[[K:[a-z0-9]*]]: i32 {tile.name = "K"}, %[[AROW:[a-z0-9]*]]: i32
# WRAPS: %[[ROW:.*]] = arith.muli %{{.*}}, %c64_i32
# WRAPS: scf.for %[[I:[a-z0-9]*]] = %c0_i32 to %[[K]] step %c32_i32 iter_args(%{{[a-z0-9]*}} = %{{[a-z0-9_]*}}) ->
# WRAPS-DAG: %[[M64:.*]] = arith.extsi %[[M]] : i32 to i64
# WRAPS-DAG: %[[K64:.*]] = arith.extsi %[[K]] : i32 to i64
# WRAPS-DAG: %[[S64:.*]] = arith.extsi %[[AROW]] : i32 to i64
# WRAPS: tile.descriptor_load %[[A]] shape[%[[M64]], %[[K64]]] strides[%[[S64]], %c1_i64{{.*}}] offsets[%[[ROW]], %[[I]]] : {{.*}} -> tensor<64x32xf16>
# WRAPS: tile.descriptor_load %[[B]]
# WRAPS-NOT: tile.load

# MASKED: scf.for
# MASKED-COUNT-2: tile.descriptor_load
# MASKED: tile.store

# Nothing bounds the places: extents out of reach.
# EVEN: arith.constant 2147483647 : i64
# EVEN-COUNT-2: tile.descriptor_load
# EVEN: tile.store

# NEEDED: remark: the load stays by pointer: elements at which its index wraps may be needed
# NEEDED-COUNT-2: tile.load
# OTHER: remark: the load stays by pointer: its `other` is not zero
# OTHER-COUNT-2: tile.load
# MASK: remark: the load stays by pointer: its mask is no bound along dims
# NEGATIVE: remark: the load stays by pointer: its first element along a dim may be a negative one
# PLACE: remark: the load stays by pointer: its rows are not known to start at multiples of 16 bytes
# STORED: remark: the load stays by pointer: the kernel stores to its array, or to one that is not known
# BEFORE: remark: the load stays by pointer: stores come before it, perhaps to the same memory
# GATHERED: remark: the load stays by pointer: its address is no sum of strides times indices
# VOLATILE: remark: the load stays by pointer: it is volatile, or says how to cache
# STRIDE: remark: the load stays by pointer: a stride is not known to be a multiple of 16 bytes
# START: remark: the load stays by pointer: its array is not known to start at a multiple of 16 bytes
# WIDE: remark: the load stays by pointer: its elements are not of 1 or 2 bytes
# CHAINED: remark: the load stays by pointer: products of its loop go into one another
# MEETS: remark: the load stays by pointer: its loop has a barrier
# NONE-NOT: remark
# NONE: scf.for
# NONE-COUNT-2: tile.load
@triton.jit
def product(a, b, c, M, N, K, a_row, b_row, c_row, CASE: tl.constexpr):
    row = tl.program_id(0) * 64 + tl.arange(0, 64)
    column = tl.program_id(1) * 64 + tl.arange(0, 64)
    k = tl.arange(0, 32)
    m = row % M
    n = column % N
    if CASE == "clamped":
        m = tl.minimum(row, M - 1)
    if CASE == "chosen":
        m = tl.where(row < M, row, 0)
    if CASE == "masked" or CASE == "even":
        m = row
        n = column
    if CASE == "row sums":
        n = column
    if CASE == "negative":
        m = row - tl.program_id(1)
    if CASE == "gathered":
        m = tl.load(c + row).to(tl.int32)
    if CASE == "odd place":
        k += tl.program_id(1) * 4
    if CASE == "stores before":
        tl.store(c, 0.0)
    if CASE == "barrier" or CASE == "barrier and flag" or CASE == "barrier and count":
        tl.debug_barrier()
    if CASE == "barrier and flag":
        k += tl.load(c.to(tl.pointer_type(tl.int32), bitcast=True), volatile=True) * 0
    if CASE == "barrier and count":
        tl.atomic_add(c, 1.0)
    if CASE == "lock":
        while tl.atomic_cas(c.to(tl.pointer_type(tl.int32), bitcast=True), 0, 1) == 1:
            pass
    left = a + m[:, None] * a_row + k[None, :]
    right = b + k[:, None] * b_row + n[None, :]
    total = tl.zeros((64, 64), tl.float32)
    for i in range(0, K, 32):
        if CASE == "barrier in the loop":
            tl.debug_barrier()
        if CASE == "masked":
            x = tl.load(left, mask=(row < M)[:, None] & (k[None, :] < K - i), other=0.0)
            y = tl.load(right, mask=(column < N)[None, :] & (k[:, None] < K - i))
        elif CASE == "even":
            x = tl.load(left)
            y = tl.load(right)
        elif CASE == "other":
            x = tl.load(left, mask=k[None, :] < K - i, other=1.0)
            y = tl.load(right, mask=k[:, None] < K - i, other=0.0)
        elif CASE == "odd mask":
            x = tl.load(left, mask=(k[None, :] < K - i) & (row[:, None] != 7), other=0.0)
            y = tl.load(right, mask=k[:, None] < K - i, other=0.0)
        elif CASE == "volatile":
            x = tl.load(left, mask=k[None, :] < K - i, other=0.0, volatile=True)
            y = tl.load(right, mask=k[:, None] < K - i, other=0.0)
        elif CASE == "past the first cache":
            x = tl.load(left, mask=k[None, :] < K - i, other=0.0, cache_modifier=".cg")
            y = tl.load(right, mask=k[:, None] < K - i, other=0.0, cache_modifier=".cg")
        else:
            x = tl.load(left, mask=k[None, :] < K - i, other=0.0)
            y = tl.load(right, mask=k[:, None] < K - i, other=0.0)
        if CASE == "chained":
            total = tl.dot(tl.dot(x, y).to(tl.float16), tl.trans(y), tl.zeros((64, 32), tl.float32)).to(tl.float32).sum(1)[:, None] + total
        total = tl.dot(x, y, total)
        left += 32
        right += 32 * b_row
    out = c + row[:, None] * c_row + column[None, :]
    if CASE == "in place":
        out = a + row[:, None] * c_row + column[None, :]
    if CASE == "row sums":
        total += tl.sum(total, axis=1)[:, None]
        tl.store(c + row, tl.sum(tl.where(column[None, :] < N, total, 0.0), axis=1), mask=row < M)
    elif CASE == "column sums":
        total += tl.sum(total, axis=0)[None, :]
    if CASE == "all stored":
        tl.store(out, total)
    elif CASE == "another mask":
        tl.store(out, total, mask=(row[:, None] <= M) & (column[None, :] < N))
    else:
        tl.store(out, total, mask=(row[:, None] < M) & (column[None, :] < N))


# A batch and a head are dims of their own, in which the tile has one element; b is read as its transpose.
# BATCHES-LABEL: func.func @batches(
# BATCHES: %[[ID:.*]] = tile.program_id 1
# BATCHES: %[[BATCH:.*]] = arith.div{{.*}} %[[ID]], %c8_i32
# BATCHES: %[[HEAD:.*]] = arith.rem{{.*}} %[[ID]], %c8_i32
# BATCHES: scf.for %[[I:[a-z0-9]*]] =
# BATCHES: tile.descriptor_load %arg0 shape[{{.*}}] strides[%{{.*}}, %{{.*}}, %{{.*}}, %c1_i64{{.*}}] offsets[%[[BATCH]], %[[HEAD]], %{{.*}}, %[[I]]] : {{.*}} -> tensor<64x32xf16>
# BATCHES: %[[RIGHT:.*]] = tile.descriptor_load %arg1 {{.*}} -> tensor<64x32xf16>
# BATCHES: tile.transpose %[[RIGHT]] order = [1, 0]
# Of bytes what is contiguous along k for both sides.
# BYTES-COUNT-2: tile.descriptor_load
@triton.jit
def batches(a, b, c, M, N, K, of_batch, of_head, of_row, CASE: tl.constexpr):
    id = tl.program_id(1)
    batch = (id // 8).to(tl.int64)
    head = (id % 8).to(tl.int64)
    a += batch * of_batch + head * of_head
    b += batch * of_batch + head * of_head
    row = tl.program_id(0) * 64 + tl.arange(0, 64)
    total = tl.zeros((64, 64), tl.int32 if a.dtype.element_ty == tl.int8 else tl.float32)
    for i in range(0, K, 32):
        k = i + tl.arange(0, 32)
        x = tl.load(a + row[:, None] * of_row + k[None, :], mask=(row[:, None] < M) & (k[None, :] < K), other=0.0)
        y = tl.load(b + k[:, None] + tl.arange(0, 64)[None, :] * of_row, mask=k[:, None] < K, other=0.0)
        total = tl.dot(x, y, total)
    tl.store(c + row[:, None] * of_row + tl.arange(0, 64)[None, :], total, mask=row[:, None] < M)


# A loop over tiles: in front of it the program compares where the arrays begin and end, of c with a and of c with b.
# TILES-LABEL: func.func @tiles(
# TILES-SAME: %[[A:[a-z0-9]*]]: !tile.ptr<f16> {{[{][^}]*[}]}}, %[[B:[a-z0-9]*]]: !tile.ptr<f16> {{[{][^}]*[}]}}, %[[C:[a-z0-9]*]]: !tile.ptr<f16>
# TILES: tile.ptrtoint %[[C]]
# TILES: tile.ptrtoint %[[A]]
# TILES: %[[ONE:.*]] = arith.andi %{{.*}} : i1
# TILES: %[[BOTH:.*]] = arith.andi %{{.*}} : i1
# TILES: %[[OVERLAPS:.*]] = arith.ori %[[ONE]], %[[BOTH]] : i1
# TILES: scf.for
# TILES: scf.for
# TILES-DAG: tile.descriptor_load %[[A]]
# TILES-DAG: tile.descriptor_load %[[B]]
# TILES: tile.descriptor_store %{{.*}}, %[[C]] {{.*}} overlaps %[[OVERLAPS]]
# ENDLESS: remark: the loop over tiles keeps its pointers: how far the accesses of its loop reach is not known before the launch
# ENDLESS-COUNT-2: tile.load
# ENDLESS: tile.store
# What lanes load in the loop is compared too.
# LANES-COUNT-2: arith.ori %{{.*}} : i1
# LANES: tile.load %{{.*}} mask
# LANES: tile.descriptor_store {{.*}} overlaps
# LATER: remark: the loop over tiles keeps its pointers: what lanes load is used behind the store
# ODD: remark: the loop over tiles keeps its pointers: its rows are not known to end at multiples of 16 bytes
# STAYS: remark: the loop over tiles keeps its pointers: a load of its loop stays by pointer
@triton.jit
def tiles(a, b, c, M, N, K, a_row, b_row, c_row, CASE: tl.constexpr):
    across = tl.cdiv(N, 64)
    first = tl.program_id(0)
    behind = first - 132
    later = tl.zeros((64, ), tl.float32)
    for tile in range(first, tl.cdiv(M, 64) * across, 132):
        row = (tile // across) * 64 + tl.arange(0, 64)
        column = (tile % across) * 64 + tl.arange(0, 64)
        total = tl.zeros((64, 64), tl.float32)
        for i in range(0, K, 32):
            k = i + tl.arange(0, 32)
            left = a + row[:, None] * a_row + k[None, :]
            right = b + k[:, None] * b_row + column[None, :]
            if CASE == "even":
                x = tl.load(left)
                y = tl.load(right)
            elif CASE == "without a tail":
                x = tl.load(left, mask=row[:, None] < M, other=0.0)
                y = tl.load(right, mask=column[None, :] < N, other=0.0)
            else:
                x = tl.load(left, mask=(row[:, None] < M) & (k[None, :] < K), other=0.0)
                y = tl.load(right, mask=(column[None, :] < N) & (k[:, None] < K), other=0.0)
            total = tl.dot(x, y, total)
        if CASE == "counted twice":
            behind += 132
            row = (behind // across) * 64 + tl.arange(0, 64)
            column = (behind % across) * 64 + tl.arange(0, 64)
        if CASE == "added":
            total += tl.load(b + column, mask=column < N, other=0.0)[None, :]
        if CASE == "added without an end":
            total += tl.load(b + column)[None, :]
        if CASE == "added later":
            total += later[None, :]
            later = tl.load(b + column, mask=column < N, other=0.0).to(tl.float32)
        out = (a if CASE == "in place" else c) + row[:, None] * c_row + column[None, :]
        if CASE == "even":
            tl.store(out, total.to(tl.float16))
        else:
            tl.store(out, total.to(tl.float16), mask=(row[:, None] < M) & (column[None, :] < N))
# Products that go into one another: of a pair of groups that leaves no second one room, or of a loop that asks for roles. Keys are an array of rows, whichever way they are read.
# ATTENTION-LABEL: func.func @attention(
# ATTENTION: scf.for %[[I:[a-z0-9]*]] =
# ATTENTION: %[[KEYS:.*]] = tile.descriptor_load {{.*}}, %[[I]], %c0_i32{{.*}}] : {{.*}} -> tensor<128x128xf16>
# ATTENTION: tile.transpose %[[KEYS]] order = [1, 0]
# ATTENTION: tile.dot
# ATTENTION: tile.descriptor_load {{.*}}, %[[I]], %c0_i32{{.*}}] : {{.*}} -> tensor<128x128xf16>
# ATTENTION: tile.dot
# TRANSPOSED: scf.for
# TRANSPOSED: %[[KEYS:.*]] = tile.descriptor_load
# TRANSPOSED: tile.transpose %[[KEYS]] order = [1, 0]
# TRANSPOSED: tile.descriptor_load
@triton.jit
def attention(q_ptr, k_ptr, v_ptr, out, n, row, CASE: tl.constexpr):
    head = tl.program_id(1).to(tl.int64) * n * row
    query = tl.program_id(0) * 128 + tl.arange(0, 128)
    key = tl.arange(0, 128)
    d = tl.arange(0, 128)
    q = tl.load(q_ptr + head + query[:, None] * row + d[None, :])
    k_ptr += head
    v_ptr += head
    keys = k_ptr + key[None, :] * row + d[:, None]
    values = v_ptr + key[:, None] * row + d[None, :]
    if CASE == "transposed":
        keys = k_ptr + key[:, None] * row + d[None, :]
    if CASE == "block pointers":
        keys = tl.make_block_ptr(k_ptr, (128, n), (1, row), (0, 0), (128, 128), (0, 1))
        values = tl.make_block_ptr(v_ptr, (n, 128), (row, 1), (0, 0), (128, 128), (1, 0))
    peak = tl.full((128,), float("-inf"), tl.float32)
    total = tl.zeros((128, 128), tl.float32)
    for i in tl.range(0, n, 128, warp_specialize=CASE == "asked"):
        if CASE == "masked":
            k = tl.load(keys + i * row, mask=key[None, :] < n - i, other=0.0)
        elif CASE == "moved":
            k = tl.load(keys)
            keys += 128 * row
        elif CASE == "block pointers":
            k = tl.load(keys)
            keys = tl.advance(keys, (0, 128))
        else:
            k = tl.load(keys + i * row)
        score = tl.dot(q, tl.trans(k) if CASE == "transposed" else k)
        if CASE == "three products":
            score = tl.dot(q, k, score)
        if CASE == "masked":
            score = tl.where(key[None, :] < n - i, score, float("-inf"))
        higher = tl.maximum(peak, tl.max(score, axis=1))
        weight = tl.exp2(score - higher[:, None])
        total = total * tl.exp2(peak - higher)[:, None]
        if CASE == "masked":
            v = tl.load(values + i * row, mask=key[:, None] < n - i, other=0.0)
        elif CASE == "moved":
            v = tl.load(values)
            values += 128 * row
        elif CASE == "block pointers":
            v = tl.load(values)
            values = tl.advance(values, (128, 0))
        else:
            v = tl.load(values + i * row)
        total = tl.dot(weight.to(tl.float16), v, total)
        peak = higher
    tl.store(out + head + query[:, None] * row + d[None, :], total.to(tl.float16))
