// CasesWholeTile.cpp - dot, reduce, scan, sort, gather, histogram, map_elementwise
//
// SPDX-License-Identifier: Apache-2.0
//
// Operands of sums and products are small integers, also in float types: every order of additions gives the same bits.
#include "plugins/conformance/Case.h"

namespace tessera::conformance {

using namespace tbc;

namespace {

Case dot(Elem in, Elem acc, int64_t m, int64_t n, int64_t k, int64_t batch = 0) {
  CaseBuilder c("dot/" + typeName(in) + "-" + typeName(acc) + "/" + (batch ? std::to_string(batch) + "x" : "") +
                    std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k),
                "dot");
  size_t count = static_cast<size_t>(batch ? batch : 1);
  auto size = [&](int64_t r, int64_t s) { return count * static_cast<size_t>(r * s); };
  auto shape = [&](int64_t r, int64_t s) {
    return batch ? std::vector<int64_t>{batch, r, s} : std::vector<int64_t>{r, s};
  };
  size_t a = c.in(in, size(m, k), Fill::Small), b = c.in(in, size(k, n), Fill::Small),
         z = c.in(acc, size(m, n), Fill::Small), o = c.out(acc, size(m, n), {0, true});
  ValueId x = c.load(a, shape(m, k)), y = c.load(b, shape(k, n)), w = c.load(z, shape(m, n));
  c.store(o, c.b().op(Opcode::Dot, {x, y, w}, {intAttr(AttrId::Precision, isFloat(in) && in == Elem::F32 ? 3 : 0)}));
  return c.finish();
}

struct ScaledSide {
  ScaledFormat format;
  bool kPack = true, scaled = true;
};

// 16 x 64 by 64 x 32. Scales are 1/2, 1 and 2; special: the first row's is NaN, the second one's 2^-127, in the first 32 of k; the rest is 0.
Case dotScaled(const std::string &name, ScaledSide left, ScaledSide right, bool special = false) {
  CaseBuilder c("dot_scaled/" + name, "dot_scaled");
  constexpr int64_t m = 16, n = 32, k = 64;
  const ScaledSide sides[] = {left, right};
  static constexpr Elem elements[] = {Elem::I8, Elem::F8E4M3FN, Elem::F8E5M2, Elem::BF16, Elem::F16};
  std::vector<int64_t> shapes[] = {{m, k}, {k, n}}, scaleShapes[] = {{m, k / 32}, {n, k / 32}};
  size_t operands[2], scales[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    const ScaledSide &s = sides[i];
    bool isFp4 = s.format == ScaledFormat::E2M1;
    if (isFp4)
      shapes[i][s.kPack == (i == 0) ? 1 : 0] /= 2;
    auto count = static_cast<size_t>(shapes[i][0] * shapes[i][1]);
    operands[i] = c.in(elements[static_cast<size_t>(s.format)], count, isFp4 ? Fill::Finite : Fill::Small);
    if (s.format == ScaledFormat::E4M3 || s.format == ScaledFormat::E5M2) { // 0, 1, 2, 3, -1, -2
      static constexpr uint8_t e4m3[] = {0, 0x38, 0x40, 0x44, 0xb8, 0xc0}, e5m2[] = {0, 0x3c, 0x40, 0x42, 0xbc, 0xc0};
      for (uint8_t &b : c.raw().buffers[operands[i]].bytes)
        b = (s.format == ScaledFormat::E4M3 ? e4m3 : e5m2)[b % 6];
    }
    if (!s.scaled)
      continue;
    auto numScales = static_cast<size_t>(scaleShapes[i][0] * scaleShapes[i][1]);
    scales[i] = c.in(Elem::I8, numScales, Fill::Small);
    std::vector<uint8_t> &bytes = c.raw().buffers[scales[i]].bytes;
    for (uint8_t &b : bytes)
      b = static_cast<uint8_t>(126 + b % 3);
    if (special && i == 0) {
      bytes[0] = 255;
      bytes[2] = 0;
      for (size_t at = 1; at < k; ++at) // one product a sum: nothing is rounded away
        c.raw().buffers[operands[0]].bytes[static_cast<size_t>(shapes[0][1]) + at] = 0;
    }
  }
  size_t z = c.in(Elem::F32, size_t(m) * n, Fill::Small), o = c.out(Elem::F32, size_t(m) * n, {0, true});
  if (special)
    std::fill(c.raw().buffers[z].bytes.begin(), c.raw().buffers[z].bytes.end(), 0);
  std::vector<ValueId> values;
  for (size_t i = 0; i < 2; ++i)
    values.push_back(c.load(operands[i], shapes[i]));
  values.push_back(c.load(z, {m, n}));
  for (size_t i = 0; i < 2; ++i)
    if (sides[i].scaled)
      values.push_back(c.load(scales[i], scaleShapes[i]));
  c.store(o, c.b().op(Opcode::DotScaled, values,
                      {intAttr(AttrId::LhsFormat, static_cast<int64_t>(left.format)),
                       intAttr(AttrId::RhsFormat, static_cast<int64_t>(right.format)),
                       intAttr(AttrId::LhsKPack, left.kPack), intAttr(AttrId::RhsKPack, right.kPack),
                       intAttr(AttrId::HasScales, left.scaled + 2 * right.scaled)}));
  return c.finish();
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text;
}

Case reduceWith(Opcode op, Elem e, std::vector<int64_t> shape, int64_t axis) {
  std::string name(opInfo(op)->name);
  CaseBuilder c("reduce/" + typeName(e) + "/" + name + "-" + shapeText(shape) + "-axis" + std::to_string(axis),
                "reduce");
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n), Fill::Small),
         o = c.out(e, static_cast<size_t>(n / shape[static_cast<size_t>(axis)]), {0, true});
  ValueId v = c.load(a, shape);
  c.store(o, c.b().reduce(v, axis, op));
  return c.finish();
}

