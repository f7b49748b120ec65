// FirstKernelsTest.cpp - vector add, softmax, layer norm, a matmul: compiled, mapped, run, compared with plain loops
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/codegen/KernelRunner.h"

#include "core/bytecode/Builder.h"

#include <cmath>
#include <random>

using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

std::vector<float> randomFloats(size_t n, unsigned seed) {
  std::mt19937 g(seed);
  std::uniform_real_distribution<float> d(-2, 2);
  std::vector<float> v(n);
  for (float &x : v)
    x = d(g);
  return v;
}

Module addKernel(int64_t block) {
  Module m;
  Builder b(m);
  b.beginKernel("add");
  ValueId x = b.param("x", Builder::ptr(Elem::F32), 16), y = b.param("y", Builder::ptr(Elem::F32), 16),
          o = b.param("o", Builder::ptr(Elem::F32), 16);
  ValueId n = b.param("n", Builder::scalar(Elem::I32));
  ValueId start = b.op(Opcode::MulI, {b.programId(0), b.i32(block)});
  ValueId offs = b.op(Opcode::AddI, {b.splat(start, {block}), b.arange(0, block)});
  ValueId mask = b.cmpi(CmpI::Slt, offs, b.splat(n, {block}));
  auto at = [&](ValueId p) { return b.op(Opcode::AddPtr, {b.splat(p, {block}), offs}); };
  b.store(at(o), b.op(Opcode::AddF, {b.load(at(x), mask), b.load(at(y), mask)}), mask);
  b.endKernel();
  return m;
}

class CpuCodegen : public testing::TestWithParam<std::string> {};

// Stores past the cache fault where they are whole vectors at an address that is not aligned to them; 16 bytes are promised.
TEST_P(CpuCodegen, StreamsToResultsOfEveryAlignment) {
  constexpr int kCount = 1024;
  Module m = addKernel(kCount);
  std::vector<float> x = randomFloats(kCount, 1), y = randomFloats(kCount, 2);
  alignas(64) static float out[kCount + 32];
  for (int shift : {0, 4, 8, 12}) {
    KernelRunner k(m, {}, GetParam());
    ASSERT_TRUE(k.ok()) << k.result.error;
    EXPECT_EQ(k.entry.flags, 1U);
    std::fill(std::begin(out), std::end(out), -7.f);
    k.arg(x.data()).arg(y.data()).arg(out + shift).arg(kCount);
    k.run(1, 1, 1, true);
    for (int i = 0; i < kCount + 32; ++i) {
      int element = i - shift;
      bool isResult = element >= 0 && element < kCount;
      ASSERT_EQ(out[i], isResult ? x[size_t(element)] + y[size_t(element)] : -7.f) << shift << " " << i;
    }
  }
}

TEST_P(CpuCodegen, VectorAddWithTail) {
  for (int64_t block : {4, 16, 1024}) {
    Module m = addKernel(block);
    CompileOptions o;
    o.emitLlvm = true;
    KernelRunner k(m, o, GetParam());
    ASSERT_TRUE(k.ok()) << k.result.error << k.result.llvm;
    int n = 3 * int(block) + 3;
    std::vector<float> x = randomFloats(size_t(n), 1), y = randomFloats(size_t(n), 2), out(size_t(n) + 64, -7);
    k.arg(x.data()).arg(y.data()).arg(out.data()).arg(n);
    for (bool stream : {false, true}) {
      std::fill(out.begin(), out.end(), -7.f);
      k.run(4, 1, 1, stream);
      for (int i = 0; i < n; ++i)
        ASSERT_EQ(out[size_t(i)], x[size_t(i)] + y[size_t(i)]) << i;
      for (int i = n; i < n + 64; ++i)
        ASSERT_EQ(out[size_t(i)], -7.f) << i;
    }
  }
}

