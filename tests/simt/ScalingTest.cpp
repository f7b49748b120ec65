// Guards multiplications that subgroups skip where their factors are one (core/codegen/simt/Scaling.cpp).
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/RunOnSimt.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace tessera;

namespace {

// x = x * f(a, b) with a and b the rows' maxima of x and y.
std::string kernelOf(const std::string &factor) {
  std::string tile = "tensor<16x512xf32>", places = "tensor<16x512x!tile.ptr<f32>>", rows = "tensor<16xf32>";
  auto load = [&](const std::string &from, const std::string &to) {
    return "%" + from + "s = tile.splat %" + from + " : (!tile.ptr<f32>) -> " + places + "\n%" + from +
           "p = tile.addptr %" + from + "s, %o : (" + places + ", tensor<16x512xi32>) -> " + places + "\n%" + from +
           "v = tile.load %" + from + "p : (" + places + ") -> " + tile + "\n%" + to + " = tile.reduce %" + from +
           "v axis = 1 : (" + tile + ") -> " + rows +
           " {\n^bb0(%p: f32, %q: f32):\n%t = arith.maxnumf %p, %q : f32\ntile.yield %t : f32\n}\n";
  };
  return "func.func @k(%x: !tile.ptr<f32> {tile.name = \"x\", tile.divisibility = 16 : i64}, %y: !tile.ptr<f32> "
         "{tile.name = \"y\", tile.divisibility = 16 : i64}) {\n"
         "%i = tile.arange 0 to 8192 : tensor<8192xi32>\n"
         "%o = tile.reshape %i : (tensor<8192xi32>) -> tensor<16x512xi32>\n" +
         load("x", "a") + load("y", "b") + factor +
         "%f1 = tile.expand_dims %f axis = 1 : (tensor<16xf32>) -> tensor<16x1xf32>\n"
         "%fs = tile.broadcast %f1 : (tensor<16x1xf32>) -> " +
         tile + "\n%r = arith.mulf %xv, %fs : " + tile + "\ntile.store %xp, %r : (" + places + ", " + tile +
         ") -> ()\nreturn\n}\n";
}

// rises: in every third row y is greater.
std::vector<std::vector<uint8_t>> data(bool rises) {
  std::vector<float> x(size_t(16) * 512), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    size_t row = i / 512;
    x[i] = static_cast<float>(i % 29) * (i % 2 ? -0.25f : 1.0f);
    y[i] = (rises && row % 3 == 0 ? 30.0f : -4.0f) - static_cast<float>(i % 5);
  }
  x[5] = -0.0f;
  std::vector<std::vector<uint8_t>> out;
  for (const std::vector<float> *values : {&x, &y}) {
    std::vector<uint8_t> bytes(values->size() * 4);
    std::memcpy(bytes.data(), values->data(), bytes.size());
    out.push_back(bytes);
  }
  return out;
}

const char *const kFade = "%h = arith.maxnumf %a, %b : tensor<16xf32>\n%d = arith.subf %a, %h : tensor<16xf32>\n"
                          "%f = math.exp2 %d : tensor<16xf32>\n";
const char *const kScaledFade = "%h = arith.maximumf %b, %a : tensor<16xf32>\n%d = arith.subf %a, %h : tensor<16xf32>\n"
                                "%half = arith.constant dense<0.5> : tensor<16xf32>\n%e = arith.mulf %d, %half : "
                                "tensor<16xf32>\n%f = math.exp %e : tensor<16xf32>\n";
const char *const kOther = "%d = arith.subf %b, %a : tensor<16xf32>\n%f = math.exp2 %d : tensor<16xf32>\n";

TEST(Scaling, FactorsThatAreMostlyOne) {
  for (const char *factor : {kFade, kScaledFade, kOther})
    for (bool rises : {false, true})
      for (bool votes : {false, true}) {
        BothOptions options;
        options.warps = 1; // a lane holds sixteen columns of every row
        options.tolerance = 1e-6;
        options.device = simt::lanesOfTheHost({votes, {}});
        EXPECT_EQ(runBoth(kernelOf(factor), data(rises), {}, options), "") << factor << rises << votes;
      }
}

} // namespace
