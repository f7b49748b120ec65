// WholeTileTest.cpp - sorts, scans, reductions of tuples, products: on every level this processor runs, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/codegen/Oracle.h"

#include "backends/cpu/image/Processor.h"
#include "core/bytecode/Builder.h"
#include "core/interpreter/Numerics.h"

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <span>

using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

// The levels of this processor. A case takes the next one in turn, or every one where it asks for that or TESSERA_FULL_TESTS is 1.
std::vector<std::string> targets(bool every) {
  static unsigned turn = 0;
  std::vector<std::string> all{"native"};
  std::string why;
  for (const char *t : {"x86-64-v2", "x86-64-v3", "x86-64-v4", "x86-64-v3:avxvnni+"})
    if (processorRuns(t, why))
      all.push_back(t);
  if (const char *full = getenv("TESSERA_FULL_TESTS"); every || (full && *full == '1'))
    return all;
  return {all[turn++ % all.size()]};
}

std::vector<uint8_t>
bytesOf(size_t n, unsigned seed, const std::function<uint8_t(uint32_t)> &make = [](uint32_t r) { return uint8_t(r); }) {
  std::mt19937 g(seed);
  std::vector<uint8_t> v(n);
  for (uint8_t &x : v)
    x = make(g());
  return v;
}

template <typename T> std::vector<uint8_t> valuesOf(size_t n, unsigned seed, const std::function<T(uint32_t)> &make) {
  std::mt19937 g(seed);
  std::vector<uint8_t> v(n * sizeof(T));
  for (size_t i = 0; i < n; ++i) {
    T x = make(g());
    std::memcpy(v.data() + i * sizeof(T), &x, sizeof(T));
  }
  return v;
}

uint16_t bf16(float f) { return uint16_t(std::bit_cast<uint32_t>(f) >> 16); }

// A kernel over whole arrays: load() reads parameter after parameter, store() writes to further ones.
struct Tiles {
  Module m;
  Builder b{m};
  std::vector<ValueId> params;
  std::vector<std::vector<uint8_t>> buffers;
  std::vector<Elem> elems;
  bool everyLevel = false;

  Tiles(std::vector<Elem> e, bool fusion = false) : elems(std::move(e)) {
    m.options.push_back({"fp_fusion", fusion});
    b.beginKernel("k");
    for (Elem x : elems)
      params.push_back(b.param("p" + std::to_string(params.size()), Builder::ptr(x), 16));
    buffers.resize(elems.size());
  }
  ValueId offsets(const std::vector<int64_t> &shape) {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return b.reshape(b.arange(0, n), shape);
  }
  ValueId at(size_t p, const std::vector<int64_t> &shape) {
    return b.op(Opcode::AddPtr, {b.splat(params[p], shape), offsets(shape)});
  }
  ValueId load(size_t p, const std::vector<int64_t> &shape) { return b.load(at(p, shape)); }
  void store(size_t p, ValueId v) {
    std::vector<int64_t> shape = m.typeOf(v).shape; // new types move the old ones
    b.store(at(p, shape), v);
  }

  // tolerance: of the largest magnitude in an output of floats; 0: the same bits, NaN for NaN.
  void check(const std::string &what, double tolerance = 0) {
    b.endKernel();
    for (const std::string &target : targets(everyLevel)) {
      Oracle o;
      o.buffers = buffers;
      ASSERT_TRUE(o.run(m, 1, target)) << what << " on " << target << ": " << o.error;
      for (size_t p = 0; p < buffers.size(); ++p) {
        size_t size = elemBits(elems[p]) / 8, count = buffers[p].size() / size;
        auto read = [&](const std::vector<uint8_t> &v, size_t i) {
          uint64_t bits = 0;
          std::memcpy(&bits, v.data() + i * size, size);
          return bits;
        };
        double scale = 1;
        for (size_t i = 0; tolerance > 0 && i < count; ++i)
          if (double x = std::fabs(tessera::scalar::decodeFloat(elems[p], read(o.expected[p], i))); std::isfinite(x))
            scale = std::max(scale, x);
        for (size_t i = 0; i < count; ++i) {
          uint64_t want = read(o.expected[p], i), got = read(o.actual[p], i);
          if (want == got)
            continue;
          ASSERT_TRUE(isFloat(elems[p])) << what << " on " << target << ": buffer " << p << "[" << i << "] is " << got
                                         << ", not " << want;
          double x = tessera::scalar::decodeFloat(elems[p], want), y = tessera::scalar::decodeFloat(elems[p], got);
          ASSERT_TRUE((std::isnan(x) && std::isnan(y)) || std::fabs(x - y) <= tolerance * scale)
              << what << " on " << target << ": buffer " << p << "[" << i << "] is " << y << ", not " << x;
        }
      }
    }
  }
};

