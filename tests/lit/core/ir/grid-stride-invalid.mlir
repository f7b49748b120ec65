// grid-stride-invalid.mlir - what tile.grid_stride refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @grid_stride_c1(%n: i32) {
  // expected-error @+1 {{programs must be i64, got 'i32'}}
  tile.grid_stride %n axis = 0 : i32
  return
}

// -----
func.func @grid_stride_c2(%n: i64) {
  // expected-error @+1 {{axis must be 0, 1 or 2, got 3}}
  tile.grid_stride %n axis = 3 : i64
  return
}

// -----
func.func @grid_stride_c3(%n: i64, %c: i1) {
  scf.if %c {
    // expected-error @+1 {{must stand in a kernel's body}}
    tile.grid_stride %n axis = 0 : i64
  }
  return
}
