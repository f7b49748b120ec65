# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:accumulate --signature="*fp32,i32" -D BLOCK=16 | FileCheck %s --check-prefix=ACC
# RUN: %sema %s:leaves --signature="*i32,i32" | FileCheck %s --check-prefix=BREAK
# RUN: %sema %s:skips --signature="*i32,i32" | FileCheck %s --check-prefix=SKIP
# RUN: %sema %s:down --signature="*i32,i64" | FileCheck %s --check-prefix=DOWN
# RUN: %sema %s:unrolled --signature="*i32,i32" | FileCheck %s --check-prefix=UNROLL
# RUN: %sema %s:lock --signature="*i32,i32" | FileCheck %s --check-prefix=LOCK
# RUN: %sema %s:windows --signature="*fp16,i32,i32" | FileCheck %s --check-prefix=WINDOW
import triton
import triton.language as tl


# ACC-LABEL: func.func @accumulate
# ACC: %{{.*}}:2 = scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}) -> (tensor<16xf32>, !tile.ptr<f32>) : i32 {
# ACC: scf.yield
# ACC: tile.num_stages = 2 : i32
@triton.jit
def accumulate(p, n, BLOCK: tl.constexpr):
    acc = tl.zeros((BLOCK,), tl.float32)
    q = p
    for i in tl.range(0, n, num_stages=2):
        t = tl.load(q + tl.arange(0, BLOCK))
        acc += t
        q += BLOCK
    tl.store(p + tl.arange(0, BLOCK), acc)


# BREAK-LABEL: func.func @leaves
# BREAK: scf.while
# BREAK: arith.cmpi slt
# BREAK: arith.andi
# BREAK: scf.condition
# BREAK: arith.xori
# BREAK: scf.yield
@triton.jit
def leaves(p, n):
    total = 0
    for i in range(n):
        v = tl.load(p + i)
        if v < 0:
            break
        total += v
    tl.store(p, total)


# SKIP-LABEL: func.func @skips
# SKIP: scf.for
# SKIP: scf.if
# SKIP: scf.yield
@triton.jit
def skips(p, n):
    total = 0
    for i in range(n):
        total += 1
        if i % 2 == 0:
            continue
        total += i
    tl.store(p, total)


# DOWN-LABEL: func.func @down
# DOWN: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} : i64
# DOWN: arith.subi %{{.*}}, %[[I]] : i64
@triton.jit
def down(p, n):
    for i in range(n, 0, -1):
        tl.store(p + i, 1)


# UNROLL-LABEL: func.func @unrolled
# UNROLL-NOT: scf.for
# UNROLL-COUNT-3: tile.store
# UNROLL-NOT: tile.store
@triton.jit
def unrolled(p, n):
    for i in tl.static_range(3):
        tl.store(p + i, n * i)


# LOCK-LABEL: func.func @lock
# LOCK: scf.while : () -> ()
# LOCK: tile.atomic_cas
# LOCK: scf.condition
@triton.jit
def lock(p, n):
    while tl.atomic_cas(p, 0, 1) == 1:
        pass
    tl.atomic_xchg(p, 0)


# WINDOW-LABEL: func.func @windows
# WINDOW: scf.for {{.*}} -> (f32, !tile.block_ptr<tensor<16x32xf16>>)
# WINDOW: tile.load_block %{{.*}} boundary_check = [0, 1] padding = {{.*}}zero
# WINDOW: tile.advance
@triton.jit
def windows(p, m, n):
    bp = tl.make_block_ptr(p, shape=(m, n), strides=(n, 1), offsets=(0, 0), block_shape=(16, 32), order=(1, 0))
    total = 0.0
    for k in range(0, n, 32):
        x = tl.load(bp, boundary_check=(0, 1), padding_option="zero")
        total += tl.sum(x.to(tl.float32))
        bp = tl.advance(bp, (0, 32))
    tl.store(p, total)