TEST(CpuWholeTile, SortsLines) {
  for (Elem e : {Elem::I8, Elem::I16, Elem::I32, Elem::I64, Elem::F16, Elem::BF16, Elem::F32, Elem::F64})
    for (int64_t n : {2, 16, 64, 1024})
      for (bool descending : {false, true}) {
        int64_t size = elemBits(e) / 8;
        Tiles t({e, e});
        // NaN and infinities are among them, but no negative zero: equal keys are equal bits.
        t.buffers = {bytesOf(size_t(4 * n * size), 5 + unsigned(n)), bytesOf(size_t(4 * n * size), 0)};
        if (e == Elem::F32)
          t.buffers[0] = valuesOf<float>(size_t(4 * n), 9, [](uint32_t r) {
            return r % 11 == 0 ? NAN : r % 13 == 0 ? -INFINITY : float(int(r % 50)) - 25;
          });
        if (e == Elem::F16 || e == Elem::BF16)
          t.buffers[0] = valuesOf<uint16_t>(size_t(4 * n), 9, [](uint32_t r) { return uint16_t(r & 0x7fff ? r : 0); });
        ValueId v = t.load(0, {4, n});
        t.store(1, t.b.op(Opcode::Sort, {v},
                          descending ? Attrs{intAttr(AttrId::Axis, 1), intAttr(AttrId::Descending, 1)}
                                     : Attrs{intAttr(AttrId::Axis, 1)}));
        t.check("sort of " + std::to_string(n) + " " + std::string(elemName(e)) + (descending ? " descending" : ""));
      }
}

TEST(CpuWholeTile, SortsOnlyWhatIsRead) {
  for (Elem e : {Elem::I32, Elem::I64, Elem::F32})
    for (int64_t n : {32, 64, 512, 1024})
      for (int64_t k : {1, 4, 16, 32, 64}) {
        if (k > n)
          continue;
        int64_t size = elemBits(e) / 8;
        Tiles t({e, e});
        t.buffers = {bytesOf(size_t(2 * n * size), unsigned(n + k)), bytesOf(size_t(2 * k * size), 0)};
        if (e == Elem::F32)
          t.buffers[0] =
              valuesOf<float>(size_t(2 * n), unsigned(n), [](uint32_t r) { return float(int(r % 5000)) - 2500; });
        ValueId sorted =
            t.b.op(Opcode::Sort, {t.load(0, {2, n})}, {intAttr(AttrId::Axis, 1), intAttr(AttrId::Descending, 1)});
        if (e == Elem::I64) // as unsigned keys are sorted
          sorted = t.b.op(Opcode::XorI, {sorted, t.b.constInt(Builder::tensor({2, n}, e), 12345)});
        ValueId index = t.b.broadcast(t.b.expandDims(t.b.arange(0, k), 0), {2, k});
        t.store(1, t.b.op(Opcode::Gather, {sorted, index}, {intAttr(AttrId::Axis, 1)}));
        t.check("the first " + std::to_string(k) + " of " + std::to_string(n) + " " + std::string(elemName(e)));
      }
}

