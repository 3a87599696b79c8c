// SPDX-License-Identifier: Apache-2.0
// Several threads read and sum up a trace as one does: for the thread sanitizer, without all that
// it need not look at.  That not a byte of a report differs, trace_threads_test tells.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "support/busy_trace.h"
#include "support/dat_encoder.h"
#include "support/read_dat.h"

namespace wqprof::testing {
namespace {

// A line a function: how many items, and for how long they waited and ran.
std::string SumsOf(const std::string& path, int threads) {
  const auto report = ReportOf(path, threads);
  if (!report.ok()) return std::string(report.status().message());
  std::string out = fmt::format("{} stalls\n", report->stalls_total);
  for (const FunctionRow& row : report->functions) {
    out += fmt::format("{} {} {} {}\n", row.function, row.measures.executed,
                       row.measures[Measure::kLatency].sum().count(),
                       row.measures[Measure::kExecution].sum().count());
  }
  return out;
}

TEST(AnalyzeThreadsTest, TheSumsAreTheSameForAnyNumberOfThreads) {
  const TemporaryFile file(EncodeDat(BusyTrace(30000)).Assemble());
  const std::string lost = WQPROF_TEST_DATA "/lab/6.12-cloud/lost/trace.dat";
  for (const std::string& path : {file.path(), lost}) {
    const std::string one = SumsOf(path, 1);
    EXPECT_NE(one.find("_fn"), std::string::npos) << one;
    for (const int threads : {2, 3, 8}) EXPECT_EQ(SumsOf(path, threads), one) << threads;
  }
}

}  // namespace
}  // namespace wqprof::testing
