// inline-asm.mlir - tile.inline_asm in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @inline_asm
func.func @inline_asm(%x: tensor<8xi32>, %p: tensor<8x!tile.ptr<f32>>, %s: f16) {
  // CHECK: %{{[^ ,]+}} = tile.inline_asm "mov.b32 $0, $1;", "=r,r" pure of %{{[^ ,]+}} : (tensor<8xi32>) -> tensor<8xi32>
  %0 = tile.inline_asm "mov.b32 $0, $1;", "=r,r" pure of %x : (tensor<8xi32>) -> tensor<8xi32>
  // CHECK: %{{[^ ,]+}}:2 = tile.inline_asm "{ ld.global.u32 $0, [$3];\0A\09\22x\22 }", "=r,=r,r,l" pack = 4 of %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<8xi32>, tensor<8x!tile.ptr<f32>>) -> (tensor<8xf32>, tensor<8xi8>)
  %1:2 = tile.inline_asm "{ ld.global.u32 $0, [$3];\0A\09\22x\22 }", "=r,=r,r,l" pack = 4 of %x, %p : (tensor<8xi32>, tensor<8x!tile.ptr<f32>>) -> (tensor<8xf32>, tensor<8xi8>)
  // CHECK: %{{[^ ,]+}} = tile.inline_asm "mov.u64 $0, %clock64;", "=l" : () -> i64
  %2 = tile.inline_asm "mov.u64 $0, %clock64;", "=l" : () -> i64
  // CHECK: %{{[^ ,]+}} = tile.inline_asm "neg $0, $1;", "=h,h" pack = 2 of %{{[^ ,]+}} : (f16) -> f16
  %3 = tile.inline_asm "neg $0, $1;", "=h,h" pack = 2 of %s : (f16) -> f16
  return
}
