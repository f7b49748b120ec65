# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:add --signature="*fp32:16,*kfp32,*fp32:16,i32:16" -D BLOCK=1024 | FileCheck %s
import triton
import triton.language as tl


# CHECK: module attributes {tile.level = "tile", tile.options = {num_ctas = 1 : i64, num_stages = 3 : i64, num_warps = 4 : i64}}
# CHECK-LABEL: func.func @add(
# CHECK-SAME: %[[X:.*]]: !tile.ptr<f32> {tile.divisibility = 16 : i32, tile.name = "x_ptr", tile.read_only}
# CHECK-SAME: %[[Y:.*]]: !tile.ptr<f32> {tile.name = "y_ptr", tile.read_only}
# CHECK-SAME: %[[Z:.*]]: !tile.ptr<f32> {tile.divisibility = 16 : i32, tile.name = "out_ptr"}
# CHECK-SAME: %[[N:.*]]: i32 {tile.divisibility = 16 : i32, tile.name = "n"}
# CHECK: tile.program_id 0
# CHECK: tile.arange 0 to 1024
# CHECK: arith.cmpi slt
# CHECK: tile.load {{.*}} mask
# CHECK: arith.addf {{.*}} : tensor<1024xf32>
# CHECK: tile.store
# CHECK: return
@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offs < n
    x = tl.load(x_ptr + offs, mask=mask)
    y = tl.load(y_ptr + offs, mask=mask)
    tl.store(out_ptr + offs, x + y, mask=mask)
