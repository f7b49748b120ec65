// TileOpTest.cpp - shape ops, reductions, scans, sort, gather, histogram, products, over whole tiles
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Builder.h"
#include "core/bytecode/Verifier.h"
#include "core/interpreter/Numerics.h"
#include "tests/lib/EveryOp.h"
#include "tests/unit/interpreter/Run.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

using namespace tessera;
using namespace tessera::interp;
using namespace tessera::tbc;

namespace {
// A kernel of one program: tiles come from memory in row-major order and go back the same way.
class Kernel {
public:
  Kernel() : b(m) { b.beginKernel("k"); }
  template <class T> ValueId input(std::vector<T> &data, const std::vector<int64_t> &shape, Elem e) {
    ValueId p = b.param("p" + std::to_string(args_.size()), Builder::ptr(e));
    args_.push_back(addressOf(data));
    return b.load(tile(p, shape));
  }
  template <class T> void output(std::vector<T> &data, ValueId v) {
    Type t = b.typeOf(v);
    ValueId p = b.param("p" + std::to_string(args_.size()), Builder::ptr(t.elem));
    data.resize(static_cast<size_t>(t.numElements()));
    args_.push_back(addressOf(data));
    b.store(t.isTensor() ? tile(p, t.shape) : p, v);
  }
  void run() {
    b.endKernel();
    EXPECT_EQ(verifyErrorText(m, verifyModule(m)), "");
    EXPECT_EQ(textOf(interp::run(m, "k", {1, 1, 1}, args_)), "");
  }

  Module m;
  Builder b;

private:
  ValueId tile(ValueId p, const std::vector<int64_t> &shape) {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    ValueId flat = b.op(Opcode::AddPtr, {b.splat(p, {n}), b.arange(0, n)});
    return b.reshape(flat, shape);
  }
  std::vector<uint64_t> args_;
};

std::vector<int32_t> iota(int n) {
  std::vector<int32_t> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}
std::vector<float> randomFloats(size_t n, unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<float> v(n);
  for (float &x : v)
    x = std::ldexp(static_cast<float>(static_cast<int>(rng() % 2001) - 1000), -8);
  return v;
}
} // namespace

TEST(TileOp, Shapes) {
  auto x = iota(24);
  std::vector<int32_t> transposed, broad, joined, first, second, both;
  Kernel k;
  ValueId v = k.input(x, {2, 3, 4}, Elem::I32);
  k.output(transposed, k.b.transpose(v, {2, 0, 1}));
  auto row = iota(3);
  ValueId r = k.input(row, {3}, Elem::I32);
  k.output(broad, k.b.broadcast(k.b.expandDims(k.b.expandDims(r, 0), 2), {2, 3, 2}));
  ValueId j = k.b.op(Opcode::Join, {r, r});
  k.output(joined, j);
  Type half = Builder::tensor({2, 3, 2}, Elem::I32);
  Values s = k.b.multi(Opcode::Split, {k.b.reshape(v, {2, 3, 2, 2})}, {half, half});
  k.output(first, s[0]);
  k.output(second, s[1]);
  k.output(both, k.b.op(Opcode::Cat, {r, r}));
  k.run();
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 2; ++b)
      for (int c = 0; c < 3; ++c)
        EXPECT_EQ(transposed[(a * 2 + b) * 3 + c], (b * 3 + c) * 4 + a);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(broad[i], i / 2 % 3);
    EXPECT_EQ(first[i], 2 * i);
    EXPECT_EQ(second[i], 2 * i + 1);
  }
  EXPECT_EQ(joined, (std::vector<int32_t>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(both, (std::vector<int32_t>{0, 1, 2, 0, 1, 2}));
}

TEST(TileOp, ReduceEachAxis) {
  auto x = iota(24);
  std::vector<int32_t> r[3];
  Kernel k;
  ValueId v = k.input(x, {2, 3, 4}, Elem::I32);
  for (int axis = 0; axis < 3; ++axis)
    k.output(r[axis], k.b.reduce(v, axis, Opcode::AddI));
  k.run();
  int extent[3] = {2, 3, 4};
  std::vector<int32_t> want[3] = {std::vector<int32_t>(12), std::vector<int32_t>(8), std::vector<int32_t>(6)};
  for (int i = 0; i < 24; ++i) {
    int at[3] = {i / 12, i / 4 % 3, i % 4};
    for (int axis = 0; axis < 3; ++axis) {
      int flat = 0;
      for (int d = 0; d < 3; ++d)
        flat = d == axis ? flat : flat * extent[d] + at[d];
      want[axis][flat] += i;
    }
  }
  for (int axis = 0; axis < 3; ++axis)
    EXPECT_EQ(r[axis], want[axis]);
}

TEST(TileOp, ReduceOverPairsWithControlFlow) {
  auto x = randomFloats(64, 1);
  auto index = iota(64);
  std::vector<float> best;
  std::vector<int32_t> place;
  Kernel k;
  ValueId v = k.input(x, {64}, Elem::F32), i = k.input(index, {64}, Elem::I32);
  Values r = k.b.reduce({v, i}, 0, [&](std::span<const ValueId> a) {
    return k.b.ifElse(
        k.b.cmpf(CmpF::Oge, a[0], a[2]), {Builder::scalar(Elem::F32), Builder::scalar(Elem::I32)},
        [&] { return Values{a[0], a[1]}; }, [&] { return Values{a[2], a[3]}; });
  });
  k.output(best, r[0]);
  k.output(place, r[1]);
  k.run();
  auto it = std::max_element(x.begin(), x.end());
  EXPECT_EQ(best[0], *it);
  EXPECT_EQ(place[0], it - x.begin());
}

TEST(TileOp, ReduceKeepsTheOrderOfArguments) {
  // "first" is associative but not commutative; the crossed form gives the last.
  auto x = iota(8);
  std::vector<int32_t> first, diff;
  Kernel k;
  ValueId v = k.input(x, {8}, Elem::I32);
  k.output(first, k.b.reduce({v}, 0, [&](std::span<const ValueId> a) { return Values{a[0]}; })[0]);
  k.output(diff,
           k.b.scan({v}, 0, [&](std::span<const ValueId> a) { return Values{k.b.op(Opcode::SubI, {a[1], a[0]})}; })[0]);
  k.run();
  EXPECT_EQ(first[0], 0);
  EXPECT_EQ(diff, (std::vector<int32_t>{0, 1, 1, 2, 2, 3, 3, 4}));
}

TEST(TileOp, Scans) {
  auto x = randomFloats(12, 2);
  std::vector<float> forward, backward;
  Kernel k;
  ValueId v = k.input(x, {3, 4}, Elem::F32);
  auto add = [&](std::span<const ValueId> a) { return Values{k.b.op(Opcode::AddF, {a[0], a[1]})}; };
  k.output(forward, k.b.scan({v}, 1, add)[0]);
  k.output(backward, k.b.scan({v}, 0, add, true)[0]);
  k.run();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) {
      float f = 0, g = 0;
      for (int t = 0; t <= j; ++t)
        f += x[i * 4 + t];
      for (int t = 2; t >= i; --t)
        g += x[t * 4 + j];
      EXPECT_EQ(forward[i * 4 + j], f);
      EXPECT_EQ(backward[i * 4 + j], g);
    }
}

