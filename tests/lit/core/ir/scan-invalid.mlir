// scan-invalid.mlir - what tile.scan refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @scan_c1() {
  // expected-error @+1 {{sources must hold at least one tensor}}
  tile.scan axis = 0 : () -> () {
  ^bb0:
    tile.yield
  }
  return
}

// -----
func.func @scan_c2(%x: tensor<4x8xf32>, %v: tensor<8x4xf32>) {
  // expected-error @+1 {{sources must have one shape}}
  %0:2 = tile.scan %x, %v axis = 1 : (tensor<4x8xf32>, tensor<8x4xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    tile.yield %a, %b : f32, f32
  }
  return
}

// -----
func.func @scan_c3(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{axis must be a dim of sources (0 to 1), got 2}}
  %0 = tile.scan %x axis = 2 : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}

// -----
func.func @scan_c4(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{result must}}
  %0 = tile.scan %x axis = 0 : (tensor<4x8xf32>) -> tensor<2xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}

// -----
func.func @scan_c4_totals(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{result must}}
  %0:2 = tile.scan %x axis = 0 : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}

// -----
func.func @scan_c4_count(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{must have 1 results for its sources, or 2 with totals, got 3}}
  %0:3 = tile.scan %x axis = 0 : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}

// -----
func.func @scan_c5(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{the region must take ('f32', 'f32'), got ('f32')}}
  %0 = tile.scan %x axis = 1 : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: f32):
    tile.yield %a : f32
  }
  return
}

// -----
func.func @scan_c6(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{the region must yield ('f32'), got ()}}
  %0 = tile.scan %x axis = 1 : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield
  }
  return
}
