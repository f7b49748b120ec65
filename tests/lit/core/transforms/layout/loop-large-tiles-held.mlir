// Guards: what reductions of large tiles repeat along the axis that is cut may be small: a load that others read too is done again for each slice, what is not
// computed for a part of the axis is held whole, and slices gather from it.
// RUN: %tessera-opt %s --tile-loop-large-tiles="lanes=4" | FileCheck %s
module attributes {tile.options = {num_warps = 2 : i64}} {

// 8 lanes: 16384 elements are 2048 a lane, in 64 slices. The line's other reader does not keep the tile whole.
// CHECK-LABEL: func.func @again
// CHECK: scf.for %[[I:.*]] = %c1{{.*}} to %c64
// CHECK-DAG: tile.load {{.*}} -> tensor<2xf32>
// CHECK-DAG: tile.load {{.*}} -> tensor<128x2xf32>
// CHECK-NOT: tile.gather
// CHECK: return
func.func @again(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>) {
  %r = tile.arange 0 to 128 : tensor<128xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<128xi32>) -> tensor<128x1xi32>
  %a = tile.broadcast %rows : (tensor<128x1xi32>) -> tensor<128x128xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<128x!tile.ptr<f32>>
  %la = tile.addptr %ps, %r : (tensor<128x!tile.ptr<f32>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f32>>
  %line = tile.load %la : (tensor<128x!tile.ptr<f32>>) -> tensor<128xf32>
  %lx = tile.expand_dims %line axis = 0 : (tensor<128xf32>) -> tensor<1x128xf32>
  %lines = tile.broadcast %lx : (tensor<1x128xf32>) -> tensor<128x128xf32>
  %pt = tile.splat %p : (!tile.ptr<f32>) -> tensor<128x128x!tile.ptr<f32>>
  %pa = tile.addptr %pt, %a : (tensor<128x128x!tile.ptr<f32>>, tensor<128x128xi32>) -> tensor<128x128x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<128x128x!tile.ptr<f32>>) -> tensor<128x128xf32>
  %y = arith.mulf %x, %lines : tensor<128x128xf32>
  %m = tile.reduce %y axis = 1 : (tensor<128x128xf32>) -> tensor<128xf32> {
  ^bb0(%u: f32, %v: f32):
    %w = arith.addf %u, %v : f32
    tile.yield %w : f32
  }
  %z = arith.addf %m, %line : tensor<128xf32>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<128x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %r : (tensor<128x!tile.ptr<f32>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f32>>
  tile.store %qa, %z : (tensor<128x!tile.ptr<f32>>, tensor<128xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @held
// CHECK-SAME: %[[LINE:.*]]: tensor<1x128xf32>
// CHECK: scf.for %[[I:.*]] = %c1{{.*}} to %c64
// CHECK: %[[START:.*]] = arith.muli %[[I]], %c2
// CHECK: tile.splat %[[START]] : (i32) -> tensor<2xi32>
// CHECK: tile.gather %[[LINE]], %{{.*}} axis = 1 : (tensor<1x128xf32>, tensor<1x2xi32>) -> tensor<1x2xf32>
// CHECK: return
func.func @held(%lx: tensor<1x128xf32>, %p: !tile.ptr<f32>, %q: !tile.ptr<f32>) {
  %r = tile.arange 0 to 128 : tensor<128xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<128xi32>) -> tensor<128x1xi32>
  %a = tile.broadcast %rows : (tensor<128x1xi32>) -> tensor<128x128xi32>
  %lines = tile.broadcast %lx : (tensor<1x128xf32>) -> tensor<128x128xf32>
  %pt = tile.splat %p : (!tile.ptr<f32>) -> tensor<128x128x!tile.ptr<f32>>
  %pa = tile.addptr %pt, %a : (tensor<128x128x!tile.ptr<f32>>, tensor<128x128xi32>) -> tensor<128x128x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<128x128x!tile.ptr<f32>>) -> tensor<128x128xf32>
  %y = arith.mulf %x, %lines : tensor<128x128xf32>
  %m = tile.reduce %y axis = 1 : (tensor<128x128xf32>) -> tensor<128xf32> {
  ^bb0(%u: f32, %v: f32):
    %w = arith.addf %u, %v : f32
    tile.yield %w : f32
  }
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<128x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %r : (tensor<128x!tile.ptr<f32>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f32>>
  tile.store %qa, %m : (tensor<128x!tile.ptr<f32>>, tensor<128xf32>) -> ()
  return
}
}