TEST(TileOp, MapElementwiseInPacks) {
  auto x = iota(8), y = iota(8);
  std::vector<int32_t> r;
  Kernel k;
  ValueId v = k.input(x, {8}, Elem::I32), w = k.input(y, {8}, Elem::I32);
  // Arguments: x0 x1 y0 y1; results: x0 + y1, x1 * y0.
  k.output(r, k.b.mapElementwise({v, w}, 2, {Elem::I32}, [&](std::span<const ValueId> a) {
    return Values{k.b.op(Opcode::AddI, {a[0], a[3]}), k.b.op(Opcode::MulI, {a[1], a[2]})};
  })[0]);
  k.run();
  for (int i = 0; i < 8; i += 2) {
    EXPECT_EQ(r[i], i + i + 1);
    EXPECT_EQ(r[i + 1], (i + 1) * i);
  }
}

TEST(TileOp, Sorts) {
  std::vector<float> x{3, NAN, -1, INFINITY, -INFINITY, 2, -0.0f, 0.5f}, up, down;
  std::vector<int8_t> y{5, -3, 7, -128, 0, 127}, columns;
  Kernel k;
  ValueId v = k.input(x, {8}, Elem::F32);
  k.output(up, k.b.op(Opcode::Sort, {v}, {intAttr(AttrId::Axis, 0)}));
  k.output(down, k.b.op(Opcode::Sort, {v}, {intAttr(AttrId::Axis, 0), intAttr(AttrId::Descending, 1)}));
  k.output(columns, k.b.op(Opcode::Sort, {k.input(y, {3, 2}, Elem::I8)}, {intAttr(AttrId::Axis, 0)}));
  k.run();
  std::vector<float> want{-INFINITY, -1, -0.0f, 0.5f, 2, 3, INFINITY};
  EXPECT_EQ(std::vector<float>(up.begin(), up.end() - 1), want);
  EXPECT_TRUE(std::isnan(up.back()));
  EXPECT_EQ(std::vector<float>(down.begin(), down.end() - 1), std::vector<float>(want.rbegin(), want.rend()));
  EXPECT_TRUE(std::isnan(down.back()));
  EXPECT_EQ(columns, (std::vector<int8_t>{0, -128, 5, -3, 7, 127}));
}