// Largest value and the first place of it: a combiner over pairs.
Case argmax(Elem e, std::vector<int64_t> shape, int64_t axis) {
  CaseBuilder c("reduce/" + typeName(e) + "/argmax-rank" + std::to_string(shape.size()) + "-axis" +
                    std::to_string(axis),
                "reduce");
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t results = static_cast<size_t>(n / shape[static_cast<size_t>(axis)]);
  size_t a = c.in(e, static_cast<size_t>(n), Fill::Small),
         i = c.in(Elem::I32, static_cast<size_t>(n), Fill::Index, static_cast<uint32_t>(n));
  size_t o = c.out(e, results, {0, true}), p = c.out(Elem::I32, results);
  ValueId v = c.load(a, shape), index = c.load(i, shape);
  Builder &b = c.b();
  Values best = b.reduce({v, index}, axis, [&](std::span<const ValueId> x) -> Values {
    ValueId greater = isFloat(e) ? b.cmpf(CmpF::Ogt, x[0], x[2]) : b.cmpi(CmpI::Sgt, x[0], x[2]);
    ValueId equal = isFloat(e) ? b.cmpf(CmpF::Oeq, x[0], x[2]) : b.cmpi(CmpI::Eq, x[0], x[2]);
    ValueId first = b.cmpi(CmpI::Slt, x[1], x[3]);
    ValueId keep = b.op(Opcode::OrI, {greater, b.op(Opcode::AndI, {equal, first})});
    return {b.op(Opcode::Select, {keep, x[0], x[2]}), b.op(Opcode::Select, {keep, x[1], x[3]})};
  });
  c.store(o, best[0]);
  c.store(p, best[1]);
  return c.finish();
}

Case scanWith(Opcode op, Elem e, const std::vector<int64_t> &shape, int64_t axis, bool reverse) {
  std::string name(opInfo(op)->name);
  CaseBuilder c("scan/" + typeName(e) + "/" + name + "-rank" + std::to_string(shape.size()) + "-axis" +
                    std::to_string(axis) + (reverse ? "-reverse" : ""),
                "scan");
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n), Fill::Small), o = c.out(e, static_cast<size_t>(n), {0, true});
  ValueId v = c.load(a, shape);
  Builder &b = c.b();
  c.store(
      o, b.scan({v}, axis, [&](std::span<const ValueId> x) -> Values { return {b.op(op, {x[0], x[1]})}; }, reverse)[0]);
  return c.finish();
}

// First-order linear recurrence: associative, not commutative.
Case recurrence() {
  CaseBuilder c("scan/i32/recurrence", "scan");
  size_t a = c.in(Elem::I32, 64, Fill::Small), x = c.in(Elem::I32, 64, Fill::Small), o = c.out(Elem::I32, 64),
         p = c.out(Elem::I32, 64);
  ValueId u = c.load(a, {64}), v = c.load(x, {64});
  Builder &b = c.b();
  Values r = b.scan({u, v}, 0, [&](std::span<const ValueId> y) -> Values {
    return {b.op(Opcode::MulI, {y[0], y[2]}), b.op(Opcode::AddI, {b.op(Opcode::MulI, {y[2], y[1]}), y[3]})};
  });
  c.store(o, r[0]);
  c.store(p, r[1]);
  return c.finish();
}

