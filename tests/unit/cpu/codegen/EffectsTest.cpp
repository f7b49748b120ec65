// EffectsTest.cpp - what compiled kernels do beside their results: bytes they read, asserts of their combiners
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/codegen/KernelRunner.h"

#include "core/bytecode/Builder.h"

#include <functional>
#include <numeric>
#include <span>
#include <sys/mman.h>
#include <unistd.h>

using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

// An array of `bytes` that ends with a page; what comes after it cannot be read.
class BeforeAWall {
public:
  explicit BeforeAWall(size_t bytes) {
    size_t page = size_t(sysconf(_SC_PAGESIZE)), before = (bytes / page + 1) * page;
    mapped_ = before + page;
    map_ = static_cast<uint8_t *>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(map_ + before, page, PROT_NONE);
    data_ = map_ + before - bytes;
  }
  ~BeforeAWall() { munmap(map_, mapped_); }
  BeforeAWall(const BeforeAWall &) = delete;
  uint8_t *data() const { return data_; }

private:
  size_t mapped_;
  uint8_t *map_, *data_;
};

class CpuEffects : public testing::TestWithParam<std::string> {};

constexpr int64_t kRows = 4;

// y[r, i] = x[0 or r] + z[i] for i < n: x at one address for a whole row, under the mask of the columns.
Module oneAddress(int64_t columns, Elem e, bool perRow, bool twoMasks) {
  Module m;
  Builder b(m);
  b.beginKernel("k");
  ValueId x = b.param("x", Builder::ptr(e), 1), z = b.param("z", Builder::ptr(e), 1),
          y = b.param("y", Builder::ptr(e), 1), n = b.param("n", Builder::scalar(Elem::I32)),
          rows = b.param("rows", Builder::scalar(Elem::I32));
  std::vector<int64_t> shape{kRows, columns};
  ValueId row = b.expandDims(b.arange(0, kRows), 1), column = b.expandDims(b.arange(0, columns), 0);
  auto spread = [&](ValueId v) { return b.broadcast(v, shape); };
  ValueId mask = spread(b.cmpi(CmpI::Slt, column, b.splat(n, {1, columns})));
  if (twoMasks)
    mask = b.op(Opcode::AndI, {mask, spread(b.cmpi(CmpI::Slt, row, b.splat(rows, {kRows, 1})))});
  auto at = [&](ValueId p, ValueId offset) { return b.op(Opcode::AddPtr, {b.splat(p, shape), offset}); };
  ValueId place =
      b.op(Opcode::AddI, {spread(b.op(Opcode::MulI, {row, b.splat(b.i32(columns), {kRows, 1})})), spread(column)});
  ValueId one = perRow ? b.load(at(x, spread(row)), mask) : b.load(b.splat(x, shape), mask);
  b.store(at(y, place), b.op(Opcode::AddI, {one, b.load(at(z, spread(column)), mask)}), mask);
  b.endKernel();
  return m;
}

} // namespace

// A main loop runs up to the bound without masks. What it reads at one address for all lanes is read before the loop, and
// must not be where the bound is 0: nothing of the arrays, which have no elements then, may be touched.
TEST_P(CpuEffects, NothingIsReadWhereTheBoundIsZero) {
  for (int64_t columns : {8, 64, 1024})
    for (Elem e : {Elem::I8, Elem::I32, Elem::I64})
      for (bool perRow : {false, true})
        for (bool twoMasks : {false, true}) {
          KernelRunner k(oneAddress(columns, e, perRow, twoMasks), {}, GetParam());
          ASSERT_TRUE(k.ok()) << k.result.error;
          size_t size = elemBits(e) / 8;
          for (int n : {0, -5, 1, int(columns) - 1, int(columns)}) {
            // Every array ends with its last element that a mask allows.
            size_t width = size_t(std::max(n, 0));
            BeforeAWall x((width ? perRow ? size_t(kRows) : 1 : 0) * size), z(width * size),
                y(width ? (size_t(kRows - 1) * size_t(columns) + width) * size : 0);
            auto put = [&](const BeforeAWall &a, size_t i, uint64_t v) { std::memcpy(a.data() + i * size, &v, size); };
            for (size_t i = 0; width && i < (perRow ? size_t(kRows) : 1); ++i)
              put(x, i, 3 * i + 1);
            for (size_t i = 0; i < width; ++i)
              put(z, i, i);
            k.args.clear();
            k.arg(x.data()).arg(z.data()).arg(y.data()).arg(n).arg(int(kRows));
            k.run();
            for (size_t r = 0; r < size_t(kRows); ++r)
              for (size_t i = 0; i < width; ++i) {
                uint64_t got = 0, want = (perRow ? 3 * r + 1 : 1) + i;
                std::memcpy(&got, y.data() + (r * size_t(columns) + i) * size, size);
                ASSERT_EQ(got, size == 8 ? want : want & ((uint64_t(1) << 8 * size) - 1)) << r << " " << i;
              }
          }
        }
}

