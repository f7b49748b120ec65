// program_id.mlir - tile.program_id in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @program_id_axis
func.func @program_id_axis() {
  // CHECK: %{{[^ ,]+}} = tile.program_id 2
  %0 = tile.program_id 2
  return
}
