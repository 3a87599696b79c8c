// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/habits.h"

namespace wqprof {
namespace {

using Words = std::vector<std::string>;

const Words kCommands = {"record", "report", "stat", "stalls", "works", "chains"};

Words Understood(const Words& words) {
  const auto understood = Understand(words, kCommands);
  return understood.ok() ? *understood : Words{"error", std::string(understood.status().message())};
}

TEST(Understand, TakesTheUniqueBeginningOfACommand) {
  EXPECT_EQ(Understood({"rep", "a.dat"}), (Words{"report", "a.dat"}));
  EXPECT_EQ(Understood({"w"}), (Words{"works"}));
  EXPECT_EQ(Understood({"st"}), (Words{"error", "'st' may be stat or stalls: write more of it"}));
  EXPECT_EQ(Understood({"stat"}), (Words{"stat"}));
}

TEST(Understand, MakesHelpAndVersionOptions) {
  EXPECT_EQ(Understood({"help"}), (Words{"--help"}));
  EXPECT_EQ(Understood({"help", "rep"}), (Words{"report", "--help"}));
  EXPECT_EQ(Understood({"version"}), (Words{"--version"}));
  EXPECT_EQ(Understood({"-V"}), (Words{"--version"}));
}

TEST(Understand, TakesOptionsOfTheCommandBeforeIt) {
  EXPECT_EQ(Understood({"--no-pager", "report", "x"}), (Words{"report", "--no-pager", "x"}));
  EXPECT_EQ(Understood({"--color", "never", "-q", "works"}),
            (Words{"works", "--color", "never", "-q"}));
  EXPECT_EQ(Understood({"--color=always", "works"}), (Words{"works", "--color=always"}));
}

TEST(Understand, PointsFromCommandsOfOtherProgramsToOurs) {
  for (const char* word : {"timehist", "lat", "script"}) {
    const Words words = Understood({word});
    EXPECT_EQ(words[0], "error");
    EXPECT_NE(words[1].find("`wqprof "), std::string::npos) << words[1];
  }
  EXPECT_NE(Understood({"a.dat"})[1].find("wqprof report a.dat"), std::string::npos);
  EXPECT_NE(Understood({"reprot"})[1].find("did you mean 'report'?"), std::string::npos);
}

TEST(Understand, LeavesOptionsAndNothingAlone) {
  EXPECT_EQ(Understood({}), Words());
  EXPECT_EQ(Understood({"--help"}), (Words{"--help"}));
  EXPECT_EQ(Understood({""})[0], "");
  EXPECT_EQ(Understood({"-q"}), (Words{"-q"}));
}

TEST(TakeBehindDashes, TakesThemOff) {
  Words words = {"diff", "a", "--", "b", "--", "c"};
  EXPECT_EQ(TakeBehindDashes(words), (Words{"b", "--", "c"}));
  EXPECT_EQ(words, (Words{"diff", "a"}));
  EXPECT_EQ(TakeBehindDashes(words), Words());
}

TEST(GlobOfRegex, MatchesWhatTheExpressionDoes) {
  EXPECT_EQ(GlobOfRegex("^kb.*"), "kb*");
  EXPECT_EQ(GlobOfRegex("^kblockd$"), "kblockd");
  EXPECT_EQ(GlobOfRegex("block"), "*block*");
  EXPECT_EQ(GlobOfRegex("^xfs.+/sda$"), "xfs?*/sda");
  EXPECT_EQ(GlobOfRegex("^(a|b)$"), "a,b");
  EXPECT_EQ(GlobOfRegex("a\\.b"), "*a.b*");
  EXPECT_EQ(GlobOfRegex("\\"), "*");
}

TEST(LooksLikeRegex, KnowsGlobsFromExpressions) {
  for (const char* text : {"^kb", "kb$", "a|b", "kb.*", "(a)", "a+"}) {
    EXPECT_TRUE(LooksLikeRegex(text)) << text;
  }
  for (const char* text : {"kb*", "kb?ockd", "[a-z]*", "xfs-sync/sda", "ext4.x"}) {
    EXPECT_FALSE(LooksLikeRegex(text)) << text;
  }
}

}  // namespace
}  // namespace wqprof
