// Guards: passes that make loops load what loops are made of. Nothing of `scf` and no number is in this file.
// RUN: %tessera-opt %s --tile-layout-pipeline | FileCheck %s
// RUN: %tessera-opt %s --tile-loop-large-tiles | FileCheck %s
module attributes {tile.options = {num_warps = 1 : i64}} {

// CHECK-LABEL: func.func @copy
// CHECK: scf.for
// CHECK: tile.store
// CHECK: return
func.func @copy(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 16384 : tensor<16384xi32>
  %s = tile.splat %x : (!tile.ptr<f32>) -> tensor<16384x!tile.ptr<f32>>
  %p = tile.addptr %s, %r : (tensor<16384x!tile.ptr<f32>>, tensor<16384xi32>) -> tensor<16384x!tile.ptr<f32>>
  %v = tile.load %p : (tensor<16384x!tile.ptr<f32>>) -> tensor<16384xf32>
  tile.store %p, %v : (tensor<16384x!tile.ptr<f32>>, tensor<16384xf32>) -> ()
  return
}
}
