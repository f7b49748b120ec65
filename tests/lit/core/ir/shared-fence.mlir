// shared-fence.mlir - tile.shared_fence in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_fence_forms
func.func @shared_fence_forms() {
  // CHECK: tile.shared_fence{{$}}
  tile.shared_fence
  return
}
}