// Rows that are not multiples of 16 bytes apart: streaming stores must not take their starts for aligned.
template <class T> void storesRows(Elem elem, int64_t pitch, const std::string &target, bool mayStream) {
  const int64_t block = 1024, rows = 5;
  Module m;
  Builder b(m);
  b.beginKernel("rows");
  ValueId o = b.param("o", Builder::ptr(elem), 16), x = b.param("x", Builder::ptr(elem), 16);
  ValueId row = b.op(Opcode::MulI, {b.programId(0), b.i32(static_cast<int32_t>(pitch))});
  ValueId cols = b.arange(0, block);
  ValueId mask = b.cmpi(CmpI::Slt, cols, b.splat(b.i32(static_cast<int32_t>(pitch)), {block}));
  auto at = [&](ValueId p) { return b.op(Opcode::AddPtr, {b.splat(b.op(Opcode::AddPtr, {p, row}), {block}), cols}); };
  b.store(at(o), b.load(at(x), mask), mask);
  b.endKernel();
  KernelRunner k(m, {}, target);
  ASSERT_TRUE(k.ok()) << k.result.error;
  EXPECT_TRUE(mayStream || !k.entry.flags) << pitch;
  // (16-bit elements fill no 16 bytes on the smallest target.)
  if (sizeof(T) == 4)
    EXPECT_EQ(k.entry.flags != 0, mayStream) << pitch;
  std::vector<T> in(size_t(rows * pitch));
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<T>(i % 251);
  std::vector<uint8_t> room(in.size() * sizeof(T) + 64);
  auto *out = reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(room.data()) + 63) / 64 * 64);
  k.arg(out).arg(in.data());
  for (bool stream : {false, true}) {
    std::fill(out, out + in.size(), T(255));
    k.run(int(rows), 1, 1, stream);
    for (size_t i = 0; i < in.size(); ++i)
      ASSERT_EQ(out[i], in[i]) << i << " of rows of " << pitch;
  }
}

TEST_P(CpuCodegen, RowsOfAnyPitch) {
  storesRows<float>(Elem::F32, 1000, GetParam(), true);
  storesRows<float>(Elem::F32, 1002, GetParam(), false);
  storesRows<uint16_t>(Elem::I16, 1000, GetParam(), true);
  storesRows<uint16_t>(Elem::I16, 1002, GetParam(), false);
  storesRows<uint16_t>(Elem::I16, 1004, GetParam(), false);
}

TEST_P(CpuCodegen, SoftmaxRow) {
  const int64_t block = 256;
  Module m;
  Builder b(m);
  b.beginKernel("softmax");
  ValueId x = b.param("x", Builder::ptr(Elem::F32), 16), o = b.param("o", Builder::ptr(Elem::F32), 16),
          n = b.param("n", Builder::scalar(Elem::I32));
  ValueId row = b.op(Opcode::MulI, {b.programId(0), n});
  ValueId cols = b.arange(0, block);
  ValueId mask = b.cmpi(CmpI::Slt, cols, b.splat(n, {block}));
  auto at = [&](ValueId p) { return b.op(Opcode::AddPtr, {b.splat(b.op(Opcode::AddPtr, {p, row}), {block}), cols}); };
  ValueId v = b.load(at(x), mask, b.constFloat(Builder::tensor({block}, Elem::F32), -INFINITY));
  ValueId top = b.reduce(v, 0, Opcode::MaxNumF);
  ValueId e = b.op(Opcode::Exp, {b.op(Opcode::SubF, {v, b.splat(top, {block})})});
  ValueId sum = b.reduce(e, 0, Opcode::AddF);
  b.store(at(o), b.op(Opcode::DivF, {e, b.splat(sum, {block})}), mask);
  b.endKernel();
  CompileOptions opt;
  opt.emitLlvm = true;
  KernelRunner k(m, opt, GetParam());
  ASSERT_TRUE(k.ok()) << k.result.error << k.result.llvm;
  for (int cols : {1, 7, 100, 256}) {
    int rows = 3;
    std::vector<float> in = randomFloats(size_t(rows * cols), 3), out(size_t(rows * cols) + 8, 9);
    k.args.clear();
    k.arg(in.data()).arg(out.data()).arg(cols);
    k.run(rows);
    for (int r = 0; r < rows; ++r) {
      double sumRef = 0, mx = -1e30;
      for (int c = 0; c < cols; ++c)
        mx = std::max(mx, double(in[size_t(r * cols + c)]));
      for (int c = 0; c < cols; ++c)
        sumRef += std::exp(in[size_t(r * cols + c)] - mx);
      for (int c = 0; c < cols; ++c)
        ASSERT_NEAR(out[size_t(r * cols + c)], std::exp(in[size_t(r * cols + c)] - mx) / sumRef, 1e-6)
            << r << " " << c << " of " << cols;
    }
    for (size_t i = size_t(rows * cols); i < out.size(); ++i)
      ASSERT_EQ(out[i], 9.f);
  }
}

