// ElementwiseOracleTest.cpp - every elementwise op on every type it takes, on special and random values, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Builder.h"
#include "tests/lib/RandomKernel.h"
#include "tests/unit/cpu/codegen/Oracle.h"

#include <bit>
#include <cmath>
#include <random>

using namespace tessera;
using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

constexpr int64_t kN = 512;
using Bytes = std::vector<uint8_t>;

Bytes valuesOf(Elem e, unsigned seed) {
  std::mt19937_64 g(seed);
  unsigned bytes = elemBits(e) / 8;
  Bytes v(size_t(kN) * bytes);
  for (int64_t i = 0; i < kN; ++i) {
    uint64_t w = g();
    if (e == Elem::F32) {
      static const float special[] = {0.f,   -0.f, INFINITY, -INFINITY, NAN, 1e-40f, -1e-40f,
                                      3e38f, 1.f,  -1.f,     0.5f,      2.f, 100.f,  1e-20f};
      float f =
          i < 98 ? special[seed % 2 ? i % 14 : i / 7 % 14]
                 : float(std::ldexp(double(int64_t(w)) / 9.3e18, int(g() % (i < 300 ? 8 : 60)) - (i < 300 ? 3 : 30)));
      w = std::bit_cast<uint32_t>(f);
    } else if (e == Elem::F64) {
      static const double special[] = {0.,    -0., INFINITY, -INFINITY, NAN, 5e-324, -1e-310,
                                       1e308, 1.,  -1.,      0.5,       2.,  700.,   1e-200};
      double f = i < 98 ? special[seed % 2 ? i % 14 : i / 7 % 14]
                        : std::ldexp(double(int64_t(w)) / 9.3e18, int(g() % (i < 300 ? 8 : 300)) - (i < 300 ? 3 : 150));
      w = std::bit_cast<uint64_t>(f);
    } else if (i < 64) {
      static const int64_t special[] = {0, 1, -1, 2, INT64_MIN, INT64_MAX, 0x7fffffff, int64_t(0xffffffff80000000)};
      w = uint64_t(special[seed % 2 ? i % 8 : i / 8]);
    }
    if (e == Elem::I1)
      w &= 1;
    std::memcpy(v.data() + size_t(i) * bytes, &w, bytes);
  }
  return v;
}

struct Case {
  Opcode code;
  int arity;
  Elem result;
  Attrs attrs;
  double ulp = 0; // 0: bits
};

double decode(Elem e, const uint8_t *p) {
  auto half = [](unsigned h) {
    int s = h >> 15, x = h >> 10 & 31, m = h & 1023;
    double v = x == 31 ? (m ? NAN : INFINITY) : x ? std::ldexp(1024 + m, x - 25) : std::ldexp(m, -24);
    return s ? -v : v;
  };
  uint64_t w = 0;
  std::memcpy(&w, p, elemBits(e) / 8);
  switch (e) {
  case Elem::F64:
    return std::bit_cast<double>(w);
  case Elem::F32:
    return std::bit_cast<float>(uint32_t(w));
  case Elem::BF16:
    return std::bit_cast<float>(uint32_t(w << 16));
  case Elem::F16:
    return half(unsigned(w));
  case Elem::F8E5M2:
    return half(unsigned(w << 8));
  default:
    return double(w);
  }
}

double ulpOf(Elem e, double v) {
  int bits = e == Elem::F64   ? 53
             : e == Elem::F32 ? 24
             : e == Elem::F16 ? 11
                              : 8,
      least = e == Elem::F64   ? -1074
              : e == Elem::F16 ? -24
              : e == Elem::F32 ? -149
                               : -133;
  int x;
  std::frexp(v, &x);
  return std::ldexp(1, std::max(x - bits, least));
}

using Shape = std::vector<int64_t>;

