// ValuesTest.cpp - arithmetic, conversions, whole-tile functions and random numbers mean what the language says
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/frontend/sema/RunKernel.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace tessera::py::test;

namespace {
TEST(Values, IntegerArithmeticTruncatesAndWraps) {
  std::vector<int32_t> p(16, 0);
  ASSERT_EQ(run(R"(
@triton.jit
def k(p, n, m):
    tl.store(p, n // m)
    tl.store(p + 1, n % m)
    tl.store(p + 2, n >> 1)
    tl.store(p + 3, (n.to(tl.uint32) >> 28).to(tl.int32))
    tl.store(p + 4, n << 30)
    tl.store(p + 5, (n.to(tl.uint32) > m).to(tl.int32))
    tl.store(p + 6, ~n)
    tl.store(p + 7, -n)
    tl.store(p + 8, (n.to(tl.int8) + 127).to(tl.int32))
    tl.store(p + 9, (n == -7) + (m == 2)) # int1 wraps
    tl.store(p + 10, -7 // 2)
    tl.store(p + 11, tl.cdiv(m + 7, 2))
    tl.store(p + 12, min(n, m, 0) + max(3, 4))
    tl.store(p + 13, n.to(tl.uint8))
    tl.store(p + 14, (n.to(tl.int1) + m.to(tl.int1)).to(tl.int32))
    tl.store(p + 15, tl.umulhi(n.to(tl.uint32), m.to(tl.uint32)).to(tl.int32))
)",
                {buffer("*i32", p), i32(-7), i32(2)}),
            "");
  EXPECT_EQ(p, (std::vector<int32_t>{-3, -1, -4, 15, 1 << 30, 1, 6, 7, 120, 0, -4, 5, -3, 249, 0, 1}));
}

TEST(Values, FloatsAndConversions) {
  std::vector<float> p(16, 0);
  ASSERT_EQ(run(R"(
@triton.jit
def k(p, x, n):
    tl.store(p, n / 2)
    tl.store(p + 1, x % 2.0)
    tl.store(p + 2, (x + 0.00001).to(tl.float16))
    tl.store(p + 3, x.to(tl.int32))
    tl.store(p + 4, (x.to(tl.bfloat16) / 3).to(tl.float32))
    tl.store(p + 5, x.to(tl.int32, bitcast=True) == 0x40a00000)
    tl.store(p + 6, tl.where(x > float("inf"), 1.0, 2.0))
    tl.store(p + 7, tl.clamp(x, 0.0, 1.5))
    tl.store(p + 8, tl.maximum(x, float("nan")))
    tl.store(p + 9, tl.fma(x, 2.0, 1.0))
    tl.store(p + 10, x.to(tl.float8e5).to(tl.float32))
    tl.store(p + 11, (x + 0.3).to(tl.float8e4nv).to(tl.float32))
    tl.store(p + 12, tl.sigmoid(x - 5.0))
    tl.store(p + 13, (-x + 5.0))
    tl.store(p + 14, libdevice.hypot(x - 2.0, 4.0))
    tl.store(p + 15, (1.0 + 2.0**-11 + 2.0**-12 + x - 5.0).to(tl.float16, fp_downcast_rounding="rtz"))
)",
                {buffer("*fp32", p), f32(5.0f), i32(7)}),
            "");
  EXPECT_FLOAT_EQ(p[0], 3.5f);
  EXPECT_FLOAT_EQ(p[1], 1.0f);
  EXPECT_FLOAT_EQ(p[2], 5.0f);
  EXPECT_FLOAT_EQ(p[3], 5.0f);
  EXPECT_FLOAT_EQ(p[4], 5.0f / 3.0f);
  EXPECT_FLOAT_EQ(p[5], 1.0f);
  EXPECT_FLOAT_EQ(p[6], 2.0f);
  EXPECT_FLOAT_EQ(p[7], 1.5f);
  EXPECT_FLOAT_EQ(p[8], 5.0f);
  EXPECT_FLOAT_EQ(p[9], 11.0f);
  EXPECT_FLOAT_EQ(p[10], 5.0f);
  EXPECT_FLOAT_EQ(p[11], 5.5f);
  EXPECT_FLOAT_EQ(p[12], 0.5f);
  EXPECT_FLOAT_EQ(p[13], 0.0f);
  EXPECT_FLOAT_EQ(p[14], 5.0f);
  EXPECT_FLOAT_EQ(p[15], 1.0f);
}

TEST(Values, WholeTiles) {
  std::vector<int32_t> p = {5, 1, 9, 9, -2, 7, 1, 0}, q(64, -1);
  ASSERT_EQ(run(R"(
@triton.jit
def pick(a, i, b, j):
    take = a > b
    return tl.where(take, a, b), tl.where(take, i, j)

@triton.jit
def k(p, q):
    o = tl.arange(0, 8)
    x = tl.load(p + o)
    tl.store(q, tl.argmax(x, 0))
    tl.store(q + 1, tl.argmin(x, 0))
    tl.store(q + 2, tl.sum(x))
    v, i = tl.max(x, 0, return_indices=True)
    tl.store(q + 3, v + i)
    m, j = tl.reduce((x, o), 0, pick)
    tl.store(q + 4, m)
    tl.store(q + 5, tl.xor_sum(x, 0))
    tl.store(q + 8 + o, tl.cumsum(x, 0))
    tl.store(q + 16 + o, tl.cumsum(x, 0, reverse=True))
    tl.store(q + 24 + o, tl.sort(x))
    tl.store(q + 32 + o, tl.flip(x))
    tl.store(q + 40 + tl.arange(0, 4), tl.topk(x, 4))
    a, b = tl.split(tl.reshape(x, (4, 2)))
    tl.store(q + 44 + tl.arange(0, 4), a - b)
    tl.store(q + 48 + o, tl.interleave(a, b))
    y = tl.reshape(x, (2, 4))
    tl.store(q + 56 + o, tl.ravel(y.T))
)",
                {buffer("*i32", p), buffer("*i32", q)}),
            "");
  EXPECT_EQ((std::vector<int32_t>(q.begin(), q.begin() + 6)),
            (std::vector<int32_t>{2, 4, 30, 11, 9, 5 ^ 1 ^ 9 ^ 9 ^ -2 ^ 7 ^ 1}));
  auto part = [&](int from, int n) { return std::vector<int32_t>(q.begin() + from, q.begin() + from + n); };
  EXPECT_EQ(part(8, 8), (std::vector<int32_t>{5, 6, 15, 24, 22, 29, 30, 30}));
  EXPECT_EQ(part(16, 8), (std::vector<int32_t>{30, 25, 24, 15, 6, 8, 1, 0}));
  EXPECT_EQ(part(24, 8), (std::vector<int32_t>{-2, 0, 1, 1, 5, 7, 9, 9}));
  EXPECT_EQ(part(32, 8), (std::vector<int32_t>{0, 1, 7, -2, 9, 9, 1, 5}));
  EXPECT_EQ(part(40, 4), (std::vector<int32_t>{9, 9, 7, 5}));
  EXPECT_EQ(part(44, 4), (std::vector<int32_t>{4, 0, -9, 1}));
  EXPECT_EQ(part(48, 8), p);
  EXPECT_EQ(part(56, 8), (std::vector<int32_t>{5, -2, 1, 7, 9, 1, 9, 0}));
}