TEST_P(CpuCodegen, MatmulWithPointerIncrements) {
  const int64_t BM = 32, BN = 32, BK = 16;
  Module m;
  Builder b(m);
  b.beginKernel("matmul");
  ValueId pa = b.param("a", Builder::ptr(Elem::F32), 16), pb = b.param("b", Builder::ptr(Elem::F32), 16),
          pc = b.param("c", Builder::ptr(Elem::F32), 16);
  ValueId M = b.param("M", Builder::scalar(Elem::I32)), N = b.param("N", Builder::scalar(Elem::I32)),
          K = b.param("K", Builder::scalar(Elem::I32));
  auto bin = [&](Opcode c, ValueId x, ValueId y) { return b.op(c, {x, y}); };
  ValueId rm = bin(Opcode::AddI, b.splat(bin(Opcode::MulI, b.programId(0), b.i32(BM)), {BM}), b.arange(0, BM));
  ValueId rn = bin(Opcode::AddI, b.splat(bin(Opcode::MulI, b.programId(1), b.i32(BN)), {BN}), b.arange(0, BN));
  ValueId rmw = bin(Opcode::RemSI, rm, b.splat(M, {BM})), rnw = bin(Opcode::RemSI, rn, b.splat(N, {BN}));
  ValueId rk = b.arange(0, BK);
  auto grid = [&](ValueId rows, ValueId cols, ValueId stride, int64_t R, int64_t C) {
    ValueId r = b.broadcast(bin(Opcode::MulI, b.expandDims(rows, 1), b.splat(stride, {R, 1})), {R, C});
    return bin(Opcode::AddI, r, b.broadcast(b.expandDims(cols, 0), {R, C}));
  };
  ValueId ap = bin(Opcode::AddPtr, b.splat(pa, {BM, BK}), grid(rmw, rk, K, BM, BK));
  ValueId bp = bin(Opcode::AddPtr, b.splat(pb, {BK, BN}), grid(rk, rnw, N, BK, BN));
  ValueId zero = b.constFloat(Builder::tensor({BM, BN}, Elem::F32), 0);
  ValueId steps = bin(Opcode::DivSI, bin(Opcode::AddI, K, b.i32(BK - 1)), b.i32(BK));
  Values r = b.forLoop(b.i32(0), steps, b.i32(1), {zero, ap, bp}, [&](ValueId k, std::span<const ValueId> c) {
    ValueId left = bin(Opcode::SubI, K, bin(Opcode::MulI, k, b.i32(BK)));
    ValueId ka = b.broadcast(b.cmpi(CmpI::Slt, b.expandDims(rk, 0), b.splat(left, {1, BK})), {BM, BK});
    ValueId kb = b.broadcast(b.cmpi(CmpI::Slt, b.expandDims(rk, 1), b.splat(left, {BK, 1})), {BK, BN});
    ValueId a = b.load(c[1], ka, b.constFloat(Builder::tensor({BM, BK}, Elem::F32), 0));
    ValueId bb = b.load(c[2], kb, b.constFloat(Builder::tensor({BK, BN}, Elem::F32), 0));
    ValueId acc = b.op(Opcode::Dot, {a, bb, c[0]}, Builder::tensor({BM, BN}, Elem::F32));
    ValueId a2 = bin(Opcode::AddPtr, c[1], b.splat(b.i32(BK), {BM, BK}));
    ValueId b2 = bin(Opcode::AddPtr, c[2], b.splat(bin(Opcode::MulI, N, b.i32(BK)), {BK, BN}));
    return Values{acc, a2, b2};
  });
  ValueId cp = bin(Opcode::AddPtr, b.splat(pc, {BM, BN}), grid(rm, rn, N, BM, BN));
  ValueId mm = b.broadcast(b.cmpi(CmpI::Slt, b.expandDims(rm, 1), b.splat(M, {BM, 1})), {BM, BN});
  ValueId mn = b.broadcast(b.cmpi(CmpI::Slt, b.expandDims(rn, 0), b.splat(N, {1, BN})), {BM, BN});
  b.store(cp, r[0], bin(Opcode::AndI, mm, mn));
  b.endKernel();
  CompileOptions opt;
  opt.emitLlvm = true;
  KernelRunner k(m, opt, GetParam());
  ASSERT_TRUE(k.ok()) << k.result.error << k.result.llvm;
  for (auto [rows, cols, inner] : {std::array<int, 3>{32, 32, 16}, {64, 96, 48}, {50, 45, 37}}) {
    std::vector<float> A = randomFloats(size_t(rows * inner), 4), B = randomFloats(size_t(inner * cols), 5),
                       C(size_t(rows * cols) + 100, 5);
    k.args.clear();
    k.arg(A.data()).arg(B.data()).arg(C.data()).arg(rows).arg(cols).arg(inner);
    k.run((rows + 31) / 32, (cols + 31) / 32);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) {
        double s = 0;
        for (int q = 0; q < inner; ++q)
          s += double(A[size_t(i * inner + q)]) * B[size_t(q * cols + j)];
        ASSERT_NEAR(C[size_t(i * cols + j)], s, 1e-4) << i << " " << j;
      }
    for (size_t i = size_t(rows * cols); i < C.size(); ++i)
      ASSERT_EQ(C[i], 5.f);
  }
}