// What a scan of columns ends with goes into the rows of another tile.
Case totals(bool reverse) {
  CaseBuilder c(std::string("scan/i32/totals") + (reverse ? "-reverse" : ""), "scan");
  size_t a = c.in(Elem::I32, 128, Fill::Small), o = c.out(Elem::I32, 128), p = c.out(Elem::I32, 16),
         q = c.out(Elem::I32, 8);
  ValueId v = c.load(a, {8, 16});
  Builder &b = c.b();
  Type one = Builder::scalar(Elem::I32);
  for (int64_t axis : {0, 1}) {
    Attrs attrs{intAttr(AttrId::Axis, axis), intAttr(AttrId::Reverse, reverse)};
    Region r =
        b.region({one, one}, [&](std::span<const ValueId> y) { return Values{b.op(Opcode::AddI, {y[0], y[1]})}; });
    Values made =
        b.multi(Opcode::Scan, {v}, {b.typeOf(v), Builder::tensor({axis ? 8 : 16}, Elem::I32)}, attrs, {std::move(r)});
    if (axis)
      c.store(o, made[0]);
    c.store(axis ? q : p, made[1]);
  }
  return c.finish();
}

Case sort(Elem e, const std::vector<int64_t> &shape, int64_t axis, bool descending) {
  CaseBuilder c("sort/" + typeName(e) + "/rank" + std::to_string(shape.size()) + "-axis" + std::to_string(axis) +
                    (descending ? "-descending" : ""),
                "sort");
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n), Fill::Finite), o = c.out(e, static_cast<size_t>(n), {0, true});
  ValueId v = c.load(a, shape);
  c.store(o, c.b().op(Opcode::Sort, {v}, {intAttr(AttrId::Axis, axis), intAttr(AttrId::Descending, descending)}));
  return c.finish();
}

Case gather(Elem e, int64_t axis) {
  CaseBuilder c("gather/" + typeName(e) + "/axis" + std::to_string(axis), "gather");
  std::vector<int64_t> source = {8, 16}, index = axis ? std::vector<int64_t>{8, 32} : std::vector<int64_t>{4, 16};
  int64_t n = index[0] * index[1];
  size_t a = c.in(e, 128), i = c.in(Elem::I32, static_cast<size_t>(n), Fill::Index, axis ? 16 : 8),
         o = c.out(e, static_cast<size_t>(n));
  ValueId v = c.load(a, source), w = c.load(i, index);
  c.store(o, c.b().op(Opcode::Gather, {v, w}, {intAttr(AttrId::Axis, axis)}));
  return c.finish();
}

Case histogram(bool masked) {
  CaseBuilder c(std::string("histogram/i32/") + (masked ? "masked" : "bins16"), "histogram");
  size_t a = c.in(Elem::I32, 128, Fill::Index, 20), k = c.in(Elem::I1, 128), o = c.out(Elem::I32, 16);
  ValueId v = c.load(a, {128}), mask = c.load(k, {128});
  Values operands = masked ? Values{v, mask} : Values{v};
  c.store(o, c.b().op(Opcode::Histogram, operands, Builder::tensor({16}, Elem::I32)));
  return c.finish();
}

Case map(int64_t pack) {
  CaseBuilder c("map_elementwise/i32/pack" + std::to_string(pack), "map_elementwise");
  size_t a = c.in(Elem::I32, 64), o = c.out(Elem::I32, 64);
  ValueId v = c.load(a, {64});
  Builder &b = c.b();
  Values r = b.mapElementwise({v}, pack, {Elem::I32}, [&](std::span<const ValueId> x) -> Values {
    Values out;
    for (int64_t i = 0; i < pack; ++i) {
      ValueId negative = b.cmpi(CmpI::Slt, x[static_cast<size_t>(i)], b.i32(0));
      out.push_back(b.ifElse(
          negative, {Builder::scalar(Elem::I32)},
          [&] { return Values{b.op(Opcode::SubI, {b.i32(0), x[static_cast<size_t>(i)]})}; },
          [&] { return Values{b.op(Opcode::MulI, {x[static_cast<size_t>(i)], b.i32(3)})}; })[0]);
    }
    return out;
  });
  c.store(o, r[0]);
  return c.finish();
}

