// WholeTileTest.cpp - reductions, scans, sorts, gathers and histograms in every kind of layout, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
//
// LAYOUT bytecode by hand: bits of an axis in registers, lanes and warps in any order, copies in each of them. That reaches
// what no layout of the core's own reaches.
#include "core/bytecode/Builder.h"
#include "core/bytecode/LayoutData.h"
#include "core/bytecode/Verifier.h"
#include "core/interpreter/Interpreter.h"
#include "core/layout/AxisSplit.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/Samples.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cstring>

using namespace tessera;
using namespace tessera::tbc;
using layout::LinearLayout;

namespace {

constexpr unsigned kLaneBits = 5;

// A kernel of tiles in one layout, or of tiles without layouts: the same ops either way.
class Kernel {
public:
  Kernel(std::optional<LinearLayout> l, unsigned warps) : b(m), layout_(std::move(l)) {
    m.level = layout_ ? Level::Layout : Level::Tile;
    m.options = {{"num_warps", warps}, {"shared_bytes", 1 << 16}};
    b.beginKernel("k");
  }
  Type tile(const std::vector<int64_t> &shape, Elem e, const LinearLayout *l, bool pointer = false) {
    Type t = pointer ? Builder::ptrTensor(shape, e) : Builder::tensor(shape, e);
    if (layout_) {
      LayoutData data = toLayoutData(*l);
      auto known = std::find(m.layouts.begin(), m.layouts.end(), data);
      t.layout = static_cast<LayoutId>(known - m.layouts.begin());
      if (known == m.layouts.end())
        m.layouts.push_back(std::move(data));
    }
    return t;
  }
  ValueId addresses(const std::string &name, int64_t n, Elem e, const LinearLayout *l) {
    ValueId p = b.param(name, Builder::ptr(e));
    ValueId i = b.op(Opcode::Arange, {}, tile({n}, Elem::I32, l), {intAttr(AttrId::Start, 0), intAttr(AttrId::End, n)});
    ValueId all = b.op(Opcode::Splat, {p}, tile({n}, e, l, true));
    return b.op(Opcode::AddPtr, {all, i}, tile({n}, e, l, true));
  }
  LinearLayout flat(const LinearLayout &l) {
    return layout::reshaped(l, std::vector<int64_t>{int64_t(1) << l.outBits()});
  }
  ValueId input(const std::string &name, const std::vector<int64_t> &shape, Elem e) {
    int64_t n = 1;
    for (int64_t s : shape)
      n *= s;
    LinearLayout line = layout_ ? flat(*layout_) : LinearLayout();
    ValueId v = b.op(Opcode::Load, {addresses(name, n, e, &line)}, tile({n}, e, &line));
    return b.op(Opcode::Reshape, {v}, tile(shape, e, layout_ ? &*layout_ : nullptr));
  }
  void output(const std::string &name, ValueId v, const LinearLayout *l) {
    Type t = b.typeOf(v);
    if (!t.isTensor()) {
      b.store(b.param(name, Builder::ptr(t.elem)), v);
      return;
    }
    LinearLayout line = layout_ ? flat(*l) : LinearLayout();
    ValueId p = addresses(name, t.numElements(), t.elem, &line);
    b.store(p, b.op(Opcode::Reshape, {v}, tile({t.numElements()}, t.elem, &line)));
  }
  const std::optional<LinearLayout> &layout() const { return layout_; }