// A truncation, and a store of its result under a mask that is a constant with one lane set: nothing beside that lane is written.
TEST_P(CpuCodegen, StoreUnderAKnownMask) {
  for (auto [wide, narrow] :
       {std::pair{Elem::I64, Elem::I32}, {Elem::I32, Elem::I16}, {Elem::I32, Elem::I8}, {Elem::I16, Elem::I8}})
    for (int64_t n : {2, 4, 8})
      for (int64_t lane : {int64_t(0), int64_t(1), n - 1}) {
        Module m;
        Builder b(m);
        b.beginKernel("store");
        ValueId x = b.param("x", Builder::ptr(wide), 16), o = b.param("o", Builder::ptr(narrow), 16);
        ValueId place = b.arange(0, n);
        auto at = [&](ValueId p) { return b.op(Opcode::AddPtr, {b.splat(p, {n}), place}); };
        ValueId v = b.op(Opcode::TruncI, {b.load(at(x))}, Builder::tensor({n}, narrow));
        b.store(at(o), v, b.cmpi(CmpI::Eq, place, b.splat(b.i32(lane), {n})));
        b.endKernel();
        KernelRunner k(m, {}, GetParam());
        ASSERT_TRUE(k.ok()) << k.result.error;
        size_t w = elemBits(wide) / 8, s = elemBits(narrow) / 8;
        std::vector<uint8_t> in(size_t(n) * w), out(size_t(n) * s + 16, 0xEE), want = out;
        for (size_t i = 0; i < in.size(); ++i)
          in[i] = uint8_t(i + 1);
        std::memcpy(want.data() + size_t(lane) * s, in.data() + size_t(lane) * w, s);
        k.arg(in.data()).arg(out.data());
        k.run();
        EXPECT_EQ(out, want) << elemName(wide) << " to " << elemName(narrow) << ", lane " << lane << " of " << n;
      }
}

// -0 < +0 in reductions, too, whichever lanes the zeros are in: the order of a reduction must not show.
TEST_P(CpuCodegen, ReductionsOrderZeros) {
  const int64_t n = 128;
  for (Opcode code : {Opcode::MinNumF, Opcode::MaxNumF, Opcode::MinimumF, Opcode::MaximumF}) {
    Module m;
    Builder b(m);
    b.beginKernel("extreme");
    ValueId x = b.param("x", Builder::ptr(Elem::F32), 16), o = b.param("o", Builder::ptr(Elem::F32), 16);
    ValueId v = b.load(b.op(Opcode::AddPtr, {b.splat(x, {n}), b.arange(0, n)}));
    b.store(o, b.reduce(v, 0, code));
    b.endKernel();
    KernelRunner k(m, {}, GetParam());
    ASSERT_TRUE(k.ok()) << k.result.error;
    bool least = code == Opcode::MinNumF || code == Opcode::MinimumF;
    for (int64_t place = 0; place < n; ++place) {
      std::vector<float> in(size_t(n), least ? 0.f : -0.f), out { 7 };
      in[size_t(place)] = -in[0];
      k.args.clear();
      k.arg(in.data()).arg(out.data());
      k.run();
      ASSERT_EQ(out[0], 0.f);
      ASSERT_EQ(std::signbit(out[0]), least) << opInfo(code)->name << ", the other zero at " << place;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuCodegen, testing::ValuesIn(targetsHere()),
                         [](const auto &info) { return targetCase(info.param); });

} // namespace
