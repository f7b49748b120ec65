// VerifierTest.cpp - each rule of the verifier refuses what breaks it, by op and operand
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Text.h"
#include "tests/lib/EveryOp.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::tbc;

namespace {
// The errors of a kernel with some values of each sort at hand.
std::string errorsOf(const std::string &body) {
  ParseResult p = parse("kernel @k(%p: ptr<f32>, %q: ptr<i32>, %i: i32, %l: i64, %x: f32, %h: f16, %b: i1) {\n"
                        "  %ti = arange {start = 0, end = 4}\n"
                        "  %tx = splat %x : tensor<4xf32>\n"
                        "  %tm = constant {value = 1} : tensor<4xi1>\n"
                        "  %m24 = splat %x : tensor<2x4xf32>\n"
                        "  %tp = splat %p : tensor<4xptr<f32>>\n" +
                        body + "\n  return\n}\n");
  EXPECT_TRUE(p) << p.error << "\n" << body;
  return p ? verifyErrorText(*p.module, verifyModule(*p.module)) : "";
}
} // namespace

TEST(Verifier, TypeRules) {
  struct {
    const char *body, *error;
  } cases[] = {
      {"%r = addi %i, %l : i32", "op `addi`: operand 1 is i64; it must be as operand 0, i32"},
      {"%r = addi %x, %x : f32", "op `addi`: operand 0 is f32; it must be of integers"},
      {"%r = addf %i, %i : i32", "it must be of floats"},
      {"%r = addf %x, %x : f16", "result 0 is f16 instead of f32"},
      {"%r = exp %tx : f32", "result 0 is f32 instead of tensor<4xf32>"},
      {"%r = fma %x, %x, %h : f32", "operand 2 is f16"},
      {"%r = cmpi %i, %i {predicate = 10} : i1", "predicate 10"},
      {"%r = cmpi %ti, %ti {predicate = eq} : i1", "result 0 is i1 instead of tensor<4xi1>"},
      {"%r = cmpi %i, %i : i1", "lacks the attribute `predicate`"},
      {"%r = select %i, %x, %x : f32", "operand `cond` is i32"},
      {"%r = select %b, %x, %h : f32", "operand `else` is f16"},
      {"%r = bitcast %i : f16", "the widths must be equal"},
      {"%r = bitcast %i : ptr<f32>", "a pointer is only cast to a pointer"},
      {"%r = trunci %i : i64", "narrower"},
      {"%r = extsi %l : i32", "wider"},
      {"%r = sitofp %i : i64", "it must be of floats"},
      {"%r = fptosi %x : f16", "it must be of integers"},
      {"%r = fptofp %tx : f16", "not of the shape"},
      {"%r = ptrtoint %i : i64", "must be a pointer"},
      {"%r = ptrtoint %p : i32", "must be of i64"},
      {"%r = addptr %p, %x : ptr<f32>", "operand `offset` is f32"},
      {"%r = addptr %tp, %i : tensor<4xptr<f32>>", "of the shape of `ptr`"},
      {"%r = hint %ti {divisibility = [1, 2]}", "one entry a dim"},
      {"assume %i", "op `assume`: operand `cond` is i32"},
      {"grid_stride %i {axis = 0}", "op `grid_stride`: operand `programs` is i32"},
      {"grid_stride %l {axis = 3}", "axis 3"},
      {"%r = splat %tx : tensor<4xf32>", "must be a scalar"},
      {"%r = constant {value = 1} : f32", "has `float_value` and no `value`"},
      {"%r = constant {value = 300} : i8", "300 does not fit i8"},
      {"%r = constant {value = 8} : ptr<f32>", "null"},
      {"%r = program_id {axis = 3} : i32", "axis 3"},
      {"%r = load %tp {width = 3} : tensor<4xf32>", "width 3 is no power of two that divides the extent of dim 0, 4"},
      {"store %tp, %tx {width = 8}", "width 8 is no power of two that divides the extent of dim 0, 4"},
      {"%r = load %tp {axis = 1, width = 2} : tensor<4xf32>", "axis 1 is not one of the 1 dims"},
      {"%r = load %p {width = 2} : f32", "a scalar has no axis and no width"},
      {"%r = arange {start = 4, end = 4} : tensor<4xi32>", "end must exceed start"},
      {"%r = expand_dims %tx {axis = 2} : tensor<4x1xf32>", "axis 2"},
      {"%r = broadcast %tx : tensor<8xf32>", "cannot broadcast tensor<4xf32> to tensor<8xf32>"},
      {"%r = reshape %m24 : tensor<4x4xf32>", "cannot reshape"},
      {"%r = transpose %m24 {order = [0, 0]} : tensor<2x2xf32>", "not a permutation"},
      {"%r, %s = split %m24 : tensor<2xf32>, tensor<2xf32>", "last dim must be 2"},
      {"%r = cat %m24, %m24 : tensor<4x4xf32>", "rank 1"},
      {"%r = extract_scalar %tx : f32", "one element"},
      {"%r = load %i : i32", "operand `ptr` is i32"},
      {"%r = load %tp, %b : tensor<4xf32>", "operand `mask` is i1; it must be tensor<4xi1>"},
      {"%r = load %tp, %tm, %ti : tensor<4xf32>", "operand `other`"},
      {"store %tp, %ti", "operand `value` is tensor<4xi32>; it must be tensor<4xf32>"},
      {"%r = atomic_rmw %p, %x {kind = add} : f32", "this kind of atomic"},
      {"%r = atomic_rmw %q, %i {kind = fadd} : i32", "this kind of atomic"},
      {"%r = atomic_rmw %p, %x {kind = umax} : f32", "this kind of atomic"},
      {"%r = atomic_cas %q, %i, %l : i64", "operand `value` is i64"},
      {"assert %b, %tm {message = \"m\"}", "operand `mask`"},
      {"%r = dot %m24, %m24, %m24", "shapes of a, b, c do not fit"},
      {"%r = sort %tx {axis = 1}", "axis 1"},
      {"%r = gather %m24, %ti {axis = 0} : tensor<4xf32>", "operand `index`"},
      {"%r = histogram %tx : tensor<4xi32>", "must be of integers"},
      {"%r = addi %i : i32", "has 1 operands; it takes 2"},
      {"%r = addi %i, %i {axis = 0} : i32", "has an attribute `axis`, which it does not take"},
      {"%r = load %p {cache = 9} : f32", "attribute `cache` is 9, outside 0 to 6"},
      {"%r = atomic_rmw %q, %i {kind = add, kind = add} : i32", "given twice"},
      {"%r = convert_layout %tx : tensor<4xf32>", "LAYOUT level only"},
      {"inline_asm %tx {text = \"\", constraints = \"f\"}", "has no results"},
      {"%r = inline_asm %tx, %x {text = \"\", constraints = \"=f,f,f\"} : tensor<4xf32>",
       "all operands have one shape"},
      {"%r = inline_asm %tx {text = \"\", constraints = \"=f,f\"} : f32", "not of the operands' shape"},
      {"%r = inline_asm {text = \"\", constraints = \"=f\"} : tensor<4xf32>", "must be a scalar"},
      {"%r = inline_asm %tx {text = \"\", constraints = \"=f,f\", pack = 3} : tensor<4xf32>", "pack does not divide"},
      {"%r = inline_asm %tx {text = \"\"} : tensor<4xf32>", "`constraints`"},
      {"%r = inline_asm %tx {text = \"\", constraints = \"\", pure = 2} : tensor<4xf32>", "outside 0 to 1"},
      {"%r = extern_elementwise %tx {symbol = \"\"} : tensor<4xf32>", "`symbol` is empty"},
      {"%r = extern_elementwise %tx {symbol = \"f\"} : tensor<8xf32>", "not of the operands' shape"},
      {"%r = extern_elementwise %tx, %m24 {symbol = \"f\"} : tensor<4xf32>", "all operands have one shape"},
      {"%r, %r1, %r2, %r3 = philox %i, %i, %i, %i, %i, %l {num_rounds = 7} : i32, i32, i32, i32",
       "operand `c3` is i64"},
  };
  for (auto &c : cases) {
    std::string e = errorsOf(c.body);
    EXPECT_NE(e.find(c.error), std::string::npos) << c.body << "\n gives: " << e << "\n not: " << c.error;
  }
  EXPECT_EQ(errorsOf(""), "");
}

