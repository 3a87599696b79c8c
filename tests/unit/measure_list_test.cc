// SPDX-License-Identifier: Apache-2.0
// Whatever is in kMeasures arrives everywhere: in reports of every format, as a key to sort by,
// in budgets and in comparisons.  A measure of which this test knows nothing must pass it as well.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/budget.h"
#include "wqprof/render.h"
#include "wqprof/schema.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::Emitter;
using testing::kTask;
using testing::kWorkA;
using testing::kWorker;
using testing::TraceBuilder;

// Delayed works, whose life has every event that there is: each measure has values.
TraceBuilder& WholeLives(TraceBuilder& t) {
  constexpr Emitter kSoftirq{501, "other", 1, kFlagSoftirq};
  // HZ is known from the first second on.
  t.Arm(0ms, kTask, WorkAddr{0x9000}, 100).Arm(1s, kTask, WorkAddr{0xa000}, 100);
  for (int i = 0; i < 400; ++i) {
    const Nanos at = 1100ms + i * 20ms;
    t.Arm(at, kTask, kWorkA, 2).Arm(at + 1ms, kTask, kWorkA, 2);
    t.Expire(at + 10ms, kSoftirq, kWorkA).Put(at + 10ms + 2us, kSoftirq, kWorkA);
    t.Run(at + 11ms, at + 12ms, kWorker, kWorkA);
  }
  t.mutable_info().has_timers = true;
  t.Rewind();
  return t;
}

class EveryMeasure : public ::testing::TestWithParam<MeasureSpec> {
 protected:
  std::string name() const { return std::string(GetParam().name); }
};

TEST_P(EveryMeasure, IsInTextJsonAndCsvAndCanBeSortedBy) {
  TraceBuilder trace;
  const absl::StatusOr<Report> report = Analyze(WholeLives(trace), {.by_pool = true});
  ASSERT_TRUE(report.ok());
  const Json document = Json::parse(*RenderReport(*report, Format::kJson, {}, {}));
  for (const char* table : {"functions", "workqueues", "pools"}) {
    EXPECT_EQ(document[table][0][name()]["count"], 400) << table;
  }
  const std::string csv = *RenderReport(*report, Format::kCsv, {.tables = {"functions"}}, {});
  EXPECT_NE(csv.find("," + name() + "_p99_ns"), std::string::npos);
  for (const std::string& key : {name(), name() + ".p99", name() + ".p99.9", name() + ".max"}) {
    const auto text =
        RenderReport(*report, Format::kTable, {.tables = {"functions"}, .sort = key}, {});
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_NE(text->find("by " + key), std::string::npos);
  }
}

TEST_P(EveryMeasure, IsInTheSchemas) {
  for (const auto& [schema, text] : Schemas()) {
    const std::string key = schema == "wqprof.works/1" ? name() + "_ns" : name();
    if (schema != "wqprof.report/1" && schema != "wqprof.works/1") continue;
    EXPECT_NE(text.find("\"" + key + "\": {"), std::string::npos) << schema;
  }
}

TEST_P(EveryMeasure, CanBeSortedByWhereNoItemHasIt) {
  Report report;
  report.functions.resize(2);
  EXPECT_TRUE(RenderReport(report, Format::kTable, {.sort = name()}, {}).ok());
}

TEST_P(EveryMeasure, CanHaveABudget) {
  const ParsedBudget parsed = ParseBudget(
      "schema = 1\n[[budget]]\nname = \"x\"\n" + name() + ".p95 = \"50ms\"\n[[regression]]\n" +
          "name = \"y\"\nmetric = \"" + name() + ".p99\"\nmax_ratio = 1.2\n",
      "b.toml");
  for (const BudgetProblem& problem : parsed.problems) ADD_FAILURE() << problem.text;
  TraceBuilder trace;
  Budget budget = parsed.budget;
  budget.rules.resize(1);
  RunSet runs(WantedBy(budget), 10ms);
  ASSERT_TRUE(runs.Add(WholeLives(trace)).ok());
  const CheckResult result = CheckBudget(budget, runs, nullptr);
  ASSERT_EQ(result.outcomes.size(), 1u);
  EXPECT_EQ(result.outcomes[0].verdict, Verdict::kPass) << result.outcomes[0].why;
  EXPECT_EQ(result.outcomes[0].samples, 400u);
}

TEST_P(EveryMeasure, CanBeCompared) {
  const auto metric = ParseMetric(name() + ".mean");
  ASSERT_TRUE(metric.ok()) << metric.status();
  DiffOptions options;
  options.metrics = {*metric};
  TraceBuilder before, after;
  RunSet base(WantedBy(options), 10ms), now(WantedBy(options), 10ms);
  ASSERT_TRUE(base.Add(WholeLives(before)).ok());
  ASSERT_TRUE(now.Add(WholeLives(after)).ok());
  const DiffResult result = Diff(options, base, now);
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(result.rows[0].changes[0].ratio, 1.0);
  EXPECT_TRUE(ParseFailCondition(name() + ".p99 > +15%").ok());
}

TEST_P(EveryMeasure, IsInTheManual) {
  for (const char* page : {"wqprof-json.5.scd", "wqprof-budget.5.scd"}) {
    std::ifstream file(std::string(WQPROF_TEST_DATA "/../../man/") + page);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_NE(text.find("*" + name() + "*"), std::string::npos) << page;
  }
}

INSTANTIATE_TEST_SUITE_P(Measures, EveryMeasure, ::testing::ValuesIn(kMeasures),
                         [](const auto& made) { return std::string(made.param.name); });

}  // namespace
}  // namespace wqprof