TEST(CpuWholeTile, ScansTuplesAlongTheLastDim) {
  for (bool reverse : {false, true})
    for (int64_t n : {4, 8, 16, 128, 1024}) {
      // Sums that begin anew at flags; whole numbers, so that grouping does not matter.
      Tiles t({Elem::I32, Elem::F32, Elem::I32, Elem::F32});
      t.buffers = {valuesOf<int32_t>(size_t(3 * n), 1, [](uint32_t r) { return int32_t(r % 7 == 0); }),
                   valuesOf<float>(size_t(3 * n), 2, [](uint32_t r) { return float(int(r % 100)) - 50; }),
                   bytesOf(size_t(12 * n), 3), bytesOf(size_t(12 * n), 4)};
      Values r = t.b.scan(
          {t.load(0, {3, n}), t.load(1, {3, n})}, 1,
          [&](std::span<const ValueId> x) {
            ValueId flagged = t.b.cmpi(CmpI::Ne, x[2], t.b.constInt(Builder::scalar(Elem::I32), 0));
            return Values{t.b.op(Opcode::OrI, {x[0], x[2]}),
                          t.b.op(Opcode::Select, {flagged, x[3], t.b.op(Opcode::AddF, {x[1], x[3]})})};
          },
          reverse);
      t.store(2, r[0]);
      t.store(3, r[1]);
      t.check("segmented scan of " + std::to_string(n));
    }
}

TEST(CpuWholeTile, ReducesTuplesAlongTheLastDim) {
  for (int64_t n : {2, 16, 64, 256, 1024})
    for (int64_t valid : {n, n / 2 + 1, int64_t(1)}) {
      Tiles t({Elem::F32, Elem::F32, Elem::I32});
      t.buffers = {valuesOf<float>(size_t(8 * n), 3, [](uint32_t r) { return float(int(r % 20)); }), bytesOf(32, 1),
                   bytesOf(32, 2)};
      std::vector<int64_t> shape{8, n};
      ValueId column = t.b.broadcast(t.b.expandDims(t.b.arange(0, n), 0), shape);
      ValueId mask = t.b.cmpi(CmpI::Slt, column, t.b.constInt(Builder::tensor(shape, Elem::I32), valid));
      ValueId x = t.b.load(t.at(0, shape), mask, t.b.constFloat(Builder::tensor(shape, Elem::F32), -INFINITY));
      Values r = t.b.reduce({x, column}, 1, [&](std::span<const ValueId> v) {
        ValueId tie = t.b.op(Opcode::AndI, {t.b.cmpf(CmpF::Oeq, v[0], v[2]), t.b.cmpi(CmpI::Slt, v[1], v[3])});
        ValueId better = t.b.op(Opcode::OrI, {t.b.cmpf(CmpF::Ogt, v[0], v[2]), tie});
        return Values{t.b.op(Opcode::Select, {better, v[0], v[2]}), t.b.op(Opcode::Select, {better, v[1], v[3]})};
      });
      t.store(1, r[0]);
      t.store(2, r[1]);
      t.check("argmax of " + std::to_string(valid) + " in " + std::to_string(n));
    }
}

