// mulhiui.mlir - tile.mulhiui in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @mulhiui_kinds
func.func @mulhiui_kinds(%x: i32, %t: tensor<4xi64>) {
  // CHECK: %{{[^ ,]+}} = tile.mulhiui %{{[^ ,]+}}, %{{[^ ,]+}} : i32
  %0 = tile.mulhiui %x, %x : i32
  // CHECK: %{{[^ ,]+}} = tile.mulhiui %{{[^ ,]+}}, %{{[^ ,]+}} : tensor<4xi64>
  %1 = tile.mulhiui %t, %t : tensor<4xi64>
  return
}
