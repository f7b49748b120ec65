// LaunchTest.cpp - argument packing, specialisation keys, compiled kernel files
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/Hash.h"
#include "runtime/launch/Arguments.h"
#include "runtime/launch/Specialization.h"
#include "tests/unit/runtime/ApiFixture.h"

#include <cmath>
#include <random>

using namespace tessera::runtime;
using namespace tessera::test;
using Value = ArgumentValue;

template <typename T> static T at(const std::vector<unsigned char> &bytes, size_t offset) {
  T v;
  std::memcpy(&v, bytes.data() + offset, sizeof(v));
  return v;
}

TEST(Arguments, NaturalAlignment) {
  KernelInfo k = makeInfo("k", {"i8", "p", "u16", "f32", "i64", "bf16", "f64"});
  std::vector<unsigned char> out(k.argBytes);
  Value values[] = {Value::integer(-3), Value::address(0x1234567890), Value::unsignedInteger(65535),
                    Value::number(1.5), Value::integer(-1ll << 40),   Value::number(-2.0),
                    Value::integer(7)};
  std::string why;
  ASSERT_TRUE(packArguments(k, values, 7, out.data(), why)) << why;
  EXPECT_EQ(at<int8_t>(out, 0), -3);
  EXPECT_EQ(at<uint64_t>(out, 8), 0x1234567890u);
  EXPECT_EQ(at<uint16_t>(out, 16), 65535);
  EXPECT_EQ(at<float>(out, 20), 1.5f);
  EXPECT_EQ(at<int64_t>(out, 24), -1ll << 40);
  EXPECT_EQ(at<uint16_t>(out, 32), 0xc000);
  EXPECT_EQ(at<double>(out, 40), 7.0);
}

TEST(Arguments, RangesAndKinds) {
  std::string why;
  unsigned char out[8];
  auto fits = [&](const char *type, Value v) {
    KernelInfo k = makeInfo("k", {type});
    return packArguments(k, &v, 1, out, why);
  };
  EXPECT_TRUE(fits("i32", Value::integer(INT32_MIN)));
  EXPECT_FALSE(fits("i32", Value::integer(int64_t(INT32_MAX) + 1)));
  EXPECT_NE(why.find("2147483648"), std::string::npos);
  EXPECT_NE(why.find("`a0`"), std::string::npos);
  EXPECT_TRUE(fits("u32", Value::integer(UINT32_MAX)));
  EXPECT_FALSE(fits("u32", Value::integer(-1)));
  EXPECT_FALSE(fits("u8", Value::integer(256)));
  EXPECT_TRUE(fits("u64", Value::unsignedInteger(~0ull)));
  EXPECT_FALSE(fits("u64", Value::integer(-1)));
  EXPECT_FALSE(fits("i64", Value::unsignedInteger(~0ull)));
  EXPECT_FALSE(fits("i32", Value::number(1)));
  EXPECT_FALSE(fits("i64", Value::address(1)));
  EXPECT_FALSE(fits("f32", Value::address(1)));
  EXPECT_FALSE(fits("p", Value::number(0)));
  EXPECT_TRUE(fits("p", Value::integer(0)));
  KernelInfo k = makeInfo("k", {"i32", "i32"});
  Value one = Value::integer(1);
  EXPECT_FALSE(packArguments(k, &one, 1, out, why));
  EXPECT_NE(why.find("2 arguments"), std::string::npos);
}

TEST(Arguments, RoundingToSixteenBits) {
  EXPECT_EQ(floatToHalfBits(65519.99), 0x7bff);
  EXPECT_EQ(floatToHalfBits(65520), 0x7c00);
  EXPECT_EQ(floatToHalfBits(-INFINITY), 0xfc00);
  EXPECT_EQ(floatToHalfBits(-0.0), 0x8000);
  EXPECT_EQ(floatToHalfBits(0x1p-24), 1);
  EXPECT_EQ(floatToHalfBits(0x1p-25), 0);
  EXPECT_EQ(floatToHalfBits(0x1.0000001p-25), 1);
  EXPECT_EQ(floatToHalfBits(NAN) & 0x7fff, 0x7e00);
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) { // against the compiler's conversion
    uint32_t word = static_cast<uint32_t>(random());
    float f;
    std::memcpy(&f, &word, 4);
    if (std::isnan(f))
      continue;
    auto h = static_cast<_Float16>(f);
    uint16_t bits;
    std::memcpy(&bits, &h, 2);
    ASSERT_EQ(floatToHalfBits(f), bits) << f;
    uint32_t rounded = word + 0x7fff + ((word >> 16) & 1);
    ASSERT_EQ(floatToBfloatBits(f), std::isinf(f) ? word >> 16 : rounded >> 16) << f;
  }
}