TEST(Verifier, RegionRules) {
  struct {
    const char *body, *error;
  } cases[] = {
      {"if %b { barrier } { yield }", "region 0 does not end in `yield`"},
      {"%r = if %b : i32 { yield %i } { yield %x }", "values that region 1 gives: number 0 is f32 instead of i32"},
      {"if %b { (%a: i32) yield } { yield }", "arguments of region 0"},
      {"if %b { yield }", "has 1 regions; it takes 2"},
      {"if %b { yield barrier yield } { yield }", "stands where no terminator"},
      {"if %b { return } { yield }", "stands where no terminator"},
      {"%r = for %i, %i, %i, %x { (%v: i32, %c: f32) yield %i }", "values that region 0 gives"},
      {"%r = for %i, %i, %i, %x { (%v: i64, %c: f32) yield %c }", "arguments of region 0: number 0 is i64"},
      {"%r = for %i, %i, %l, %x { (%v: i32, %c: f32) yield %c }", "operand `step` is i64"},
      {"%r = for %i, %i, %i, %x : f16 { (%v: i32, %c: f32) yield %c }", "results: number 0 is f16"},
      {"%r = while %i : i32 { (%c: i32) yield %c } { (%d: i32) yield %d }", "region 0 does not end in `condition`"},
      {"%r = while %i : i32 { (%c: i32) condition %c, %c } { (%d: i32) yield %d }", "operand `cond` is i32"},
      {"%r = while %i : i32 { (%c: i32) condition %b, %c } { (%d: f32) yield %i }", "arguments of region 1"},
      {"%r = reduce %tx {axis = 0} { (%u: f32) yield %u }", "arguments of region 0"},
      {"%r = reduce %tx {axis = 0} : f32 { (%u: f32, %v: f32) yield %i }", "values that region 0 gives"},
      {"%r = reduce %tx {axis = 1} : f32 { (%u: f32, %v: f32) yield %u }", "axis 1"},
      {"%r, %s = reduce %tx, %m24 {axis = 0} : f32, f32 { (%u: f32, %v: f32, %w: f32, %z: f32) yield %u, %v }",
       "all operands have one shape"},
      {"%r = reduce %tx {axis = 0} : f32 { (%u: f32, %v: f32) %t = addf %tx, %tx yield %u }",
       "a tensor inside a region over scalars"},
      {"%r = map_elementwise %tx {pack = 3} : tensor<4xf32> { (%a: f32, %c: f32, %d: f32) yield %a, %a, %a }",
       "pack does not divide"},
  };
  for (auto &c : cases) {
    std::string e = errorsOf(c.body);
    EXPECT_NE(e.find(c.error), std::string::npos) << c.body << "\n gives: " << e << "\n not: " << c.error;
  }
}

