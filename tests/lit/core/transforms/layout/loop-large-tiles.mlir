// Guards: what happens to each element of a tile of more than 64 elements a lane goes slice by slice, where no lane can see it; reductions carry what
// they have combined, and what several need of more than 128 elements a lane is loaded for each. Where two arguments may overlap shifted, the kernel compares
// their addresses: then lanes wait for each other in each slice, and the last slice may be the first.
// RUN: %tessera-opt %s --tile-loop-large-tiles="lanes=4" | FileCheck %s
module attributes {tile.options = {num_warps = 2 : i64}} {

// Of f16 and narrower elements 64 a lane: 2048 in 4 slices.
// CHECK-LABEL: func.func @narrow
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c4{{.*}} step
// CHECK: tile.load {{.*}}tensor<512x!tile.ptr<i8>>
// CHECK: tile.store {{.*}}tensor<512x!tile.ptr<f16>>
func.func @narrow(%p: !tile.ptr<i8>, %q: !tile.ptr<f16>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<i8>) -> tensor<2048x!tile.ptr<i8>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<i8>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i8>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<i8>>) -> tensor<2048xi8>
  %y = arith.sitofp %x : tensor<2048xi8> to tensor<2048xf16>
  %qs = tile.splat %q : (!tile.ptr<f16>) -> tensor<2048x!tile.ptr<f16>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<f16>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f16>>
  tile.store %qa, %y : (tensor<2048x!tile.ptr<f16>>, tensor<2048xf16>) -> ()
  return
}

// 8 lanes: 2048 elements are 256 a lane, in 8 slices.
// CHECK-LABEL: func.func @stored
// CHECK-SAME: %[[P:.*]]: !tile.ptr<f32>, %[[Q:.*]]: !tile.ptr<f32>, %[[R:.*]]: !tile.ptr<f32>, %[[N:.*]]: i32
// CHECK-DAG: tile.ptrtoint %[[P]]
// CHECK-DAG: tile.ptrtoint %[[Q]]
// CHECK-DAG: tile.ptrtoint %[[R]]
// CHECK: scf.if
// CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %c8{{.*}} step
// CHECK: %[[FROM_END:.*]] = arith.subi %c7{{.*}}, %[[I]]
// CHECK: arith.select %{{.*}}, %[[FROM_END]], %[[I]]
// CHECK: tile.load
// CHECK: tile.barrier
// CHECK: tile.store
// CHECK: tile.barrier
// CHECK: tile.store
// CHECK: } else {
// CHECK-NOT: tile.barrier
// CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %c8{{.*}} step
// CHECK: %[[START:.*]] = arith.muli %[[I]], %c256
// CHECK: tile.splat %[[START]] : (i32) -> tensor<256xi32>
// CHECK: tile.load %{{.*}} mask %{{.*}} other %{{.*}} : (tensor<256x!tile.ptr<f32>>
// CHECK: tile.store %{{.*}}, %{{.*}} mask %{{.*}} : (tensor<256x!tile.ptr<f32>>
// CHECK: tile.store %{{.*}}, %{{.*}} : (tensor<256x!tile.ptr<f32>>
// CHECK: }
// CHECK-NOT: 2048
// CHECK: return
func.func @stored(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %r: !tile.ptr<f32>, %n: i32) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %limit = tile.splat %n : (i32) -> tensor<2048xi32>
  %inside = arith.cmpi slt, %at, %limit : tensor<2048xi32>
  %zero = arith.constant dense<0.0> : tensor<2048xf32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %rs = tile.splat %r : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %ra = tile.addptr %rs, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa mask %inside other %zero : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi1>, tensor<2048xf32>) -> tensor<2048xf32>
  %y = arith.addf %x, %x : tensor<2048xf32>
  tile.store %qa, %y mask %inside : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>, tensor<2048xi1>) -> ()
  tile.store %ra, %x : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// The same array at other places: the next slice's loads may not wait for this one's stores. Nor may loads pass what writes.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: scf.for
// CHECK: return
func.func @kept(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %one: i32) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %next = tile.addptr %p, %one : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %ns = tile.splat %next : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %na = tile.addptr %ns, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %na : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  tile.store %pa, %x : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  %y = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  tile.barrier
  tile.store %qa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// Rows of a tile, all of each.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c4{{.*}} step
// CHECK: tile.arange 0 to 8 : tensor<8xi32>
// CHECK: tile.store {{.*}} : (tensor<8x32x!tile.ptr<f32>>
func.func @rows(%q: !tile.ptr<f32>, %stride: i32) {
  %r = tile.arange 0 to 32 : tensor<32xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %strides = tile.splat %stride : (i32) -> tensor<32x1xi32>
  %starts = arith.muli %rows, %strides : tensor<32x1xi32>
  %cols = tile.expand_dims %r axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
  %a = tile.broadcast %starts : (tensor<32x1xi32>) -> tensor<32x32xi32>
  %b = tile.broadcast %cols : (tensor<1x32xi32>) -> tensor<32x32xi32>
  %at = arith.addi %a, %b : tensor<32x32xi32>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<32x32x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<32x32x!tile.ptr<f32>>, tensor<32x32xi32>) -> tensor<32x32x!tile.ptr<f32>>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  tile.store %qa, %zero : (tensor<32x32x!tile.ptr<f32>>, tensor<32x32xf32>) -> ()
  return
}

