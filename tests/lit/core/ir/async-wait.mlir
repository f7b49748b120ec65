// async-wait.mlir - tile.async_wait in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @async_wait_forms
func.func @async_wait_forms() {
  // CHECK: tile.async_wait 0{{$}}
  tile.async_wait 0
  // CHECK: tile.async_wait 3{{$}}
  tile.async_wait 3
  return
}
}
