# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:numbers --signature="*i8,*u8,*u32,*fp16,*bf16,i64" | FileCheck %s
import triton
import triton.language as tl


# A number that is compared is an int32, a uint32, an int64 or an fp32 by its size and promotes the other side; where it is a number of the
# other's type, too, the comparison is made there.
@triton.jit
def numbers(pi8, pu8, pu32, ph, pg, n):
    # CHECK-LABEL: @numbers
    i8 = tl.load(pi8)
    u8 = tl.load(pu8)
    u32 = tl.load(pu32)
    h = tl.load(ph)
    g = tl.load(pg)
    # CHECK: arith.cmpi slt, %{{.*}}, %{{.*}} : i8
    tl.store(pi8, i8 < 100)
    # CHECK: arith.extsi %{{.*}} : i8 to i32
    # CHECK: arith.cmpi slt, %{{.*}}, %{{.*}} : i32
    tl.store(pi8, i8 < 200)
    # CHECK: arith.extui %{{.*}} : i8 to i32
    # CHECK: arith.cmpi sge, %{{.*}}, %{{.*}} : i32
    tl.store(pi8, u8 >= -1)
    # CHECK: arith.cmpi ult, %{{.*}}, %{{.*}} : i32
    tl.store(pi8, u32 < -1)
    # CHECK: arith.cmpi eq, %{{.*}}, %{{.*}} : i64
    tl.store(pi8, 5000000000 == u32)
    # CHECK: arith.cmpf ogt, %{{.*}}, %{{.*}} : f16
    tl.store(pi8, h > 0.5)
    # CHECK: %[[WIDE:.*]] = tile.fptofp %{{.*}} : f16 to f32
    # CHECK: arith.cmpf ogt, %[[WIDE]], %{{.*}} : f32
    tl.store(pi8, h > 0.1)
    # CHECK: arith.cmpf une, %{{.*}}, %{{.*}} : f32
    tl.store(pi8, g != 257)
    # CHECK: arith.cmpf une, %{{.*}}, %{{.*}} : bf16
    tl.store(pi8, g != 256)
    # CHECK: arith.cmpi sge, %{{.*}}, %{{.*}} : i64
    tl.store(pi8, n >= 7)
