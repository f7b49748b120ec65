// Guards: a barrier where two accesses of one byte need an order, and nowhere else.
// RUN: %tessera-opt %s --tile-insert-barriers=lanes=4 | FileCheck %s
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#S = #tile.linear<[16], offset = [[1], [2], [4], [8]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64, shared_bytes = 128 : i64}} {

// CHECK-LABEL: func.func @write_then_read
// CHECK-NEXT: tile.shared_alloc
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.store
// CHECK-NEXT: return
func.func @write_then_read(%v: tensor<16xf32, #A>, %p: tensor<16x!tile.ptr<f32>, #A>) {
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  tile.store %p, %w : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  return
}

// One barrier serves two buffers; disjoint bytes need none; the user's own barrier counts.
// CHECK-LABEL: func.func @as_few_as_possible
// CHECK: tile.shared_store
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @as_few_as_possible(%v: tensor<16xf32, #A>) {
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  %t = tile.shared_alloc offset = 64 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_store %t, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  %x = tile.shared_load %t : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  tile.barrier
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  return
}

// The next iteration's write must wait for this iteration's read.
// CHECK-LABEL: func.func @around_a_loop
// CHECK: scf.for
// CHECK-NEXT: tile.shared_alloc
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @around_a_loop(%v: tensor<16xf32, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
    tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
    %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  }
  return
}

// What lanes write once and each iteration reads is ordered once, in front of the loop; not where an iteration needs a barrier itself, nor around a nest.
// CHECK-LABEL: func.func @once_for_all
// CHECK: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: scf.for
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: }
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: scf.for
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: }
// CHECK-NEXT: scf.for
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: scf.for
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @once_for_all(%v: tensor<16xf32, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  scf.for %i = %c0 to %n step %c1 : i32 {
    %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  }
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  scf.for %i = %c0 to %n step %c1 : i32 {
    %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
    tile.shared_store %s, %w : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  }
  scf.for %i = %c0 to %n step %c1 : i32 {
    scf.for %j = %c0 to %n step %c1 : i32 {
      %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
    }
  }
  return
}

// A write on one path only still needs an order after the paths meet.
// CHECK-LABEL: func.func @one_path
// CHECK: scf.if
// CHECK: tile.shared_store
// CHECK: }
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
func.func @one_path(%v: tensor<16xf32, #A>, %c: i1) {
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  scf.if %c {
    tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  }
  %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
  return
}

// Scratch of one op that meets the scratch of another.
// CHECK-LABEL: func.func @scratch
// CHECK: tile.yield
// CHECK-NEXT: }
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.reduce
// CHECK: tile.yield
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @scratch(%v: tensor<16xf32, #A>) {
  %a = tile.reduce %v axis = 0 {tile.bytes = 16 : i32, tile.offset = 0 : i32} : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  %b = tile.reduce %v axis = 0 {tile.bytes = 16 : i32, tile.offset = 0 : i32} : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.maximumf %x, %y : f32
    tile.yield %z : f32
  }
  return
}

// A store by the copy engine is awaited in the next iteration, before the lanes fill its buffer again; the barrier behind its start says nothing of its end.
// CHECK-LABEL: func.func @awaited_later
// CHECK: scf.for
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.tensor_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: }
func.func @awaited_later(%v: tensor<16xf32, #A>, %m: !tile.ptr<i8>, %n: i32) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  scf.for %i = %z to %n step %one : i32 {
    tile.tensor_store_wait 0
    tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
    tile.barrier
    tile.tensor_store %s, %m, %i : (!tile.shared<16xf32, #S>, !tile.ptr<i8>, i32) -> ()
    tile.barrier
  }
  tile.tensor_store_wait 0
  return
}

// All lanes come to the barrier inside of a reduction: what lies before the second one is ordered before the third.
// CHECK-LABEL: func.func @alternating_scratch
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @alternating_scratch(%v: tensor<16xf32, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
  %a = tile.reduce %v axis = 0 {tile.bytes = 16 : i32, tile.offset = 0 : i32} : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  %b = tile.reduce %v axis = 0 {tile.bytes = 16 : i32, tile.offset = 16 : i32} : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  }
  return
}

