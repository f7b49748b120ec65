// Guards the way of a layout into a module and back.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "core/bytecode/LayoutData.h"
#include "gtest/gtest.h"

using namespace tessera;

TEST(LayoutData, RoundTrips) {
  std::mt19937 rng(51);
  for (int trial = 0; trial < 50; ++trial) {
    layout::LinearLayout l = layout::randomDistributed(rng, {4, 1, 8}, 2, 3, 1);
    EXPECT_EQ(tbc::toLinearLayout(tbc::toLayoutData(l)), l);
  }
}

TEST(LayoutData, RefusesBytesThatAreNoLayout) {
  std::string why;
  EXPECT_FALSE(tbc::toLinearLayout({{"lane"}, {4}, {{{4}}}}, &why));
  EXPECT_EQ(why, "basis entry 4 of 'lane' is outside of its dim of size 4");
  EXPECT_FALSE(tbc::toLinearLayout({{"lane", "warp"}, {4}, {{{1}}}}, &why));
  EXPECT_FALSE(tbc::toLinearLayout({{"lane"}, {6}, {{{1}}}}, &why));
  EXPECT_FALSE(tbc::toLinearLayout({{"lane"}, {4, 2}, {{{1}}}}, &why));
}