void addReductions(std::vector<Case> &out) {
  for (Elem e : {Elem::I8, Elem::I32, Elem::I64})
    for (Opcode op : {Opcode::AddI, Opcode::MaxSI, Opcode::MinUI, Opcode::XorI})
      out.push_back(reduceWith(op, e, {64}, 0));
  for (Elem e : {Elem::F16, Elem::BF16, Elem::F32, Elem::F64})
    for (Opcode op : {Opcode::AddF, Opcode::MaxNumF, Opcode::MinimumF})
      out.push_back(reduceWith(op, e, {e == Elem::BF16 || e == Elem::F16 ? 16 : 64}, 0));
  for (int64_t axis : {0, 1, 2})
    out.push_back(reduceWith(Opcode::AddF, Elem::F32, {4, 8, 16}, axis));
  out.push_back(reduceWith(Opcode::AddI, Elem::I32, {1}, 0));
  out.push_back(reduceWith(Opcode::AddI, Elem::I32, {8, 1}, 1));
  out.push_back(argmax(Elem::F32, {128}, 0));
  out.push_back(argmax(Elem::I32, {8, 32}, 1));
  out.push_back(argmax(Elem::F16, {8, 32}, 0));
}

} // namespace

void addWholeTileCases(std::vector<Case> &out) {
  const Elem dots[][2] = {{Elem::F32, Elem::F32},      {Elem::F16, Elem::F32}, {Elem::BF16, Elem::F32},
                          {Elem::F64, Elem::F64},      {Elem::I8, Elem::I32},  {Elem::F8E5M2, Elem::F32},
                          {Elem::F8E4M3FN, Elem::F32}, {Elem::F16, Elem::F16}};
  for (const auto &d : dots)
    out.push_back(dot(d[0], d[1], 16, 16, 16));
  out.push_back(dot(Elem::F32, Elem::F32, 32, 64, 16));
  out.push_back(dot(Elem::F16, Elem::F32, 64, 32, 64));
  out.push_back(dot(Elem::I8, Elem::I32, 32, 16, 64));
  out.push_back(dot(Elem::F32, Elem::F32, 16, 16, 32, 4));
  out.push_back(dot(Elem::F32, Elem::F32, 1, 16, 16));
  using enum ScaledFormat;
  out.push_back(dotScaled("e2m1-e2m1", {E2M1}, {E2M1}));
  out.push_back(dotScaled("e2m1-e2m1/rows-packed", {E2M1, false}, {E2M1, false}));
  out.push_back(dotScaled("e4m3-e5m2", {E4M3}, {E5M2}));
  out.push_back(dotScaled("e5m2-e2m1/rhs-scale", {E5M2, true, false}, {E2M1}));
  out.push_back(dotScaled("e2m1-bf16/lhs-scale", {E2M1}, {BF16, true, false}));
  out.push_back(dotScaled("fp16-e4m3/rhs-scale", {FP16, true, false}, {E4M3}));
  out.push_back(dotScaled("bf16-fp16/no-scales", {BF16, true, false}, {FP16, true, false}));
  out.push_back(dotScaled("e4m3-bf16/special-scales", {E4M3}, {BF16, true, false}, true));
  addReductions(out);
  for (Elem e : {Elem::I32, Elem::I64})
    out.push_back(scanWith(Opcode::AddI, e, {64}, 0, false));
  for (Elem e : {Elem::F32, Elem::F64})
    for (bool reverse : {false, true})
      out.push_back(scanWith(Opcode::AddF, e, {64}, 0, reverse));
  out.push_back(scanWith(Opcode::MaxSI, Elem::I32, {8, 16}, 1, false));
  out.push_back(scanWith(Opcode::AddI, Elem::I32, {8, 16}, 0, true));
  out.push_back(recurrence());
  out.push_back(totals(false));
  out.push_back(totals(true));
  for (Elem e : {Elem::I8, Elem::I32, Elem::I64, Elem::F16, Elem::F32, Elem::F64})
    for (bool descending : {false, true})
      out.push_back(sort(e, {64}, 0, descending));
  out.push_back(sort(Elem::F32, {8, 16}, 1, false));
  out.push_back(sort(Elem::I32, {8, 16}, 0, false));
  for (Elem e : {Elem::I8, Elem::F16, Elem::F32, Elem::I64})
    for (int64_t axis : {0, 1})
      out.push_back(gather(e, axis));
  out.push_back(histogram(false));
  out.push_back(histogram(true));
  out.push_back(map(1));
  out.push_back(map(2));
}

} // namespace tessera::conformance
