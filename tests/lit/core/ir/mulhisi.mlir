// mulhisi.mlir - tile.mulhisi in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @mulhisi_kinds
func.func @mulhisi_kinds(%x: i32, %t: tensor<4xi64>) {
  // CHECK: %{{[^ ,]+}} = tile.mulhisi %{{[^ ,]+}}, %{{[^ ,]+}} : i32
  %0 = tile.mulhisi %x, %x : i32
  // CHECK: %{{[^ ,]+}} = tile.mulhisi %{{[^ ,]+}}, %{{[^ ,]+}} : tensor<4xi64>
  %1 = tile.mulhisi %t, %t : tensor<4xi64>
  return
}
