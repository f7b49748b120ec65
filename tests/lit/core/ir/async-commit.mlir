// async-commit.mlir - tile.async_commit in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @async_commit_forms
func.func @async_commit_forms() {
  // CHECK: tile.async_commit{{$}}
  tile.async_commit
  return
}
}
