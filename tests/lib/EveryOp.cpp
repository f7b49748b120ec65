// EveryOp.cpp - modules that hold every op of the table at least once, well-formed
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/EveryOp.h"

#include "core/bytecode/Text.h"

#include <cstdio>
#include <cstdlib>

namespace tessera::samples {

namespace {
constexpr std::string_view kTile = R"(
producer "every op"
option num_warps = 4
option fp_fusion = 0

kernel @creation(%f: ptr<f32> {divisibility = 16, readonly}, %n: i32 {unsigned}, %s: f32) {
  %pid = program_id {axis = 0} loc("k.py":3:11)
  %np = num_programs {axis = 2} loc("k.py":4:11 at "k.py":9:1 at "m.py":1:2)
  %c1 = constant {value = -5} : i64
  %c2 = constant {float_value = 2.5} : tensor<2x4xbf16>
  %c3 = constant {value = 0} : ptr<f16>
  %i = arange {start = 8, end = 136}
  %sp = splat %s : tensor<2x4xf32>
  %k = constant {value = 7} : tensor<8xi32>
  %p0, %p1, %p2, %p3 = philox %k, %k, %k, %k, %k, %k {num_rounds = 10}
  %u = poison : tensor<4xf8e5m2>
  return
} loc("k.py":2:1)

kernel @integers(%a: i32, %b: i32) {
  %1 = addi %a, %b
  %2 = subi %a, %b
  %3 = muli %a, %b
  %4 = divsi %a, %b
  %5 = divui %a, %b
  %6 = remsi %a, %b
  %7 = remui %a, %b
  %8 = andi %a, %b
  %9 = ori %a, %b
  %10 = xori %a, %b
  %11 = shli %a, %b
  %12 = shrsi %a, %b
  %13 = shrui %a, %b
  %14 = minsi %a, %b
  %15 = maxsi %a, %b
  %16 = minui %a, %b
  %17 = maxui %a, %b
  %18 = mulhiui %a, %b
  %19 = mulhisi %a, %b
  %20 = cmpi %a, %b {predicate = slt}
  %21 = absi %a
  %22 = ctlz %a
  %23 = ctpop %a
  %24 = cttz %a
  return
}

kernel @floats(%x: f32, %y: f32) {
  %a = splat %x : tensor<4xf32>
  %b = splat %y : tensor<4xf32>
  %1 = addf %a, %b
  %2 = subf %a, %b
  %3 = mulf %a, %b
  %4 = divf %a, %b {approx = 1}
  %5 = remf %a, %b
  %6 = negf %a
  %7 = minnumf %a, %b
  %8 = maxnumf %a, %b
  %9 = minimumf %a, %b
  %10 = maximumf %a, %b
  %11 = cmpf %a, %b {predicate = olt}
  %12 = fma %a, %b, %1
  %13 = absf %a
  %14 = floor %a
  %15 = ceil %a
  %16 = trunc %a
  %17 = round %a
  %18 = roundeven %a
  %19 = sqrt %a
  %20 = rsqrt %a
  %21 = exp %a
  %22 = exp2 %a
  %23 = log %a
  %24 = log2 %a
  %25 = sin %a
  %26 = cos %a
  %27 = erf %a
  %28 = tanh %a
  %29 = tan %a
  %30 = asin %a
  %31 = acos %a
  %32 = atan %a
  %33 = atan2 %a, %b
  %34 = sinh %a
  %35 = cosh %a
  %36 = asinh %a
  %37 = acosh %a
  %38 = atanh %a
  %39 = expm1 %a
  %40 = log1p %a
  %41 = log10 %a
  %42 = cbrt %a
  %43 = pow %a, %b
  %44 = copysign %a, %b
  %45 = erfc %a
  return
}

kernel @conversions(%p: ptr<f32>, %n: i32, %x: f32) {
  %i = arange {start = 0, end = 4}
  %z = constant {value = 1} : tensor<4xi32>
  %m = cmpi %i, %z {predicate = uge}
  %1 = select %m, %i, %z
  %2 = bitcast %i : tensor<4xf32>
  %3 = trunci %i : tensor<4xi8>
  %4 = extsi %i : tensor<4xi64>
  %5 = extui %3 : tensor<4xi16>
  %6 = sitofp %i : tensor<4xf16>
  %7 = uitofp %i : tensor<4xbf16>
  %8 = fptosi %2 : tensor<4xi32>
  %9 = fptoui %2 : tensor<4xi8>
  %10 = fptofp %2 {rounding = towards_zero} : tensor<4xf8e4m3fn>
  %11 = fptofp %10 : tensor<4xf8e4b15>
  %12 = ptrtoint %p
  %13 = inttoptr %12 : ptr<i8>
  %14 = splat %p : tensor<4xptr<f32>>
  %15 = addptr %14, %i
  %16 = hint %15 {divisibility = [16], contiguity = [4], constancy = [1]}
  %c = constant {value = 1} : i1
  %17 = select %c, %i, %z
  assume %c
  %18 = constant {value = 1} : i64
  grid_stride %18 {axis = 2}
  return
}

kernel @shapes(%x: f32) {
  %a = splat %x : tensor<4x2xf32>
  %1 = expand_dims %a {axis = 1}
  %2 = broadcast %1 : tensor<4x8x2xf32>
  %3 = reshape %a : tensor<8xf32>
  %4 = reshape %a {allow_reorder = 1} : tensor<2x4xf32>
  %5 = transpose %2 {order = [2, 0, 1]}
  %6 = join %3, %3
  %7, %8 = split %a
  %9 = cat %3, %3
  %10 = join %x, %x
  %11, %12 = split %10
  %13 = splat %x : tensor<1x1xf32>
  %14 = extract_scalar %13
  return
}

kernel @memory(%p: ptr<f32>, %q: ptr<i32>, %b: ptr<i1>) {
  %i = arange {start = 0, end = 4}
  %pp = splat %p : tensor<4xptr<f32>>
  %pt = addptr %pp, %i
  %m = constant {value = 1} : tensor<4xi1>
  %1 = load %p
  %2 = load %pt {cache = cg, evict = first, volatile = 1}
  %3 = load %pt, %m
  %4 = load %pt, %m, %2
  store %pt, %4, %m {cache = wb, evict = last}
  store %p, %1
  %bl = load %b
  store %b, %bl
  %c = constant {value = 3} : i32
  %5 = atomic_rmw %q, %c {kind = umax, sem = relaxed, scope = sys}
  %6 = atomic_rmw %pt, %2, %m {kind = fadd}
  %7 = atomic_cas %q, %c, %5 {sem = acquire, scope = cta}
  barrier
  print %i, %1 {prefix = "x = \"1\"", hex = 1, signed = 1}
  assert %m, %m {message = "ok"}
  return
}

kernel @tiles(%x: f32) {
  %a = constant {float_value = 1} : tensor<16x32xf16>
  %b = constant {float_value = 2} : tensor<32x8xf16>
  %c = splat %x : tensor<16x8xf32>
  %d = dot %a, %b, %c {precision = ieee, max_imprecise = 0}
  %i = arange {start = 0, end = 8}
  %r = reduce %d {axis = 1} {
    (%u: f32, %v: f32)
    %w = maxnumf %u, %v
    yield %w
  }
  %row = splat %x : tensor<8xf32>
  %am, %ai = reduce %row, %i {axis = 0} {
    (%u1: f32, %v1: i32, %u2: f32, %v2: i32)
    %gt = cmpf %u1, %u2 {predicate = ogt}
    %w1 = select %gt, %u1, %u2
    %w2 = select %gt, %v1, %v2
    yield %w1, %w2
  }
  %s = scan %d {axis = 0, reverse = 1} {
    (%u3: f32, %v3: f32)
    %w3 = addf %u3, %v3
    yield %w3
  }
  %so = sort %d {axis = 1, descending = 1}
  %g = gather %row, %i {axis = 0}
  %hm = constant {value = 1} : tensor<8xi1>
  %h = histogram %i, %hm : tensor<16xi32>
  %me = map_elementwise %row, %i {pack = 2} : tensor<8xf32> {
    (%e0: f32, %e1: f32, %f0: i32, %f1: i32)
    %z = constant {value = 0} : i32
    %pos = cmpi %f0, %z {predicate = sgt}
    %o0 = if %pos : f32 {
      yield %e0
    } {
      yield %e1
    }
    yield %o0, %e1
  }
  %l = constant {value = 34} : tensor<16x32xi8>
  %rh = constant {float_value = 1} : tensor<64x8xf8e4m3fn>
  %ls = constant {value = 127} : tensor<16x2xi8>
  %rs = constant {value = 128} : tensor<8x2xi8>
  %ds = dot_scaled %l, %rh, %c, %ls, %rs {lhs_format = e2m1, rhs_format = e4m3, lhs_k_pack = 1, rhs_k_pack = 1, has_scales = 3, fast_math = 0}
  return
}

kernel @control(%n: i32, %c: i1) {
  %0 = constant {value = 0} : i32
  %1 = constant {value = 1} : i32
  %f = constant {float_value = 0} : f32
  %s, %t = for %0, %n, %1, %f, %0 {num_stages = 3, unroll = 2, loop_flags = 1, signed = 1} {
    (%i: i32, %acc: f32, %k: i32)
    %x = sitofp %i : f32
    %acc2 = addf %acc, %x
    yield %acc2, %i
  }
  %w = while %n : i32 {
    (%v: i32)
    %go = cmpi %v, %1 {predicate = sgt}
    condition %go, %v
  } {
    (%v2: i32)
    %half = shrsi %v2, %1
    yield %half
  }
  %r = if %c : i32 {
    yield %w
  } {
    yield %t
  }
  if %c {
    barrier
    yield
  } {
    yield
  }
  return
}

kernel @target_code(%p: ptr<f32>, %x: f32) {
  %i = arange {start = 0, end = 4}
  %pp = splat %p : tensor<4xptr<f32>>
  %0, %1 = inline_asm %i, %pp {text = "mov $0, $2;\x0a{ \"x\" \\ }", constraints = "=r,=r,r,l", pure = 1, pack = 2} : tensor<4xi32>, tensor<4xf16> loc("k.py":8:3)
  %2 = inline_asm {text = "nop $0;", constraints = "=r"} : i32
  %3 = extern_elementwise %i, %0 {symbol = "fast_pow", library = "fast", library_path = "/fast.bc", pure = 1} : tensor<4xf32>
  %4 = extern_elementwise %x {symbol = "f"} : f64
  return
}
)";

constexpr std::string_view kLayout = R"(
level layout
option num_warps = 1
layout #0 sizes [8, 8] {register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []}
layout #1 sizes [8, 8] {register = [[1, 0]], lane = [[2, 0], [4, 0], [0, 1], [0, 2], [0, 4]], warp = [], block = []}
layout #2 sizes [8, 8] {offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]], block = []}
layout #3 sizes [8, 8] {offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]], block = []}
layout #4 sizes [1] {offset = [], block = []}
layout #5 sizes [8, 8] {offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], block = []}
kernel @through_shared(%x: f32) {
  %a = splat %x : tensor<8x8xf32, #0>
  %b = convert_layout %a : tensor<8x8xf32, #1>
  %s = shared_alloc {offset = 0, bytes = 256} : shared<8x8xf32, #2>
  shared_store %s, %a
  barrier
  %c = shared_load %s : tensor<8x8xf32, #1>
  %d = addf %b, %c
  shared_free %s
  return
}

kernel @beside_the_lanes(%p: ptr<f16>, %i: i32, %x: f32) {
  %r = shared_alloc {offset = 0, bytes = 256, slots = 2} : shared<8x8xf16, #2>
  %s = shared_slot %r, %i
  %q = splat %p : tensor<8x8xptr<f16>, #0>
  %m = constant {value = 1} : tensor<8x8xi1, #0>
  async_load %s, %q, %m {axis = 1, width = 2}
  async_commit
  async_wait {pending = 0}
  shared_fence
  barrier
  %t = shared_transpose %s {order = [1, 0]} : shared<8x8xf16, #3>
  %c = splat %x : tensor<8x8xf32, #0>
  %d = async_dot %s, %t, %c {instruction = 1}
  %e = dot_wait %d {pending = 0}
  shared_free %r
  return
}

kernel @tensor_copies(%p: ptr<f16> {divisibility = 16}, %n: i64, %y: i32, %x: i32) {
  %map = tensor_map %p, %n, %n, %n {box = [8, 8], swizzle = 0, fill = 1} : ptr<i8>
  %b = shared_alloc {offset = 0, bytes = 16, slots = 2} : shared<1xi64, #4>
  copy_barrier_init %b {arrivals = 1}
  %s = shared_alloc {offset = 128, bytes = 128} : shared<8x8xf16, #5>
  barrier
  %zero = constant {value = 0} : i32
  %on = constant {value = 1} : i1
  %b0 = shared_slot %b, %zero
  copy_expect %b0, %on {bytes = 128}
  tensor_load %s, %map, %b0, %on, %y, %x
  copy_barrier_wait %b0, %zero
  barrier
  tensor_store %s, %map, %x, %y
  tensor_store_wait {pending = 0, complete = 1}
  barrier
  copy_barrier_end %b
  shared_free %s
  shared_free %b
  return
}

kernel @roles(%n: i32) {
  %b = shared_alloc {offset = 0, bytes = 16, slots = 2} : shared<1xi64, #4>
  copy_barrier_init %b {arrivals = 4}
  barrier
  roles {warps = 4, registers = [40, 232]} {
    %zero = constant {value = 0} : i32
    %b0 = shared_slot %b, %zero
    copy_barrier_wait %b0, %n
    yield
  } {
    %one = constant {value = 0} : i32
    %on = constant {value = 1} : i1
    %b1 = shared_slot %b, %one
    copy_arrive %b1, %on
    yield
  }
  return
}
)";

tbc::Module parsed(std::string_view text) {
  tbc::ParseResult r = tbc::parse(text);
  if (!r) {
    std::fprintf(stderr, "EveryOp: %s\n", r.error.c_str());
    std::exit(1);
  }
  return std::move(*r.module);
}
} // namespace

std::string_view everyTileOpText() { return kTile; }
std::string_view everyLayoutOpText() { return kLayout; }
tbc::Module everyTileOp() { return parsed(kTile); }
tbc::Module everyLayoutOp() { return parsed(kLayout); }

} // namespace tessera::samples
