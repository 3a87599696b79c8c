// SPDX-License-Identifier: Apache-2.0
// What is wrong in a budget file is told where it stands, all of it at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wqprof/budget.h"

namespace wqprof {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "LINE:COLUMN: text" of each problem.
std::vector<std::string> ProblemsOf(std::string_view text) {
  std::vector<std::string> out;
  for (const BudgetProblem& p : ParseBudget(text, "b.toml").problems) {
    out.push_back(std::to_string(p.place.line) + ":" + std::to_string(p.place.column) + ": " +
                  (p.warning ? "warning: " : "") + p.text);
  }
  return out;
}

std::vector<std::string> ProblemsOfRule(const std::string& lines) {
  return ProblemsOf("schema = 1\n[[budget]]\nlatency.max = \"1ms\"\n" + lines);
}

TEST(BudgetReaderTest, CannotTakeOneKeyForALimitAndForMore) {
  EXPECT_THAT(ProblemsOfRule("latency.p99 = \"1ms\"\nlatency.p99.9 = \"2ms\"\n"),
              ElementsAre(HasSubstr("5:")));
  EXPECT_THAT(ProblemsOfRule("latency.p99 = \"1ms\"\nlatency.p999 = \"2ms\"\n"), ElementsAre());
}

TEST(BudgetReaderTest, RefusesALimitThatNothingReaches) {
  for (const char* number : {"inf", "-inf", "nan", "+inf"}) {
    EXPECT_THAT(
        ProblemsOfRule(std::string("stalls = ") + number + "\n"),
        ElementsAre(HasSubstr("4:10: this must be a number, without quotes and not infinite")))
        << number;
  }
}

TEST(BudgetReaderTest, WarnsOfTwoRulesOfOneName) {
  const std::string rule = "[[budget]]\nname = \"x\"\nlatency.max = \"1ms\"\n";
  EXPECT_THAT(ProblemsOf("schema = 1\n" + rule + rule),
              ElementsAre(HasSubstr("5:1: warning: the rule in line 2 has this name as well")));
}

TEST(BudgetReaderTest, TakesDefaultsRulesAndLimits) {
  const ParsedBudget parsed = ParseBudget(R"(
schema = 1
[[budget]]
name = "block"
workqueue = ["kblockd", "nvme-*"]
cpu = "0-2"
latency.p99.9 = "20ms"
execution.max = "50ms"
execution.on_cpu.p50 = "1ms"
stalls = 0
busy_fraction = "90%"
level = "warn"
match = "optional"
confidence = 0.9
[[regression]]
for_each = "function"
metric = "latency.p999"
max_ratio = 1.15
min_delta = "200us"
[defaults]
confidence = 0.99
few_samples = "skip"
)",
                                          "b.toml");
  // Pools do not belong to a workqueue.
  ASSERT_EQ(parsed.problems.size(), 1u);
  EXPECT_THAT(parsed.problems[0].text, HasSubstr("busy_fraction is a pool's"));
  ASSERT_EQ(parsed.budget.rules.size(), 2u);
  const Rule& rule = parsed.budget.rules[0];
  EXPECT_THAT(rule.selector.workqueues, ElementsAre("kblockd", "nvme-*"));
  EXPECT_THAT(rule.selector.cpus, ElementsAre(Cpu{0}, Cpu{1}, Cpu{2}));
  ASSERT_EQ(rule.limits.size(), 5u);
  EXPECT_DOUBLE_EQ(rule.limits[0].metric.quantile, 0.999);
  EXPECT_EQ(rule.limits[0].value, 20e6);
  EXPECT_EQ(rule.limits[2].metric.name, "execution.on_cpu.p50");
  EXPECT_EQ(rule.limits[4].value, 0.9);
  EXPECT_TRUE(rule.warn_only);
  EXPECT_FALSE(rule.match_required);
  EXPECT_EQ(rule.settings.confidence, 0.9);
  EXPECT_TRUE(rule.settings.skip_few_samples);
  const Rule& regression = parsed.budget.rules[1];
  ASSERT_TRUE(regression.regression.has_value());
  EXPECT_DOUBLE_EQ(regression.regression->metric.quantile, 0.999);
  EXPECT_EQ(regression.regression->min_delta, 200e3);
  EXPECT_EQ(regression.settings.confidence, 0.99);
}

TEST(BudgetReaderTest, NamesTheNearestRightWord) {
  EXPECT_THAT(ProblemsOfRule("worqueue = \"x\"\n"),
              ElementsAre("4:1: unknown key 'worqueue' (did you mean 'workqueue'?)"));
  EXPECT_THAT(ProblemsOfRule("level = \"eror\"\n"),
              ElementsAre(HasSubstr("did you mean 'error'?")));
  EXPECT_THAT(
      ProblemsOfRule("execution.maxx = \"1ms\"\n"),
      ElementsAre(HasSubstr("4:11: 'maxx' is nothing that execution has (did you mean 'max'")));
  EXPECT_THAT(ProblemsOf("schema = 1\n[[regression]]\nmax_ratio=1.1\nmetric = \"latncy.p99\"\n"),
              ElementsAre(HasSubstr("did you mean 'latency'?")));
}