TEST(CpuWholeTile, WrapsAround) {
  // Columns (start + i) % n of each row: wraps nowhere, inside a vector, at its end, and several times a vector.
  for (int64_t width : {16, 512})
    for (int64_t n : {1, 16, 37, 100, 700})
      for (int64_t start : {0, 5, 90, 640, -7}) {
        if (start < 0 && n < 64) // a negative remainder would leave the array
          continue;
        Tiles t({Elem::F32, Elem::I8, Elem::F32, Elem::I8, Elem::F32});
        const int64_t rows = 4, pad = 16, all = rows * n + 2 * pad;
        t.buffers = {valuesOf<float>(size_t(all), 1, [](uint32_t r) { return float(r % 1000); }),
                     bytesOf(size_t(all), 2), bytesOf(size_t(rows * width * 4), 3), bytesOf(size_t(rows * width), 4),
                     bytesOf(16, 5)};
        std::vector<int64_t> shape{rows, width};
        auto across = [&](ValueId v, int64_t axis) { return t.b.broadcast(t.b.expandDims(v, axis), shape); };
        // Not constants to the compiler: the program ids are 0.
        ValueId divisor = t.b.splat(t.b.op(Opcode::AddI, {t.b.programId(0), t.b.i32(n)}), {width});
        ValueId column = t.b.op(
            Opcode::RemSI,
            {t.b.op(Opcode::AddI, {t.b.arange(0, width),
                                   t.b.splat(t.b.op(Opcode::AddI, {t.b.programId(1), t.b.i32(start)}), {width})}),
             divisor});
        ValueId row =
            t.b.op(Opcode::AddI,
                   {t.b.op(Opcode::MulI, {t.b.arange(0, rows), t.b.constInt(Builder::tensor({rows}, Elem::I32), n)}),
                    t.b.constInt(Builder::tensor({rows}, Elem::I32), pad)});
        ValueId offset = t.b.op(Opcode::AddI, {across(row, 1), across(column, 0)});
        auto from = [&](size_t p) { return t.b.op(Opcode::AddPtr, {t.b.splat(t.params[p], shape), offset}); };
        ValueId x = t.b.load(from(0));
        t.store(2, x);
        t.store(3, t.b.load(from(1),
                            t.b.cmpi(CmpI::Slt, across(t.b.arange(0, width), 0),
                                     t.b.constInt(Builder::tensor(shape, Elem::I32), width - 3)),
                            t.b.constInt(Builder::tensor(shape, Elem::I8), 9)));
        t.store(4, t.b.reduce(x, 1, Opcode::MaxNumF));
        t.check("(" + std::to_string(start) + " + i) % " + std::to_string(n) + " over " + std::to_string(width));
      }
}

TEST(CpuWholeTile, MultipliesIntegersExactly) {
  // -128 times -128 is what saturating instructions get wrong.
  for (auto [M, N, K] :
       {std::array<int64_t, 3>{16, 64, 64}, {33, 16, 32}, {1, 8, 4}, {5, 4, 2}, {8, 2, 16}, {128, 128, 128}})
    for (bool turned : {false, true}) {
      Tiles t({Elem::I8, Elem::I8, Elem::I32, Elem::I32});
      t.everyLevel = true;
      auto extreme = [](uint32_t r) {
        return r % 3 == 0 ? uint8_t(0x80) : r % 3 == 1 ? uint8_t(0x7f) : uint8_t(r >> 8);
      };
      int64_t rows = 1;
      while (rows < M)
        rows *= 2;
      t.buffers = {bytesOf(size_t(rows * K), 1, extreme), bytesOf(size_t(K * N), 2, extreme),
                   bytesOf(size_t(rows * N * 4), 3), bytesOf(size_t(rows * N * 4), 4)};
      ValueId y = turned ? t.b.transpose(t.load(1, {N, K}), {1, 0}) : t.load(1, {K, N});
      t.store(3, t.b.op(Opcode::Dot, {t.load(0, {rows, K}), y, t.load(2, {rows, N})}));
      t.check("i8 dot " + std::to_string(rows) + "x" + std::to_string(N) + "x" + std::to_string(K));
    }
  Tiles t({Elem::I8, Elem::I8, Elem::I32});
  t.buffers = {bytesOf(2 * 16 * 32, 1), bytesOf(2 * 32 * 16, 2), bytesOf(2 * 16 * 16 * 4, 3)};
  t.store(2, t.b.op(Opcode::Dot, {t.load(0, {2, 16, 32}), t.load(1, {2, 32, 16}),
                                  t.b.constInt(Builder::tensor({2, 16, 16}, Elem::I32), 7)}));
  t.check("batched i8 dot");
}

TEST(CpuWholeTile, MultipliesBf16) {
  // Fused: within the rounding of a sum of K products. Not fused: the same bits as the interpreter's, whose products are exact.
  for (bool fusion : {false, true})
    for (auto [M, N, K] : {std::array<int64_t, 3>{16, 64, 64}, {64, 16, 32}, {1, 8, 4}, {128, 128, 256}}) {
      Tiles t({Elem::BF16, Elem::BF16, Elem::F32}, fusion);
      t.everyLevel = true;
      std::function<uint16_t(uint32_t)> make = [](uint32_t r) { return bf16(float(int(r % 4001) - 2000) / 1000); };
      t.buffers = {valuesOf<uint16_t>(size_t(M * K), 1, make), valuesOf<uint16_t>(size_t(K * N), 2, make),
                   bytesOf(size_t(M * N * 4), 3)};
      t.store(2, t.b.op(Opcode::Dot, {t.load(0, {M, K}), t.load(1, {K, N}),
                                      t.b.constFloat(Builder::tensor({M, N}, Elem::F32), 0.25)}));
      t.check("bf16 dot " + std::to_string(M) + "x" + std::to_string(N) + "x" + std::to_string(K), fusion ? 1e-6 : 0);
    }
}

