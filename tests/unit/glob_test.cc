// SPDX-License-Identifier: Apache-2.0
#include "wqprof/glob.h"

#include <gtest/gtest.h>

namespace wqprof {
namespace {

TEST(Globs, AnEmptyListLetsAllThrough) { EXPECT_TRUE(PassesGlobs({}, {"events"})); }

TEST(Globs, AreAlternativesOfEachOther) {
  EXPECT_TRUE(PassesGlobs({"nvme*", "events"}, {"events"}));
  EXPECT_FALSE(PassesGlobs({"nvme*", "event"}, {"events"}));
}

TEST(Globs, ExclusionsWinWhateverTheirPlace) {
  EXPECT_FALSE(PassesGlobs({"!events_un*", "events*"}, {"events_unbound"}));
  EXPECT_FALSE(PassesGlobs({"events*", "!events_un*"}, {"events_unbound"}));
  EXPECT_TRUE(PassesGlobs({"events*", "!events_un*"}, {"events"}));
}

TEST(Globs, ExclusionsAloneLetTheOthersThrough) {
  EXPECT_TRUE(PassesGlobs({"!events*"}, {"kblockd"}));
  EXPECT_FALSE(PassesGlobs({"!events*"}, {"events"}));
}

TEST(Globs, AnySpellingWillDo) {
  EXPECT_TRUE(PassesGlobs({"xfs_end_io"}, {"xfs_end_io [xfs]", "xfs_end_io"}));
  EXPECT_FALSE(PassesGlobs({"!*xfs]"}, {"xfs_end_io [xfs]", "xfs_end_io"}));
}

TEST(Globs, ABackslashTakesAwayTheirMeaning) {
  EXPECT_TRUE(MatchesGlob("\\!x", "!x"));
  EXPECT_FALSE(MatchesGlob("\\*", "x"));
}

}  // namespace
}  // namespace wqprof
