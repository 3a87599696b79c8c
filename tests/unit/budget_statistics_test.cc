// SPDX-License-Identifier: Apache-2.0
// Against tables and hand counts.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "budget/statistics.h"

namespace wqprof {
namespace {

TEST(IncompleteBetaTest, IsWhatTablesSay) {
  EXPECT_NEAR(IncompleteBeta(1, 1, 0.3), 0.3, 1e-12);
  EXPECT_NEAR(IncompleteBeta(2, 3, 0.4), 0.5248, 1e-10);
  EXPECT_NEAR(IncompleteBeta(0.5, 0.5, 0.5), 0.5, 1e-10);
  EXPECT_EQ(IncompleteBeta(2, 3, 0), 0);
  EXPECT_EQ(IncompleteBeta(2, 3, 1), 1);
}

TEST(StudentQuantileTest, IsWhatTablesSay) {
  EXPECT_NEAR(StudentQuantile(0.975, 4), 2.776, 1e-3);
  EXPECT_NEAR(StudentQuantile(0.975, 1), 12.706, 1e-3);
  EXPECT_NEAR(StudentQuantile(0.975, 1e6), 1.960, 1e-3);
}

TEST(ShareTest, NoneIn299ProvesAShareOfOnePercentAtMost) {
  EXPECT_TRUE(ShareIsAtMost(0, 299, 0.01, 0.05));
  EXPECT_FALSE(ShareIsAtMost(0, 298, 0.01, 0.05));
  EXPECT_FALSE(ShareIsAbove(0, 299, 0.01, 0.05));
  EXPECT_TRUE(ShareIsAbove(10, 100, 0.01, 0.05));
}

TEST(MannWhitneyTest, ReachesOneIn252WithFiveAgainstFive) {
  const std::vector<double> a = {1, 2, 3, 4, 5}, b = {6, 7, 8, 9, 10};
  EXPECT_NEAR(MannWhitney(a, b).greater, 1.0 / 252, 1e-12);
  EXPECT_NEAR(MannWhitney(a, b).two_sided, 2.0 / 252, 1e-12);
  EXPECT_NEAR(MannWhitney(b, a).greater, 1, 1e-12);
  EXPECT_NEAR(SmallestPOneSided(5, 5), 1.0 / 252, 1e-12);
}

TEST(MannWhitneyTest, KnowsTies) {
  const std::vector<double> same = {3, 3, 3};
  EXPECT_NEAR(MannWhitney(same, same).greater, 1, 1e-12);
  // The 6 ways to choose 2 of the ranks 1, 2.5, 2.5, 4 add up to 3.5 3.5 5 5 6.5 6.5.
  const std::vector<double> a = {1, 2}, b = {2, 3};
  EXPECT_NEAR(MannWhitney(a, b).greater, 2.0 / 6, 1e-12);
}

TEST(HodgesLehmannTest, IsTheMedianDifferenceWithinWhatTheTestDoesNotRefute) {
  const std::vector<double> a = {1, 2, 3, 4, 5}, b = {11, 12, 13, 14, 15};
  const Shift shift = HodgesLehmann(a, b, 0.05);
  EXPECT_EQ(shift.estimate, 10);
  // Two of the smallest and largest differences are refuted with 5 against 5.
  EXPECT_EQ(shift.low, 7);
  EXPECT_EQ(shift.high, 13);
  const std::vector<double> one = {1};
  EXPECT_TRUE(std::isinf(HodgesLehmann(one, one, 0.05).high));
}

TEST(CorrectionTest, IsHolmsOrBenjaminisAndHochbergs) {
  const std::vector<double> p = {0.01, 0.04, 0.03};
  const std::vector<double> holm = Corrected(p, Correction::kHolm);
  EXPECT_NEAR(holm[0], 0.03, 1e-12);
  EXPECT_NEAR(holm[1], 0.06, 1e-12);
  EXPECT_NEAR(holm[2], 0.06, 1e-12);
  const std::vector<double> bh = Corrected(p, Correction::kBenjaminiHochberg);
  EXPECT_NEAR(bh[0], 0.03, 1e-12);
  EXPECT_NEAR(bh[1], 0.04, 1e-12);
  EXPECT_NEAR(bh[2], 0.04, 1e-12);
}

}  // namespace
}  // namespace wqprof