// All kN values, a tile of this shape a program.
void check(Elem e, const std::vector<Case> &cases, const std::string &target, const Shape &shape) {
  Module m;
  m.options.push_back({"fp_fusion", 0});
  Builder b(m);
  b.beginKernel("k");
  std::vector<ValueId> in;
  Oracle o;
  for (int i = 0; i < 3; ++i) {
    in.push_back(b.param("x" + std::to_string(i), Builder::ptr(e)));
    o.buffers.push_back(valuesOf(e, unsigned(i + 1)));
  }
  std::vector<ValueId> out;
  for (const Case &c : cases) {
    out.push_back(b.param("o", Builder::ptr(c.result)));
    o.buffers.push_back(Bytes(size_t(kN) * elemBits(c.result) / 8, 0x11));
  }
  int64_t elements = 1;
  for (int64_t d : shape)
    elements *= d;
  ValueId i = b.arange(0, elements);
  if (shape.size() > 1)
    i = b.reshape(i, shape);
  if (elements < kN)
    i = b.op(Opcode::AddI, {i, b.splat(b.op(Opcode::MulI, {b.programId(0), b.i32(int32_t(elements))}), shape)});
  auto at = [&](ValueId p) { return b.op(Opcode::AddPtr, {b.splat(p, shape), i}); };
  for (size_t k = 0; k < cases.size(); ++k) {
    Values ops;
    for (int a = 0; a < cases[k].arity; ++a)
      ops.push_back(b.load(at(in[size_t(a)])));
    b.store(at(out[k]), b.op(cases[k].code, ops, Builder::tensor(shape, cases[k].result), cases[k].attrs));
  }
  b.endKernel();
  ASSERT_TRUE(o.run(m, int32_t(kN / elements), target)) << o.error;
  for (size_t k = 0; k < cases.size(); ++k) {
    const Case &c = cases[k];
    unsigned bytes = elemBits(c.result) / 8;
    int bad = 0;
    double worst = 0;
    for (int64_t i = 0; i < kN; ++i) {
      const uint8_t *x = o.expected[3 + k].data() + size_t(i) * bytes, *y = o.actual[3 + k].data() + size_t(i) * bytes;
      if (!std::memcmp(x, y, bytes))
        continue;
      std::string args;
      for (int a = 0; a < c.arity; ++a)
        args += " " + std::to_string(decode(e, o.buffers[size_t(a)].data() + size_t(i) * elemBits(e) / 8));
      if (isFloat(c.result)) {
        double p = decode(c.result, x), q = decode(c.result, y);
        if (std::isnan(p) && std::isnan(q))
          continue;
        if (isFp8(c.result) || std::isnan(p) || std::isnan(q) || std::isinf(p) || std::isinf(q) || c.ulp == 0) {
          if (bad++ < 3)
            ADD_FAILURE() << opInfo(c.code)->name << " " << elemName(e) << " -> " << elemName(c.result) << " [" << i
                          << "]" << args << ": expected " << p << ", got " << q;
          continue;
        }
        worst = std::max(worst, std::fabs(p - q) / ulpOf(c.result, p));
        continue;
      }
      if (bad++ < 3)
        ADD_FAILURE() << opInfo(c.code)->name << " " << elemName(e) << " -> " << elemName(c.result) << " [" << i << "]"
                      << args << ": bytes differ";
    }
    EXPECT_LE(worst, c.ulp) << opInfo(c.code)->name << " " << elemName(e) << ": ulp";
    if (getenv("TESSERA_TEST_ULP") && worst > 0)
      printf("%s %s %.2f\n", std::string(opInfo(c.code)->name).c_str(), std::string(elemName(e)).c_str(), worst);
  }
}

class CpuElementwise : public testing::TestWithParam<std::pair<std::string, Shape>> {
protected:
  void check(Elem e, const std::vector<Case> &cases) { ::check(e, cases, GetParam().first, GetParam().second); }
};

TEST_P(CpuElementwise, Integers) {
  for (Elem e : {Elem::I8, Elem::I16, Elem::I32, Elem::I64}) {
    std::vector<Case> cases;
    for (unsigned n = unsigned(Opcode::AddI); n <= unsigned(Opcode::CtTz); ++n) {
      auto c = Opcode(n);
      if (c == Opcode::DivSI || c == Opcode::DivUI || c == Opcode::RemSI || c == Opcode::RemUI)
        continue; // unspecified values among the operands: RandomKernelTest divides
      if (c == Opcode::CmpI) {
        for (int p = 0; p < 10; ++p)
          cases.push_back({c, 2, Elem::I1, {intAttr(AttrId::Predicate, p)}});
        continue;
      }
      cases.push_back({c, n >= unsigned(Opcode::AbsI) ? 1 : 2, e, {}});
    }
    for (Elem to : {Elem::F32, Elem::F64, Elem::F16, Elem::BF16}) {
      cases.push_back({Opcode::SIToFP, 1, to, {}});
      cases.push_back({Opcode::UIToFP, 1, to, {}});
    }
    for (Elem to : {Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I64})
      if (elemBits(to) < elemBits(e) || (to == Elem::I1 && e != Elem::I1))
        cases.push_back({Opcode::TruncI, 1, to, {}});
      else if (elemBits(to) > elemBits(e)) {
        cases.push_back({Opcode::ExtSI, 1, to, {}});
        cases.push_back({Opcode::ExtUI, 1, to, {}});
      }
    check(e, cases);
  }
}

