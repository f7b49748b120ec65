// Case.cpp - inputs, comparison, and the frame of every kernel
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace tessera::conformance {

using namespace tbc;

namespace {

// Source: xorshift by G. Marsaglia, "Xorshift RNGs", 2003.
struct Random {
  uint64_t state;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

unsigned bytesOf(Elem e) { return elemBits(e) / 8; }

// Significand bits without the hidden one, and exponent bits.
void floatShape(Elem e, unsigned &mantissa, unsigned &exponent) {
  switch (e) {
  case Elem::F16:
    mantissa = 10, exponent = 5;
    return;
  case Elem::BF16:
    mantissa = 7, exponent = 8;
    return;
  case Elem::F64:
    mantissa = 52, exponent = 11;
    return;
  case Elem::F8E5M2:
  case Elem::F8E5M2FNUZ:
    mantissa = 2, exponent = 5;
    return;
  case Elem::F8E4M3FN:
  case Elem::F8E4M3FNUZ:
  case Elem::F8E4B15:
    mantissa = 3, exponent = 4;
    return;
  default:
    mantissa = 23, exponent = 8;
  }
}

uint64_t encode(Elem e, double v) {
  switch (e) {
  case Elem::F16: {
    _Float16 h = static_cast<_Float16>(v);
    uint16_t b;
    std::memcpy(&b, &h, 2);
    return b;
  }
  case Elem::BF16: {
    float f = static_cast<float>(v);
    uint32_t b;
    std::memcpy(&b, &f, 4);
    return b >> 16; // towards zero: any bfloat16 will do as an input
  }
  case Elem::F64: {
    uint64_t b;
    std::memcpy(&b, &v, 8);
    return b;
  }
  default: {
    float f = static_cast<float>(v);
    uint32_t b;
    std::memcpy(&b, &f, 4);
    return b;
  }
  }
}

uint64_t integerValue(Elem e, Fill fill, size_t i, Random &r, uint32_t limit) {
  unsigned width = e == Elem::I1 ? 1 : elemBits(e);
  uint64_t mask = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  switch (fill) {
  case Fill::Small:
    return (r.next() % 17 - 8) & mask;
  case Fill::Positive:
    return std::max<uint64_t>(r.next() & (mask >> 1) & 0xffff, 1);
  case Fill::Shift:
    return r.next() % (width + 9);
  case Fill::Index:
    return (i * 7 + 3) % std::max<uint32_t>(limit, 1); // a permutation where limit is the count, a power of two
  case Fill::Boolean:
    return r.next() >> 17 & 1;
  case Fill::Finite:
    return r.next() >> 9 & mask;
  default: {
    const uint64_t edges[] = {0, 1, mask, mask >> 1, (mask >> 1) + 1, 2, mask - 1};
    return i < 7 ? edges[i] & mask : r.next() >> (r.next() % 48) & mask;
  }
  }
}

uint64_t anyFloat(Elem e, size_t i, Random &r) {
  unsigned mantissa, exponent;
  floatShape(e, mantissa, exponent);
  uint64_t sign = uint64_t(1) << (mantissa + exponent), infinity = ((uint64_t(1) << exponent) - 1) << mantissa;
  uint64_t one = ((uint64_t(1) << (exponent - 1)) - 1) << mantissa;
  const uint64_t edges[] = {0,
                            sign,
                            one,
                            one | sign,
                            infinity,
                            infinity | sign,
                            infinity + (uint64_t(1) << (mantissa - 1)),
                            infinity - 1,
                            1,
                            sign | 1,
                            uint64_t(1) << mantissa};
  return i < 11 ? edges[i] : r.next() & (sign * 2 - 1);
}

// v in [-8, 8], which every 8-bit format holds, F8E4B15 as an eighth of it: 1.875 is its largest.
uint64_t smallFp8(Elem e, int64_t v) {
  if (v == 0)
    return 0;
  const bool isWide = e == Elem::F8E5M2 || e == Elem::F8E5M2FNUZ;
  const int mantissa = isWide ? 2 : 3, scale = e == Elem::F8E4B15 ? -3 : 0;
  const int bias = e == Elem::F8E5M2FNUZ ? 16 : e == Elem::F8E4M3FNUZ ? 8 : isWide || e == Elem::F8E4B15 ? 15 : 7;
  const uint64_t magnitude = static_cast<uint64_t>(std::llabs(v));
  const int exponent = std::bit_width(magnitude) - 1;
  const uint64_t fraction = ((magnitude << mantissa) >> exponent) - (uint64_t(1) << mantissa);
  return (v < 0 ? 0x80u : 0u) | static_cast<uint64_t>(exponent + scale + bias) << mantissa | fraction;
}
uint64_t floatValue(Elem e, Fill fill, size_t i, Random &r) {
  if (isFp8(e) && fill == Fill::Small)
    return smallFp8(e, static_cast<int64_t>(r.next() % 17) - 8);
  if (isFp8(e)) { // no arithmetic of ours on them: bits, without NaN where finite ones are wanted
    uint64_t bits = fill == Fill::Any && i < 256 ? (i * 37) & 0xff : r.next() & 0xff;
    return fill != Fill::Any && (isNanBits(e, bits) || (bits & 0x7f) >= 0x78) ? bits & 0x3f : bits;
  }
  switch (fill) {
  case Fill::Any:
    return anyFloat(e, i, r);
  case Fill::Small:
    return encode(e, static_cast<double>(static_cast<int64_t>(r.next() % 17) - 8));
  case Fill::Unit:
    return encode(e, r.unit() * 2 - 1);
  case Fill::Positive:
    return encode(e, std::exp2(r.unit() * 20 - 10));
  case Fill::InRange:
    return encode(e, std::floor(r.unit() * 100) + (i % 4) * 0.25);
  default:
    return encode(e, (r.unit() * 2 - 1) * std::exp2(r.unit() * 12 - 6));
  }
}

// Maps bits to integers that count representable numbers, so that a difference is a number of ulps.
int64_t ordered(Elem e, uint64_t bits) {
  unsigned width = elemBits(e);
  uint64_t sign = uint64_t(1) << (width - 1);
  return bits & sign ? -static_cast<int64_t>(bits & ~sign) : static_cast<int64_t>(bits);
}

std::string hex(uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

} // namespace

std::string typeName(Elem e) { return std::string(elemName(e)); }

uint64_t loadBits(const uint8_t *p, Elem e) {
  uint64_t v = 0;
  std::memcpy(&v, p, bytesOf(e));
  return v;
}

bool isNanBits(Elem e, uint64_t bits) {
  switch (e) {
  case Elem::F8E4M3FN:
    return (bits & 0x7f) == 0x7f;
  case Elem::F8E4M3FNUZ:
  case Elem::F8E5M2FNUZ:
    return bits == 0x80;
  case Elem::F8E4B15:
    return false;
  default:
    break;
  }
  if (!isFloat(e))
    return false;
  unsigned mantissa, exponent;
  floatShape(e, mantissa, exponent);
  uint64_t infinity = ((uint64_t(1) << exponent) - 1) << mantissa,
           magnitude = bits & ((uint64_t(1) << (mantissa + exponent)) - 1);
  return magnitude > infinity;
}

std::vector<uint8_t> makeBytes(Elem e, size_t n, Fill fill, uint32_t seed, uint32_t limit) {
  Random r{0x9e3779b97f4a7c15ull * (seed + 1)};
  std::vector<uint8_t> bytes(n * bytesOf(e));
  for (size_t i = 0; i < n; ++i) {
    uint64_t v =
        isFloat(e) ? floatValue(e, fill, i, r) : integerValue(e, e == Elem::I1 ? Fill::Boolean : fill, i, r, limit);
    std::memcpy(bytes.data() + i * bytesOf(e), &v, bytesOf(e));
  }
  return bytes;
}

std::string compareBuffers(const Buffer &shape, const std::vector<uint8_t> &expected, const std::vector<uint8_t> &got) {
  size_t wrong = 0, first = 0;
  uint64_t want = 0, have = 0;
  for (size_t i = 0; i < shape.count(); ++i) {
    uint64_t a = loadBits(expected.data() + i * bytesOf(shape.elem), shape.elem),
             b = loadBits(got.data() + i * bytesOf(shape.elem), shape.elem);
    bool same = a == b;
    if (!same && isFloat(shape.elem)) {
      bool na = isNanBits(shape.elem, a), nb = isNanBits(shape.elem, b);
      int64_t oa = ordered(shape.elem, a), ob = ordered(shape.elem, b);
      bool bothZero = oa == 0 && ob == 0;
      same = (na && nb) ||
             (!na && !nb &&
              ((bothZero && shape.tolerance.anyZero) ||
               (static_cast<uint64_t>(std::llabs(oa - ob)) <= shape.tolerance.ulps && shape.tolerance.ulps)));
    }
    if (!same && wrong++ == 0)
      first = i, want = a, have = b;
  }
  if (!wrong)
    return {};
  return std::to_string(wrong) + " of " + std::to_string(shape.count()) + " elements of type " + typeName(shape.elem) +
         " differ, element " + std::to_string(first) + ": " + hex(have) + " instead of " + hex(want);
}

CaseBuilder::CaseBuilder(std::string name, std::string op) {
  case_.name = std::move(name);
  case_.op = std::move(op);
  for (char c : case_.name)
    seed_ = seed_ * 31 + static_cast<unsigned char>(c);
}

size_t CaseBuilder::in(Elem e, size_t n, Fill fill, uint32_t limit) {
  Buffer b;
  b.elem = e;
  b.bytes = makeBytes(e, n, fill, seed_ + static_cast<uint32_t>(case_.buffers.size()), limit);
  case_.buffers.push_back(std::move(b));
  return case_.buffers.size() - 1;
}
size_t CaseBuilder::out(Elem e, size_t n, Tolerance t) {
  Buffer b;
  b.elem = e;
  b.bytes.assign(n * bytesOf(e), 0);
  b.output = true;
  b.tolerance = t;
  case_.buffers.push_back(std::move(b));
  return case_.buffers.size() - 1;
}
size_t CaseBuilder::inout(Elem e, size_t n, Fill fill, Tolerance t) {
  size_t i = in(e, n, fill);
  case_.buffers[i].output = true;
  case_.buffers[i].tolerance = t;
  return i;
}
size_t CaseBuilder::scalar(int32_t value) {
  case_.scalars.push_back(value);
  return case_.scalars.size() - 1;
}

void CaseBuilder::begin() {
  if (builder_)
    return;
  builder_ = std::make_unique<Builder>(case_.module);
  builder_->beginKernel("k");
  builder_->at("conformance.py", 7, 3);
  for (size_t i = 0; i < case_.buffers.size(); ++i)
    values_.push_back(builder_->param("p" + std::to_string(i), Builder::ptr(case_.buffers[i].elem), 16));
  for (size_t i = 0; i < case_.scalars.size(); ++i)
    values_.push_back(builder_->param("s" + std::to_string(i), Builder::scalar(Elem::I32)));
}

ValueId CaseBuilder::param(size_t index) {
  begin();
  return values_[case_.buffers.size() + index];
}

ValueId CaseBuilder::pointers(size_t buffer, int64_t n) {
  begin();
  return builder_->op(Opcode::AddPtr, {builder_->splat(values_[buffer], {n}), builder_->arange(0, n)});
}

ValueId CaseBuilder::load(size_t buffer, std::vector<int64_t> shape) {
  begin();
  if (shape.empty())
    return builder_->load(values_[buffer]);
  int64_t n = static_cast<int64_t>(case_.buffers[buffer].count());
  ValueId v = builder_->load(pointers(buffer, n));
  return shape.size() == 1 ? v : builder_->reshape(v, std::move(shape));
}

void CaseBuilder::store(size_t buffer, ValueId value) {
  const Type t = builder_->typeOf(value);
  if (!t.isTensor()) {
    builder_->store(values_[buffer], value);
    return;
  }
  int64_t n = t.numElements();
  if (t.shape.size() != 1)
    value = builder_->reshape(value, {n});
  builder_->store(pointers(buffer, n), value);
}

Case CaseBuilder::finish() {
  begin();
  builder_->endKernel();
  case_.module.producer = "tessera-conformance";
  return std::move(case_);
}

std::vector<Case> allCases() {
  std::vector<Case> cases;
  addElementwiseCases(cases);
  addConversionCases(cases);
  addShapeCases(cases);
  addMemoryCases(cases);
  addWholeTileCases(cases);
  addControlCases(cases);
  return cases;
}

} // namespace tessera::conformance