TEST(TileOp, GatherAndHistogram) {
  auto x = iota(12);
  std::vector<int32_t> index{2, 0, 1, 1, 0, 0, 2, 2}, r, bins, masked, values{0, 3, 3, -1, 4, 100, 3, 0};
  std::vector<uint8_t> mask{1, 1, 0, 1, 1, 1, 1, 0};
  Kernel k;
  ValueId v = k.input(x, {3, 4}, Elem::I32), i = k.input(index, {2, 4}, Elem::I32);
  k.output(r, k.b.op(Opcode::Gather, {v, i}, {intAttr(AttrId::Axis, 0)}));
  ValueId h = k.input(values, {8}, Elem::I32), m = k.input(mask, {8}, Elem::I1);
  k.output(bins, k.b.op(Opcode::Histogram, {h}, Builder::tensor({4}, Elem::I32)));
  k.output(masked, k.b.op(Opcode::Histogram, {h, m}, Builder::tensor({8}, Elem::I32)));
  k.run();
  EXPECT_EQ(r, (std::vector<int32_t>{8, 1, 6, 7, 0, 1, 10, 11}));
  EXPECT_EQ(bins, (std::vector<int32_t>{2, 0, 0, 3}));
  EXPECT_EQ(masked, (std::vector<int32_t>{1, 0, 0, 2, 1, 0, 0, 0}));
}

TEST(TileOp, DotOfEveryType) {
  struct {
    Elem a, c;
    double tolerance;
  } cases[] = {{Elem::F16, Elem::F32, 1e-6},      {Elem::F16, Elem::F16, 1e-3},
               {Elem::BF16, Elem::F32, 1e-6},     {Elem::F32, Elem::F32, 1e-6},
               {Elem::F64, Elem::F64, 1e-15},     {Elem::F8E5M2, Elem::F32, 1e-6},
               {Elem::F8E4M3FN, Elem::F32, 1e-6}, {Elem::F8E4M3FNUZ, Elem::F16, 1e-3},
               {Elem::F8E4B15, Elem::F32, 1e-6},  {Elem::F8E5M2FNUZ, Elem::F32, 1e-6}};
  for (auto &c : cases) {
    std::mt19937 rng(11);
    const int B = 2, M = 4, N = 8, K = 16;
    auto fill = [&](int n, Elem e, std::vector<double> &exact) {
      std::vector<uint8_t> bytes(static_cast<size_t>(n) * elemBits(e) / 8);
      for (int i = 0; i < n; ++i) {
        uint64_t bits = scalar::encodeFloat(e, (static_cast<int>(rng() % 17) - 8) / 8.0);
        std::memcpy(&bytes[static_cast<size_t>(i) * elemBits(e) / 8], &bits, elemBits(e) / 8);
        exact.push_back(scalar::decodeFloat(e, bits));
      }
      return bytes;
    };
    std::vector<double> ea, eb, ec;
    auto a = fill(B * M * K, c.a, ea), b = fill(B * K * N, c.a, eb), acc = fill(B * M * N, c.c, ec);
    std::vector<uint64_t> r; // room for the widest type
    Kernel k;
    ValueId va = k.input(a, {B, M, K}, c.a), vb = k.input(b, {B, K, N}, c.a), vc = k.input(acc, {B, M, N}, c.c);
    ValueId d = k.b.op(Opcode::Dot, {va, vb, vc});
    k.output(r, d);
    k.run();
    for (int t = 0; t < B * M * N; ++t) {
      double want = ec[t];
      for (int x = 0; x < K; ++x)
        want += ea[(t / N) * K + x] * eb[(t / (M * N) * K + x) * N + t % N];
      uint64_t bits = 0;
      std::memcpy(&bits, reinterpret_cast<char *>(r.data()) + static_cast<size_t>(t) * elemBits(c.c) / 8,
                  elemBits(c.c) / 8);
      EXPECT_NEAR(scalar::decodeFloat(c.c, bits), want, c.tolerance * std::max(1.0, std::fabs(want))) << elemName(c.a);
    }
  }
}

TEST(TileOp, IntegerDotWraps) {
  std::vector<int8_t> a(32, -128), b(32, -128);
  std::vector<int32_t> c{INT32_MAX}, r;
  Kernel k;
  k.output(r, k.b.op(Opcode::Dot,
                     {k.input(a, {1, 32}, Elem::I8), k.input(b, {32, 1}, Elem::I8), k.input(c, {1, 1}, Elem::I32)}));
  k.run();
  EXPECT_EQ(r[0], static_cast<int32_t>(0x7fffffffu + 32 * 16384));
}

