// EmitterReduce.cpp - combiners, their identities, and the last steps of a reduction in registers
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

#include <limits>

using namespace llvm;
using namespace tessera::tbc;

namespace tessera::cpu {

// A combiner that is one op with a neutral element needs no special first step.
std::vector<llvm::Value *> Emitter::identityOf(const Op &reduce, bool &simple) {
  simple = false;
  const Region &r = reduce.regions[0];
  if (reduce.operands.size() != 1 || r.ops.size() != 2 || r.args.size() != 2 || r.ops[0].operands.size() != 2 ||
      r.ops[1].operands.size() != 1)
    return {};
  const Op &op = r.ops[0];
  bool args = (op.operands[0] == r.args[0] && op.operands[1] == r.args[1]) ||
              (op.operands[0] == r.args[1] && op.operands[1] == r.args[0]);
  if (!args || r.ops[1].operands[0] != op.results[0])
    return {};
  Elem e = m.typeOf(r.args[0]).elem;
  unsigned bits = e == Elem::I1 ? 1 : elemBits(e);
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  simple = true;
  auto integer = [&](const APInt &v) { return std::vector<V>{ConstantInt::get(b.getContext(), v)}; };
  auto real = [&](double v) { return std::vector<V>{ew.constFloat(e, v)}; };
  bool hasInfinity = e != Elem::F8E4M3FN && e != Elem::F8E4M3FNUZ && e != Elem::F8E5M2FNUZ && e != Elem::F8E4B15;
  switch (op.code) {
  case Opcode::AddF:
    return real(-0.0);
  case Opcode::MulF:
    return real(1);
  case Opcode::MinNumF:
  case Opcode::MaxNumF:
    if (e == Elem::F8E4B15)
      break;
    return real(nan); // the other operand wins against it
  case Opcode::MinimumF:
  case Opcode::MaximumF:
    if (!hasInfinity)
      break;
    return real(op.code == Opcode::MinimumF ? inf : -inf);
  case Opcode::AddI:
  case Opcode::OrI:
  case Opcode::XorI:
  case Opcode::MaxUI:
    return integer(APInt(bits, 0));
  case Opcode::MulI:
    return integer(APInt(bits, 1));
  case Opcode::AndI:
  case Opcode::MinUI:
    return integer(APInt::getAllOnes(bits));
  case Opcode::MinSI:
    return integer(APInt::getSignedMaxValue(bits));
  case Opcode::MaxSI:
    return integer(APInt::getSignedMinValue(bits));
  default:
    break;
  }
  simple = false;
  return {};
}

std::vector<llvm::Value *> Emitter::combine(const Op &reduce, bool simple, ArrayRef<V> acc, ArrayRef<V> next) {
  std::vector<V> args(acc.begin(), acc.end());
  args.insert(args.end(), next.begin(), next.end());
  if (simple || isStraightLine(reduce.regions[0])) // simple: one op
    return inlineRegion(reduce.regions[0], args);
  return scalarRegion(reduce.regions[0], args);
}

void Emitter::finishInLane(Accumulator &a, const Tuple &t, unsigned dim) {
  const Op &op = *a.root->op;
  // Copies pairwise, then halves of the vector.
  std::vector<std::vector<V>> parts = a.value;
  while (parts.size() > 1) {
    std::vector<std::vector<V>> next;
    for (size_t i = 0; i + 1 < parts.size(); i += 2)
      next.push_back(combine(op, a.simple, parts[i], parts[i + 1]));
    if (parts.size() % 2)
      next.push_back(parts.back());
    parts = std::move(next);
  }
  std::vector<V> v = parts[0];
  if (!a.partial.empty()) {
    chunk = b.getInt64(0);
    chunkAlign = uint64_t(1) << 32;
    for (size_t i = 0; i < v.size(); ++i)
      storeBuffer(a.partial[i], {t[a.rowDim], xLane()}, Lane::vector(v[i]));
    chunk = nullptr;
    return;
  }
  unsigned width = lanes;
  while (width > 1) {
    unsigned half = width / 2;
    SmallVector<int, 16> low, high;
    for (unsigned i = 0; i < half; ++i) {
      low.push_back(int(i));
      high.push_back(int(i + half));
    }
    std::vector<V> p, q;
    for (V x : v) {
      p.push_back(on({x}, [&]() -> V {
        return half == 1 ? b.CreateExtractElement(x, uint64_t(0)) : b.CreateShuffleVector(x, low);
      }));
      q.push_back(on({x}, [&]() -> V {
        return half == 1 ? b.CreateExtractElement(x, uint64_t(1)) : b.CreateShuffleVector(x, high);
      }));
    }
    v = combine(op, a.simple, p, q);
    width = half;
  }
  for (size_t i = 0; i < v.size(); ++i) {
    if (a.root->results[i] < 0) {
      bindings[op.results[i]].kind = Binding::Scalar;
      bindings[op.results[i]].scalar = v[i];
      continue;
    }
    Tuple s = t;
    s.erase(s.begin() + dim);
    unsigned keep = lanes;
    lanes = 1;
    storeBuffer(a.root->results[i], s, Lane::uniform(v[i]));
    lanes = keep;
  }
}

// As many rows as a vector has lanes, each a vector of partial results, become one vector of results: in every step the halves
// of two rows' parts meet, so that a step serves all rows at once.
void Emitter::finishRows(Accumulator &a, const Tuple &t, unsigned dim, int64_t rows) {
  const Op &op = *a.root->op;
  unsigned L = lanes;
  loop(b.getInt64(0), b.getInt64(uint64_t(rows)), L, [&](V from) {
    std::vector<std::vector<V>> parts;
    chunk = b.getInt64(0);
    chunkAlign = uint64_t(1) << 32;
    for (unsigned i = 0; i < L; ++i) {
      V row = on({from}, [&] { return b.CreateAdd(from, b.getInt64(i)); });
      std::vector<V> x;
      for (int buffer : a.partial)
        x.push_back(vec(loadBuffer(buffer, {Lane::uniform(row), xLane()}, true)));
      parts.push_back(std::move(x));
    }
    for (unsigned width = L; width > 1; width /= 2) { // lanes of one row in a vector
      SmallVector<int, 16> low, high;
      for (unsigned s = 0; s < L; s += width)
        for (unsigned which = 0; which < 2; ++which)
          for (unsigned j = 0; j < width / 2; ++j) {
            low.push_back(int(which * L + s + j));
            high.push_back(int(which * L + s + width / 2 + j));
          }
      std::vector<std::vector<V>> next;
      for (size_t i = 0; i < parts.size() / 2; ++i) {
        std::vector<V> p, q;
        for (size_t k = 0; k < parts[i].size(); ++k) {
          V x = parts[i][k], y = parts[i + parts.size() / 2][k];
          p.push_back(on({x, y}, [&] { return b.CreateShuffleVector(x, y, low); }));
          q.push_back(on({x, y}, [&] { return b.CreateShuffleVector(x, y, high); }));
        }
        next.push_back(combine(op, a.simple, p, q));
      }
      parts = std::move(next);
    }
    chunk = from;
    chunkAlign = L;
    Tuple s = t;
    s[a.rowDim] = xLane();
    s.erase(s.begin() + dim);
    for (size_t i = 0; i < parts[0].size(); ++i)
      storeBuffer(a.root->results[i], s, Lane::vector(parts[0][i]));
  });
  chunk = nullptr;
}

} // namespace tessera::cpu
