// StructuresTest.cpp - descriptors, aggregates, named tuples and per-element functions mean what the language says
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/frontend/sema/RunKernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

using namespace tessera::py::test;

namespace {
std::vector<float> counted(size_t n) {
  std::vector<float> v(n);
  std::iota(v.begin(), v.end(), 0.0f);
  return v;
}

TEST(Descriptors, DeviceMadeLoadPadsAndStoreDrops) {
  std::vector<float> in = counted(6 * 8), out(8 * 8, -1.0f);
  std::string source = R"(
@triton.jit
def k(p, q, rows, PAD: tl.constexpr):
    source = tl.make_tensor_descriptor(p, [rows, 6], [8, 1], [4, 4], padding_option=PAD)
    target = tl.make_tensor_descriptor(q, [8, 7], [8, 1], [4, 4])
    for i in range(0, 8, 4):
        target.store([i, 4], source.load([i, 4]) + 1)
    tl.static_assert(source.dtype == tl.float32 and source.block_shape[1] == 4)
)";
  ASSERT_EQ(run(source, {buffer("*fp32", in), buffer("*fp32", out), i32(6)}, {{"PAD", "'zero'"}}), "");
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 8; ++c) {
      float want = c < 4 || c == 7 ? -1.0f : r < 6 && c < 6 ? static_cast<float>(r * 8 + c) + 1 : 1.0f;
      EXPECT_EQ(out[r * 8 + c], want) << r << "," << c;
    }
  ASSERT_EQ(run(source, {buffer("*fp32", in), buffer("*fp32", out), i32(6)}, {{"PAD", "'nan'"}}), "");
  EXPECT_TRUE(std::isnan(out[7 * 8 + 5]));
  EXPECT_EQ(out[5 * 8 + 5], 46.0f);
}

TEST(Descriptors, HostMadeComeAsTheirParts) {
  std::vector<float> in = counted(6 * 8), out(8, -1.0f);
  // The descriptor of a 5 x 6 array whose rows are 8 apart: base, two extents, one stride.
  std::string source = R"(
@triton.jit
def k(desc, q):
    tl.static_assert(isinstance(desc, tl.tensor_descriptor))
    x = desc.load([3, 4])
    tl.store(q + tl.arange(0, 8), tl.reshape(x, (8,)))
)";
  std::vector<Arg> args = {{"tensordesc<fp32[2, 4], nan>", reinterpret_cast<uint64_t>(in.data()), in.size() * 4},
                           {"", 5},
                           {"", 6},
                           {"", 8},
                           buffer("*fp32", out)};
  ASSERT_EQ(run(source, args), "");
  EXPECT_EQ(out[0], 28.0f);
  EXPECT_EQ(out[1], 29.0f);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_EQ(out[4], 36.0f);
  EXPECT_TRUE(std::isnan(out[7]));
}

TEST(Descriptors, TypesSayTheirBlocks) {
  std::vector<float> in = counted(8 * 8), out(1, 0.0f);
  std::string head = R"(
@triton.jit
def k(desc, p, q, n, N: tl.constexpr):
    d = tl.make_tensor_descriptor(p, [n, N], [N, 1], [8, 4])
)",
              end = R"(
    tl.store(q, 1.0)
)";
  std::vector<Arg> args = {{"tensordesc<fp32[8, 4]>", reinterpret_cast<uint64_t>(in.data()), in.size() * 4},
                           {"", 8},
                           {"", 8},
                           {"", 8},
                           buffer("*fp32", in),
                           buffer("*fp32", out),
                           i32(8)};
  auto body = [&](const std::string &line) { return run(head + line + end, args, {{"N", "8"}}); };
  for (const char *name : {"desc", "d"})
    for (const char *holds :
         {"D.dtype == tl.float32", "D.block_shape == [8, 4]", "D.block_type.shape[1] == 4", "D.block_type.numel == 32",
          "D.type.block_type == D.block_type", "D.type.block_type.element_ty == tl.float32", "D.type == desc.type",
          "D.type != D.block_type", "D.shape[0].dtype == tl.int32", "D.strides[1].dtype == tl.int64",
          "len(D.shape) == 2 and len(D.strides) == 2", "D.type.shape_type[1] == tl.int32",
          "D.type.strides_type.types[0] == tl.int64", "isinstance(D.type, tl.tensor_descriptor_type)",
          "isinstance(D, tl.core.tensor_descriptor_base)", "isinstance(D.block_type, tl.block_type)",
          "not isinstance(D.type, tl.block_type)", "not isinstance(D.type, tl.dtype)"}) {
      std::string line = "    tl.static_assert(" + std::string(holds) + ")";
      for (size_t at = 0; (at = line.find("D.", at)) != std::string::npos; at += std::strlen(name))
        line.replace(at, 1, name);
      if (size_t at = line.find("(D,"); at != std::string::npos)
        line.replace(at + 1, 1, name);
      EXPECT_EQ(body(line), "") << line;
    }
  EXPECT_NE(body("    x = tl.zeros([4], d.type)").find("must be a dtype such as tl.float32"), std::string::npos);
  EXPECT_NE(body("    x = d.type.element_ty").find("`block_type.element_ty` is the block's"), std::string::npos);
  EXPECT_NE(body("    x = d.stride").find("did you mean `strides`?"), std::string::npos);
  EXPECT_NE(body("    x = tl.tensor_descriptor_type(1)").find("use tl.make_tensor_descriptor"), std::string::npos);
}

