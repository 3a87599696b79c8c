// SPDX-License-Identifier: Apache-2.0
// The option in which a recording keeps who waited in flushes.
#include "wqprof/flush_waits.h"

#include <gtest/gtest.h>

#include <string>

namespace wqprof {
namespace {

FlushWait Wait(int64_t begin, int64_t end, std::string comm = "fio") {
  FlushWait out;
  out.begin = Timestamp(Nanos(begin));
  out.end = Timestamp(Nanos(end));
  out.task = Pid{7};
  out.comm = std::move(comm);
  out.object = 0xffff888100184800;
  out.function = "flush_to_ldisc";
  return out;
}

FlushLog Log() {
  FlushLog out;
  out.source = "bpf";
  out.floor = std::chrono::microseconds(100);
  out.begin = Timestamp(Nanos(5));
  out.end = Timestamp(Nanos(5'000'000));
  out.hooks = {{FlushKind::kFlushWork, {"__flush_work"}, "", 12, 1},
               {FlushKind::kDrainWorkqueue, {}, "the kernel has no such function", 0, 0}};
  out.lost = 3;
  out.unfollowed = 2;
  out.left_out = 1;
  out.waits = {Wait(10, 300'000), Wait(20, 400'000)};
  out.waits[1].kind = FlushKind::kFlushWorkqueue;
  out.waits[1].function = "";
  out.waits[1].workqueue = "a \"name\"\n";
  return out;
}

TEST(FlushWaits, ComeBackFromTheirText) {
  const auto back = ParseFlushes(FlushesToJson(Log()));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(*back, Log());
}

TEST(FlushWaits, OfALogThatHasNothingTheReasonComesBack) {
  FlushLog log;
  log.limited_by = "the kernel has no BTF";
  const auto back = ParseFlushes(FlushesToJson(log));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(*back, log);
}

TEST(FlushWaits, ThatEventsShowAreNotedAndNotCounted) {
  const FlushLog log = FlushesByEvents(std::chrono::microseconds(100), "the kernel has no BTF");
  EXPECT_TRUE(log.by_events());
  ASSERT_EQ(log.hooks.size(), kFlushKinds);
  for (const FlushHook& hook : log.hooks) {
    EXPECT_EQ(hook.functions.empty(), IsOfWorkqueue(hook.kind)) << ToString(hook.kind);
    EXPECT_EQ(hook.absent_by.empty(), !IsOfWorkqueue(hook.kind)) << ToString(hook.kind);
  }
  const std::string text = FlushesToJson(log);
  EXPECT_EQ(text.find("calls"), std::string::npos) << text;
  const auto back = ParseFlushes(text);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(*back, log);
}

TEST(FlushWaits, OfANameThatIsNoUtf8SomethingIsLeft) {
  FlushLog log = Log();
  log.waits[0].comm = "a\xff";
  const auto back = ParseFlushes(FlushesToJson(log));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->waits[0].comm, "a\xef\xbf\xbd");
}

TEST(FlushWaits, OtherTextsAreNone) {
  for (const char* text : {"", "{", "[]", "null", "{}", R"({"schema":"wqprof.workqueues/1"})",
                           R"({"schema":7})", "{\"schema\":\"wqprof.flushes/1\""}) {
    EXPECT_EQ(ParseFlushes(text), nullptr) << text;
  }
}

TEST(FlushWaits, WhatHasNotTheRightFormIsLeftOut) {
  const auto log = ParseFlushes(R"({"schema":"wqprof.flushes/1","source":1,"floor_ns":-1,
      "begin_ns":1e30,"lost":18446744073709551615,"kinds":[7,{"kind":"none"},
      {"kind":"flush_work","functions":[1,"f"],"calls":"many"}],
      "waits":[7,{},{"kind":"flush_work"},{"kind":"flush_work","begin_ns":5,"end_ns":4},
      {"kind":"flush_work","begin_ns":-5,"end_ns":4},
      {"kind":"flush_work","begin_ns":1,"end_ns":18446744073709551615},
      {"kind":"cancel_work_sync","begin_ns":1,"end_ns":9,"pid":-5,"comm":[],"address":"xyz"}]})");
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->source, "");
  EXPECT_EQ(log->floor, Nanos(0));
  EXPECT_EQ(log->begin, kUnseen);
  EXPECT_EQ(log->lost, 0U);
  ASSERT_EQ(log->hooks.size(), 1U);
  EXPECT_EQ(log->hooks[0], (FlushHook{FlushKind::kFlushWork, {"f"}, "", {}, {}}));
  ASSERT_EQ(log->waits.size(), 1U);
  EXPECT_EQ(log->waits[0].kind, FlushKind::kCancelWork);
  EXPECT_EQ(log->waits[0].Lasted(), Nanos(8));
  EXPECT_EQ(log->waits[0].task, Pid::kNone);
}

TEST(FlushWaits, HostileTextsHaveLimits) {
  std::string many = R"({"schema":"wqprof.flushes/1","waits":[)";
  for (int i = 0; i < 30'000; ++i) many += R"({"kind":"flush_work","begin_ns":1,"end_ns":2},)";
  many += "{}]}";
  const auto log = ParseFlushes(many);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->waits.size(), 20'000U);
  EXPECT_EQ(ParseFlushes(std::string(size_t{5} << 20, ' ')), nullptr);
  EXPECT_EQ(ParseFlushes(std::string(size_t{1} << 20, '[')), nullptr);
}

TEST(FlushWaits, TheLongestAreKeptAndTheOthersCounted) {
  LongestFlushes longest(3);
  for (const int64_t length : {5, 1, 9, 2, 8, 7, 3}) longest.Add(Wait(0, length));
  EXPECT_EQ(longest.left_out(), 4U);
  const std::vector<FlushWait> kept = longest.Take();
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[0].Lasted(), Nanos(7));
  EXPECT_EQ(kept[1].Lasted(), Nanos(8));
  EXPECT_EQ(kept[2].Lasted(), Nanos(9));
}

// What a recorder may write at most is what a reader takes.
TEST(FlushWaits, AFullLogComesBackWhole) {
  FlushLog log = Log();
  log.waits.clear();
  for (size_t i = 0; i < kMostFlushWaits; ++i) {
    FlushWait wait = Wait(1'000'000'000'000'000'000, 1'000'000'000'000'100'000, "0123456789abcde");
    wait.function = std::string(60, 'f') + " [" + std::string(56, 'm') + "]";
    log.waits.push_back(wait);
  }
  const auto back = ParseFlushes(FlushesToJson(log));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->waits.size(), kMostFlushWaits);
}

}  // namespace
}  // namespace wqprof