TEST(Verifier, DominanceEndsWithTheRegion) {
  ParseResult p =
      parse("kernel @k(%b: i1, %i: i32) { if %b { %x = addi %i, %i yield } { yield } %y = addi %i, %i return }");
  ASSERT_TRUE(p) << p.error;
  EXPECT_TRUE(verifyModule(*p.module).empty());
  Region &body = p.module->functions[0].body;
  body.ops[1].operands[1] = body.ops[0].regions[0].ops[0].results[0];
  std::string e = verifyErrorText(*p.module, verifyModule(*p.module));
  EXPECT_NE(e.find("op `addi`: operand 1: value %2 is not defined here"), std::string::npos) << e;
}

TEST(Verifier, MessagesNameThePlace) {
  ParseResult p = parse("kernel @k(%i: i32, %l: i64) { %y = addi %i, %l : i32 loc(\"k.py\":12:7) return }");
  ASSERT_TRUE(p) << p.error;
  std::string e = verifyErrorText(*p.module, verifyModule(*p.module));
  EXPECT_EQ(e.rfind("k.py:12:7: kernel `k`: op `addi`: operand 1", 0), 0u) << e;
}

TEST(Verifier, LayoutLevel) {
  auto errors = [](const std::string &text) {
    ParseResult p = parse("level layout layout #0 sizes [4] {register = [[1], [2]], lane = []} layout #1 sizes [4] "
                          "{register = [[2], [1]]} " +
                          text);
    EXPECT_TRUE(p) << p.error;
    return p ? verifyErrorText(*p.module, verifyModule(*p.module)) : "";
  };
  EXPECT_EQ(errors("kernel @k(%x: f32) { %t = splat %x : tensor<4xf32, #0> return }"), "");
  EXPECT_NE(errors("kernel @k(%x: f32) { %t = splat %x : tensor<4xf32> return }").find("every tensor has a layout"),
            std::string::npos);
  EXPECT_NE(errors("kernel @k(%x: f32) { %t = splat %x : tensor<8xf32, #0> return }").find("another shape"),
            std::string::npos);
  EXPECT_NE(errors("kernel @k(%x: f32) { %t = splat %x : tensor<4xf32, #0> %u = splat %x : tensor<4xf32, #1> %v = addf "
                   "%t, %u return }")
                .find("operand 1"),
            std::string::npos);
}

