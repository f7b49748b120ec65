// store-invalid.mlir - what tile.store refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @store_c1(%p: f32) {
  // expected-error @+1 {{ptr must be a pointer or a tensor of pointers}}
  tile.store %p, %p : (f32, f32) -> ()
  return
}

// -----
func.func @store_c2(%p: !tile.ptr<f32>, %x: f16) {
  // expected-error @+1 {{value must have the type of what ptr points to}}
  tile.store %p, %x : (!tile.ptr<f32>, f16) -> ()
  return
}

// -----
func.func @store_c3(%p: !tile.ptr<f32>, %x: f32, %m: i8) {
  // expected-error @+1 {{mask must hold i1}}
  tile.store %p, %x mask %m : (!tile.ptr<f32>, f32, i8) -> ()
  return
}

// -----
func.func @store_c4(%p: !tile.ptr<f32>, %x: f32) {
  // expected-error @+1 {{cache modifier 'cv' does not exist for this access}}
  tile.store %p, %x cache = cv : (!tile.ptr<f32>, f32) -> ()
  return
}