TEST(CpuWholeTile, MultipliesBlockScaled) {
  const Elem types[] = {Elem::I8, Elem::F8E4M3FN, Elem::F8E5M2, Elem::BF16, Elem::F16};
  auto finite = [](Elem e) {
    return [e](uint32_t r) { // no infinities or NaN
      return e == Elem::I8         ? uint8_t(r)
             : e == Elem::F8E4M3FN ? uint8_t((r & 0x80) | (r >> 8) % 0x70)
                                   : uint8_t((r & 0x80) | (r >> 8) % 0x60);
    };
  };
  std::function<uint16_t(uint32_t)> narrow[] = {
      [](uint32_t r) { return bf16(float(int(r % 401) - 200) / 64); },
      [](uint32_t r) { return uint16_t((r & 0x8000) | (0x3000 + (r >> 16) % 0x1000)); }};
  for (int lf = 0; lf < 5; ++lf)
    for (int rf = 0; rf < 5; ++rf)
      for (int scales = 0; scales < 4; ++scales)
        for (int pack = 0; pack < 4; ++pack) {
          bool lPack = pack & 1, rPack = pack & 2;
          if ((lf != 0 && !lPack) || (rf != 0 && !rPack))
            continue;
          int64_t M = 8, N = 64, K = 64;
          Elem ea = types[lf], eb = types[rf];
          bool e4m3Scales = lf == 0 && rf == 0 && pack == 3;
          Elem es = e4m3Scales ? Elem::F8E4M3FN : Elem::I8;
          int64_t block = e4m3Scales ? 16 : 32;
          Tiles t({ea, eb, Elem::F32, es, es, Elem::F32});
          auto fill = [&](Elem e, int64_t n, unsigned seed) {
            return elemBits(e) == 8 ? bytesOf(size_t(n), seed, finite(e))
                                    : valuesOf<uint16_t>(size_t(n), seed, narrow[e == Elem::F16]);
          };
          std::vector<int64_t> sa{M, K}, sb{K, N};
          if (lf == 0)
            sa[lPack ? 1 : 0] /= 2;
          if (rf == 0)
            sb[rPack ? 0 : 1] /= 2;
          auto scale = [&](uint32_t r) { return e4m3Scales ? uint8_t(0x20 + r % 0x30) : uint8_t(120 + r % 14); };
          t.buffers = {fill(ea, sa[0] * sa[1], 1),
                       fill(eb, sb[0] * sb[1], 2),
                       valuesOf<float>(size_t(M * N), 3, [](uint32_t r) { return float(r % 100); }),
                       bytesOf(size_t(M * K / block), 4, scale),
                       bytesOf(size_t(N * K / block), 5, scale),
                       bytesOf(size_t(M * N * 4), 6)};
          Values operands{t.load(0, sa), t.load(1, sb), t.load(2, {M, N})};
          if (scales & 1)
            operands.push_back(t.load(3, {M, K / block}));
          if (scales & 2)
            operands.push_back(t.load(4, {N, K / block}));
          t.store(5, t.b.op(Opcode::DotScaled, operands,
                            {intAttr(AttrId::LhsFormat, lf), intAttr(AttrId::RhsFormat, rf),
                             intAttr(AttrId::LhsKPack, lPack), intAttr(AttrId::RhsKPack, rPack),
                             intAttr(AttrId::HasScales, scales)}));
          t.check("scaled dot, formats " + std::to_string(lf) + " " + std::to_string(rf) + ", scales " +
                      std::to_string(scales) + ", packing " + std::to_string(pack),
                  1e-6);
          if (HasFatalFailure())
            return;
        }
}

} // namespace
