// extern-elementwise-invalid.mlir - what tile.extern_elementwise refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @extern_elementwise_c1() {
  // expected-error @+1 {{must have at least one source}}
  %0 = "tile.extern_elementwise"() {symbol = "f"} : () -> f32
  return
}

// -----
func.func @extern_elementwise_c2(%x: tensor<4xf32>, %y: f32) {
  // expected-error @+1 {{sources must have the shape of the first}}
  %0 = tile.extern_elementwise "f" of %x, %y : (tensor<4xf32>, f32) -> tensor<4xf32>
  return
}

// -----
func.func @extern_elementwise_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have the shape of sources}}
  %0 = tile.extern_elementwise "f" of %x : (tensor<4xf32>) -> tensor<8xf32>
  return
}

// -----
func.func @extern_elementwise_c4(%x: tensor<4xf32>) {
  // expected-error @+1 {{symbol must not be empty}}
  %0 = tile.extern_elementwise "" of %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}