// Known answers of Philox 4x32-10 (Random123).
TEST(Values, PhiloxKnownAnswers) {
  std::vector<uint32_t> p(8, 0);
  std::vector<float> f(2, 0);
  ASSERT_EQ(run(R"(
@triton.jit
def k(p, f, seed):
    a, b, c, d = tl.philox(seed * 0, 0, 0, 0, 0)
    tl.store(p, a)
    tl.store(p + 1, b)
    tl.store(p + 2, c)
    tl.store(p + 3, d)
    a, b, c, d = tl.philox(seed, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344)
    tl.store(p + 4, a)
    tl.store(p + 5, b)
    tl.store(p + 6, c)
    tl.store(p + 7, d)
    tl.store(f, tl.rand(0, 0))
    tl.store(f + 1, tl.randn(seed, tl.arange(0, 4)).sum() * 0)
)",
                {buffer("*u32", p), buffer("*fp32", f), i64(0x299f31d0a4093822)}),
            "");
  EXPECT_EQ(p, (std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8, 0xd16cfe09, 0x94fdcceb,
                                      0x5001e420, 0x24126ea1}));
  EXPECT_EQ(f[0], static_cast<float>(0x6627e8d5) * 4.6566127342e-10f);
}

TEST(Values, MaskedMemoryAndAtomics) {
  std::vector<int32_t> p = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<float> f = {-1.5f, 2.0f};
  ASSERT_EQ(run(R"(
@triton.jit
def k(p, f, n):
    o = tl.arange(0, 16)
    x = tl.load(p + o, mask=o < n, other=-7)
    tl.store(p + o, x * 2, mask=(o < n) & (o > 4))
    tl.atomic_add(p + o, tl.sum(x, 0), mask=o == 0)
    tl.atomic_max(f + tl.arange(0, 2), tl.full((2,), -1.0, tl.float32))
    old = tl.atomic_cas(p + 1, 2, 99)
    tl.store(p + 2, tl.atomic_xchg(p + 3, old))
)",
                {buffer("*i32", p), buffer("*fp32", f), i32(8)}),
            "");
  EXPECT_EQ(p, (std::vector<int32_t>{1 + 36 - 56, 99, 4, 2, 5, 12, 14, 16}));
  EXPECT_EQ(f, (std::vector<float>{-1.0f, 2.0f}));
}

TEST(Values, Products) {
  std::vector<float> a(16 * 32), b(32 * 16), c(16 * 16, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
    b[i] = static_cast<float>(static_cast<int>(i * 5 % 13) - 6);
  }
  ASSERT_EQ(run(R"(
@triton.jit
def k(a, b, c, M: tl.constexpr, K: tl.constexpr):
    m = tl.arange(0, M)
    kk = tl.arange(0, K)
    x = tl.load(a + m[:, None] * K + kk[None, :])
    y = tl.load(b + kk[:, None] * M + m[None, :])
    acc = tl.zeros((M, M), tl.float32)
    acc = tl.dot(x, y, acc)
    acc += tl.dot(x.to(tl.float16), y.to(tl.float16))
    tl.store(c + m[:, None] * M + m, acc)
)",
                {buffer("*fp32", a), buffer("*fp32", b), buffer("*fp32", c)}, {{"M", "16"}, {"K", "32"}}),
            "");
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      float s = 0;
      for (int k = 0; k < 32; ++k)
        s += a[i * 32 + k] * b[k * 16 + j];
      EXPECT_EQ(c[i * 16 + j], 2 * s);
    }
}
} // namespace
