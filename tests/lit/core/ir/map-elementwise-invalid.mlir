// map-elementwise-invalid.mlir - what tile.map_elementwise refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @map_elementwise_c1() {
  // expected-error @+1 {{sources must hold at least one tensor}}
  tile.map_elementwise : () -> () {
  ^bb0:
    tile.yield
  }
  return
}

// -----
func.func @map_elementwise_c2(%x: tensor<4xf32>, %y: tensor<8xf32>) {
  // expected-error @+1 {{sources must have one shape}}
  %0:2 = tile.map_elementwise %x, %y : (tensor<4xf32>, tensor<8xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b, %a : f32, f32
  }
  return
}

// -----
func.func @map_elementwise_c3(%x: tensor<8xf32>) {
  // expected-error @+1 {{pack must divide the number of elements, 8, got 3}}
  %0 = tile.map_elementwise %x pack = 3 : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b, %a : f32, f32
  }
  return
}

// -----
func.func @map_elementwise_c4(%x: tensor<8xf32>) {
  // expected-error @+1 {{result must have the shape of sources}}
  %0 = tile.map_elementwise %x pack = 2 : (tensor<8xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b, %a : f32, f32
  }
  return
}

// -----
func.func @map_elementwise_c5(%x: tensor<8xf32>) {
  // expected-error @+1 {{the region must take ('f32'), got ('f32', 'f32')}}
  %0 = tile.map_elementwise %x : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b, %a : f32, f32
  }
  return
}

// -----
func.func @map_elementwise_c6(%x: tensor<8xf32>) {
  // expected-error @+1 {{the region must yield ('f32', 'f32'), got ()}}
  %0 = tile.map_elementwise %x pack = 2 : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield
  }
  return
}
