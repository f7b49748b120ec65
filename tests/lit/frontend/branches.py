# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:live_out --signature="*i32,i32" | FileCheck %s --check-prefix=LIVE
# RUN: %sema %s:early --signature="*i32,i32" | FileCheck %s --check-prefix=EARLY
# RUN: %sema %s:nested --signature="*i32,i32,i32" | FileCheck %s --check-prefix=NESTED
# RUN: %sema %s:retyped --signature="*i32,i32,i32" -D HAS=1 | FileCheck %s --check-prefix=RETYPED
# RUN: %sema %s:callee --signature="*i32,i32" | FileCheck %s --check-prefix=CALLEE
# RUN: %sema %s:static --signature="*i32,i32" -D MODE=1 | FileCheck %s --check-prefix=STATIC
import triton
import triton.language as tl


# LIVE-LABEL: func.func @live_out
# LIVE: %[[R:.*]]:2 = scf.if %{{.*}} -> (i32, i32) {
# LIVE: } else {
# LIVE: tile.store %{{.*}}, %[[S:.*]] :
@triton.jit
def live_out(p, n):
    x = 1
    if n > 0:
        x = n
        y = 2
    else:
        y = 3
    tl.store(p, x + y)


# The rest of the function lies in the other arm: no flag is needed.
# EARLY-LABEL: func.func @early
# EARLY: scf.if %{{.*}} {
# EARLY-NEXT: } else {
# EARLY: tile.store
# EARLY: }
# EARLY-NEXT: return
@triton.jit
def early(p, n):
    if n > 7:
        return
    tl.store(p, n)


# The inner return guards what follows the outer if.
# NESTED-LABEL: func.func @nested
# NESTED: %[[LEFT:.*]] = scf.if %{{.*}} -> (i1) {
# NESTED: scf.if %[[LEFT]] {
# NESTED-NEXT: } else {
# NESTED: tile.store
@triton.jit
def nested(p, n, m):
    if n > 7:
        if m > 3:
            return
        tl.store(p, m)
    tl.store(p + 1, n)


# Where the inner return was taken nobody sees `where` and `step` again: behind it they may have other types and values.
# RETYPED-LABEL: func.func @retyped
# RETYPED: %[[MERGED:.*]]:3 = scf.if %{{.*}} -> (tensor<8x!tile.ptr<i32>>, i32, i1) {
# RETYPED-NEXT: tile.poison : tensor<8x!tile.ptr<i32>>
# RETYPED: } else {
# RETYPED: arith.constant 2
# RETYPED: tile.store %[[MERGED]]#0, %{{.*}} : (tensor<8x!tile.ptr<i32>>, tensor<8xi32>)
@triton.jit
def retyped(p, n, m, HAS: tl.constexpr):
    where = p
    step = 1
    if n == 0:
        return
    if HAS:
        if HAS > 0:
            at = tl.load(p + n)
            if at < 0:
                return
            where = p + at
        where = where + tl.arange(0, 8)
        step = 2
    if m > 0:
        tl.store(where, tl.load(where) * step)


@triton.jit
def choose(n):
    if n > 0:
        return n + 1
    return n - 1


# CALLEE-LABEL: func.func @callee
# CALLEE: %[[V:.*]] = scf.if %{{.*}} -> (i32) {
# CALLEE: arith.addi
# CALLEE: } else {
# CALLEE: arith.subi
# CALLEE: tile.store %{{.*}}, %[[V]]
@triton.jit
def callee(p, n):
    tl.store(p, choose(n))


# The branch not taken may hold anything.
# STATIC-LABEL: func.func @static
# STATIC-NOT: scf.if
# STATIC: return
@triton.jit
def static(p, n, MODE: tl.constexpr):
    if MODE == 1:
        tl.store(p, n)
    else:
        tl.store(p, undefined_name)
        del p