TEST(Verifier, OpsOfTheLayoutLevel) {
  auto errors = [](const std::string &line) {
    ParseResult p =
        parse("level layout layout #0 sizes [8, 16] {register = [[0, 1]], lane = [[0, 2], [0, 4], [0, 8], [1, 0], [2, "
              "0], [4, 0]]} layout #1 sizes [8, 16] {offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, "
              "0]]} layout #2 sizes [16, 8] {offset = [[1, 0], [2, 0], [4, 0], [8, 0], [0, 1], [0, 2], [0, 4]]} "
              "layout #3 sizes [8, 8] {register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]]}\n"
              "kernel @k(%p: ptr<f16>, %q: ptr<f32>, %i: i32, %l: i64, %x: f32) {\n"
              "%r = shared_alloc {offset = 0, bytes = 512, slots = 2} : shared<8x16xf16, #1>\n"
              "%s = shared_slot %r, %i\n%t = shared_transpose %s {order = [1, 0]} : shared<16x8xf16, #2>\n"
              "%pp = splat %p : tensor<8x16xptr<f16>, #0>\n%qq = splat %q : tensor<8x16xptr<f32>, #0>\n"
              "%c = splat %x : tensor<8x8xf32, #3>\n%w = splat %x : tensor<8x16xf32, #0>\n" +
              line + "\nreturn }");
    EXPECT_TRUE(p) << p.error << line;
    return p ? verifyErrorText(*p.module, verifyModule(*p.module)) : "";
  };
  EXPECT_EQ(errors("async_load %s, %pp {axis = 1, width = 2}\nasync_commit\nasync_wait {pending = 0}\nshared_fence\n"
                   "%d = async_dot %s, %t, %c {instruction = 1}\n%e = dot_wait %d {pending = 0}"),
            "");
  struct Wrong {
    const char *line, *message;
  } wrong[] = {
      {"%y = shared_slot %s, %l", "index` is i64; it must be an i32"},
      {"%y = shared_slot %s, %i : shared<16x8xf16, #2>", "the result must have the ring's type"},
      {"%y = shared_slot %c, %i : shared<8x16xf16, #1>", "it must be a ring of shared tensors"},
      {"%y = shared_transpose %s {order = [1, 1]} : shared<16x8xf16, #2>", "order is no permutation of the dims"},
      {"%y = shared_transpose %s {order = [1]} : shared<16x8xf16, #2>", "order is no permutation of the dims"},
      {"%y = shared_transpose %s {order = [0, 1]} : shared<16x8xf16, #2>", "with its dims in that order"},
      {"%y = shared_transpose %c {order = [1, 0]} : shared<16x8xf16, #2>", "it must be a shared tensor"},
      {"async_load %s, %qq", "it must be pointers to the shared tensor's elements, in its shape"},
      {"async_load %t, %pp", "it must be pointers to the shared tensor's elements, in its shape"},
      {"async_load %c, %pp", "it must be a shared tensor of numbers"},
      {"async_load %s, %p", "it must be a tensor"},
      {"async_load %s, %pp, %w", "it must be tensor<8x16xi1"},
      {"async_wait", "pending"},
      {"async_wait {pending = -1}", "pending"},
      {"%y = async_dot %s, %w, %c {instruction = 1}", "it must be a shared tensor"},
      {"%y = async_dot %i, %t, %c {instruction = 1}", "it must be a tensor or a shared tensor"},
      {"%y = async_dot %t, %s, %c {instruction = 1}", "async_dot"},
      {"%y = async_dot %s, %t, %c", "instruction"},
      {"%y, %z = dot_wait %c {pending = 0} : tensor<8x8xf32, #3>, tensor<8x8xf32, #3>", "has 2 results for 1 operands"},
      {"%y = dot_wait %c {pending = 0} : tensor<8x16xf32, #0>", "result 0 is"},
      {"%y = dot_wait %i {pending = 0} : i32", "it must be a tensor"},
      {"%y = dot_wait %c", "pending"},
      {"%y = shared_alloc {offset = 0, bytes = 512, slots = -1} : shared<8x16xf16, #1>", "slots"},
      {"%y = shared_alloc {offset = 0, bytes = 1048576, slots = 2048} : shared<8x16xf16, #1>", "slots"},
      {"%y = shared_alloc {offset = 0, bytes = 512, slots = 3} : shared<8x16xf16, #1>",
       "a slot has 170 bytes, its tensor 256"},
  };
  for (const Wrong &w : wrong)
    EXPECT_NE(errors(w.line).find(w.message), std::string::npos) << w.line << "\n" << errors(w.line);
}

