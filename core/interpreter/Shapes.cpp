// Shapes.cpp - ops that move elements and change none
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Program.h"

#include <algorithm>

namespace tessera::interp {

using namespace tbc;

// to[i…] = from[sum of i * strides]: one walk over the result, its index counted up like a clock.
void Program::strided(ValueId from, ValueId to, const std::vector<int64_t> &strides) {
  uint64_t *r = out(to);
  In x = in(from);
  uint8_t *shadow = x.shadow ? outShadow(to) : nullptr;
  const std::vector<int64_t> &shape = typeOf(to).shape;
  std::vector<int64_t> index(shape.size(), 0);
  int64_t at = 0;
  for (size_t i = 0, n = countOf(to); i < n; ++i) {
    r[i] = x.bits[at];
    if (shadow)
      shadow[i] = x.shadow[at];
    for (size_t d = shape.size(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < shape[d])
        break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

static std::vector<int64_t> rowMajor(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

void Program::broadcast(const Op &op) {
  const auto &shape = typeOf(op.operands[0]).shape;
  std::vector<int64_t> strides = rowMajor(shape);
  for (size_t d = 0; d < shape.size(); ++d)
    if (shape[d] == 1)
      strides[d] = 0;
  strided(op.operands[0], op.results[0], strides);
}

void Program::transpose(const Op &op) {
  std::vector<int64_t> source = rowMajor(typeOf(op.operands[0]).shape), strides;
  for (int64_t d : op.intsAttr(AttrId::Order))
    strides.push_back(source[static_cast<size_t>(d)]);
  strided(op.operands[0], op.results[0], strides);
}

void Program::join(const Op &op) {
  uint64_t *r = out(op.results[0]);
  In x[2] = {in(op, 0), in(op, 1)};
  for (size_t k = 0; k < 2; ++k)
    for (size_t i = 0; i < x[k].count; ++i) {
      r[2 * i + k] = x[k].bits[i];
      if (x[k].unspecified(i))
        outShadow(op.results[0])[2 * i + k] = 1;
    }
}

void Program::split(const Op &op) {
  In x = in(op, 0);
  for (size_t k = 0; k < 2; ++k) {
    uint64_t *r = out(op.results[k]);
    for (size_t i = 0; i < x.count / 2; ++i) {
      r[i] = x.bits[2 * i + k];
      if (x.unspecified(2 * i + k))
        outShadow(op.results[k])[i] = 1;
    }
  }
}

void Program::cat(const Op &op) {
  uint64_t *r = out(op.results[0]);
  In x[2] = {in(op, 0), in(op, 1)};
  for (size_t k = 0; k < 2; ++k) {
    std::copy_n(x[k].bits, x[k].count, r + k * x[0].count);
    if (x[k].shadow)
      std::copy_n(x[k].shadow, x[k].count, outShadow(op.results[0]) + k * x[0].count);
  }
}

} // namespace tessera::interp
