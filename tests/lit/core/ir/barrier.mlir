// barrier.mlir - tile.barrier in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @barrier_plain
func.func @barrier_plain() {
  // CHECK: tile.barrier
  tile.barrier
  return
}
