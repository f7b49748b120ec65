// num_programs.mlir - tile.num_programs in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @num_programs_axis
func.func @num_programs_axis() {
  // CHECK: %{{[^ ,]+}} = tile.num_programs 0
  %0 = tile.num_programs 0
  return
}