  Module m;
  Builder b;

private:
  std::optional<LinearLayout> layout_;
};

using Body = std::function<void(Kernel &)>;
using Buffers = std::vector<std::vector<uint8_t>>;

std::vector<uint64_t> addressesOf(Buffers &buffers) {
  std::vector<uint64_t> args;
  for (auto &b : buffers)
    args.push_back(reinterpret_cast<uint64_t>(b.data()));
  return args;
}

// Empty where lanes and interpreter agree.
std::string compareRuns(const LinearLayout &l, const Buffers &buffers, const Body &body, bool reductions) {
  unsigned warps = 1u << l.inBits(layout::kWarp);
  Buffers want = buffers, have = buffers;
  Kernel tile(std::nullopt, warps), lanes(l, warps);
  for (Kernel *k : {&tile, &lanes}) {
    body(*k);
    k->b.endKernel();
    if (auto errors = verifyModule(k->m); !errors.empty())
      return "verifier: " + verifyErrorText(k->m, errors);
  }
  interp::Result r = interp::run(tile.m, "k", {1, 1, 1}, addressesOf(want));
  if (!r.ok())
    return "interpreter: " + renderDiagnostic(r.diagnostics[0], false);
  std::string error = simt::lanesOfTheHost({.warpReductions = reductions})(lanes.m, {1, 1, 1}, addressesOf(have), have);
  if (!error.empty())
    return error;
  for (size_t i = 0; i < want.size(); ++i)
    if (want[i] != have[i])
      return "buffer " + std::to_string(i) + " differs";
  return {};
}

std::vector<uint8_t> randomBytes(std::mt19937 &rng, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t &b : bytes)
    b = static_cast<uint8_t>(rng());
  return bytes;
}

// Small whole numbers: their sums are exact in any order.
std::vector<uint8_t> smallFloats(std::mt19937 &rng, size_t count) {
  std::vector<uint8_t> bytes(count * 4);
  for (size_t i = 0; i < count; ++i) {
    float v = static_cast<float>(static_cast<int>(rng() % 64) - 32);
    std::memcpy(&bytes[i * 4], &v, 4);
  }
  return bytes;
}

struct Sample {
  LinearLayout l;
  std::vector<int64_t> shape;
  unsigned axis;
};

// warps: bits of their number.
Sample sampleOf(std::mt19937 &rng, uint32_t seed, unsigned warps) {
  static const std::vector<std::vector<int64_t>> shapes = {{64}, {512}, {16, 32}, {4, 64}, {8, 1}, {4, 8, 16}};
  std::vector<int64_t> shape = shapes[seed % shapes.size()];
  unsigned bits = 0;
  for (int64_t s : shape)
    bits += layout::log2Exact(s);
  unsigned places = kLaneBits + warps, registers = (bits > places ? bits - places : 0) + rng() % 2;
  return {layout::randomPermuted(rng, shape, registers, kLaneBits, warps), shape,
          static_cast<unsigned>(rng() % shape.size())};
}

Sample sampleOf(std::mt19937 &rng, uint32_t seed) { return sampleOf(rng, seed, seed / 2 % 4); }

uint64_t rowsOf(const Sample &s) {
  uint64_t n = uint64_t(1) << s.l.outBits();
  return n / static_cast<uint64_t>(s.shape[s.axis]);
}

Type resultOf(Kernel &k, const Sample &s, Elem e, const LinearLayout &row) {
  std::vector<int64_t> shape = s.shape;
  shape.erase(shape.begin() + s.axis);
  return shape.empty() ? Builder::scalar(e) : k.tile(shape, e, &row);
}

Attrs axisAnd(const Sample &s, uint64_t bytes) {
  Attrs attrs = {intAttr(AttrId::Axis, s.axis)};
  if (bytes) {
    attrs.push_back(intAttr(AttrId::Offset, 0));
    attrs.push_back(intAttr(AttrId::Bytes, static_cast<int64_t>(bytes)));
  }
  return attrs;
}

} // namespace

