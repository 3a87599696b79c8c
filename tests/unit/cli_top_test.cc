// SPDX-License-Identifier: Apache-2.0
// Keys as a terminal sends them, and what they do to a live view.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/keys.h"
#include "cli/top_control.h"

namespace wqprof {
namespace {

using Kind = Key::Kind;

std::vector<Kind> Kinds(const std::vector<Key>& keys) {
  std::vector<Kind> kinds;
  for (const Key& key : keys) kinds.push_back(key.kind);
  return kinds;
}

TEST(KeyParserTest, KnowsTheSequencesOfCommonTerminals) {
  KeyParser parser;
  EXPECT_EQ(Kinds(parser.Take("\x1b[A\x1b[B\x1bOA\x1bOB")),
            (std::vector<Kind>{Kind::kUp, Kind::kDown, Kind::kUp, Kind::kDown}));
  EXPECT_EQ(
      Kinds(parser.Take("\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[Z")),
      (std::vector<Kind>{Kind::kPageUp, Kind::kPageDown, Kind::kHome, Kind::kEnd, Kind::kBackTab}));
  EXPECT_EQ(Kinds(parser.Take("\r\n\t\x7f\b")),
            (std::vector<Kind>{Kind::kEnter, Kind::kEnter, Kind::kTab, Kind::kBackspace,
                               Kind::kBackspace}));
  EXPECT_FALSE(parser.pending());
}

TEST(KeyParserTest, WaitsForTheRestOfASequenceAndTakesALoneEscapeAsAKey) {
  KeyParser parser;
  EXPECT_TRUE(parser.Take("\x1b").empty());
  EXPECT_TRUE(parser.pending());
  EXPECT_EQ(Kinds(parser.Take("[A")), (std::vector<Kind>{Kind::kUp}));
  EXPECT_TRUE(parser.Take("\x1b").empty());
  EXPECT_EQ(Kinds(parser.Settle()), (std::vector<Kind>{Kind::kEscape}));
  EXPECT_EQ(Kinds(parser.Take("\x1bq")), (std::vector<Kind>{Kind::kEscape, Kind::kText}));
}

TEST(KeyParserTest, TakesACharacterOfUtf8AsOne) {
  KeyParser parser;
  EXPECT_EQ(parser.Take("\xc3\xa4"), (std::vector<Key>{{Kind::kText, "\xc3\xa4"}}));
  EXPECT_TRUE(parser.Take("\xe2\x82").empty());
  EXPECT_EQ(parser.Take("\xac"), (std::vector<Key>{{Kind::kText, "\xe2\x82\xac"}}));
}

TEST(KeyParserTest, WhateverComesKeepsNoMoreThanASequence) {
  KeyParser parser;
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += "\x1b[1;2;3;4;5;6;7;8;9;10;11;12";
  parser.Take(bytes);
  parser.Settle();
  EXPECT_FALSE(parser.pending());
  EXPECT_EQ(parser.Take("q"), (std::vector<Key>{{Kind::kText, "q"}}));
}

// Two functions, two pools, two workers and a stall.
Window SomeWindow() {
  Window window;
  for (const char* name : {"aa_fn", "bb_fn"}) {
    WindowFunction function;
    function.function = name;
    function.workqueue = "wq";
    function.ended = 1;
    function.p99 = Nanos(name[0] == 'a' ? 5000 : 7000);
    function.per_second = name[0] == 'a' ? 9 : 3;
    window.functions.push_back(function);
  }
  for (const char* name : {"cpu0", "cpu1"}) {
    WindowPool pool;
    pool.pool.name = name;
    window.pools.push_back(pool);
    WindowWorker worker;
    worker.pool = name;
    worker.comm = "kworker/0:1";
    worker.pid = static_cast<Pid>(name[3]);
    window.workers.push_back(worker);
  }
  Stall stall;
  stall.id = 3;
  stall.pool = "cpu0";
  window.stalls.push_back(stall);
  return window;
}

// A user before a screen of 24 lines.
class TopControlTest : public ::testing::Test {
 protected:
  void Type(std::string_view bytes) {
    KeyParser parser;
    std::vector<Key> keys = parser.Take(bytes);
    for (Key& key : parser.Settle()) keys.push_back(std::move(key));
    for (const Key& key : keys) control.Press(key, window, facts, 24);
  }
  const TopView& view() const { return control.view(); }