TEST(Verifier, TensorCopies) {
  auto errors = [](const std::string &line) {
    ParseResult p = parse(
        "level layout layout #0 sizes [8, 16] {offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]} "
        "layout #1 sizes [1] {offset = []}\n"
        "kernel @k(%p: ptr<f16>, %q: ptr<i32>, %i: i32, %l: i64, %on: i1) {\n"
        "%s = shared_alloc {offset = 0, bytes = 256} : shared<8x16xf16, #0>\n"
        "%b = shared_alloc {offset = 256, bytes = 16, slots = 2} : shared<1xi64, #1>\n"
        "%m = tensor_map %p, %l, %l, %l {box = [8, 16], swizzle = 32, fill = 1} : ptr<i8>\n" +
        line + "\nreturn }");
    EXPECT_TRUE(p) << p.error << line;
    return p ? verifyErrorText(*p.module, verifyModule(*p.module)) : "";
  };
  EXPECT_EQ(errors("copy_barrier_init %b {arrivals = 1}\ncopy_expect %b, %on {bytes = 256}\n"
                   "tensor_load %s, %m, %b, %on, %i, %i\ncopy_barrier_wait %b, %i\ncopy_barrier_end %b\n"
                   "tensor_store %s, %m, %i, %i\ntensor_store_wait {pending = 0}"),
            "");
  struct Wrong {
    const char *line, *message;
  } wrong[] = {
      {"%y = tensor_map %i, %l {box = [8]} : ptr<i8>", "it must be a pointer"},
      {"%y = tensor_map %p, %l, %l {box = [8, 8]} : ptr<i8>", "1 to 5 extents and a stride less"},
      {"%y = tensor_map %p, %i {box = [8]} : ptr<i8>", "it must be an i64"},
      {"%y = tensor_map %p, %l {box = [8, 8]} : ptr<i8>", "box must have an entry a dim"},
      {"%y = tensor_map %p, %l {box = [512]} : ptr<i8>", "from 1 to 256"},
      {"%y = tensor_map %p, %l {box = [8], swizzle = 16} : ptr<i8>", "swizzle is 0, 32, 64 or 128"},
      {"%y = tensor_map %q, %l {box = [8], fill = 1} : ptr<i8>", "fill is 0, or 1 for floats"},
      {"%y = tensor_map %p, %l {box = [8]} : ptr<f16>", "result 0 is"},
      {"copy_barrier_init %s {arrivals = 1}", "it must be a shared tensor of 1xi64"},
      {"copy_barrier_init %b {arrivals = 0}", "arrivals must be at least 1"},
      {"copy_expect %b, %i {bytes = 8}", "it must be an i1"},
      {"copy_expect %b, %on {bytes = 0}", "bytes must be at least 1"},
      {"copy_barrier_wait %b, %l", "it must be an i32"},
      {"copy_barrier_end %s", "it must be a shared tensor of 1xi64"},
      {"tensor_load %s, %p, %b, %on, %i, %i", "it must be the result of tensor_map"},
      {"tensor_load %s, %m, %s, %on, %i, %i", "it must be a shared tensor of 1xi64"},
      {"tensor_load %s, %m, %b, %i, %i, %i", "it must be an i1"},
      {"tensor_load %s, %m, %b, %on, %i", "1 coordinates for 2 dims"},
      {"tensor_load %s, %m, %b, %on, %i, %l", "it must be an i32"},
      {"tensor_store %p, %m, %i, %i", "it must be a shared tensor"},
      {"tensor_store %s, %m, %i", "1 coordinates for 2 dims"},
      {"tensor_store_wait {pending = -1}", "pending"},
  };
  for (const Wrong &w : wrong)
    EXPECT_NE(errors(w.line).find(w.message), std::string::npos) << w.line << "\n" << errors(w.line);
}

