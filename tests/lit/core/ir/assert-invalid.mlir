// assert-invalid.mlir - what tile.assert refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @assert_c1(%x: i32) {
  // expected-error @+1 {{condition must hold i1}}
  tile.assert %x, "m" : (i32) -> ()
  return
}

// -----
func.func @assert_c2(%x: i1, %t: tensor<4xi1>) {
  // expected-error @+1 {{mask must have the type of condition}}
  tile.assert %t, "m" mask %x : (tensor<4xi1>, i1) -> ()
  return
}