// Only its own reads are left behind a reduction; they and the next write need an order, before a loop comes round to it too.
// CHECK-LABEL: func.func @alone
// CHECK: scf.for
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.reduce
// CHECK: tile.yield
// CHECK: tile.shared_alloc
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: return
func.func @alone(%v: tensor<16xf32, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
  %a = tile.reduce %v axis = 0 {tile.bytes = 16 : i32, tile.offset = 0 : i32} : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  }
  %t = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %t, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  return
}

// A lock is given back after all lanes have stored; taking it needs nothing before it.
// CHECK-LABEL: func.func @lock
// CHECK-NEXT: arith.constant
// CHECK-NEXT: tile.atomic_rmw xchg
// CHECK-NEXT: tile.store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.atomic_rmw xchg
// CHECK-NEXT: tile.store
// CHECK-NEXT: tile.atomic_rmw add
// CHECK-NEXT: return
func.func @lock(%v: tensor<16xf32, #A>, %p: tensor<16x!tile.ptr<f32>, #A>, %l: !tile.ptr<i32>) {
  %c1 = arith.constant 1 : i32
  %taken = tile.atomic_rmw xchg, %l, %c1 : (!tile.ptr<i32>, i32) -> i32
  tile.store %p, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  %given = tile.atomic_rmw xchg, %l, %c1 : (!tile.ptr<i32>, i32) -> i32
  tile.store %p, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  %counted = tile.atomic_rmw add, %l, %c1 sem = relaxed : (!tile.ptr<i32>, i32) -> i32
  return
}

// Of fences that nothing but lanes' own work lies between, the last one is enough; a copy engine that reads in between needs the one before it.
// CHECK-LABEL: func.func @fences
// CHECK: tile.shared_store
// CHECK-NOT: tile.shared_fence
// CHECK: tile.shared_store
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.tensor_store
// CHECK-NEXT: tile.shared_alloc
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: return
func.func @fences(%v: tensor<16xf32, #A>, %m: !tile.ptr<i8>, %at: i32) {
  %a = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %a, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_fence
  %b = tile.shared_alloc offset = 64 bytes = 64 : !tile.shared<16xf32, #S>
  %w = arith.addf %v, %v : tensor<16xf32, #A>
  tile.shared_store %b, %w : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_fence
  tile.tensor_store %a, %m, %at : (!tile.shared<16xf32, #S>, !tile.ptr<i8>, i32) -> ()
  %c = tile.shared_alloc offset = 128 bytes = 64 : !tile.shared<16xf32, #S>
  tile.shared_store %c, %w : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_fence
  return
}

// A fence in front of an arrival at a copy barrier is that arrival's: reads before it are complete.
// CHECK-LABEL: func.func @fences_of_arrivals
// CHECK: work {
// CHECK: tile.shared_load
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.copy_arrive
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.copy_arrive
func.func @fences_of_arrivals(%p: tensor<16x!tile.ptr<f32>, #A>) {
  %s = tile.shared_alloc offset = 0 bytes = 64 : !tile.shared<16xf32, #S>
  %e = tile.shared_alloc offset = 64 bytes = 8 slots = 1 : !tile.shared<1xi64, #tile.linear<[1], offset = []>>
  tile.copy_barrier_init %e arrivals = 2 : !tile.shared<1xi64, #tile.linear<[1], offset = []>>
  tile.barrier
  tile.roles warps = 4 copies {
  } work {
    %yes = arith.constant true
    %v = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
    tile.shared_fence
    tile.copy_arrive %e, %yes : (!tile.shared<1xi64, #tile.linear<[1], offset = []>>, i1) -> ()
    %w = tile.shared_load %s : !tile.shared<16xf32, #S> to tensor<16xf32, #A>
    tile.shared_fence
    tile.copy_arrive %e, %yes : (!tile.shared<1xi64, #tile.linear<[1], offset = []>>, i1) -> ()
    tile.store %p, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
    tile.store %p, %w : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  }
  return
}
}
