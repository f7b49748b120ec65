# What becomes of the options of tl.range and tl.condition.
# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:skips --signature="*fp32,i32" | FileCheck %s --check-prefix=SKIP
# RUN: %sema %s:leaves --signature="*fp32,i32" -D STAGES=3 -D FLAT=True 2>&1 | FileCheck %s --check-prefix=LOST
# RUN: %sema %s:leaves --signature="*fp32,i32" -D STAGES=1 -D FLAT=False 2>&1 | FileCheck %s --check-prefix=NOTHING-LOST
# RUN: %sema %s:waits --signature="*fp32,i32" | FileCheck %s --check-prefix=WHILE
# RUN: not %sema %s:runtime --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=RUNTIME
# RUN: not %sema %s:negative --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
import triton
import triton.language as tl


# `continue` takes nothing away: flatten 1, warp_specialize 2, disallow_acc_multi_buffer 4, disable_licm 8.
# SKIP-LABEL: func.func @skips
# SKIP: tile.loop_flags = 15 : i32, tile.num_stages = 4 : i32, tile.unroll = 2 : i32
@triton.jit
def skips(p, n):
    for i in tl.range(0, n, num_stages=4, loop_unroll_factor=2, flatten=True, warp_specialize=True, disallow_acc_multi_buffer=True, disable_licm=True):
        if i % 2 == 0:
            continue
        tl.store(p + i, 1.0)


# The remark stands once, at the range; disable_licm is kept.
# LOST: loop-wishes.py:[[#@LINE+9]]:14: note[W0904]: this loop has a `break`, which leaves nothing for `num_stages`, `flatten` to do
# LOST-NOT: W0904
# LOST: scf.while
# LOST: tile.loop_flags = 8 : i32
# NOTHING-LOST-NOT: W0904
# NOTHING-LOST: scf.while
# NOTHING-LOST: tile.loop_flags = 8 : i32
@triton.jit
def leaves(p, n, STAGES: tl.constexpr, FLAT: tl.constexpr):
    for i in tl.range(0, n, num_stages=STAGES, flatten=FLAT, disallow_acc_multi_buffer=True, disable_licm=True):
        if tl.load(p + i) < 0:
            break
        tl.store(p + i, 1.0)


# WHILE-LABEL: func.func @waits
# WHILE: scf.while
# WHILE-NOT: tile.loop_flags
# WHILE: scf.while
# WHILE: tile.loop_flags = 8 : i32
# WHILE: scf.while
# WHILE-NOT: tile.loop_flags
# WHILE: return
@triton.jit
def waits(p, n):
    i = 0
    while tl.condition(i < n):
        tl.store(p + i, 1.0)
        i += 1
    while tl.condition(i < 2 * n, disable_licm=True):
        tl.store(p + i, 2.0)
        i += 1
    while i < 3 * n:
        tl.store(p + i, 3.0)
        i += 1


# RUNTIME: loop-wishes.py:[[#@LINE+3]]:14: error[E0209]: the options of range must be known at compile time
@triton.jit
def runtime(p, n):
    for i in tl.range(0, n, num_stages=n):
        tl.store(p + i, 1.0)


# NEGATIVE: loop-wishes.py:[[#@LINE+3]]:14: error[E0211]: tl.range's loop_unroll_factor must be 0 or more, and fit an int32: it is -2
@triton.jit
def negative(p, n):
    for i in tl.range(0, n, loop_unroll_factor=-2):
        tl.store(p + i, 1.0)