  Window window = SomeWindow();
  TopFacts facts;
  TopControl control;
};

TEST_F(TopControlTest, LettersAndTabChooseThePage) {
  for (const auto& [keys, page] :
       std::vector<std::pair<std::string, TopPage>>{{"p", TopPage::kPools},
                                                    {"w", TopPage::kWorkers},
                                                    {"l", TopPage::kStalls},
                                                    {"f", TopPage::kFunctions},
                                                    {"\t", TopPage::kPools},
                                                    {"\t\t\t", TopPage::kFunctions},
                                                    {"\x1b[Z", TopPage::kStalls}}) {
    Type(keys);
    EXPECT_EQ(view().page, page) << keys;
  }
}

TEST_F(TopControlTest, ArrowsSelectARowAndFollowItWhenTheOrderChanges) {
  Type("\x1b[B");
  EXPECT_EQ(view().selected, "aa_fn wq") << "by p99 bb_fn is the first";
  Type("ss");  // by rate
  EXPECT_EQ(TopSortKeys(TopPage::kFunctions)[view().sort[0]], "rate");
  EXPECT_EQ(view().selected, "aa_fn wq");
  Type("\x1b[B");
  EXPECT_EQ(view().selected, "bb_fn wq");
  Type("\x1b[B\x1b[6~");
  EXPECT_EQ(view().selected, "bb_fn wq") << "there is no further one";
  Type("\x1b[H");
  EXPECT_EQ(view().selected, "aa_fn wq");
  Type("SSS");
  EXPECT_EQ(view().sort[0], TopSortKeys(TopPage::kFunctions).size() - 1) << "and around";
}

TEST_F(TopControlTest, EnterOpensTheStoryAndEscapeClosesIt) {
  Type("\r");
  EXPECT_TRUE(view().story);
  EXPECT_EQ(view().selected, "bb_fn wq");
  Type("\x1b[B\x1b[B\x1b[A");
  EXPECT_EQ(view().scrolled, 1u);
  Type("\x1b");
  EXPECT_FALSE(view().story);
  Type("l\r");
  EXPECT_TRUE(view().story);
  Type("p");
  EXPECT_EQ(view().page, TopPage::kStalls) << "a story has keys of its own";
  Type("q");
  EXPECT_TRUE(control.quit());
}

TEST_F(TopControlTest, OfAPageWithoutRowsThereIsNoStory) {
  window = Window();
  Type("\r\x1b[B");
  EXPECT_FALSE(view().story);
  EXPECT_EQ(view().selected, "");
}

TEST_F(TopControlTest, AFilterIsTypedAndMayHoldTheLettersOfKeys) {
  Type("/qp");
  EXPECT_TRUE(view().typing);
  EXPECT_EQ(view().filter, "qp");
  EXPECT_FALSE(control.quit());
  Type(
      "\x7f\x7f"
      "aa\r");
  EXPECT_FALSE(view().typing);
  EXPECT_EQ(TopRows(window, facts, view()), (std::vector<std::string>{"aa_fn wq"}));
  Type("\x1b");
  EXPECT_EQ(view().filter, "") << "Escape shows all again";
  Type("/bb\x1b");
  EXPECT_EQ(view().filter, "");
  Type("/" + std::string(1000, 'x') + "\r");
  EXPECT_LE(view().filter.size(), 64u);
}

TEST_F(TopControlTest, SpaceHoldsTheScreenAndTChangesTheSpan) {
  Type(" ");
  EXPECT_TRUE(view().paused);
  Type(" t");
  EXPECT_FALSE(view().paused);
  EXPECT_EQ(control.span(), std::chrono::seconds(60));
  Type("t?");
  EXPECT_EQ(control.span(), std::chrono::seconds(10));
  EXPECT_TRUE(view().help);
  Type("?");
  EXPECT_FALSE(view().help);
  EXPECT_FALSE(control.quit());
  Type("q");
  EXPECT_TRUE(control.quit());
}

}  // namespace
}  // namespace wqprof
