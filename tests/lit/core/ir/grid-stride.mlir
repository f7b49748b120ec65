// grid-stride.mlir - tile.grid_stride in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @grid_stride_plain
func.func @grid_stride_plain(%n: i64) {
  // CHECK: tile.grid_stride %{{[^ ,]+}} axis = 1 : i64
  tile.grid_stride %n axis = 1 : i64
  return
}
