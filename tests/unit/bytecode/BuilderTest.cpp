// BuilderTest.cpp - what the builder makes is well-formed and says what was asked for
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Builder.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"

#include <gtest/gtest.h>

using namespace tessera::tbc;

TEST(Builder, KernelWithEveryKindOfRegion) {
  Module m;
  Builder b(m);
  b.at("k.py", 7, 3);
  b.beginKernel("mix");
  ValueId p = b.param("p", Builder::ptr(Elem::F32), 16), n = b.param("n", Builder::scalar(Elem::I32));
  ValueId ptrs = b.op(Opcode::AddPtr, {b.splat(p, {8}), b.arange(0, 8)});
  ValueId mask = b.cmpi(CmpI::Slt, b.arange(0, 8), b.splat(n, {8}));
  ValueId x = b.load(ptrs, mask, b.constFloat(Builder::tensor({8}, Elem::F32), 0));
  ValueId sum = b.reduce(x, 0, Opcode::AddF);
  Values loop = b.forLoop(b.i32(0), n, b.i32(1), {sum}, [&](ValueId i, std::span<const ValueId> c) {
    return Values{b.op(Opcode::AddF, {c[0], b.convert(Opcode::SIToFP, i, Elem::F32)})};
  });
  Values w = b.whileLoop(
      {n}, [&](std::span<const ValueId> c) { return Values{b.cmpi(CmpI::Sgt, c[0], b.i32(1)), c[0]}; },
      [&](std::span<const ValueId> c) { return Values{b.op(Opcode::ShrSI, {c[0], b.i32(1)})}; });
  Values sel = b.ifElse(
      b.cmpi(CmpI::Eq, w[0], n), {Builder::scalar(Elem::F32)}, [&] { return Values{loop[0]}; },
      [&] { return Values{b.f32(2.5)}; });
  Values cum =
      b.scan({x}, 0, [&](std::span<const ValueId> a) { return Values{b.op(Opcode::AddF, {a[0], a[1]})}; }, true);
  Values mapped = b.mapElementwise({x}, 2, {Elem::I32}, [&](std::span<const ValueId> a) {
    return Values{b.convert(Opcode::FPToSI, a[1], Elem::I32), b.convert(Opcode::FPToSI, a[0], Elem::I32)};
  });
  b.ifThen(b.i1(true), [&] { b.store(ptrs, b.op(Opcode::AddF, {cum[0], b.splat(sel[0], {8})}), mask); });
  b.store(ptrs, b.convert(Opcode::SIToFP, mapped[0], Elem::F32));
  b.endKernel();
  EXPECT_EQ(verifyErrorText(m, verifyModule(m)), "") << print(m);
  EXPECT_EQ(m.functions[0].params[0].divisibility, 16);
  EXPECT_EQ(locText(m, m.functions[0].body.ops[0].loc), "k.py:7:3");
}

TEST(Builder, WhatCannotBeInferredIsCaughtByTheVerifier) {
  Module m;
  Builder b(m);
  b.beginKernel("bad");
  ValueId x = b.f32(1);
  ValueId wrong = b.op(Opcode::FPToFP, {x}); // needs a result type
  b.op(Opcode::AddF, {x, wrong});
  b.endKernel();
  EXPECT_FALSE(verifyModule(m).empty());
}