TEST(TileOp, ScaledDot) {
  // e2m1 packed along k on the left, e4m3 on the right; both scaled.
  const int M = 4, N = 2, K = 64;
  std::mt19937 rng(13);
  std::vector<uint8_t> a(M * K / 2), b(K * N), sa(M * K / 32), sb(N * K / 32);
  for (uint8_t &x : a)
    x = static_cast<uint8_t>(rng());
  for (uint8_t &x : b)
    x = static_cast<uint8_t>(rng() % 0x50);
  for (auto *s : {&sa, &sb})
    for (uint8_t &x : *s)
      x = static_cast<uint8_t>(125 + rng() % 5);
  std::vector<float> c(M * N, 0.5f), r;
  Kernel k;
  ValueId va = k.input(a, {M, K / 2}, Elem::I8), vb = k.input(b, {K, N}, Elem::F8E4M3FN),
          vc = k.input(c, {M, N}, Elem::F32);
  ValueId vsa = k.input(sa, {M, K / 32}, Elem::I8), vsb = k.input(sb, {N, K / 32}, Elem::I8);
  k.output(r, k.b.op(Opcode::DotScaled, {va, vb, vc, vsa, vsb},
                     {intAttr(AttrId::LhsFormat, 0), intAttr(AttrId::RhsFormat, 1), intAttr(AttrId::LhsKPack, 1),
                      intAttr(AttrId::RhsKPack, 1), intAttr(AttrId::HasScales, 3)}));
  k.run();
  const double e2m1[16] = {0, .5, 1, 1.5, 2, 3, 4, 6, -0.0, -.5, -1, -1.5, -2, -3, -4, -6};
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j) {
      double want = 0.5;
      for (int t = 0; t < K; ++t) {
        double x = e2m1[a[i * K / 2 + t / 2] >> (t % 2 * 4) & 15] * std::ldexp(1, sa[i * 2 + t / 32] - 127);
        want += x * scalar::decodeFloat(Elem::F8E4M3FN, b[t * N + j]) * std::ldexp(1, sb[j * 2 + t / 32] - 127);
      }
      EXPECT_FLOAT_EQ(r[i * N + j], static_cast<float>(want));
    }
}

TEST(TileOp, SharedTensorsAreStorage) {
  Module m = samples::everyLayoutOp();
  EXPECT_EQ(textOf(interp::run(m, "through_shared", {2, 1, 1}, std::vector<uint64_t>{interp::bitsOf(2.0f)})), "");
}

TEST(TileOp, EveryOpOfTheSamplesRuns) {
  Module m = samples::everyTileOp();
  std::vector<float> f(256, 1);
  std::vector<int32_t> i(256, 1);
  std::vector<uint8_t> b(8, 1);
  for (const Function &fn : m.functions) {
    if (fn.name == "target_code")
      continue;
    std::vector<uint64_t> args;
    for (const Param &p : fn.params) {
      const Type &t = m.typeOf(p.value);
      args.push_back(!t.pointer            ? (isFloat(t.elem) ? interp::bitsOf(1.5f) : 3)
                     : t.elem == Elem::F32 ? addressOf(f)
                     : t.elem == Elem::I32 ? addressOf(i)
                                           : addressOf(b));
    }
    EXPECT_EQ(textOf(interp::run(m, fn.name, {1, 1, 1}, args)), "") << fn.name;
  }
}

TEST(TileOp, CodeOfATargetIsRefusedWithItsPlace) {
  Module m = samples::everyTileOp();
  std::vector<float> f(256, 1);
  std::string text =
      textOf(interp::run(m, "target_code", {1, 1, 1}, std::vector<uint64_t>{addressOf(f), interp::bitsOf(1.5f)}));
  for (const char *part : {"k.py:8:3", "E0405", "cannot run inline assembly"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  auto parsed = tbc::parse(
      "kernel @k(%x: f32) {\n  %1 = extern_elementwise %x {symbol = \"fast\"} : f32 loc(\"k.py\":2:1)\n  return\n}\n");
  ASSERT_TRUE(parsed) << parsed.error;
  text = textOf(interp::run(*parsed.module, "k", {1, 1, 1}, std::vector<uint64_t>{interp::bitsOf(1.5f)}));
  for (const char *part : {"k.py:2:1", "E0405", "cannot call `fast`"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(TileOp, LargeProductsAreQuick) {
  std::vector<float> a = randomFloats(256 * 256, 3), b = randomFloats(256 * 256, 4), r;
  Kernel k;
  ValueId va = k.input(a, {256, 256}, Elem::F32), vb = k.input(b, {256, 256}, Elem::F32);
  ValueId c = k.b.constFloat(Builder::tensor({256, 256}, Elem::F32), 0);
  k.output(r, k.b.op(Opcode::Dot, {va, vb, c}));
  auto start = std::chrono::steady_clock::now();
  k.run();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 5.0);
  double want = 0;
  for (int t = 0; t < 256; ++t)
    want += static_cast<double>(a[5 * 256 + t]) * b[t * 256 + 9];
  EXPECT_NEAR(r[5 * 256 + 9], want, 1e-3);
}
