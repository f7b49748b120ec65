# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:checked --debug --signature="*i32,i32,i64" | FileCheck %s --check-prefix=CHECKED
# RUN: %sema %s:checked --signature="*i32,i32,i64" | FileCheck %s --check-prefix=PLAIN
# RUN: not %sema %s:places --signature="*i32,i32,i64" 2>&1 | FileCheck %s --check-prefix=PLACE
import triton
import triton.language as tl


@triton.jit
def plus(a, b):
    return a + b


# Sums, differences and products below 64 bits; not where the program says that it means to wrap, nor inside of reductions.
# CHECKED: "int32 overflow detected for operation add"
# CHECKED: "int32 overflow detected for operation sub"
# CHECKED: "int8 overflow detected for operation mul"
# CHECKED-NOT: overflow
# PLAIN-NOT: overflow
@triton.jit
def checked(p, n, m):
    x = n + 1
    x = x - n
    y = x.to(tl.int8) * x.to(tl.int8)
    z = m + m
    w = tl.add(n, 1, sanitize_overflow=False)
    v = tl.reduce(tl.arange(0, 16), 0, plus)
    tl.store(p, w)
    tl.store(p, v)
    tl.store(p, y)
    tl.store(p, z)


@triton.jit
def two(n):
    if n == 0:
        return 1
    else:
        return 2.0


# The second return is the one at fault.
# PLACE: overflow.py:[[#@LINE-4]]:9: error[E0214]: Inconsistent return types: int32 and fp32
@triton.jit
def places(p, n, m):
    two(n)