TEST(BudgetReaderTest, RefusesWrongUnits) {
  EXPECT_THAT(ProblemsOfRule("execution.max = 10\n"),
              ElementsAre(HasSubstr("4:17: a duration needs a unit")));
  EXPECT_THAT(ProblemsOfRule("execution.max = \"10mss\"\n"), ElementsAre(HasSubstr("4:17: ")));
  EXPECT_THAT(ProblemsOfRule("stalls = \"none\"\n"), ElementsAre(HasSubstr("must be a number")));
  EXPECT_THAT(ProblemsOfRule("cpu = \"0-\"\n"), ElementsAre(HasSubstr("not a list of CPUs")));
  EXPECT_THAT(ProblemsOfRule("confidence = 1.5\n"), ElementsAre(HasSubstr("between 0.5 and 1")));
}

TEST(BudgetReaderTest, MeasuresTheLeastDifferenceInTheUnitOfTheMetric) {
  const std::string regression = "schema = 1\n[[regression]]\nmax_ratio = 1.1\n";
  EXPECT_THAT(ProblemsOf(regression + "min_delta = 200\nmetric = \"latency.p99\"\n"),
              ElementsAre(HasSubstr("4:13: a duration needs a unit")));
  EXPECT_THAT(ProblemsOf(regression + "min_delta = \"2us\"\nmetric = \"latency.rate\"\n"),
              ElementsAre(HasSubstr("4:13: this must be a number")));
  EXPECT_THAT(ProblemsOf(regression + "min_delta = 200\nmetric = \"latency.rate\"\n"),
              ElementsAre());
  EXPECT_THAT(ProblemsOf(regression + "metric = \"p99\"\n"),
              ElementsAre(HasSubstr("did you mean 'latency.p99'?")));
}

TEST(BudgetReaderTest, TellsOfRulesThatCannotDoWhatTheyAreFor) {
  EXPECT_THAT(ProblemsOf("schema = 1\n[[regression]]\nmetric = \"latency.p99\"\nmax_ratio = 1.1\n"
                         "min_runs = 2\n"),
              ElementsAre(HasSubstr("2:1: this rule can never fail: 2 v 2 runs reach p = 0.17")));
  EXPECT_THAT(ProblemsOf("schema = 1\n[[regression]]\nmetric = \"latency.p99\"\nmax_ratio = 1.1\n"
                         "min_runs = 3\n"),
              ElementsAre());
  EXPECT_THAT(ProblemsOfRule("latency.p99 = \"1ms\"\nmin_samples = 10\n"),
              ElementsAre(HasSubstr("warning: min_samples = 10 is too few for latency.p99")));
  EXPECT_THAT(ProblemsOfRule("busy_fraction = 1\n"), ElementsAre(HasSubstr("cannot fail")));
  EXPECT_THAT(ProblemsOfRule("lost_events = 0\ncpu = 1\n"),
              ElementsAre(HasSubstr("whole trace's")));
}

TEST(BudgetReaderTest, TellsOfAFileThatIsNone) {
  EXPECT_THAT(ProblemsOf(""), ElementsAre(HasSubstr("schema = 1")));
  EXPECT_THAT(ProblemsOf("schema = 1\n"), ElementsAre(HasSubstr("no rule in it")));
  EXPECT_THAT(ProblemsOf("schema = 2\n[[budget]]\nstalls = 0\n"),
              ElementsAre(HasSubstr("1:10: this program knows schema = 1")));
  EXPECT_THAT(ProblemsOf("schema = 1\n[[budget\n"), ElementsAre(HasSubstr("2:9: ")));
  EXPECT_THAT(ProblemsOf("schema = 1\nbudget = 3\n"), ElementsAre(HasSubstr("write [[budget]]")));
  EXPECT_THAT(ProblemsOf("schema = 1\n[[budget]]\nname = \"x\"\n"),
              ElementsAre(HasSubstr("limits nothing")));
}

TEST(RunsTest, AreTooFewBeforeAnyIsMade) {
  const std::string regression =
      "schema = 1\n[[regression]]\nmetric = \"latency.p99\"\nmax_ratio = 1.1\n";
  const auto problems = [&](const std::string& more, size_t base, size_t now) {
    return ProblemsOfRuns(ParseBudget(regression + more, "b.toml").budget, base, now);
  };
  EXPECT_THAT(problems("", 5, 5), ElementsAre());
  ASSERT_EQ(problems("", 5, 4).size(), 1u);
  EXPECT_FALSE(problems("", 5, 4)[0].warning);
  EXPECT_EQ(problems("", 5, 4)[0].place.line, 2u);
  EXPECT_THAT(problems("", 0, 5)[0].text, HasSubstr("0 v 5 runs, needs 5 v 5"));
  EXPECT_TRUE(problems("on_inconclusive = \"pass\"\n", 1, 1)[0].warning);
}

TEST(FailConditionTest, IsAMetricAndAChange) {
  const auto condition = ParseFailCondition("execution.p95 > +15%");
  ASSERT_TRUE(condition.ok());
  EXPECT_EQ(condition->metric.name, "execution.p95");
  EXPECT_DOUBLE_EQ(condition->ratio, 1.15);
  for (const char* wrong : {"latency.p99", "latency.p99 > 15", "latency.p99 > -5%",
                            "latency.count > +5%", "latencyy.p99 > +5%", "stalls > +5%"}) {
    EXPECT_FALSE(ParseFailCondition(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace wqprof
