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
  ValueId place = b.op(Opcode::AddI, {spread(b.op(Opcode::MulI, {row, b.splat(b.i32(columns), {kRows, 1})})),
                                      spread(column)});
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
            auto put = [&](const BeforeAWall &a, size_t i, uint64_t v) {
              std::memcpy(a.data() + i * size, &v, size);
            };
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

INSTANTIATE_TEST_SUITE_P(Targets, CpuEffects, testing::ValuesIn(targetsHere()),
                         [](const auto &i) { return targetCase(i.param); });
