// inttoptr.mlir - tile.inttoptr in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @inttoptr_kinds
func.func @inttoptr_kinds(%p: i64) {
  // CHECK: %{{[^ ,]+}} = tile.inttoptr %{{[^ ,]+}} : i64 to !tile.ptr<f32>
  %0 = tile.inttoptr %p : i64 to !tile.ptr<f32>
  return
}