TEST(Descriptors, GatherScatterAndAtomics) {
  std::vector<float> in = counted(16 * 8), out(16 * 8, -1.0f);
  std::vector<int32_t> sums(4 * 4, 10);
  ASSERT_EQ(run(R"(
@triton.jit
def k(p, q, s):
    lane = tl.arange(0, 8)
    rows = tl.make_tensor_descriptor(p, [16, 8], [8, 1], [1, 8])
    x = rows.gather(15 - 2 * lane, 1)
    to = tl.make_tensor_descriptor(q, [12, 8], [8, 1], [1, 8])
    to.scatter(x, 2 * lane, 0)
    d = tl.make_tensor_descriptor(s, [3, 4], [4, 1], [4, 4])
    ones = tl.full((4, 4), 1, tl.int32)
    d.atomic_add([0, 0], ones)
    d.atomic_add([1, 0], ones)
    d.atomic_max([2, 0], ones * 50)
    d.atomic_xor([0, 2], ones * 4)
)",
                {buffer("*fp32", in), buffer("*fp32", out), buffer("*i32", sums)}),
            "");
  EXPECT_EQ(out[0], 15 * 8 + 1.0f); // row 15, from column 1
  EXPECT_EQ(out[7], 0.0f);          // column 8 is outside: padding
  EXPECT_EQ(out[2 * 8 + 2], 13 * 8 + 3.0f);
  EXPECT_EQ(out[1 * 8], -1.0f);  // not scattered to
  EXPECT_EQ(out[12 * 8], -1.0f); // outside of the target
  EXPECT_EQ(sums, (std::vector<int32_t>{11, 11, 15, 15, 12, 12, 8, 8, 50, 50, 54, 54, 10, 10, 10, 10}));
}

constexpr const char *kWindow = R"(
@tl.core._aggregate
class Window:
    base: tl.tensor
    step: tl.constexpr

    def __init__(self, base, step):
        self.base = base
        self.step = step

    def advance(self, count, _semantic=None):
        self.base = tl.add(self.base, count, _semantic=_semantic)

    @triton.jit
    def value(self):
        return self.base * self.step


class Point(typing.NamedTuple):
    x: tl.tensor
    y: tl.tensor


)";

TEST(Aggregates, LiveThroughLoopsBranchesAndCalls) {
  std::vector<int32_t> p(4, 0);
  ASSERT_EQ(run(std::string(kWindow) + R"(
@triton.jit
def stepped(w, by):
    if by > 2:
        return Window(w.base + by, w.step)
    return w

@triton.jit
def k(p, n):
    w = Window(n, 3)
    for i in range(n):
        w.advance(i)
        if i == 2:
            w = Window(w.base * 2, 3)
    tl.store(p, w.value())
    w = stepped(stepped(w, 1), 5)
    tl.store(p + 1, w.base)
    t = Point(x=n, y=w.base)
    while t.x > 0:
        t = Point(t.x - 1, t.y + 1)
    tl.store(p + 2, t.y)
    a, b = t
    tl.store(p + 3, a + b + t[1])
)",
                {buffer("*i32", p), i32(4)}),
            "");
  // 4, +0 +1 +2 = 7, doubled 14, +3 = 17
  EXPECT_EQ(p, (std::vector<int32_t>{51, 22, 26, 52}));
}

TEST(MapElementwise, ControlFlowOfEachElementAndPacks) {
  std::vector<int32_t> p(16, 0), q(16, 0);
  ASSERT_EQ(run(R"(
@triton.jit
def collatz(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps

@triton.jit
def ordered(a, b, c, d):
    return min(a, b), max(a, b), c + d, c - d

@triton.jit
def k(p, q):
    lane = tl.arange(0, 16)
    tl.store(p + lane, tl.map_elementwise(collatz, lane + 1))
    x, y = tl.map_elementwise(ordered, 15 - lane, lane, pack=2)
    tl.store(q + lane, x * 100 + y)
)",
                {buffer("*i32", p), buffer("*i32", q)}),
            "");
  EXPECT_EQ(p, (std::vector<int32_t>{0, 1, 7, 2, 5, 8, 16, 3, 19, 6, 14, 9, 9, 17, 17, 4}));
  // Packs of (a0, a1) and (b0, b1): the pairs 15, 14 become 14, 15; the lanes 0, 1 become 1, -1.
  for (int i = 0; i < 16; i += 2) {
    EXPECT_EQ(q[i], (14 - i) * 100 + 2 * i + 1);
    EXPECT_EQ(q[i + 1], (15 - i) * 100 - 1);
  }
}
} // namespace
