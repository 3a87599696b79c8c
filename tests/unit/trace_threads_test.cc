// SPDX-License-Identifier: Apache-2.0
// What is read and summed up does not depend on how many threads do it.
#include <gtest/gtest.h>

#include <string>

#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/render.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// Works of a few kinds on four CPUs, some of which wait, are taken back or cross to another CPU:
// enough of them for many batches a CPU.
TraceBuilder BusyTrace(int works) {
  TraceBuilder t;
  for (int i = 0; i < works; ++i) {
    const Nanos at = i * 2us;
    const Emitter& by = i % 3 == 0 ? kOtherTask : kTask;
    const WorkAddr work{0xffff888100000000 + static_cast<uint64_t>(i % 97) * 0x100};
    const bool unbound = i % 5 == 0;
    const Job job = unbound ? kUnboundJob : Job{i % 2 == 0 ? "even_fn" : "odd_fn", "bound_wq", 0};
    const Emitter& worker = unbound ? (i % 10 == 0 ? kUnboundWorker : kUnboundWorker2) : kWorker;
    t.Put(at, by, work, job);
    if (i % 11 == 0) t.Put(at + 100ns, by, work, job);
    t.Run(at + 500ns + (i % 7) * 10ns, at + 1us + (i % 13) * 10ns, worker, work, job);
  }
  return t;
}

std::string ReportOf(const std::string& path, int threads) {
  OpenOptions open;
  open.threads = threads;
  auto source = OpenTrace(path, open);
  if (!source.ok()) return std::string(source.status().message());
  AnalyzeOptions options;
  options.by_origin = options.by_cpu = options.by_pool = options.by_worker = true;
  options.stall_threshold = 1us;
  const auto report = Analyze(**source, options);
  if (!report.ok()) return std::string(report.status().message());
  return *RenderReport(*report, Format::kJson, {}, {});
}

void ExpectTheSameForAll(const std::string& path) {
  const std::string one = ReportOf(path, 1);
  EXPECT_NE(one.find("\"schema\""), std::string::npos) << one.substr(0, 200);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(ReportOf(path, threads), one) << threads;
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
