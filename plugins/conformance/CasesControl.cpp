// CasesControl.cpp - control flow, constants, program ids, random bits, facts
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

namespace tessera::conformance {

using namespace tbc;

namespace {

constexpr int64_t kCount = 32;

Case programIds() {
  CaseBuilder c("program_id/i32/grid3x2x4", "program_id");
  c.raw().grid[0] = 3;
  c.raw().grid[1] = 2;
  c.raw().grid[2] = 4;
  size_t o = c.out(Elem::I32, 24 * 2);
  ValueId base = c.pointers(o, 1);
  Builder &b = c.b();
  ValueId p = b.op(Opcode::ExtractScalar, {base});
  auto mul = [&](ValueId x, ValueId y) { return b.op(Opcode::MulI, {x, y}); };
  auto add = [&](ValueId x, ValueId y) { return b.op(Opcode::AddI, {x, y}); };
  ValueId nx = b.numPrograms(0), ny = b.numPrograms(1), nz = b.numPrograms(2);
  ValueId number = add(b.programId(0), mul(nx, add(b.programId(1), mul(ny, b.programId(2)))));
  ValueId slot = b.op(Opcode::AddPtr, {p, mul(number, b.i32(2))});
  b.store(slot, add(mul(number, b.i32(7)), b.i32(1)));
  b.store(b.op(Opcode::AddPtr, {slot, b.i32(1)}), mul(nx, mul(ny, nz)));
  return c.finish();
}

// Rows that programs take in turns: of 256 programs and 1000 rows, so that devices with many units may run more.
Case gridStride() {
  constexpr int64_t kRows = 1000;
  CaseBuilder c("grid_stride/i32/rows", "grid_stride");
  c.raw().grid[0] = 256;
  size_t o = c.out(Elem::I32, kRows * 4);
  ValueId base = c.pointers(o, 1);
  Builder &b = c.b();
  ValueId p = b.op(Opcode::ExtractScalar, {base});
  b.multi(Opcode::GridStride, {b.constInt(Builder::scalar(Elem::I64), kRows)}, {}, {intAttr(AttrId::Axis, 0)});
  b.forLoop(b.programId(0), b.i32(kRows), b.numPrograms(0), {}, [&](ValueId row, std::span<const ValueId>) -> Values {
    ValueId row4 = b.op(Opcode::MulI, {row, b.i32(4)});
    ValueId i = b.op(Opcode::AddI, {b.splat(row4, {4}), b.arange(0, 4)});
    b.store(b.op(Opcode::AddPtr, {b.splat(p, {4}), i}), b.op(Opcode::MulI, {i, i}));
    return {};
  });
  return c.finish();
}

Case constants(Elem e) {
  CaseBuilder c("constant/" + typeName(e) + "/tile-and-scalar", "constant");
  size_t o = c.out(e, kCount), p = c.out(e, 1);
  ValueId first = c.pointers(o, kCount); // declares the parameters
  Builder &b = c.b();
  auto value = [&](const Type &t) {
    return isFloat(e) ? b.constFloat(t, -0.5) : b.constInt(t, e == Elem::I1 ? 1 : -3);
  };
  b.store(first, value(Builder::tensor({kCount}, e)));
  c.store(p, value(Builder::scalar(e)));
  return c.finish();
}

Case loop(int64_t lower, int64_t upper, int64_t step) {
  CaseBuilder c("for/f32/" + std::to_string(lower) + "-" + std::to_string(upper) + "-" + std::to_string(step), "for");
  size_t a = c.in(Elem::F32, kCount, Fill::Small), o = c.out(Elem::F32, kCount), count = c.out(Elem::I32, 1);
  size_t lo = c.scalar(static_cast<int32_t>(lower)), hi = c.scalar(static_cast<int32_t>(upper)),
         st = c.scalar(static_cast<int32_t>(step));
  ValueId v = c.load(a, {kCount});
  Builder &b = c.b();
  Values r = b.forLoop(c.param(lo), c.param(hi), c.param(st), {v, b.i32(0)},
                       [&](ValueId i, std::span<const ValueId> x) -> Values {
                         return {b.op(Opcode::AddF, {x[0], v}), b.op(Opcode::AddI, {x[1], i})};
                       });
  c.store(o, r[0]);
  c.store(count, r[1]);
  return c.finish();
}

// Pointers carried through a loop: the shape of every matrix product.
Case pointerLoop() {
  CaseBuilder c("for/f32/carried-pointers", "for");
  size_t a = c.in(Elem::F32, kCount * 4, Fill::Small), o = c.out(Elem::F32, kCount);
  size_t n = c.scalar(4);
  ValueId p = c.pointers(a, kCount);
  Builder &b = c.b();
  ValueId zero = b.constFloat(Builder::tensor({kCount}, Elem::F32), 0);
  ValueId stride = b.constInt(Builder::tensor({kCount}, Elem::I32), kCount);
  Values r = b.forLoop(b.i32(0), c.param(n), b.i32(1), {zero, p}, [&](ValueId, std::span<const ValueId> x) -> Values {
    return {b.op(Opcode::AddF, {x[0], b.load(x[1])}), b.op(Opcode::AddPtr, {x[1], stride})};
  });
  c.store(o, r[0]);
  return c.finish();
}

Case branch(int32_t condition) {
  CaseBuilder c("if/i32/" + std::string(condition ? "then" : "else"), "if");
  size_t a = c.in(Elem::I32, kCount), o = c.out(Elem::I32, kCount), side = c.inout(Elem::I32, 1, Fill::Small);
  size_t k = c.scalar(condition);
  ValueId v = c.load(a, {kCount});
  Builder &b = c.b();
  ValueId on = b.cmpi(CmpI::Ne, c.param(k), b.i32(0));
  Values r = b.ifElse(
      on, {Builder::tensor({kCount}, Elem::I32)}, [&] { return Values{b.op(Opcode::AddI, {v, v})}; },
      [&] { return Values{b.op(Opcode::XorI, {v, b.constInt(Builder::tensor({kCount}, Elem::I32), -1)})}; });
  c.store(o, r[0]);
  b.ifThen(on, [&] { c.store(side, b.i32(42)); });
  return c.finish();
}

// Collatz: a trip count that nobody can know.
Case whileLoop() {
  CaseBuilder c("while/i32/collatz", "while");
  size_t o = c.out(Elem::I32, 1);
  size_t start = c.scalar(27);
  ValueId first = c.param(start);
  Builder &b = c.b();
  Values r = b.whileLoop(
      {first, b.i32(0)},
      [&](std::span<const ValueId> x) -> Values { return {b.cmpi(CmpI::Ne, x[0], b.i32(1)), x[0], x[1]}; },
      [&](std::span<const ValueId> x) -> Values {
        ValueId odd = b.op(Opcode::AndI, {x[0], b.i32(1)});
        ValueId half = b.op(Opcode::DivSI, {x[0], b.i32(2)});
        ValueId up = b.op(Opcode::AddI, {b.op(Opcode::MulI, {x[0], b.i32(3)}), b.i32(1)});
        ValueId next = b.op(Opcode::Select, {b.cmpi(CmpI::Eq, odd, b.i32(1)), up, half});
        return {next, b.op(Opcode::AddI, {x[1], b.i32(1)})};
      });
  c.store(o, r[1]);
  return c.finish();
}

Case nested() {
  CaseBuilder c("for/i32/nested-with-if", "for");
  size_t o = c.out(Elem::I32, kCount);
  size_t n = c.scalar(5);
  ValueId limit = c.param(n);
  Builder &b = c.b();
  ValueId zero = b.constInt(Builder::tensor({kCount}, Elem::I32), 0);
  ValueId lanes = b.arange(0, kCount);
  Values r = b.forLoop(b.i32(0), limit, b.i32(1), {zero}, [&](ValueId i, std::span<const ValueId> outer) -> Values {
    return b.forLoop(b.i32(0), i, b.i32(1), {outer[0]}, [&](ValueId j, std::span<const ValueId> inner) -> Values {
      ValueId even = b.cmpi(CmpI::Eq, b.op(Opcode::AndI, {j, b.i32(1)}), b.i32(0));
      return b.ifElse(
          even, {Builder::tensor({kCount}, Elem::I32)}, [&] { return Values{b.op(Opcode::AddI, {inner[0], lanes})}; },
          [&] { return Values{b.op(Opcode::AddI, {inner[0], b.splat(i, {kCount})})}; });
    });
  });
  c.store(o, r[0]);
  return c.finish();
}

Case philox(Elem e, int64_t rounds) {
  CaseBuilder c("philox/" + typeName(e) + "/rounds" + std::to_string(rounds), "philox");
  size_t key = c.in(e, 2), counters = c.in(e, kCount), first = 0;
  for (int i = 0; i < 4; ++i) {
    size_t o = c.out(e, kCount);
    first = i ? first : o;
  }
  ValueId k = c.load(key, {2});
  Builder &b = c.b();
  Values halves = b.multi(Opcode::Split, {k}, {Builder::scalar(e), Builder::scalar(e)});
  ValueId lo = b.splat(halves[0], {kCount}), hi = b.splat(halves[1], {kCount}), n = c.load(counters, {kCount});
  ValueId zero = b.constInt(Builder::tensor({kCount}, e), 0);
  Type t = Builder::tensor({kCount}, e);
  Values words =
      b.multi(Opcode::Philox, {lo, hi, n, zero, n, zero}, {t, t, t, t}, {intAttr(AttrId::NumRounds, rounds)});
  for (size_t i = 0; i < 4; ++i)
    c.store(first + i, words[i]);
  return c.finish();
}

Case facts() {
  CaseBuilder c("assume/i32/with-hint", "assume");
  size_t a = c.in(Elem::I32, kCount, Fill::Positive), o = c.out(Elem::I32, kCount);
  size_t n = c.scalar(48);
  ValueId v = c.load(a, {kCount});
  Builder &b = c.b();
  b.multi(Opcode::Assume, {b.cmpi(CmpI::Sgt, c.param(n), b.i32(0))}, {});
  ValueId m = b.op(Opcode::Hint, {c.param(n)}, {intsAttr(AttrId::Divisibility, {16})});
  c.store(o, b.op(Opcode::AddI, {v, b.splat(b.op(Opcode::DivSI, {m, b.i32(16)}), {kCount})}));
  return c.finish();
}

Case arange() {
  CaseBuilder c("arange/i32/offset", "arange");
  size_t o = c.out(Elem::I32, 64);
  ValueId to = c.pointers(o, 64);
  c.b().store(to, c.b().arange(64, 128));
  return c.finish();
}

Case passingAssert() {
  CaseBuilder c("assert/i1/holds", "assert");
  size_t a = c.in(Elem::I32, kCount, Fill::Positive), o = c.out(Elem::I32, kCount);
  ValueId v = c.load(a, {kCount});
  Builder &b = c.b();
  ValueId positive = b.cmpi(CmpI::Sgt, v, b.constInt(Builder::tensor({kCount}, Elem::I32), 0));
  b.multi(Opcode::Assert, {positive}, {}, {strAttr(AttrId::Message, "values are positive")});
  c.store(o, v);
  return c.finish();
}

} // namespace

void addControlCases(std::vector<Case> &out) {
  out.push_back(programIds());
  out.push_back(gridStride());
  for (Elem e : {Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I64, Elem::F16, Elem::BF16, Elem::F32, Elem::F64})
    out.push_back(constants(e));
  out.push_back(loop(0, 5, 1));
  out.push_back(loop(-3, 9, 4));
  out.push_back(loop(4, 4, 1)); // no iteration
  out.push_back(loop(7, 2, 1));
  out.push_back(pointerLoop());
  out.push_back(branch(0));
  out.push_back(branch(1));
  out.push_back(whileLoop());
  out.push_back(nested());
  out.push_back(philox(Elem::I32, 10));
  out.push_back(philox(Elem::I64, 10));
  out.push_back(facts());
  out.push_back(arange());
  out.push_back(passingAssert());
}

} // namespace tessera::conformance