namespace {
enum class Whole : uint8_t { Reduce, Scan, ReverseScan, Map };
const char *kWholeNames[] = {"reduce", "scan", "reverse scan", "map_elementwise"};

// max over x[rows, columns] along an axis, with a combiner that asserts its operands to be positive, and looks a number up
// in a table where it says so. Elements are read past the mask as 1.
Module asserting(Whole whole, std::vector<int64_t> shape, int64_t axis, bool table) {
  Module m;
  Builder b(m);
  b.at("k.py", 7);
  b.beginKernel("k");
  ValueId x = b.param("x", Builder::ptr(Elem::I32), 1), y = b.param("y", Builder::ptr(Elem::I32), 1);
  int64_t n = std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
  auto at = [&](ValueId p, const std::vector<int64_t> &s) {
    int64_t count = std::accumulate(s.begin(), s.end(), int64_t(1), std::multiplies<>());
    return b.op(Opcode::AddPtr, {b.splat(p, s), b.reshape(b.arange(0, count), s)});
  };
  ValueId v = b.load(at(x, shape));
  auto body = [&](std::span<const ValueId> a) {
    ValueId ok = b.op(Opcode::AndI, {b.cmpi(CmpI::Sgt, a[0], b.i32(0)), b.cmpi(CmpI::Sgt, a[1], b.i32(0))});
    b.multi(Opcode::Assert, {ok}, {}, {strAttr(AttrId::Message, "positive")});
    ValueId r = b.op(Opcode::MaxSI, {a[0], a[1]});
    if (table) // x[i] where i is a result so far: an address that garbage would make invalid
      r = b.op(Opcode::AddI,
               {r, b.op(Opcode::AndI,
                        {b.load(b.op(Opcode::AddPtr, {x, b.op(Opcode::MinSI, {r, b.i32(n - 1)})})), b.i32(0)})});
    return Values{r};
  };
  ValueId out = kNone;
  switch (whole) {
  case Whole::Reduce:
    out = b.reduce({v}, axis, body)[0];
    break;
  case Whole::Map:
    out = b.mapElementwise({v, v}, 1, {Elem::I32}, body)[0];
    break;
  default:
    out = b.scan({v}, axis, body, whole == Whole::ReverseScan)[0];
  }
  const Type t = m.typeOf(out);
  b.store(t.isTensor() ? at(y, t.shape) : y, out);
  b.endKernel();
  return m;
}
} // namespace

// An assert in a combiner is told about every element that the reduction takes, and about nothing else.
TEST_P(CpuEffects, CombinersAssert) {
  const std::vector<std::pair<std::vector<int64_t>, int64_t>> shapes{{{64}, 0},     {{1024}, 0},    {{16, 32}, 0},
                                                                     {{16, 32}, 1}, {{4, 8, 2}, 1}, {{2}, 0}};
  for (Whole whole : {Whole::Reduce, Whole::Scan, Whole::ReverseScan, Whole::Map})
    for (const auto &[shape, axis] : shapes)
      for (bool table : {false, true}) {
        KernelRunner k(asserting(whole, shape, axis, table), {}, GetParam());
        std::string what = std::string(kWholeNames[int(whole)]) + " of rank " + std::to_string(shape.size()) +
                           (table ? " with a table" : "");
        ASSERT_TRUE(k.ok()) << what << ": " << k.result.error;
        size_t n = 1;
        for (int64_t d : shape)
          n *= size_t(d);
        std::vector<int> x(n), y(n);
        std::iota(x.begin(), x.end(), 1);
        k.arg(x.data()).arg(y.data());
        k.run();
        EXPECT_EQ(k.asserts, std::vector<std::string>{}) << what;
        EXPECT_EQ(*std::max_element(y.begin(), y.end()), int(n)) << what;
        for (size_t bad : {size_t(0), n / 2, n - 1}) {
          k.asserts.clear();
          k.args.clear();
          int kept = x[bad];
          x[bad] = -1;
          k.arg(x.data()).arg(y.data());
          k.run();
          x[bad] = kept;
          ASSERT_GE(k.asserts.size(), 1u) << what << ", element " << bad;
          EXPECT_EQ(k.asserts[0], "k.py:7: positive") << what;
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuEffects, testing::ValuesIn(targetsHere()),
                         [](const auto &i) { return targetCase(i.param); });
