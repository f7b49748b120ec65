// attributes-invalid.mlir - what the dialect's attributes on modules, kernels and loops refuse
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{attribute 'tile.level' must be "tile" or "layout"}}
module attributes {tile.level = "lower"} {}

// -----
// expected-error @+1 {{attribute 'tile.options' must be a dictionary of integers}}
module attributes {tile.options = 4 : i64} {}

// -----
// expected-error @+1 {{option 'num_warps' of 'tile.options' must be an integer, got "four"}}
module attributes {tile.options = {num_warps = "four"}} {}

// -----
// expected-error @+1 {{has an attribute 'tile.colour' that the tile dialect does not know}}
module attributes {tile.colour = "red"} {}

// -----
// expected-error @+1 {{argument 0: 'tile.divisibility' must be an integer of at least 1, got 0 : i64}}
func.func @divisibility(%x: i32 {tile.divisibility = 0 : i64}) {
  return
}

// -----
// expected-error @+1 {{argument 1: 'tile.name' is unknown or has the wrong kind of value}}
func.func @name(%x: i32, %y: i32 {tile.name = 3 : i32}) {
  return
}

// -----
func.func @loop(%n: i32) {
  // expected-error @+1 {{attribute 'tile.num_stages' must be an i32 of at least 0, got -1 : i32}}
  scf.for %i = %n to %n step %n : i32 {
  } {tile.num_stages = -1 : i32}
  return
}
