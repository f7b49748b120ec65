// Elementwise.cpp - creation, and ScalarSemantics mapped over tiles
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Program.h"

#include <algorithm>

namespace tessera::interp {

using namespace tbc;

void Program::constant(const Op &op) {
  ValueId v = op.results[0];
  const Type &t = typeOf(v);
  uint64_t bits = 0;
  if (!t.pointer)
    bits = isFloat(t.elem)
               ? scalar::encodeFloat(t.elem, op.floatAttr(AttrId::FloatValue))
               : static_cast<uint64_t>(op.intAttr(AttrId::Value)) & scalar::lowMask(scalar::intBits(t.elem));
  std::fill_n(out(v), countOf(v), bits);
}

void Program::arange(const Op &op) {
  uint64_t *r = out(op.results[0]);
  size_t n = countOf(op.results[0]);
  for (size_t i = 0; i < n; ++i)
    r[i] = static_cast<uint32_t>(op.intAttr(AttrId::Start) + static_cast<int64_t>(i));
}

void Program::splat(const Op &op) {
  In x = in(op, 0);
  std::fill_n(out(op.results[0]), countOf(op.results[0]), x.bits[0]);
  if (x.unspecified(0))
    std::fill_n(outShadow(op.results[0]), countOf(op.results[0]), 1);
}

void Program::poison(const Op &op) {
  std::fill_n(out(op.results[0]), countOf(op.results[0]), 0);
  if (tracks())
    std::fill_n(outShadow(op.results[0]), countOf(op.results[0]), 1);
}

void Program::philox(const Op &op) {
  Elem e = typeOf(op.operands[0]).elem;
  In x[6] = {in(op, 0), in(op, 1), in(op, 2), in(op, 3), in(op, 4), in(op, 5)};
  uint64_t *r[4];
  for (size_t k = 0; k < 4; ++k)
    r[k] = out(op.results[k]);
  for (size_t i = 0; i < x[0].count; ++i) {
    uint64_t given[6], words[4];
    bool unspecified = false;
    for (size_t k = 0; k < 6; ++k) {
      given[k] = x[k].bits[i];
      unspecified |= x[k].unspecified(i);
    }
    scalar::philox(e, op.intAttr(AttrId::NumRounds), given, words);
    for (size_t k = 0; k < 4; ++k) {
      r[k][i] = words[k];
      if (unspecified)
        outShadow(op.results[k])[i] = 1;
    }
  }
}

namespace {
// Whether the result is unspecified because of its operands. `and` with 0, `or` with ones and a product with 0 are known
// whatever the other operand is; a select asks only for the side that it takes.
bool spreads(Opcode code, const scalar::Context &c, const In *x, const size_t *at, size_t n) {
  bool any = false;
  for (size_t k = 0; k < n; ++k)
    any |= x[k].unspecified(at[k]);
  if (!any)
    return false;
  auto decided = [&](uint64_t by) {
    for (size_t k = 0; k < 2; ++k)
      if (!x[k].unspecified(at[k]) && x[k].bits[at[k]] == by)
        return true;
    return false;
  };
  switch (code) {
  case Opcode::AndI:
  case Opcode::MulI:
    return !decided(0);
  case Opcode::OrI:
    return !decided(scalar::lowMask(scalar::intBits(c.in)));
  case Opcode::Select:
    return x[0].unspecified(at[0]) || x[x[0].bits[at[0]] & 1 ? 1 : 2].unspecified(at[x[0].bits[at[0]] & 1 ? 1 : 2]);
  default:
    return true;
  }
}
} // namespace

void Program::elementwise(const Op &op) {
  scalar::Context c;
  scalar::Fn f = scalar::scalarFn(m_, op, c);
  if (!f) {
    report(DiagId::InternalError, op,
           "the interpreter has no meaning for op `" + std::string(opInfo(op.code)->name) + "`");
    return;
  }
  size_t n = op.operands.size();
  ValueId v = op.results[0];
  // out() may not touch the storage of an operand: values are never their own operands.
  uint64_t *r = out(v);
  size_t count = countOf(v);
  In x[3] = {in(op, 0), in(op, n > 1 ? 1 : 0), in(op, n > 2 ? 2 : 0)};
  // A scalar condition of a select over tiles stays where it is.
  size_t step0 = x[0].count == 1 ? 0 : 1;
  for (size_t i = 0; i < count; ++i)
    r[i] = f(c, x[0].bits[i * step0], x[1].bits[n > 1 ? i : i * step0], x[2].bits[n > 2 ? i : i * step0]);
  if (!tracks())
    return;
  bool sources = x[0].shadow || (n > 1 && x[1].shadow) || (n > 2 && x[2].shadow),
       makes = scalar::canBeUnspecified(op.code);
  if (!sources && !makes)
    return;
  for (size_t i = 0; i < count; ++i) {
    size_t at[3] = {i * step0, i, i};
    if ((sources && spreads(op.code, c, x, at, n)) ||
        (makes && scalar::isUnspecified(op.code, c, x[0].bits[at[0]], n > 1 ? x[1].bits[i] : 0)))
      outShadow(v)[i] = 1;
  }
}

} // namespace tessera::interp
