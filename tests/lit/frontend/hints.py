# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:dropped --signature="*fp32,*fp32,i32" | FileCheck %s
import triton
import triton.language as tl


# What is stated of a value holds from there on, in nested blocks too; not before, and not beside it.
# CHECK: func.func @dropped(%{{.*}}, %{{.*}}, %[[N:.*]]: i32
# CHECK: %[[BEFORE:.*]] = arith.addi %[[N]],
# CHECK: scf.if
# CHECK: tile.hint %[[N]]
# CHECK: } else {
# CHECK: arith.muli %[[N]],
# CHECK: }
# CHECK: %[[FIRST:.*]] = tile.hint %[[BEFORE]]
# CHECK: %[[BOTH:.*]] = tile.hint %[[FIRST]]
# CHECK: scf.for
# CHECK: tile.addptr %{{.*}}, %[[BOTH]]
@triton.jit
def dropped(x, y, n):
    at = n + tl.program_id(0)
    if n > 5:
        tl.multiple_of(n, 4)
        tl.store(y, n)
    else:
        tl.store(y, n * 3)
    tl.max_contiguous(tl.multiple_of(at, 8), 8)
    for i in range(n):
        tl.store(y + at, i)
