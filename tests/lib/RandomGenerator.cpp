// RandomGenerator.cpp - a random kernel from parameters to stores
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/RandomGenerator.h"

#include "core/interpreter/Numerics.h"

#include <cmath>
#include <cstring>

namespace tessera::samples {

using namespace tbc;

std::vector<uint8_t> Generator::data(Elem e, size_t n) {
  size_t size = elemBits(e) / 8;
  std::vector<uint8_t> bytes(n * size);
  for (size_t i = 0; i < n; ++i) {
    uint64_t v = rng_.next();
    if (e == Elem::I1) {
      v &= 1;
    } else if (isInteger(e)) {
      if (rng_.chance(50))
        v = static_cast<uint64_t>(static_cast<int64_t>(v % 17) - 8);
    } else {
      double x = 0;
      switch (rng_.below(10)) {
      case 0:
        x = rng_.any({0.0, -0.0, 1e300, -1e300, double(INFINITY), double(NAN), 1e-6, 1e-40, -1e-310});
        break;
      case 1:
      case 2:
      case 3:
        x = static_cast<double>(static_cast<int64_t>(v % 33) - 16);
        break;
      case 4:
        x = std::ldexp(static_cast<double>(static_cast<int64_t>(v)), -static_cast<int>(rng_.below(100)));
        break;
      default:
        x = static_cast<double>(static_cast<int64_t>(v)) * 0x1p-62;
      }
      v = scalar::encodeFloat(e, x);
      if (e == Elem::F8E4B15 && x != x)
        v = 0; // it has no NaN, and what becomes of one is nobody's business
    }
    std::memcpy(bytes.data() + i * size, &v, size);
  }
  return bytes;
}

// The number of this program, counted through the grid.
ValueId Generator::program() {
  ValueId row = b_.op(Opcode::MulI, {b_.programId(1), b_.numPrograms(0)});
  return b_.op(Opcode::AddI, {row, b_.programId(0)});
}

ValueId Generator::parameter(Elem e, size_t elementsPerProgram, bool input, double ulps, ValueId &offset) {
  ValueId p = b_.param("b" + std::to_string(k_.buffers.size()), Builder::ptr(e), 1, input);
  size_t n = elementsPerProgram * programs_;
  k_.buffers.push_back({e, ulps, input ? data(e, n) : std::vector<uint8_t>(n * (elemBits(e) / 8))});
  offset = b_.op(Opcode::MulI, {program_, b_.i32(static_cast<int64_t>(elementsPerProgram))});
  return b_.op(Opcode::AddPtr, {p, offset});
}

void Generator::output(ValueId v, double ulps) {
  Type t = type(v);
  ValueId offset;
  ValueId p = parameter(t.elem, static_cast<size_t>(t.numElements()), false, ulps, offset);
  if (!t.isTensor())
    return b_.store(p, v);
  ValueId flat = t.shape.size() == 1 ? v : b_.reshape(v, {t.numElements()});
  b_.store(b_.op(Opcode::AddPtr, {b_.splat(p, {t.numElements()}), b_.arange(0, t.numElements())}), flat);
}

RandomKernel Generator::run() {
  k_.grid = {1 + rng_.below(3), 1 + rng_.below(2), 1};
  programs_ = k_.grid[0] * k_.grid[1];
  b_.at("random.py", 1);
  b_.beginKernel(std::string(RandomKernel::kName));
  n_ = b_.param("n", Builder::scalar(Elem::I32));
  s_ = b_.param("s", Builder::scalar(Elem::F32));
  k_.scalars = {rng_.below(o_.elements * programs_ + 1),
                scalar::bitsOf(static_cast<float>(static_cast<int>(rng_.below(65)) - 32) / 8)};
  program_ = program();
  auto elements = static_cast<int64_t>(o_.elements);
  for (unsigned i = 0, count = 3 + rng_.below(3); i < count; ++i) {
    Elem e = i == 0 ? Elem::I32 : i == 1 ? Elem::F32 : rng_.chance(50) ? randomInt(true) : randomFloat();
    ValueId offset;
    ValueId p = parameter(e, o_.elements, true, 0, offset);
    inputs_.push_back({p, elements});
    ValueId tile = b_.load(b_.op(Opcode::AddPtr, {b_.splat(p, {elements}), b_.arange(0, elements)}));
    add(tile);
    if (rng_.chance(70))
      add(b_.reshape(tile, randomShape(elements)));
  }
  add(b_.arange(0, elements));
  for (unsigned i = 0; i < o_.steps; ++i) {
    b_.at("random.py", 10 + i);
    step();
  }
  b_.at("random.py", 1000);
  // The latest values, and some of the rest.
  for (size_t i = 0; i < pool_.size(); ++i)
    if (i + 10 >= pool_.size() || rng_.chance(15))
      output(pool_[i], 0);
  for (const auto &[v, ulps] : inexact_)
    output(v, ulps);
  if (o_.tileOps && o_.memory && rng_.chance(25))
    largeProduct();
  b_.endKernel();
  k_.module.producer = "random kernel, seed " + std::to_string(k_.seed);
  k_.module.options = {{"num_warps", 4}, {"fp_fusion", 0}};
  return std::move(k_);
}

RandomKernel randomKernel(uint64_t seed, const RandomOptions &options) { return Generator(seed, options).run(); }

} // namespace tessera::samples
