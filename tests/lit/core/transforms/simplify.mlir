// simplify.mlir - folds of the dialect's own ops
// RUN: %tessera-opt --tile-simplify %s | FileCheck %s

// CHECK-LABEL: func.func @shapes_of_splats
func.func @shapes_of_splats(%x: f32) -> tensor<8x4xf32> {
  // CHECK-NEXT: %[[S:.+]] = tile.splat %arg0 : (f32) -> tensor<8x4xf32>
  // CHECK-NEXT: return %[[S]]
  %a = tile.splat %x : (f32) -> tensor<4xf32>
  %b = tile.expand_dims %a axis = 1 : (tensor<4xf32>) -> tensor<4x1xf32>
  %c = tile.broadcast %b : (tensor<4x1xf32>) -> tensor<4x8xf32>
  %d = tile.transpose %c order = [1, 0] : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return %d : tensor<8x4xf32>
}

// CHECK-LABEL: func.func @shapes_of_constants
func.func @shapes_of_constants() -> tensor<4x8xi32> {
  // CHECK-NEXT: arith.constant dense<7> : tensor<4x8xi32>
  // CHECK-NEXT: return
  %x = arith.constant 7 : i32
  %a = tile.splat %x : (i32) -> tensor<32xi32>
  %b = tile.reshape %a : (tensor<32xi32>) -> tensor<4x8xi32>
  return %b : tensor<4x8xi32>
}

// CHECK-LABEL: func.func @pairs
func.func @pairs(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: f32) -> (tensor<4xf32>, f32, tensor<1xi32>) {
  // CHECK-NEXT: %[[C:.+]] = arith.constant dense<5> : tensor<1xi32>
  // CHECK-NEXT: return %arg1, %arg2, %[[C]]
  %j = tile.join %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4x2xf32>
  %x:2 = tile.split %j : (tensor<4x2xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %t = tile.splat %s : (f32) -> tensor<1x1xf32>
  %e = tile.extract_scalar %t : (tensor<1x1xf32>) -> f32
  %r = tile.arange 5 to 6 : tensor<1xi32>
  return %x#1, %e, %r : tensor<4xf32>, f32, tensor<1xi32>
}

// There and back without loss is nothing; with loss it stays. A constant that overflows is left to the target.
// CHECK-LABEL: func.func @float_conversions
func.func @float_conversions(%h: f16, %w: f32) -> (f16, f32, bf16, f8E4M3FN) {
  // CHECK-DAG: %[[B:.+]] = arith.constant 1.000000e+00 : bf16
  // CHECK-DAG: tile.fptofp %arg1 : f32 to f16
  // CHECK-DAG: tile.fptofp %{{.+}} : f32 to f8E4M3FN
  // CHECK: return %arg0, %{{.+}}, %[[B]]
  %a = tile.fptofp %h : f16 to f32
  %b = tile.fptofp %a : f32 to f16
  %c = tile.fptofp %w : f32 to f16
  %d = tile.fptofp %c : f16 to f32
  %one = arith.constant 1.0009765625 : f32
  %e = tile.fptofp %one : f32 to bf16
  %big = arith.constant 1.0e6 : f32
  %f = tile.fptofp %big : f32 to f8E4M3FN
  return %b, %d, %e, %f : f16, f32, bf16, f8E4M3FN
}

// CHECK-LABEL: func.func @asserts_and_hints
func.func @asserts_and_hints(%m: i1) -> i32 {
  // CHECK-NEXT: %[[C:.+]] = arith.constant 16 : i32
  // CHECK-NEXT: return %[[C]]
  %true = arith.constant true
  %false = arith.constant false
  tile.assert %true, "fine" : (i1) -> ()
  tile.assert %m, "masked off" mask %false : (i1, i1) -> ()
  tile.assume %true : i1
  %c = arith.constant 16 : i32
  %h = tile.hint %c divisibility = [16] : (i32) -> i32
  return %h : i32
}

// A shift by the width or more gives 0 at run time: it is not folded to anything else.
// CHECK-LABEL: func.func @wide_shift
func.func @wide_shift() -> i32 {
  // CHECK: arith.shli
  %x = arith.constant 1 : i32
  %by = arith.constant 40 : i32
  %r = arith.shli %x, %by : i32
  return %r : i32
}

// Nor is a division by zero.
// CHECK-LABEL: func.func @division_by_zero
func.func @division_by_zero(%x: i32) -> i32 {
  // CHECK: arith.divsi
  %z = arith.constant 0 : i32
  %r = arith.divsi %x, %z : i32
  return %r : i32
}

// What is added to a product is where its sum begins.
// CHECK-LABEL: func.func @add_to_product
func.func @add_to_product(%a: tensor<16x32xf16>, %b: tensor<32x16xf16>, %x: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // CHECK-NEXT: %[[D:.+]] = tile.dot %{{.+}}, %{{.+}}, %[[X:.+]] precision = ieee : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>)
  // CHECK-NEXT: return %[[D]]
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %d = tile.dot %a, %b, %zero precision = ieee : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %s = arith.addf %x, %d : tensor<16x16xf32>
  return %s : tensor<16x16xf32>
}

// CHECK-LABEL: func.func @add_to_integer_product
func.func @add_to_integer_product(%a: tensor<16x32xi8>, %b: tensor<32x16xi8>, %x: tensor<16x16xi32>) -> tensor<16x16xi32> {
  // CHECK-NOT: arith.addi
  %zero = arith.constant dense<0> : tensor<16x16xi32>
  %d = tile.dot %a, %b, %zero : (tensor<16x32xi8>, tensor<32x16xi8>, tensor<16x16xi32>) -> tensor<16x16xi32>
  %s = arith.addi %d, %x : tensor<16x16xi32>
  return %s : tensor<16x16xi32>
}

// CHECK-LABEL: func.func @add_to_scaled_product
func.func @add_to_scaled_product(%a: tensor<16x32xi8>, %b: tensor<32x16xi8>, %x: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // CHECK-NOT: arith.addf
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %d = tile.dot_scaled %a as e4m3, %b as e4m3, %zero lhs_k_pack rhs_k_pack : (tensor<16x32xi8>, tensor<32x16xi8>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %s = arith.addf %x, %d : tensor<16x16xf32>
  return %s : tensor<16x16xf32>
}

// A product that something else reads, one that begins elsewhere, and one whose sum outside of the unit the kernel asked for stay.
// CHECK-LABEL: func.func @add_beside_product
func.func @add_beside_product(%a: tensor<16x32xf8E5M2>, %b: tensor<32x16xf8E5M2>, %x: tensor<16x16xf32>) -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>) {
  // CHECK-COUNT-3: arith.addf
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %d = tile.dot %a, %b, %zero : (tensor<16x32xf8E5M2>, tensor<32x16xf8E5M2>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %s = arith.addf %x, %d : tensor<16x16xf32>
  %e = tile.dot %a, %b, %x : (tensor<16x32xf8E5M2>, tensor<32x16xf8E5M2>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %t = arith.addf %x, %e : tensor<16x16xf32>
  %f = tile.dot %a, %b, %zero max_imprecise = 32 : (tensor<16x32xf8E5M2>, tensor<32x16xf8E5M2>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %u = arith.addf %x, %f : tensor<16x16xf32>
  return %d, %s, %t, %u : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
}
