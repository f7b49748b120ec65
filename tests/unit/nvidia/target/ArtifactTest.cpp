// ArtifactTest.cpp - machine code and PTX, whole, cut short, and none
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/Artifact.h"
#include "tests/unit/nvidia/fake_cuda/Cubin.h"

#include <gtest/gtest.h>

using namespace tessera::nvidia;

namespace {
ArtifactFacts inspect(const std::string &bytes) {
  // On the heap, exactly as long: a sanitizer sees a read beyond it.
  std::vector<char> exact(bytes.begin(), bytes.end());
  return inspectArtifact(exact.data(), exact.size());
}
} // namespace

TEST(Artifact, MachineCodeSaysItsArchitecture) {
  for (uint32_t sm : {80u, 90u, 100u, 120u})
    for (int abi : {7, 8}) {
      ArtifactFacts f = inspect(tessera::fake_cuda::cubin(sm, abi));
      EXPECT_EQ(f.problem, "");
      EXPECT_FALSE(f.ptx);
      EXPECT_EQ(f.architecture, sm);
    }
}

TEST(Artifact, EveryTruncationOfMachineCodeIsFound) {
  std::string whole = tessera::fake_cuda::cubin(90, 8);
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_NE(inspect(whole.substr(0, n)).problem, "") << n;
}

TEST(Artifact, OtherFilesAreNone) {
  std::string other = tessera::fake_cuda::cubin(90, 8);
  other[18] = 62; // x86-64
  EXPECT_NE(inspect(other).problem.find("none for an NVIDIA device"), std::string::npos);
  EXPECT_EQ(inspect("").problem, "it is empty");
  EXPECT_NE(inspect("TSRCPU02 and more").problem.find("neither machine code nor PTX"), std::string::npos);
  std::string wild = tessera::fake_cuda::cubin(90, 8);
  for (size_t at = 32; at < 64; ++at) { // offsets and counts of the tables
    std::string changed = wild;
    changed[at] = static_cast<char>(0xff);
    (void)inspect(changed); // no read outside, whatever it says
  }
}

TEST(Artifact, Ptx) {
  std::string text = ".version 8.0\n.target sm_90a\n.visible .entry k()\n{\n}\n";
  for (const std::string &t : {text, text + '\0'}) {
    ArtifactFacts f = inspect(t);
    EXPECT_EQ(f.problem, "");
    EXPECT_TRUE(f.ptx);
    EXPECT_EQ(f.architecture, 90u);
    EXPECT_TRUE(f.accelerated);
  }
  EXPECT_FALSE(inspect(".version 8.0\n.target sm_80, debug\n.entry k(){}").accelerated);
  EXPECT_NE(inspect(text.substr(0, text.size() - 4)).problem.find("cut short"), std::string::npos);
  EXPECT_NE(inspect(text + '\0' + text).problem.find("NUL in the middle"), std::string::npos);
  EXPECT_NE(inspect(".version 8.0\n.target texmode\n").problem.find("names no architecture"), std::string::npos);
}
