// SPDX-License-Identifier: Apache-2.0
// What is read and summed up does not depend on how many threads do it.
#include <gtest/gtest.h>

#include <string>

#include "support/busy_trace.h"
#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "wqprof/render.h"

namespace wqprof::testing {
namespace {

std::string JsonOf(const std::string& path, int threads) {
  const auto report = ReportOf(path, threads);
  if (!report.ok()) return std::string(report.status().message());
  return *RenderReport(*report, Format::kJson, {}, {});
}

void ExpectTheSameForAll(const std::string& path) {
  const std::string one = JsonOf(path, 1);
  EXPECT_NE(one.find("\"schema\""), std::string::npos) << one.substr(0, 200);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(JsonOf(path, threads), one) << threads;
}

TEST(TraceThreadsTest, AReportIsTheSameForAnyNumberOfThreads) {
  for (const bool zstd : {false, true}) {
    DatStyle style;
    style.zstd = zstd;
    const TemporaryFile file(EncodeDat(BusyTrace(30000), style).Assemble());
    ExpectTheSameForAll(file.path());
  }
}

TEST(TraceThreadsTest, LossesAndDamageAreTheSameForAnyNumberOfThreads) {
  ExpectTheSameForAll(WQPROF_TEST_DATA "/lab/6.12-cloud/lost/trace.dat");
  std::string bytes = EncodeDat(BusyTrace(5000)).Assemble();
  for (size_t at = bytes.size() / 4; at < bytes.size() * 3 / 4; at += 9973) bytes[at] ^= 0x55;
  const TemporaryFile file(bytes);
  ExpectTheSameForAll(file.path());
}

}  // namespace
}  // namespace wqprof::testing