// The largest, then what depends on it: each loads for itself.
// CHECK-LABEL: func.func @twice
// CHECK: %[[FIRST:.*]] = tile.load {{.*}} -> tensor<256xf32>
// CHECK: %[[SLICE:.*]] = scf.for %{{.*}} = %c1{{.*}} to %c8{{.*}} iter_args(%[[SO_FAR:.*]] = %[[FIRST]]) -> (tensor<256xf32>)
// CHECK: %[[NEXT:.*]] = tile.load
// CHECK: arith.maximumf %[[SO_FAR]], %[[NEXT]] : tensor<256xf32>
// CHECK: %[[M:.*]] = tile.reduce %[[SLICE]]
// CHECK: scf.if
// CHECK: tile.barrier
// CHECK: } else {
// CHECK: scf.for
// CHECK: tile.load
// CHECK: tile.splat %[[M]] : (f32) -> tensor<256xf32>
// CHECK: tile.store
func.func @twice(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %m = tile.reduce %x axis = 0 : (tensor<2048xf32>) -> f32 {
  ^bb0(%u: f32, %v: f32):
    %w = arith.maximumf %u, %v : f32
    tile.yield %w : f32
  }
  %ms = tile.splat %m : (f32) -> tensor<2048xf32>
  %y = arith.subf %x, %ms : tensor<2048xf32>
  tile.store %qa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// Both are loaded before either is stored, in each slice. One argument alone needs no comparison.
// CHECK-LABEL: func.func @exchanged
// CHECK: } else {
// CHECK: tile.load
// CHECK: tile.load
// CHECK: tile.store
// CHECK: tile.store
// CHECK-LABEL: func.func @in_place
// CHECK-NOT: scf.if
// CHECK: scf.for
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @exchanged(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %y = tile.load %qa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  tile.store %pa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  tile.store %qa, %x : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}
func.func @in_place(%p: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %y = arith.addf %x, %x : tensor<2048xf32>
  tile.store %pa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// Elements of several slices share a place: the second slice would load what the first one stored.
// CHECK-LABEL: func.func @repeated
// CHECK-NOT: scf.for
// CHECK: return
func.func @repeated(%p: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %period = arith.constant dense<100> : tensor<2048xi32>
  %within = arith.remsi %at, %period : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %within : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %y = arith.addf %x, %x : tensor<2048xf32>
  tile.store %pa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// Counts of slices are added.
// CHECK-LABEL: func.func @counted
// CHECK: %[[FIRST:.*]] = tile.histogram {{.*}}tensor<256xi32>{{.*}} -> tensor<16xi32>
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c8{{.*}} iter_args(%[[SO_FAR:.*]] = %[[FIRST]]) -> (tensor<16xi32>)
// CHECK: %[[NEXT:.*]] = tile.histogram {{.*}}tensor<256xi32>{{.*}} -> tensor<16xi32>
// CHECK: arith.addi %[[SO_FAR]], %[[NEXT]] : tensor<16xi32>
func.func @counted(%p: !tile.ptr<i32>, %q: !tile.ptr<i32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<2048x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<i32>>) -> tensor<2048xi32>
  %h = tile.histogram %x : (tensor<2048xi32>) -> tensor<16xi32>
  %bins = tile.arange 0 to 16 : tensor<16xi32>
  %qs = tile.splat %q : (!tile.ptr<i32>) -> tensor<16x!tile.ptr<i32>>
  %qa = tile.addptr %qs, %bins : (tensor<16x!tile.ptr<i32>>, tensor<16xi32>) -> tensor<16x!tile.ptr<i32>>
  tile.store %qa, %h : (tensor<16x!tile.ptr<i32>>, tensor<16xi32>) -> ()
  return
}

// What a row's largest element is must be there for each slice: columns are cut where nothing overlaps shifted, else rows, with their reductions.
// CHECK-LABEL: func.func @largest_of_rows
// CHECK: scf.if
// CHECK: tile.load {{.*}} -> tensor<4x64xf32>
// CHECK: tile.reduce {{.*}} axis = 1 : (tensor<4x64xf32>) -> tensor<4xf32>
// CHECK: tile.barrier
// CHECK: tile.store {{.*}} : (tensor<4x64x!tile.ptr<f32>>
// CHECK: } else {
// CHECK: tile.store {{.*}} : (tensor<32x8x!tile.ptr<f32>>
func.func @largest_of_rows(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %stride: i32) {
  %r = tile.arange 0 to 32 : tensor<32xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %strides = tile.splat %stride : (i32) -> tensor<32x1xi32>
  %starts = arith.muli %rows, %strides : tensor<32x1xi32>
  %c = tile.arange 0 to 64 : tensor<64xi32>
  %cols = tile.expand_dims %c axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %a = tile.broadcast %starts : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %b = tile.broadcast %cols : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %at = arith.addi %a, %b : tensor<32x64xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<32x64x!tile.ptr<f32>>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<32x64x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<32x64x!tile.ptr<f32>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f32>>
  %qa = tile.addptr %qs, %at : (tensor<32x64x!tile.ptr<f32>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<32x64x!tile.ptr<f32>>) -> tensor<32x64xf32>
  %m = tile.reduce %x axis = 1 : (tensor<32x64xf32>) -> tensor<32xf32> {
  ^bb0(%u: f32, %v: f32):
    %w = arith.maximumf %u, %v : f32
    tile.yield %w : f32
  }
  %mc = tile.expand_dims %m axis = 1 : (tensor<32xf32>) -> tensor<32x1xf32>
  %ms = tile.broadcast %mc : (tensor<32x1xf32>) -> tensor<32x64xf32>
  %y = arith.subf %x, %ms : tensor<32x64xf32>
  tile.store %qa, %y : (tensor<32x64x!tile.ptr<f32>>, tensor<32x64xf32>) -> ()
  return
}
}
