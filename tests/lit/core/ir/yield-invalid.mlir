// yield-invalid.mlir - tile.yield ends regions of whole-tile ops only, and they end in nothing else
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @yield_c1(%x: f32) {
  // expected-error @+1 {{expects parent op to be one of 'tile.reduce, tile.scan, tile.map_elementwise, tile.roles'}}
  tile.yield %x : f32
}

// -----
func.func @yield_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{the region must end in tile.yield}}
  %0 = tile.reduce %x axis = 0 : (tensor<4xf32>) -> f32 {
  ^bb0(%a: f32, %b: f32):
    scf.yield %a : f32
  }
  return
}

// -----
// A combiner is a function: it sees nothing outside.
func.func @yield_c3(%x: tensor<4xf32>, %y: f32) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = tile.reduce %x axis = 0 : (tensor<4xf32>) -> f32 {
  ^bb0(%a: f32, %b: f32):
    // expected-error @+1 {{using value defined outside the region}}
    tile.yield %y : f32
  }
  return
}
