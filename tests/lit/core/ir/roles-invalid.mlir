// roles-invalid.mlir - what tile.roles refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @roles_c1() {
  // expected-error @+1 {{warps must be at least 1, got 0}}
  tile.roles warps = 0 copies {
  } work {
  }
  return
}

// -----
func.func @roles_c2() {
  // expected-error @+1 {{registers must be two numbers of at least 1}}
  tile.roles warps = 4 registers = [40] copies {
  } work {
  }
  return
}

// -----
func.func @roles_c3() {
  tile.roles warps = 4 copies {
    // expected-error @+1 {{is nothing that the copying role of tile.roles can do}}
    tile.barrier
  } work {
  }
  return
}

// -----
func.func @tiles_in_copies(%i: i32) {
  tile.roles warps = 4 copies {
    // expected-error @+1 {{is nothing that the copying role of tile.roles can do}}
    %t = tile.splat %i : (i32) -> tensor<32xi32>
  } work {
  }
  return
}

// -----
func.func @roles_c4(%p: !tile.ptr<f32>) {
  %v = tile.load %p : (!tile.ptr<f32>) -> f32
  // expected-error @+1 {{must not follow tile.load}}
  tile.roles warps = 4 copies {
  } work {
  }
  return
}

// -----
func.func @not_last() {
  // expected-error @+1 {{must be the last op of a kernel}}
  tile.roles warps = 4 copies {
  } work {
  }
  tile.barrier
  return
}

// -----
func.func @in_a_branch(%on: i1) {
  scf.if %on {
    // expected-error @+1 {{must be the last op of a kernel}}
    tile.roles warps = 4 copies {
    } work {
    }
  }
  return
}