TEST(Specialization, TritonsRules) {
  auto key = [](const ParameterRule &r, const CallValue &v) {
    SpecializedParameter p = specializeParameter(r, v);
    return specializationKey(std::span(&p, 1));
  };
  ParameterRule plain, constexprRule{"", true, true, true}, never{"", false, false, true},
      noAlign{"", false, true, false};
  EXPECT_EQ(key(plain, CallValue::integer(1)), "=1:1");
  EXPECT_EQ(key(plain, CallValue::integer(16)), "i32:D");
  EXPECT_EQ(key(plain, CallValue::integer(0)), "i32:D");
  EXPECT_EQ(key(plain, CallValue::integer(17)), "i32");
  EXPECT_EQ(key(plain, CallValue::integer(-32)), "i32:D");
  EXPECT_EQ(key(plain, CallValue::integer(int64_t(1) << 31)), "i64:D");
  EXPECT_EQ(key(plain, CallValue::integer(-(int64_t(1) << 31))), "i32:D");
  EXPECT_EQ(key(plain, CallValue::unsignedInteger((1ull << 63) + 1)), "u64");
  EXPECT_EQ(key(never, CallValue::integer(1)), "i32");
  EXPECT_EQ(key(never, CallValue::integer(16)), "i32");
  EXPECT_EQ(key(noAlign, CallValue::integer(1)), "=1:1");
  EXPECT_EQ(key(noAlign, CallValue::integer(16)), "i32");
  EXPECT_EQ(key({"i64", false, true, true}, CallValue::integer(1)), "i64");
  EXPECT_EQ(key({"i64", false, true, true}, CallValue::integer(32)), "i64:D");
  EXPECT_EQ(key(plain, CallValue::boolean(true)), "u1");
  EXPECT_EQ(key(plain, CallValue::number()), "fp32");
  EXPECT_EQ(key({"fp64", false, true, true}, CallValue::number()), "fp64");
  EXPECT_EQ(key({"fp16", false, true, true}, CallValue::integer(1)), "fp16");
  EXPECT_EQ(key(plain, CallValue::pointer(0x1000, "fp16")), "*fp16:D");
  EXPECT_EQ(key(plain, CallValue::pointer(0x1008, "fp16", true)), "*kfp16");
  EXPECT_EQ(key(never, CallValue::pointer(0x1000, "fp16")), "*fp16");
  EXPECT_EQ(key(plain, {}), "=4:None");
  EXPECT_EQ(key(constexprRule, CallValue::integer(128)), "=3:128");
  EXPECT_EQ(key(constexprRule, CallValue::boolean(false)), "=5:False");
  std::vector<SpecializedParameter> one = {{"constexpr", "a,=1:b", false}},
                                    two = {{"constexpr", "a", false}, {"constexpr", "b", false}};
  EXPECT_NE(specializationKey(one), specializationKey(two));
}

static void nothing(const void *, const tessera::cpu::ProgramContext *) {}

TEST(CompiledModule, RoundTripAndDamage) {
  CompiledModule m;
  m.plugin = "cpu";
  m.target = "x86-64-v3";
  m.kernels = {makeInfo("add", {"p", "i32", "bf16"}), makeInfo("none", {})};
  m.kernels[0].scratch = 77;
  m.kernels[0].block[0] = 128;
  m.artifact = {1, 2, 3};
  std::vector<uint8_t> bytes = encodeCompiledModule(m);
  CompiledModule back;
  tsr_status status = 0;
  std::string why;
  ASSERT_TRUE(decodeCompiledModule(bytes, back, status, why)) << why;
  EXPECT_EQ(back, m);
  EXPECT_EQ(KernelInfo::from(*KernelInfoView(m.kernels[0]).get()), m.kernels[0]);
  for (size_t n = 0; n < bytes.size(); ++n) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<long>(n));
    EXPECT_FALSE(decodeCompiledModule(cut, back, status, why));
    EXPECT_EQ(status, TSR_E_BAD_ARTIFACT);
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::vector<uint8_t> bad = bytes;
    bad[i] ^= 0xff;
    EXPECT_FALSE(decodeCompiledModule(bad, back, status, why)) << i;
  }
  bytes[8] = 2;
  EXPECT_FALSE(decodeCompiledModule(bytes, back, status, why));
  EXPECT_EQ(status, TSR_E_TOO_NEW);
}

// Damage behind a checksum that fits.
TEST(CompiledModule, HostileFieldsNeverCrash) {
  std::vector<uint8_t> good = makeFile({{makeInfo("k", {"p", "i32", "f16", "u8"}), nothing}, addApiKernel()});
  size_t body = std::min<size_t>(good.size(), 400);
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (int n = 1 + static_cast<int>(random() % 4); n > 0; --n)
      bytes[32 + random() % (body - 32)] = random() % 3 ? static_cast<uint8_t>(random()) : 0xff;
    uint64_t sum = checksum64(std::span(bytes).subspan(32));
    std::memcpy(&bytes[24], &sum, 8);
    CompiledModule m;
    tsr_status status;
    std::string why;
    if (!decodeCompiledModule(bytes, m, status, why))
      continue;
    for (const KernelInfo &k : m.kernels)
      for (const ParameterInfo &p : k.parameters)
        ASSERT_LE(uint64_t(p.offset) + p.size, k.argBytes);
  }
}
