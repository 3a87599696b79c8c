// SPDX-License-Identifier: Apache-2.0
// The kernel's counters as a live view.
#include "wqprof/render_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "render/text.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;

WorkqueueSetup Counting(std::string_view name, uint64_t started, uint64_t cpu_ns) {
  WorkqueueSetup out;
  out.name = name;
  out.unbound = false;
  const auto set = [&out](WorkqueueCounter counter, uint64_t begin, uint64_t end) {
    out.begin[static_cast<size_t>(counter)] = begin;
    out.end[static_cast<size_t>(counter)] = end;
  };
  for (size_t i = 0; i < kWorkqueueCounters; ++i) set(static_cast<WorkqueueCounter>(i), 5, 5);
  set(WorkqueueCounter::kStarted, 1000, 1000 + started);
  set(WorkqueueCounter::kCompleted, 1000, 1000 + started);
  set(WorkqueueCounter::kCpuTime, 7, 7 + cpu_ns);
  return out;
}

WorkqueueConfig Machine() {
  WorkqueueConfig config;
  config.source = "bpf";
  config.workqueues = {Counting("quiet_wq", 0, 0), Counting("slow_wq", 10, 900'000'000),
                       Counting("fast_wq", 20000, 100'000'000)};
  config.workqueues[1].end[static_cast<size_t>(WorkqueueCounter::kMayday)] = 8;
  return config;
}

CountersView View() {
  CountersView view;
  view.length = 2s;
  view.machine = "box";
  view.kernel = "6.18.1";
  view.time = "12:00:00";
  return view;
}

size_t LineOf(const std::vector<std::string>& lines, std::string_view words) {
  const auto found = std::find_if(lines.begin(), lines.end(), [words](const std::string& line) {
    return line.find(words) != std::string::npos;
  });
  return static_cast<size_t>(found - lines.begin());
}

TEST(CountersTest, ShowsRatesOfThePeriodTheFastestFirst) {
  const auto lines = CounterLines(Machine(), View(), 0, TextStyle());
  EXPECT_NE(lines[0].find("10,005 works/s"), std::string::npos) << lines[0];
  const size_t fast = LineOf(lines, "fast_wq"), slow = LineOf(lines, "slow_wq");
  ASSERT_LT(slow, lines.size());
  EXPECT_LT(fast, slow);
  EXPECT_NE(lines[fast].find("10,000"), std::string::npos) << lines[fast];
  EXPECT_NE(lines[fast].find(" 5.0%"), std::string::npos) << lines[fast];
  EXPECT_NE(lines[slow].find("45.0%"), std::string::npos) << lines[slow];
  // 3 of 8.
  EXPECT_NE(lines[slow].find(" 3 "), std::string::npos) << lines[slow];
}

TEST(CountersTest, WhatDidNothingIsANumber) {
  const auto lines = CounterLines(Machine(), View(), 0, TextStyle());
  EXPECT_EQ(LineOf(lines, "quiet_wq"), lines.size());
  EXPECT_EQ(lines.back(), "1 workqueue did nothing");
}

TEST(CountersTest, CanBeSorted) {
  CountersView view = View();
  const auto keys = CounterSortKeys();
  view.sort = static_cast<size_t>(std::find(keys.begin(), keys.end(), "cpu") - keys.begin());
  ASSERT_LT(view.sort, keys.size());
  const auto lines = CounterLines(Machine(), view, 0, TextStyle());
  EXPECT_LT(LineOf(lines, "slow_wq"), LineOf(lines, "fast_wq"));
}

TEST(CountersTest, FitsAnyTerminal) {
  WorkqueueConfig config = Machine();
  for (int i = 0; i < 60; ++i) {
    config.workqueues.push_back(Counting("a_workqueue_with_a_name/" + std::to_string(i), 9, 9));
  }
  CountersView view = View();
  view.interactive = true;
  for (const size_t rows : {1u, 2u, 5u, 24u, 100u}) {
    const auto lines = CounterLines(config, view, rows, TextStyle{.columns = 80});
    EXPECT_LE(lines.size(), rows);
    for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 80u) << line;
  }
  const auto lines = CounterLines(config, view, 24, TextStyle{.columns = 80});
  EXPECT_EQ(LineOf(lines, "further, 1 workqueue did nothing"), 22u) << lines[22];
}

TEST(CountersTest, BeforeASecondReadingThereIsNothing) {
  WorkqueueConfig config;
  const auto lines = CounterLines(config, View(), 0, TextStyle());
  EXPECT_EQ(lines.back(), "0 workqueues did nothing");
}

}  // namespace
}  // namespace wqprof