TEST(Verifier, RolesAndTheirPlaces) {
  auto errors = [](const std::string &lines) {
    ParseResult p = parse(
        "level layout layout #0 sizes [1] {offset = []} layout #1 sizes [32] {lane = [[1], [2], [4], [8], [16]]}\n"
        "kernel @k(%p: ptr<f32>, %i: i32, %on: i1) {\n"
        "%b = shared_alloc {offset = 0, bytes = 16, slots = 2} : shared<1xi64, #0>\n" +
        lines + " return }");
    EXPECT_TRUE(p) << p.error << lines;
    return p ? verifyErrorText(*p.module, verifyModule(*p.module)) : "";
  };
  auto roles = [](const std::string &copies, const std::string &work, const char *attributes = "warps = 4") {
    return "roles {" + std::string(attributes) + "} { " + copies + " yield } { " + work + " yield }\n";
  };
  EXPECT_EQ(errors("copy_barrier_init %b {arrivals = 4} shared_fence barrier\n" +
                   roles("for %i, %i, %i { (%k: i32) %s = shared_slot %b, %k copy_barrier_wait %s, %i copy_expect %s, "
                         "%on {bytes = 8} yield }",
                         "%t = splat %i : tensor<32xi32, #1> barrier copy_arrive %b, %on",
                         "warps = 4, registers = [40, 232]")),
            "");
  struct Wrong {
    std::string lines;
    const char *message;
  } wrong[] = {
      {roles("", "", "warps = 0"), "warps must be at least 1"},
      {roles("", "", "warps = 4, registers = [40]"), "registers must be two numbers"},
      {roles("", "", "warps = 4, registers = [40, 0]"), "registers must be two numbers"},
      {roles("barrier", ""), "op `barrier` is nothing that the copying role can do"},
      {roles("if %on { %v = load %p : f32 yield } { yield }", ""), "op `load` is nothing that the copying role can do"},
      {roles("%t = splat %i : tensor<32xi32, #1>", ""), "op `splat` is nothing that the copying role can do"},
      {roles("copy_arrive %b, %on", ""), "stands outside of region 1 of `roles`"},
      {"copy_arrive %b, %on", "stands outside of region 1 of `roles`"},
      {roles("", "copy_arrive %b, %i"), "it must be an i1"},
      {roles("", "copy_arrive %i, %on"), "it must be a shared tensor of 1xi64"},
      {roles("", "") + "barrier", "must stand right before `return`"},
      {"%t = splat %i : tensor<32xi32, #1>\n" + roles("", ""), "not every lane of the block can do it"},
      {"%v = load %p : f32\n" + roles("", ""), "not every lane of the block can do it"},
      {"if %on { yield } { yield }\n" + roles("", ""), "not every lane of the block can do it"},
      {"if %on { " + roles("", "") + " yield } { yield }", "it must stand in the body of a kernel"},
  };
  for (const Wrong &w : wrong)
    EXPECT_NE(errors(w.lines).find(w.message), std::string::npos) << w.lines << "\n" << errors(w.lines);
}

TEST(Verifier, BrokenIdsAreReportedNotFollowed) {
  Module m = samples::everyTileOp();
  m.valueTypes[3] = 9999;
  EXPECT_FALSE(verifyModule(m).empty());
  m = samples::everyTileOp();
  m.functions[1].body.ops[0].operands[0] = 0xfffffff0;
  EXPECT_FALSE(verifyModule(m).empty());
  m = samples::everyTileOp();
  m.functions[1].body.ops[0].results[0] = 0xfffffff0;
  EXPECT_FALSE(verifyModule(m).empty());
  m = samples::everyTileOp();
  m.functions[1].body.ops[0].code = static_cast<Opcode>(999);
  EXPECT_FALSE(verifyModule(m).empty());
  m = samples::everyTileOp();
  m.functions[1].body.ops.clear();
  EXPECT_FALSE(verifyModule(m).empty());
  m = samples::everyTileOp();
  m.locs[0].file = 77;
  EXPECT_FALSE(verifyModule(m).empty());
}

TEST(Verifier, StopsAtItsLimit) {
  Module m = samples::everyTileOp();
  for (Op &o : m.functions[1].body.ops)
    o.operands.clear();
  EXPECT_EQ(verifyModule(m, 3).size(), 3u);
  // The place of the op takes the last error; its missing operand is not told, and not looked at.
  m = samples::everyTileOp();
  Op &first = m.functions[1].body.ops[0];
  first.code = Opcode::Condition;
  std::vector<ValueId>().swap(first.operands);
  EXPECT_EQ(verifyModule(m, 1).size(), 1u);
}
