// load-invalid.mlir - what tile.load refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @load_c1(%p: f32) {
  // expected-error @+1 {{ptr must be a pointer or a tensor of pointers}}
  %0 = tile.load %p : (f32) -> f32
  return
}

// -----
func.func @load_c2(%p: !tile.ptr<f32>) {
  // expected-error @+1 {{result must have the type of what ptr points to, 'f32', got 'f16'}}
  %0 = tile.load %p : (!tile.ptr<f32>) -> f16
  return
}

// -----
func.func @load_c3(%t: tensor<4x!tile.ptr<f32>>, %m: tensor<8xi1>) {
  // expected-error @+1 {{mask must have the shape of ptr (shape 4), got shape 8}}
  %0 = tile.load %t mask %m : (tensor<4x!tile.ptr<f32>>, tensor<8xi1>) -> tensor<4xf32>
  return
}

// -----
func.func @load_c4(%p: !tile.ptr<f32>, %m: i1, %o: f16) {
  // expected-error @+1 {{other must have the type of result}}
  %0 = tile.load %p mask %m other %o : (!tile.ptr<f32>, i1, f16) -> f32
  return
}

// -----
func.func @load_c5(%p: !tile.ptr<f32>, %o: f32) {
  // expected-error @+1 {{other needs a mask}}
  %0 = tile.load %p other %o : (!tile.ptr<f32>, f32) -> f32
  return
}

// -----
func.func @load_c6(%p: !tile.ptr<f32>) {
  // expected-error @+1 {{cache modifier 'wt' does not exist for this access}}
  %0 = tile.load %p cache = wt : (!tile.ptr<f32>) -> f32
  return
}
