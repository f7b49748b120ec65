// poison.mlir - tile.poison in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @poison_kinds
func.func @poison_kinds() {
  // CHECK: %{{[^ ,]+}} = tile.poison : f32
  %0 = tile.poison : f32
  // CHECK: %{{[^ ,]+}} = tile.poison : tensor<4xi1>
  %1 = tile.poison : tensor<4xi1>
  return
}