TEST(SimtWholeTile, ReductionsInAnyPlainLayout) {
  std::mt19937 rng(1);
  for (uint32_t seed = 0; seed < 120; ++seed) {
    // Of 16 and 32 warps each warp's lanes deal the others' values out.
    Sample s = sampleOf(rng, seed, seed < 96 ? seed / 2 % 4 : 4 + seed / 2 % 2);
    LinearLayout row = layout::sliced(s.l, s.axis);
    size_t n = size_t(1) << s.l.outBits();
    bool isFloat = seed % 3 == 1, isPair = seed % 3 == 2;
    Elem e = isFloat ? Elem::F32 : Elem::I32;
    Buffers buffers = {isFloat ? smallFloats(rng, n) : randomBytes(rng, n * 4), std::vector<uint8_t>(rowsOf(s) * 4)};
    if (isPair)
      buffers = {randomBytes(rng, n), std::vector<uint8_t>(rowsOf(s)), std::vector<uint8_t>(rowsOf(s) * 4)};
    Body body = [&](Kernel &k) {
      if (isPair) { // the largest byte and the least place of it
        ValueId v = k.input("x", s.shape, Elem::I8);
        LinearLayout line = k.layout() ? k.flat(s.l) : LinearLayout();
        auto count = static_cast<int64_t>(n);
        ValueId i = k.b.op(Opcode::Arange, {}, k.tile({count}, Elem::I32, &line),
                           {intAttr(AttrId::Start, 0), intAttr(AttrId::End, count)});
        i = k.b.op(Opcode::Reshape, {i}, k.tile(s.shape, Elem::I32, k.layout() ? &s.l : nullptr));
        Type one = Builder::scalar(Elem::I8), two = Builder::scalar(Elem::I32);
        Region r = k.b.region({one, two, one, two}, [&](std::span<const ValueId> a) {
          ValueId equal = k.b.cmpi(CmpI::Eq, a[0], a[2]), greater = k.b.cmpi(CmpI::Sgt, a[0], a[2]);
          ValueId first = k.b.op(Opcode::AndI, {equal, k.b.cmpi(CmpI::Slt, a[1], a[3])});
          ValueId left = k.b.op(Opcode::OrI, {greater, first});
          return Values{k.b.op(Opcode::Select, {left, a[0], a[2]}), k.b.op(Opcode::Select, {left, a[1], a[3]})};
        });
        uint64_t bytes = layout::reductionScratch(s.l, s.axis, 8) + layout::reductionScratch(s.l, s.axis, 32);
        Values out = k.b.multi(Opcode::Reduce, {v, i}, {resultOf(k, s, Elem::I8, row), resultOf(k, s, Elem::I32, row)},
                               axisAnd(s, bytes), {std::move(r)});
        k.output("best", out[0], &row);
        k.output("place", out[1], &row);
        return;
      }
      static const Opcode whole[] = {Opcode::AddI, Opcode::MaxSI, Opcode::MinUI, Opcode::XorI},
                          real[] = {Opcode::AddF, Opcode::MaxNumF, Opcode::MinimumF};
      Opcode code = isFloat ? real[seed % 3] : whole[seed % 4];
      ValueId v = k.input("x", s.shape, e);
      Region r = k.b.region({Builder::scalar(e), Builder::scalar(e)},
                            [&](std::span<const ValueId> a) { return Values{k.b.op(code, {a[0], a[1]})}; });
      Values out = k.b.multi(Opcode::Reduce, {v}, {resultOf(k, s, e, row)},
                             axisAnd(s, layout::reductionScratch(s.l, s.axis, 32)), {std::move(r)});
      k.output("out", out[0], &row);
    };
    EXPECT_EQ(compareRuns(s.l, buffers, body, seed % 2), "") << "seed " << seed << " axis " << s.axis << "\n"
                                                             << printLayout(s.l);
  }
}

