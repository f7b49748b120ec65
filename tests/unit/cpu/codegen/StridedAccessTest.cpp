// StridedAccessTest.cpp - loads and stores of every second, third, … element; how long the code of simple loops is
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/codegen/KernelRunner.h"

#include "core/bytecode/Builder.h"

#include <regex>
#include <sys/mman.h>
#include <unistd.h>

using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

// Memory between two pages that nobody may touch: `end` is where the upper one begins.
class Fenced {
public:
  explicit Fenced(size_t bytes)
      : page(static_cast<size_t>(sysconf(_SC_PAGESIZE))), size((bytes + page - 1) / page * page) {
    whole = static_cast<uint8_t *>(mmap(nullptr, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(whole + page, size, PROT_READ | PROT_WRITE);
  }
  ~Fenced() { munmap(whole, size + 2 * page); }
  Fenced(const Fenced &) = delete;
  uint8_t *begin() { return whole + page; }
  uint8_t *end() { return whole + page + size; }

private:
  size_t page, size;
  uint8_t *whole;
};

class CpuStrides : public testing::TestWithParam<std::string> {};

// out[i * to] = narrow(in[i * from]), i < n. A negative step starts at the upper end.
Module copyKernel(Elem wide, Elem narrow, int64_t n, int64_t from, int64_t to) {
  Module m;
  Builder b(m);
  b.beginKernel("copy");
  ValueId x = b.param("x", Builder::ptr(wide)), o = b.param("o", Builder::ptr(narrow));
  ValueId i = b.arange(0, n);
  auto at = [&](ValueId p, int64_t step) {
    ValueId places = b.op(Opcode::MulI, {i, b.splat(b.i32(static_cast<int32_t>(step)), {n})});
    return b.op(Opcode::AddPtr, {b.splat(p, {n}), places});
  };
  ValueId v = b.load(at(x, from));
  if (wide != narrow)
    v = b.op(Opcode::TruncI, {v}, Builder::tensor({n}, narrow));
  b.store(at(o, to), v);
  b.endKernel();
  return m;
}

TEST_P(CpuStrides, ReadNothingBesideAndWriteNothingBetween) {
  using Case = std::tuple<Elem, Elem>;
  for (auto [wide, narrow] : {Case{Elem::I32, Elem::I32},
                              {Elem::I64, Elem::I64},
                              {Elem::I8, Elem::I8},
                              {Elem::I16, Elem::I16},
                              {Elem::I64, Elem::I32},
                              {Elem::I32, Elem::I16}})
    for (int64_t n : {4, 16, 64, 512})
      for (auto [from, to] : {std::pair<int64_t, int64_t>{2, 1},
                              {3, 1},
                              {4, 1},
                              {5, 1},
                              {-2, 1},
                              {-3, 1},
                              {1, 2},
                              {1, 3},
                              {1, 4},
                              {1, 5},
                              {1, -2},
                              {1, -4},
                              {2, 3},
                              {4, 2}}) {
        KernelRunner k(copyKernel(wide, narrow, n, from, to), {}, GetParam());
        ASSERT_TRUE(k.ok()) << k.result.error;
        size_t w = elemBits(wide) / 8, s = elemBits(narrow) / 8;
        auto span = [&](int64_t step) { return static_cast<size_t>((n - 1) * std::abs(step) + 1); };
        Fenced in(span(from) * w), out(span(to) * s);
        // Once against the upper fence, once against the lower one.
        for (bool upper : {true, false}) {
          uint8_t *source = upper ? in.end() - span(from) * w : in.begin(),
                  *goal = upper ? out.end() - span(to) * s : out.begin();
          for (size_t i = 0; i < span(from) * w; ++i)
            source[i] = static_cast<uint8_t>(7 * i + i / 251);
          std::memset(goal, 0xEE, span(to) * s);
          std::vector<uint8_t> want(goal, goal + span(to) * s);
          auto place = [&](uint8_t *start, int64_t step, size_t size, int64_t i) {
            return start + (step < 0 ? (i - (n - 1)) * step : i * step) * static_cast<int64_t>(size);
          };
          for (int64_t i = 0; i < n; ++i)
            std::memcpy(place(want.data(), to, s, i), place(source, from, w, i), s);
          k.args.clear();
          k.arg(place(source, from, w, 0)).arg(place(goal, to, s, 0));
          k.run();
          ASSERT_EQ(std::vector<uint8_t>(goal, goal + span(to) * s), want)
              << elemName(wide) << " every " << from << " to " << elemName(narrow) << " every " << to << ", " << n
              << " of them";
        }
      }
}

// The number of loops, and of instructions, in the code of one kernel before LLVM sees it.
std::pair<size_t, size_t> lengthOf(const Module &m, const std::string &target) {
  CompileOptions o;
  o.emitLlvm = o.noStream = true;
  KernelRunner k(m, o, target);
  EXPECT_TRUE(k.ok()) << k.result.error;
  std::istringstream lines(k.result.llvm);
  size_t loops = 0, instructions = 0;
  for (std::string line; std::getline(lines, line);) {
    loops += std::regex_search(line, std::regex("^loop[0-9]*:"));
    instructions += line.starts_with("  ");
  }
  return {loops, instructions};
}

TEST_P(CpuStrides, ALoopWithoutAMaskIsOneLoop) {
  auto [loops, instructions] = lengthOf(copyKernel(Elem::I32, Elem::I32, 4096, 1, 1), GetParam());
  EXPECT_EQ(loops, 1U + 2U); // and where the arrays overlap shifted one that reads and one that stores
  EXPECT_GT(instructions, 5U);
}

// Elements that are close together are read by whole vectors: no instruction for each of them.
TEST_P(CpuStrides, EverySecondElementTakesNoLoadOfItsOwn) {
  size_t plain = lengthOf(copyKernel(Elem::I32, Elem::I32, 64, 1, 1), GetParam()).second;
  size_t second = lengthOf(copyKernel(Elem::I32, Elem::I32, 64, 2, 1), GetParam()).second;
  EXPECT_LE(second, 2 * plain);
}

// A kernel too long to be bound by its stores does not ask for stores past the cache. (Every step uses the
// last one's result three times: what walks all ways from the store to the load never ends.)
TEST(CpuLength, OnlyShortKernelsStream) {
  auto kernel = [](int steps) {
    const int64_t n = 64;
    Module m;
    Builder b(m);
    b.beginKernel("steps");
    ValueId x = b.param("x", Builder::ptr(Elem::F32), 16), o = b.param("o", Builder::ptr(Elem::F32), 16);
    ValueId i = b.arange(0, n);
    ValueId v = b.load(b.op(Opcode::AddPtr, {b.splat(x, {n}), i}));
    for (int k = 0; k < steps; ++k)
      v = b.op(Opcode::AddF, {b.op(Opcode::MulF, {v, v}), v});
    b.store(b.op(Opcode::AddPtr, {b.splat(o, {n}), i}), v);
    b.endKernel();
    return m;
  };
  KernelRunner brief(kernel(3)), lengthy(kernel(2200));
  ASSERT_TRUE(brief.ok() && lengthy.ok()) << brief.result.error << lengthy.result.error;
  EXPECT_EQ(brief.entry.flags, 1U);
  EXPECT_EQ(lengthy.entry.flags, 0U);
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuStrides, testing::ValuesIn(targetsHere()),
                         [](const auto &info) { return targetCase(info.param); });

} // namespace
