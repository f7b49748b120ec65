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

// The same columns are cut as those of one tile and repeated along what is cut as those of another, and there all of them.
// CHECK-LABEL: func.func @both
// CHECK: %[[COLUMNS:.*]] = tile.expand_dims {{.*}} axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
// CHECK: scf.for
// CHECK-DAG: tile.broadcast {{.*}} : (tensor<1x2xi32>) -> tensor<2x2xi32>
// CHECK-DAG: tile.broadcast %[[COLUMNS]] : (tensor<1x64xi32>) -> tensor<2x64xi32>
// CHECK: return
func.func @both(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %o: tensor<2x64x!tile.ptr<f32>>) {
  %two = tile.arange 0 to 2 : tensor<2xi32>
  %r = tile.arange 0 to 64 : tensor<64xi32>
  %few = tile.expand_dims %two axis = 1 : (tensor<2xi32>) -> tensor<2x1xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %columns = tile.expand_dims %r axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %fb = tile.broadcast %few : (tensor<2x1xi32>) -> tensor<2x64xi32>
  %fc = tile.broadcast %columns : (tensor<1x64xi32>) -> tensor<2x64xi32>
  %pat = arith.addi %fb, %fc : tensor<2x64xi32>
  %rb = tile.broadcast %rows : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %rc = tile.broadcast %columns : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %qat = arith.addi %rb, %rc : tensor<64x64xi32>
  %pt = tile.splat %p : (!tile.ptr<f32>) -> tensor<2x64x!tile.ptr<f32>>
  %pa = tile.addptr %pt, %pat : (tensor<2x64x!tile.ptr<f32>>, tensor<2x64xi32>) -> tensor<2x64x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2x64x!tile.ptr<f32>>) -> tensor<2x64xf32>
  %qt = tile.splat %q : (!tile.ptr<f32>) -> tensor<64x64x!tile.ptr<f32>>
  %qa = tile.addptr %qt, %qat : (tensor<64x64x!tile.ptr<f32>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f32>>
  %y = tile.load %qa : (tensor<64x64x!tile.ptr<f32>>) -> tensor<64x64xf32>
  %x3 = tile.expand_dims %x axis = 2 : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
  %y3 = tile.expand_dims %y axis = 0 : (tensor<64x64xf32>) -> tensor<1x64x64xf32>
  %xb = tile.broadcast %x3 : (tensor<2x64x1xf32>) -> tensor<2x64x64xf32>
  %yb = tile.broadcast %y3 : (tensor<1x64x64xf32>) -> tensor<2x64x64xf32>
  %z = arith.mulf %xb, %yb : tensor<2x64x64xf32>
  %m = tile.reduce %z axis = 1 : (tensor<2x64x64xf32>) -> tensor<2x64xf32> {
  ^bb0(%u: f32, %v: f32):
    %w = arith.addf %u, %v : f32
    tile.yield %w : f32
  }
  tile.store %o, %m : (tensor<2x64x!tile.ptr<f32>>, tensor<2x64xf32>) -> ()
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