TEST(SimtWholeTile, ScansInAnyPlainLayout) {
  std::mt19937 rng(2);
  for (uint32_t seed = 0; seed < 96; ++seed) {
    Sample s = sampleOf(rng, seed);
    size_t n = size_t(1) << s.l.outBits();
    bool isAffine = seed % 2; // x -> a x + b: associative, not commutative
    Buffers buffers = {randomBytes(rng, n * 4), std::vector<uint8_t>(n * 4)};
    if (isAffine)
      buffers.insert(buffers.begin() + 1, {randomBytes(rng, n * 4), std::vector<uint8_t>(n * 4)});
    Body body = [&](Kernel &k) {
      Type one = Builder::scalar(Elem::I32);
      Type t = k.tile(s.shape, Elem::I32, k.layout() ? &s.l : nullptr);
      Attrs attrs = axisAnd(s, layout::scanScratch(s.l, s.axis, 32) * (isAffine ? 2 : 1));
      attrs.push_back(intAttr(AttrId::Reverse, seed / 4 % 2));
      Values in = {k.input("x", s.shape, Elem::I32)};
      if (!isAffine) {
        Opcode code = seed % 4 ? Opcode::MaxSI : Opcode::AddI;
        Region r =
            k.b.region({one, one}, [&](std::span<const ValueId> a) { return Values{k.b.op(code, {a[0], a[1]})}; });
        k.output("out", k.b.multi(Opcode::Scan, in, {t}, attrs, {std::move(r)})[0], &s.l);
        return;
      }
      in.push_back(k.input("y", s.shape, Elem::I32));
      Region r = k.b.region({one, one, one, one}, [&](std::span<const ValueId> a) {
        ValueId factor = k.b.op(Opcode::MulI, {a[0], a[2]});
        return Values{factor, k.b.op(Opcode::AddI, {k.b.op(Opcode::MulI, {a[1], a[2]}), a[3]})};
      });
      Values out = k.b.multi(Opcode::Scan, in, {t, t}, attrs, {std::move(r)});
      k.output("factor", out[0], &s.l);
      k.output("sum", out[1], &s.l);
    };
    EXPECT_EQ(compareRuns(s.l, buffers, body, false), "") << "seed " << seed << " axis " << s.axis << "\n"
                                                          << printLayout(s.l);
  }
}

// The totals, of one operand or two whose combination depends on their order.
TEST(SimtWholeTile, TotalsOfScansInAnyPlainLayout) {
  std::mt19937 rng(12);
  for (uint32_t seed = 0; seed < 96; ++seed) {
    Sample s = sampleOf(rng, seed);
    LinearLayout row = layout::sliced(s.l, s.axis);
    size_t n = size_t(1) << s.l.outBits();
    size_t operands = 1 + seed % 2;
    Buffers buffers;
    for (size_t i = 0; i < operands; ++i)
      buffers.push_back(randomBytes(rng, n * 4));
    for (size_t i = 0; i < operands; ++i) {
      buffers.emplace_back(n * 4);
      buffers.emplace_back(rowsOf(s) * 4);
    }
    Body body = [&](Kernel &k) {
      Type t = k.tile(s.shape, Elem::I32, k.layout() ? &s.l : nullptr), total = resultOf(k, s, Elem::I32, row);
      Attrs attrs = axisAnd(s, layout::scanScratch(s.l, s.axis, 32) * operands);
      attrs.push_back(intAttr(AttrId::Reverse, seed / 4 % 2));
      Values in;
      for (const char *name : {"x", "y"})
        if (in.size() < operands)
          in.push_back(k.input(name, s.shape, Elem::I32));
      std::vector<Type> args(2 * operands, Builder::scalar(Elem::I32)), results(operands, t);
      results.insert(results.end(), operands, total);
      Region r = k.b.region(args, [&](std::span<const ValueId> a) {
        if (operands == 1)
          return Values{k.b.op(Opcode::AddI, {a[0], a[1]})};
        ValueId factor = k.b.op(Opcode::MulI, {a[0], a[2]});
        return Values{factor, k.b.op(Opcode::AddI, {k.b.op(Opcode::MulI, {a[1], a[2]}), a[3]})};
      });
      Values out = k.b.multi(Opcode::Scan, in, results, attrs, {std::move(r)});
      for (size_t i = 0; i < operands; ++i) {
        k.output("out" + std::to_string(i), out[i], &s.l);
        k.output("total" + std::to_string(i), out[operands + i], &row);
      }
    };
    EXPECT_EQ(compareRuns(s.l, buffers, body, false), "") << "seed " << seed << " axis " << s.axis << "\n"
                                                          << printLayout(s.l);
  }
}

