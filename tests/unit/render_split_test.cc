// SPDX-License-Identifier: Apache-2.0
// How the sums of splits are shown.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "render/pictures.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

using std::chrono::microseconds;
using Json = nlohmann::json;

Report Sample(bool has_sched) {
  Report report;
  report.source.has_sched = has_sched;
  FunctionRow row{"events", "first_fn", "", {}};
  row.measures[Measure::kDispatchWait].AddTimes(microseconds(10), 4);
  if (has_sched) {
    row.measures.split.waits = 4;
    row.measures.split.wait.runqueue = microseconds(30);
    row.measures.split.wait.unknown = microseconds(10);
  }
  report.functions = {row, {"events", "other_fn", "", {}}};
  return report;
}

Json Function(const Report& report, size_t row) {
  return Json::parse(*RenderReport(report, Format::kJson, {}, {}))["functions"][row];
}

TEST(StackText, DealsOutAllOfItsWidth) {
  EXPECT_EQ(StackText({{{'a', 0.5}, {'b', 0.5}}}, 4), "aabb");
  EXPECT_EQ(StackText({{{'a', 0.34}, {'b', 0.33}, {'c', 0.33}}}, 10), "aaaabbbccc");
  EXPECT_EQ(StackText({{{'a', 1.0}, {'b', 0.0}}}, 3), "aaa");
}

TEST(StackText, OfNothingIsEmpty) { EXPECT_EQ(StackText({{{'a', 0.0}, {'b', 0.0}}}, 5), ""); }

TEST(Split, IsAnObjectOfSumsInJson) {
  const Json split = Function(Sample(true), 0)["split"];
  EXPECT_EQ(split["dispatch_wait"]["items"], 4);
  EXPECT_EQ(split["dispatch_wait"]["runqueue"], 30'000);
  EXPECT_EQ(split["dispatch_wait"]["unknown"], 10'000);
  EXPECT_EQ(split["dispatch_wait"]["hold"], 0);
  EXPECT_TRUE(split["execution"].is_null()) << "no execution was split";
}

TEST(Split, IsAbsentWithoutSchedulerEvents) {
  EXPECT_FALSE(Function(Sample(false), 0).contains("split"));
  const std::string csv = *RenderReport(Sample(false), Format::kCsv, {}, {});
  EXPECT_EQ(csv.find("split"), std::string::npos);
}

TEST(Split, TextShowsTheRowsThatHaveOneAndWhatTheyMostlyAre) {
  View view;
  view.split = true;
  const std::string text = *RenderReport(Sample(true), Format::kTable, view, {});
  EXPECT_NE(text.find("runqueue 75.0%"), std::string::npos) << text;
  EXPECT_NE(text.find("rrrrrrrrrrrrrrrrrrr??????"), std::string::npos) << text;
  EXPECT_EQ(text.find("other_fn"), std::string::npos) << text;
}

TEST(Split, TextIsSortedByAPartsTimeNotByItsShare) {
  Report report = Sample(true);
  report.functions[1].measures.split.waits = 1;
  report.functions[1].measures.split.wait.runqueue = microseconds(1);
  View view;
  view.split = true;
  view.sort = "runqueue";
  const std::string text = *RenderReport(report, Format::kTable, view, {});
  EXPECT_LT(text.find("first_fn"), text.find("other_fn")) << text;
}

TEST(Split, WhatWasStolenIsAColumnOnlyWhereItWasSeen) {
  Report report = Sample(true);
  report.functions[0].measures.split.runs = 4;
  report.functions[0].measures.split.run.on_cpu = microseconds(40);
  View view;
  view.split = true;
  EXPECT_EQ(RenderReport(report, Format::kTable, view, {})->find("STOLEN"), std::string::npos);
  EXPECT_TRUE(Function(report, 0)["split"]["stolen"].is_null());
  report.functions[0].measures.split.run.stolen_bh = microseconds(10);
  const std::string text = *RenderReport(report, Format::kTable, view, {});
  EXPECT_NE(text.find("STOLEN"), std::string::npos) << text;
  EXPECT_NE(text.find("25.0%"), std::string::npos) << text;
  const Json stolen = Function(report, 0)["split"]["stolen"];
  EXPECT_EQ(stolen["bh"], 10'000);
  EXPECT_TRUE(stolen["irq"].is_null());
}

TEST(Split, SumsThatDoNotFitSaturate) {
  SplitSums sums;
  sums.wait.hold = sums.wait.unknown = Nanos::max();
  EXPECT_EQ(sums.wait.Sum(), Nanos::max());
}

}  // namespace
}  // namespace wqprof
