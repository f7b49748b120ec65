# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:reductions --signature="*fp32,*i32" | FileCheck %s --check-prefix=RED
# RUN: %sema %s:products --signature="*fp16,*fp32,*i8,*i32" | FileCheck %s --check-prefix=DOT
# RUN: %sema %s:random --signature="*fp32,i32" | FileCheck %s --check-prefix=RNG
# RUN: %sema %s:movement --signature="*fp32,*i32" | FileCheck %s --check-prefix=MOVE
import triton
import triton.language as tl


@triton.jit
def add(a, b):
    return a + b


# RED-LABEL: func.func @reductions
# RED: tile.reduce %{{.*}} axis = 1 : (tensor<4x8xf32>) -> tensor<4xf32> {
# RED-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
# RED-NEXT: %[[C:.*]] = arith.maxnumf %[[A]], %[[B]] : f32
# RED-NEXT: tile.yield %[[C]] : f32
# RED: tile.reduce %{{.*}}, %{{.*}} axis = 0 : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
# RED: tile.reduce %{{.*}} axis = 0 : (tensor<32xf32>) -> f32
# RED: tile.scan %{{.*}} axis = 0 reverse
# RED: tile.sort
@triton.jit
def reductions(p, q):
    x = tl.load(p + tl.arange(0, 4)[:, None] * 8 + tl.arange(0, 8)[None, :])
    m = tl.max(x, axis=1)
    i = tl.argmin(x, 0)
    s = tl.reduce(x, None, add)
    c = tl.associative_scan(x, 0, add, reverse=True)
    o = tl.sort(m)
    tl.store(p + tl.arange(0, 4), o + s)
    tl.store(q + tl.arange(0, 8), i)
    tl.store(p + tl.arange(0, 4)[:, None] * 8 + tl.arange(0, 8)[None, :], c)


# DOT-LABEL: func.func @products
# DOT: tile.dot %{{.*}}, %{{.*}}, %{{.*}} : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
# DOT: tile.dot {{.*}} (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>)
# DOT: tile.dot {{.*}} -> tensor<16x16xi32>
@triton.jit
def products(a, b, c, d):
    r = tl.arange(0, 16)
    k = tl.arange(0, 32)
    x = tl.load(a + r[:, None] * 32 + k[None, :])
    y = tl.dot(x, x.T)
    z = tl.dot(y, y, acc=y, input_precision="ieee")
    tl.store(b + r[:, None] * 16 + r[None, :], z)
    i = tl.load(c + r[:, None] * 16 + r[None, :])
    tl.store(d + r[:, None] * 16 + r[None, :], tl.dot(i, i))


# RNG-LABEL: func.func @random
# RNG: tile.philox {{.*}} : tensor<64xi32>
# RNG: arith.sitofp
# RNG: arith.mulf
# RNG: tile.philox
# RNG: math.log
# RNG: math.cos
@triton.jit
def random(p, seed):
    o = tl.arange(0, 64)
    tl.store(p + o, tl.rand(seed, o) + tl.randn(seed, o))


# MOVE-LABEL: func.func @movement
# MOVE: tile.join
# MOVE: tile.reshape
# MOVE: tile.split
# MOVE: tile.gather
# MOVE: tile.transpose {{.*}} order = [1, 0]
# MOVE: tile.histogram {{.*}} -> tensor<8xi32>
@triton.jit
def movement(p, q):
    x = tl.load(p + tl.arange(0, 16))
    y = tl.interleave(x, x)
    a, b = tl.split(y.reshape(16, 2))
    f = tl.flip(a)
    t = tl.trans(tl.reshape(f, (4, 4)))
    tl.store(p + tl.arange(0, 16), tl.ravel(t) + b)
    tl.store(q + tl.arange(0, 8), tl.histogram(tl.load(q + tl.arange(0, 16)), 8))
