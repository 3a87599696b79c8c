// SPDX-License-Identifier: Apache-2.0
#include "wqprof/name_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace wqprof {
namespace {

TEST(NameTableTest, ANameHasOneId) {
  NameTable names;
  const NameId a = names.Intern("kblockd"), b = names.Intern("events");
  EXPECT_NE(a, b);
  EXPECT_EQ(names.Intern(std::string("kblockd")), a);
  EXPECT_EQ(names.Get(a), "kblockd");
  EXPECT_EQ(names.Get(b), "events");
}

TEST(NameTableTest, NothingIsUnknownAndUnknownIsNothing) {
  NameTable names;
  EXPECT_EQ(names.Intern(""), NameId::kUnknown);
  EXPECT_EQ(names.Get(NameId::kUnknown), "");
  EXPECT_EQ(names.Get(NameId{12345}), "");
}

TEST(NameTableTest, TheKernelsOwnFunctionsHaveFixedIds) {
  NameTable names;
  EXPECT_EQ(names.Intern("wq_barrier_func"), NameId::kBarrier);
  EXPECT_EQ(names.Intern("delayed_work_timer_fn"), NameId::kDelayedTimer);
}

TEST(NameTableTest, NamesMayHoldAnyBytes) {
  NameTable names;
  const std::string odd("a\0b \xff\n", 6);
  EXPECT_EQ(names.Get(names.Intern(odd)), odd);
}

TEST(NameTableTest, TextsStayWhereTheyAre) {
  NameTable names;
  const std::string_view first = names.Get(names.Intern("first"));
  const char* place = first.data();
  for (int i = 0; i < 100000; ++i) names.Intern(fmt::format("name{}", i));
  EXPECT_EQ(names.Get(names.Intern("first")).data(), place);
  EXPECT_EQ(first, "first");
}

TEST(NameTableTest, TheNumberOfNamesIsBounded) {
  NameTable names;
  for (size_t i = 0; i < NameTable::kMaxNames + 1000; ++i) names.Intern(fmt::format("{}", i));
  EXPECT_LE(names.size(), NameTable::kMaxNames + 1);
  EXPECT_EQ(names.Get(names.Intern("one too many")), "(other names)");
  EXPECT_EQ(names.Get(names.Intern("5")), "5") << "known names stay known";
}

TEST(NameTableTest, ThreadsAgreeOnIds) {
  NameTable names;
  constexpr int kNames = 2000;
  std::vector<std::vector<NameId>> ids(4, std::vector<NameId>(kNames));
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < ids.size(); ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < kNames; ++i) {
          const size_t n = (i * 7 + t * 501) % kNames;
          ids[t][n] = names.Intern(fmt::format("name{}", n));
        }
      });
    }
  }
  for (size_t t = 1; t < ids.size(); ++t) EXPECT_EQ(ids[t], ids[0]);
  for (size_t n = 0; n < kNames; ++n) EXPECT_EQ(names.Get(ids[0][n]), fmt::format("name{}", n));
}

TEST(SplitFunctionTest, AModuleStandsInBracketsBehindABlank) {
  EXPECT_EQ(SplitFunction("xfs_end_io [xfs]").name, "xfs_end_io");
  EXPECT_EQ(SplitFunction("xfs_end_io [xfs]").module, "xfs");
  EXPECT_EQ(SplitFunction("flush_to_ldisc").name, "flush_to_ldisc");
  EXPECT_EQ(SplitFunction("flush_to_ldisc").module, "");
}

TEST(SplitFunctionTest, WhatIsNoModuleStaysInTheName) {
  for (const char* text : {"", "]", "[x]", "f[x]", "f [x", "f x]", "f [x] "}) {
    EXPECT_EQ(SplitFunction(text).name, text);
    EXPECT_EQ(SplitFunction(text).module, "");
  }
}

}  // namespace
}  // namespace wqprof
