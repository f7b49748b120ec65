# SPDX-License-Identifier: Apache-2.0
# What other libraries and Python have and kernels have not: the message says what to write.
# RUN: not %sema %s:python --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=PYTHON
# RUN: not %sema %s:methods --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=METHODS
# RUN: not %sema %s:functions --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=FUNCTIONS
# RUN: not %sema %s:memory --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=MEMORY
# RUN: not %sema %s:values --signature="*fp32,i32" -D BIAS=None -D SIZE=1.5 2>&1 | FileCheck %s --check-prefix=VALUES
# RUN: not %sema %s:loop --signature="*fp32,i32" 2>&1 | FileCheck %s --check-prefix=LOOP
import triton
import triton.language as tl


# PYTHON: `zip` is not defined
# PYTHON: help: Python's `zip` is for the host only: loop over tl.static_range(len(a)) and take a[i] and b[i]
# PYTHON: unsupported AST node type: Lambda
# PYTHON: help: write a function and decorate it with @triton.jit
# PYTHON: unsupported AST node type: Dict
# PYTHON: help: use a tuple or a NamedTuple; a dict that is known when the kernel is compiled can be a constexpr parameter
# PYTHON: unsupported AST node type: GeneratorExp
# PYTHON: help: write a loop over tl.static_range
# PYTHON: Cannot evaluate f-string
# PYTHON: help: values of the run are printed with tl.device_print("text", x)
@triton.jit
def python(p, n):
    a = zip((1, 2), (3, 4))
    b = lambda x: x + 1
    c = {"key": n}
    d = tuple(tl.load(p + i) for i in (0, 1))
    e = f"{n}"


# METHODS: a tensor of type fp32 has no attribute `float`
# METHODS: help: write .to(tl.float32)
# METHODS: has no attribute `unsqueeze`
# METHODS: help: write x[:, None], or tl.expand_dims(x, axis)
# METHODS: has no attribute `shpae`
# METHODS: help: did you mean `shape`?
@triton.jit
def methods(p, n):
    a = tl.load(p).float()
    b = tl.arange(0, 16).unsqueeze(1)
    c = tl.arange(0, 16).shpae


# FUNCTIONS: `triton.language` has no `tanh`
# FUNCTIONS: help: write libdevice.tanh, with `from triton.language.extra import libdevice`
# FUNCTIONS: `triton.language` has no `ones`
# FUNCTIONS: help: write tl.full(shape, 1, dtype)
# FUNCTIONS: `triton.language` has no `mulhii`
# FUNCTIONS-NOT: libdevice
@triton.jit
def functions(p, n):
    a = tl.tanh(tl.load(p))
    b = tl.ones((16,), tl.float32)
    c = tl.mulhii(n, n)


# MEMORY: unsupported tensor index: 0
# MEMORY: help: memory is read with tl.load(pointer + offset) and written with tl.store
# MEMORY: Value argument cannot be block type if pointer argument is not a block
# MEMORY: help: give each element its place: pointer + tl.arange(…)
# MEMORY: __setitem__ is not supported in triton
# MEMORY: help: values cannot be changed in place: use tl.where to replace elements of a tile, tl.store to write memory, a new tuple for a tuple
# MEMORY: Assertion condition could not be determined at compile-time
# MEMORY: help: tl.device_assert asserts of values of the run
@triton.jit
def memory(p, n):
    a = p[0]
    tl.store(p, tl.zeros((16,), tl.float32))
    p[0] = 1
    tl.static_assert(n > 4)


# VALUES: invalid operands of type fp32 and None for +
# VALUES: help: ask first for an argument that may be None: `if bias is not None:`
# VALUES: help: a block pointer is moved with tl.advance(ptr, offsets)
# VALUES: help: this one is 1.5, which is no int
@triton.jit
def values(p, n, BIAS: tl.constexpr, SIZE: tl.constexpr):
    a = tl.load(p) + BIAS
    b = tl.make_block_ptr(p, (n,), (1,), (0,), (16,), (0,)) + 1
    c = tl.arange(0, SIZE)


# LOOP: Boolean value of Tensor with more than one value is ambiguous
# LOOP: help: reduce it first
@triton.jit
def loop(p, n):
    a = tl.load(p + tl.arange(0, 16))
    while a > 0:
        a -= 1