TEST_P(CpuElementwise, ExactFloats) {
  for (Elem e : {Elem::F32, Elem::F64, Elem::F16, Elem::BF16, Elem::F8E5M2, Elem::F8E4M3FN}) {
    std::vector<Case> cases;
    for (Opcode c : {Opcode::AddF, Opcode::SubF, Opcode::MulF, Opcode::DivF, Opcode::MinNumF, Opcode::MaxNumF,
                     Opcode::MinimumF, Opcode::MaximumF, Opcode::CopySign})
      cases.push_back({c, 2, e, {}});
    for (Opcode c : {Opcode::NegF, Opcode::AbsF, Opcode::Floor, Opcode::Ceil, Opcode::Trunc, Opcode::Round,
                     Opcode::RoundEven, Opcode::Sqrt})
      cases.push_back({c, 1, e, {}});
    if (e == Elem::F32 || (e == Elem::F64 && GetParam().first != "x86-64-v2"))
      cases.push_back({Opcode::Fma, 3, e, {}});
    for (int p = 0; p < 16; ++p)
      cases.push_back({Opcode::CmpF, 2, Elem::I1, {intAttr(AttrId::Predicate, p)}});
    check(e, cases);
  }
}

TEST_P(CpuElementwise, FloatConversions) {
  const std::vector<Elem> all{Elem::F64,      Elem::F32,        Elem::F16,        Elem::BF16,   Elem::F8E5M2,
                              Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ, Elem::F8E4B15};
  for (Elem e : all) {
    std::vector<Case> cases;
    for (Elem to : all)
      if (to != e) {
        cases.push_back({Opcode::FPToFP, 1, to, {}});
        if (elemBits(to) < elemBits(e))
          cases.push_back({Opcode::FPToFP, 1, to, {intAttr(AttrId::Rounding, 1)}});
      }
    check(e, cases);
  }
}

TEST_P(CpuElementwise, ElementaryFunctions) {
  for (Elem e : {Elem::F32, Elem::F64, Elem::F16, Elem::BF16}) {
    std::vector<Case> cases;
    for (auto n = unsigned(Opcode::Rsqrt); n <= unsigned(Opcode::Erfc); ++n)
      if (double ulps = samples::functionUlps(Opcode(n), e); ulps > 0)
        cases.push_back({Opcode(n), n == unsigned(Opcode::Atan2) || n == unsigned(Opcode::Pow) ? 2 : 1, e, {}, ulps});
    cases.push_back({Opcode::RemF, 2, e, {}});
    check(e, cases);
  }
}

// One shape; with TESSERA_FULL_TESTS every op on every type in all of these, among them less than a vector and rank 3.
std::vector<std::pair<std::string, Shape>> targetsAndShapes() {
  std::vector<Shape> shapes{{kN}};
  if (const char *full = getenv("TESSERA_FULL_TESTS"); full && *full == '1')
    shapes.insert(shapes.end(), {{1}, {2}, {8}, {64}, {8, 16}, {64, 1}, {1, 32}, {2, 4, 16}, {2, 1, 2, 2}});
  std::vector<std::pair<std::string, Shape>> out;
  for (const std::string &target : targetsHere())
    for (const Shape &s : shapes)
      out.emplace_back(target, s);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuElementwise, testing::ValuesIn(targetsAndShapes()), [](const auto &info) {
  std::string name = targetCase(info.param.first);
  for (int64_t d : info.param.second)
    name += "_" + std::to_string(d);
  return name;
});

} // namespace