// What is wrong with one sort; empty: nothing. hasRoom: for two buffers, where those are worth it.
static std::string compareSorts(std::mt19937 &rng, const Sample &s, Elem e, bool descending, bool hasRoom = false) {
  size_t n = size_t(1) << s.l.outBits(), bytes = elemBits(e) / 8;
  Buffers buffers = {randomBytes(rng, n * bytes), std::vector<uint8_t>(n * bytes)};
  if (e == Elem::F8E4B15) // two zeros are equal: their order is free
    std::replace(buffers[0].begin(), buffers[0].end(), uint8_t(0x80), uint8_t(0x81));
  Body body = [&](Kernel &k) {
    bool crosses = layout::splitAxis(s.l, s.axis)->warps != 0;
    Attrs attrs = axisAnd(s, hasRoom ? layout::sortScratch(s.l, s.axis, 8 * bytes) : crosses ? n * bytes : 0);
    attrs.push_back(intAttr(AttrId::Descending, descending));
    Type t = k.tile(s.shape, e, k.layout() ? &s.l : nullptr);
    k.output("out", k.b.op(Opcode::Sort, {k.input("x", s.shape, e)}, t, attrs), &s.l);
  };
  return compareRuns(s.l, buffers, body, false);
}

TEST(SimtWholeTile, SortsInAnyPlainLayout) {
  std::mt19937 rng(3);
  for (uint32_t seed = 0; seed < 64; ++seed) {
    Sample s = sampleOf(rng, seed);
    static const Elem kinds[] = {Elem::I32, Elem::I8, Elem::I64, Elem::I16};
    EXPECT_EQ(compareSorts(rng, s, kinds[seed % 4], seed / 4 % 2), "") << "seed " << seed << " axis " << s.axis << "\n"
                                                                       << printLayout(s.l);
  }
}

// Few elements a lane, of an axis that crosses warps at two bits and more: exchanges take turns between two buffers, and some do two steps.
TEST(SimtWholeTile, SortsAcrossWarpsTakeTurnsBetweenBuffers) {
  std::mt19937 rng(5);
  unsigned twice = 0;
  for (uint32_t seed = 0; twice < 48; ++seed) {
    Sample s = sampleOf(rng, seed);
    size_t bytes = (size_t(1) << s.l.outBits()) * 2;
    if (layout::sortScratch(s.l, s.axis, 16) < std::max<size_t>(2 * bytes, 32))
      continue;
    ++twice;
    static const Elem kinds[] = {Elem::I32, Elem::I16};
    EXPECT_EQ(compareSorts(rng, s, kinds[seed % 2], seed / 2 % 2, true), "")
        << "seed " << seed << " axis " << s.axis << "\n"
        << printLayout(s.l);
  }
}

// More than 32 elements a lane, of an axis that crosses warps: loops.
TEST(SimtWholeTile, LargeTilesAreSortedInSharedMemory) {
  static const std::vector<std::vector<int64_t>> shapes = {{4096},    {8192},    {4, 1024},
                                                           {2048, 4}, {32, 128}, {2, 32, 64}};
  static const Elem kinds[] = {Elem::I32, Elem::I8, Elem::I64, Elem::I16, Elem::F8E4M3FNUZ, Elem::F8E4B15};
  std::mt19937 rng(4);
  unsigned compared = 0;
  for (uint32_t seed = 0; compared < 36; ++seed) {
    std::vector<int64_t> shape = shapes[seed % shapes.size()];
    unsigned bits = 0, warps = 1 + seed % 2;
    for (int64_t extent : shape)
      bits += layout::log2Exact(extent);
    unsigned registers = std::max(bits - kLaneBits - warps, 6U) + seed / 2 % 2; // with copies, too
    auto axis = static_cast<unsigned>(rng() % shape.size());
    Sample s{layout::randomPermuted(rng, shape, registers, kLaneBits, warps), shape, axis};
    if (shape[s.axis] < 32 || !layout::splitAxis(s.l, s.axis)->warps)
      continue;
    ++compared;
    EXPECT_EQ(compareSorts(rng, s, kinds[compared % 6], compared / 6 % 2), "")
        << "seed " << seed << " axis " << s.axis << "\n"
        << printLayout(s.l);
  }
}
