# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:outer --signature="*fp32,fp32" --locations | FileCheck %s
# RUN: %sema %s:passes --signature="*fp32,fp32" | FileCheck %s --check-prefix=PASS
import triton
import triton.language as tl


@triton.jit
def inner(x, scale=2.0, *, bias=1.0):
    return x * scale + bias, x


# Calls are inlined; locations remember the call.
# CHECK-LABEL: func.func @outer
# CHECK: arith.mulf %{{.*}} loc(#[[L:.*]])
# CHECK: #[[L]] = loc(callsite(#{{.*}} at #{{.*}}))
@triton.jit
def outer(p, x):
    a, b = inner(x, bias=3.0)
    tl.store(p, a + b)


@triton.jit
def apply(f: tl.constexpr, x, n: tl.constexpr):
    if n == 0:
        return x
    return apply(f, f(x), n - 1)


@triton.jit
def double(x):
    return x + x


# A function as an argument, recursion that ends at compile time.
# PASS-LABEL: func.func @passes
# PASS-COUNT-3: arith.addf
# PASS-NOT: arith.addf
@triton.jit
def passes(p, x):
    tl.store(p, apply(double, x, 3))
