# SPDX-License-Identifier: Apache-2.0
# RUN: not %sema %s:shapes --signature="*fp32,i32" -D BLOCK=100 2>&1 | FileCheck %s --check-prefix=SHAPE
# RUN: not %sema %s:several --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=SEVERAL
# RUN: not %sema %s:carried --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=CARRIED
# RUN: not %sema %s:arms --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=ARMS
# RUN: not %sema %s:chain --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=CHAIN
# RUN: not %sema %s:globals_ --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=GLOBAL
# RUN: not %sema %s:scopes --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=SCOPE
# RUN: not %sema %s:calls --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=CALL
# RUN: not %sema %s:forever --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=DEPTH
# RUN: not %sema %s:missing --signature="*fp32" 2>&1 | FileCheck %s --check-prefix=MISSING
# RUN: not %sema %s:nothing --signature="*fp32" 2>&1 | FileCheck %s --check-prefix=NOTHING
# RUN: not %sema %s:promises --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=UNUSED
# RUN: not %sema %s:later --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=LATER
# RUN: not %sema %s:waits --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=WAITS
import triton
import triton.language as tl

SIZE = 128


# SHAPE: errors.py:[[#@LINE+7]]:{{[0-9]+}}: error[E0204]: arange's range must be a power of 2
# SHAPE: errors.py:[[#@LINE+7]]:{{[0-9]+}}: error[E0204]: Shape element 0 must be a power of 2
# SHAPE: help: it is 100: round the block size up to a power of two and mask the rest
# SHAPE: errors.py:[[#@LINE+7]]:{{[0-9]+}}: error[E0204]: Shape element 1 must be a power of 2
# SHAPE: help: it is 0: a block has at least one element
@triton.jit
def shapes(p, n, BLOCK: tl.constexpr):
    a = tl.arange(0, BLOCK)
    b = tl.zeros((BLOCK,), tl.float32)
    tl.store(p + a, b)
    c = tl.full([4, 0], 1.0, tl.float32)


# One error a statement, and nothing that only follows from one.
# SEVERAL: error[E0202]: `triton.language` has no `lod`
# SEVERAL: help: did you mean `load`?
# SEVERAL: error[E0203]: cannot add pointers together
# SEVERAL: error[E0205]: numel (2097152) exceeds triton maximum tensor numel (1048576)
# SEVERAL-NOT: error
@triton.jit
def several(p, n):
    x = tl.lod(p)
    y = x + 1
    tl.store(p, y)
    z = p + p
    w = tl.zeros((2048, 1024), tl.float32)
    tl.store(p, tl.sum(w))


# CARRIED: error[E0212]: Loop-carried variable acc has initial type int32 but is re-assigned to fp32 in loop! Please make sure that the type stays consistent.
@triton.jit
def carried(p, n):
    acc = 0
    for i in range(n):
        acc += tl.load(p + i)
    tl.store(p, acc)


# ARMS: error[E0213]: initial value for `x` is of type int32, but the then block redefines it as fp32
# ARMS: error[E0213]: Mismatched type for y between then block (fp32) and else block (int32)
@triton.jit
def arms(p, n):
    x = 1
    if n > 0:
        x = 2.0
    if n > 1:
        y = 1.0
    else:
        y = 1
    tl.store(p, y)


# CHAIN: error[E0208]: simultaneous multiple comparison is not supported
# CHAIN: error[E0218]: Boolean value of Tensor with more than one value is ambiguous
# CHAIN: error[E0208]: unsupported AST node type: Lambda
# CHAIN: error[E0219]: __setitem__ is not supported in triton
@triton.jit
def chain(p, n):
    a = 0 < n < 5
    if tl.arange(0, 4) > n:
        tl.store(p, 1.0)
    f = lambda x: x
    q = tl.arange(0, 4)
    q[0] = 1


# GLOBAL: error[E0215]: Cannot access global variable SIZE from within @jit'ed function.
# GLOBAL: help: write `SIZE = tl.constexpr(…)`
@triton.jit
def globals_(p, n):
    tl.store(p + SIZE, 1.0)


# SCOPE: error[E0202]: `x` is not defined here: it is bound in one branch of an `if` only
# SCOPE: error[E0202]: `y` is not defined here: it is bound inside a loop, and ends with it
@triton.jit
def scopes(p, n):
    if n > 0:
        x = 1.0
    tl.store(p, x)
    for i in range(n):
        y = 1.0
    tl.store(p, y)


@triton.jit
def callee(p, value):
    tl.store(p, valu2)


# CALL: errors.py:[[#@LINE-3]]:17: error[E0202]: `valu2` is not defined
# CALL: help: did you mean `value`?
# CALL: errors.py:[[#@LINE+5]]:5: note: in the call of callee here
# CALL: error[E0211]: callee() missing required argument 'value'
# CALL: error[E0211]: callee() got an unexpected keyword argument 'valu'
@triton.jit
def calls(p, n):
    callee(p, n)
    callee(p)
    callee(p, valu=n)


@triton.jit
def recurse(p, n):
    recurse(p, n)


# DEPTH: error[E0217]: calls are nested deeper than 128 in recurse
@triton.jit
def forever(p, n):
    recurse(p, n)


# MISSING: error[E0221]: the signature does not say what parameter `n` is
@triton.jit
def missing(p, n):
    tl.store(p, n)


# UNUSED: error{{.*}}: The result of tl.advance is not being used.
@triton.jit
def promises(p, n):
    bp = tl.make_block_ptr(p, (n,), (1,), (0,), (16,), (0,))
    tl.advance(bp, (16,))


# NOTHING: error[E0201]: there is no function `nothing`


# LATER: errors.py:[[#@LINE+2]]:11: error[E0221]: kernel later is an async function
@triton.jit
async def later(p, n):
    tl.store(p, 1.0)


@triton.jit
async def awaited(x):
    return x


# WAITS: errors.py:[[#@LINE+5]]:5: error[E0208]: unsupported AST node type: AsyncFor
# WAITS: errors.py:[[#@LINE+6]]:5: error[E0208]: unsupported AST node type: AsyncWith
# WAITS: errors.py:[[#@LINE+7]]:17: error[E0208]: unsupported AST node type: AsyncFunctionDef
@triton.jit
def waits(p, n):
    async for i in range(n):
        tl.store(p, i)
    async with tl.async_task(0):
        tl.store(p, 1.0)
    tl.store(p, awaited(1.0))
