// SPDX-License-Identifier: Apache-2.0
#include "wqprof/hist.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "hist/record.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;

FunctionRow Row(std::string workqueue, std::string function, std::vector<Nanos> latencies) {
  FunctionRow row;
  row.workqueue = std::move(workqueue);
  row.function = std::move(function);
  for (const Nanos latency : latencies) {
    row.measures[Measure::kLatency].Add(latency);
    ++row.measures.queued;
    ++row.measures.executed;
  }
  return row;
}

Report SomeReport(const std::string& boot = "6a0b1c2d-0000-4000-8000-0123456789ab") {
  Report report;
  report.recorded = WorkqueueEvents::All();
  report.source.boot_id = boot;
  report.source.machine = "host7";
  report.source.kernel = "6.1.0";
  report.read.begin = Timestamp(5s);
  report.read.end = Timestamp(7s);
  report.duration = 2s;
  report.functions = {Row("xfs-conv/dm-3", "xfs_end_io", {10us, 20us}),
                      Row("xfs-conv/dm-4", "xfs_end_io", {40us}),
                      Row("events", "vmstat_shepherd", {1ns, 0ns, 3ms})};
  return report;
}

std::string LinesOf(const Report& report, const HistOptions& options = {}) {
  return ToHistNdjson(MakeHistSnapshot(report, {}, options));
}

MergedHists Merge(const std::vector<std::string>& files, MergeKeys keys = {}) {
  HistMerger merger(std::move(keys));
  for (const std::string& file : files) {
    merger.Add(file);
    merger.EndFile();
  }
  return std::move(merger).Take();
}

const MergedFunction* Find(const MergedHists& merged, std::string_view function) {
  for (const MergedFunction& row : merged.functions) {
    if (row.function == function) return &row;
  }
  return nullptr;
}

TEST(Names, LoseTheNumbersOfDevicesAndNoOthers) {
  const std::pair<const char*, const char*> cases[] = {
      {"xfs-conv/dm-3", "xfs-conv/dm-*"},
      {"xfs-buf/nvme0n1p2", "xfs-buf/nvme*n*p*"},
      {"kdmflush/253:0", "kdmflush/*:*"},
      {"scsi_tmf_12", "scsi_tmf_*"},
      {"loop0", "loop*"},
      {"wg-crypt-wg0", "wg-crypt-wg*"},
      {"hci0", "hci*"},
      {"ext4-rsv-conversion", "ext4-rsv-conversion"},
      {"cfg80211", "cfg80211"},
      {"i915", "i915"},
      {"i915-unordered", "i915-unordered"},
      {"raid5wq", "raid5wq"},
      {"ipv6_addrconf", "ipv6_addrconf"},
      {"events_power_efficient", "events_power_efficient"},
      {"0xffffffff81234567", "0x*"},
      {"", ""},
      {"7", "7"},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(NormalisedName(name), expected);
  EXPECT_EQ(NormalisedPool("cpu3-hi"), "cpu3-hi");
  EXPECT_EQ(NormalisedPool("u8"), "u*");
  EXPECT_EQ(NormalisedPool("unknown"), "unknown");
  EXPECT_EQ(NormalisedPool("rescuer:xfs-conv/dm-3"), "rescuer:xfs-conv/dm-*");
}

TEST(HistLines, MergeBackToWhatTheReportHeld) {
  const Report report = SomeReport();
  const MergedHists merged = Merge({LinesOf(report)});
  ASSERT_EQ(merged.functions.size(), 2u);
  const MergedFunction& xfs = *Find(merged, "xfs_end_io");
  EXPECT_EQ(xfs.workqueue, "xfs-conv/dm-*");
  const Histogram& latency = xfs.measures[Measure::kLatency];
  EXPECT_EQ(latency.count(), 3u);
  EXPECT_EQ(latency.sum(), 70us);
  EXPECT_EQ(latency.min(), 10us);
  EXPECT_EQ(latency.max(), 40us);
  EXPECT_EQ(latency.scale(), kHistScale);
  Histogram both = report.functions[0].measures[Measure::kLatency];
  both.Merge(report.functions[1].measures[Measure::kLatency]);
  const auto expected = both.Buckets(kHistScale), got = latency.Buckets();
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].index, expected[i].index);
    EXPECT_EQ(got[i].count, expected[i].count);
  }
  EXPECT_EQ(Find(merged, "vmstat_shepherd")->measures[Measure::kLatency].zero_count(), 1u);
  EXPECT_EQ(xfs.measures.queued, 3u);
  ASSERT_EQ(merged.groups.size(), 1u);
  EXPECT_EQ(merged.groups[0].measured, 2s);
  EXPECT_EQ(merged.groups[0].hosts, 1u);
  EXPECT_EQ(merged.groups[0].incomplete, 0u);
  EXPECT_EQ(merged.groups[0].incoherent, 0u);
}

TEST(HistLines, AreTheSameForTheSameRecording) {
  Report report = SomeReport("");
  const HistSnapshot first = MakeHistSnapshot(report, {}, {});
  HistOptions options;
  options.labels["rack"] = "7";
  options.top_series = 1;
  EXPECT_EQ(first.segment.id, MakeHistSnapshot(report, {}, options).segment.id);
  report.functions[0].measures[Measure::kLatency].Add(1us);
  EXPECT_NE(first.segment.id, MakeHistSnapshot(report, {}, {}).segment.id);
}

TEST(HistLines, BeyondTheTopSeriesGoIntoOneOther) {
  HistOptions options;
  options.top_series = 1;
  const MergedHists merged = Merge({LinesOf(SomeReport(), options)});
  ASSERT_EQ(merged.functions.size(), 2u);
  EXPECT_NE(Find(merged, "vmstat_shepherd"), nullptr) << "waited longest";
  EXPECT_EQ(Find(merged, "other")->measures[Measure::kLatency].sum(), 70us);
  // One that had a line stays.
  options.kept = {"xfs-conv/dm-*/xfs_end_io"};
  Report closer = SomeReport();
  closer.functions[2] = Row("events", "vmstat_shepherd", {100us});
  EXPECT_NE(Find(Merge({LinesOf(closer, options)}), "xfs_end_io"), nullptr);
}

TEST(Totals, GrowAndKeepTheirSeries) {
  Report report = SomeReport();
  constexpr size_t kOneFunction = 2;
  const HistTotal first = AddToTotal("", MakeHistSnapshot(report, {}, {}), kOneFunction);
  EXPECT_FALSE(first.began_anew);
  report.source.boot_id = "6a0b1c2d-0000-4000-8000-0123456789ac";
  report.functions[2] = Row("events", "vmstat_shepherd", {1us});
  const HistTotal next =
      AddToTotal(ToHistNdjson(first.snapshot), MakeHistSnapshot(report, {}, {}), kOneFunction);
  EXPECT_FALSE(next.began_anew);
  ASSERT_EQ(next.snapshot.lines.size(), 4u);
  const HistLine& kept = next.snapshot.lines[0];
  EXPECT_EQ(kept.function, "vmstat_shepherd") << "it was there first";
  EXPECT_EQ(kept.values.sum(), 3ms + 1ns + 1us);
  EXPECT_EQ(next.snapshot.lines[2].function, "other");
  EXPECT_EQ(next.snapshot.lines[2].values.sum(), 140us);
  EXPECT_EQ(next.snapshot.segment.duration, 4s);
  EXPECT_TRUE(AddToTotal("{", MakeHistSnapshot(report, {}, {}), kOneFunction).began_anew);
}

TEST(Merging, CountsEachSegmentOnceAndInAnyOrder) {
  const std::string one = LinesOf(SomeReport());
  const std::string other = LinesOf(SomeReport("6a0b1c2d-0000-4000-8000-0123456789ac"));
  const std::string half = one.substr(0, one.size() * 2 / 3);
  const MergedHists merged = Merge({half, other, one, one, half});
  EXPECT_EQ(merged.groups[0].segments, 2u);
  EXPECT_EQ(merged.groups[0].incomplete, 0u);
  EXPECT_EQ(merged.groups[0].measured, 4s);
  EXPECT_EQ(Find(merged, "xfs_end_io")->measures[Measure::kLatency].sum(), 140us);
  EXPECT_EQ(merged.tally.damaged, 2u) << "the half lines";
  std::vector<std::string> lines;
  for (size_t at = 0; at < one.size();) {
    const size_t end = one.find('\n', at);
    lines.push_back(one.substr(at, end + 1 - at));
    at = end + 1;
  }
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(lines.begin(), lines.end(), random);
    const MergedHists shuffled = Merge(lines);
    EXPECT_EQ(shuffled.tally.counted, lines.size());
    EXPECT_EQ(Find(shuffled, "xfs_end_io")->measures[Measure::kLatency].sum(), 70us);
    EXPECT_EQ(shuffled.groups[0].incomplete, 0u);
  }
}

TEST(Merging, SaysWhichSegmentsLackLines) {
  const std::string one = LinesOf(SomeReport());
  const size_t last = one.rfind('\n', one.size() - 2);
  EXPECT_EQ(Merge({one.substr(0, last + 1)}).groups[0].incomplete, 1u);
  const MergedHists headless = Merge({one.substr(one.find('\n') + 1)});
  EXPECT_EQ(headless.groups[0].incomplete, 1u);
  EXPECT_TRUE(headless.groups[0].unmeasured);
}

TEST(Merging, KeepsGroupsApart) {
  Report report = SomeReport();
  HistOptions options;
  options.labels = {{"rack", "7"}, {"zone", "eu"}};
  const std::string one = LinesOf(report, options);
  report.source.boot_id = "6a0b1c2d-0000-4000-8000-0123456789ac";
  report.source.kernel = "6.12.0";
  options.labels["rack"] = "8";
  const std::string other = LinesOf(report, options);
  MergeKeys keys;
  keys.kernel = true;
  keys.label_of = {"rack"};
  const MergedHists merged = Merge({other, one}, keys);
  ASSERT_EQ(merged.groups.size(), 2u);
  EXPECT_EQ(merged.groups[0].kernel, "6.1.0");
  EXPECT_EQ(merged.groups[0].labels, "rack=7");
  EXPECT_EQ(merged.groups[1].kernel, "6.12.0");
  EXPECT_EQ(merged.functions.size(), 4u);
}

std::string Line(std::string_view segment, std::string_view fields) {
  return fmt::format(
      R"({{"schema":"wqprof.hist/1","segment":"{}","kind":"function","workqueue":"w","function":"f",)"
      R"("metric":"latency",{}}})"
      "\n",
      segment, fields);
}

TEST(Merging, DoesNotOverflow) {
  const std::string huge =
      R"("scale":4,"n":18446744073709551615,"sum":9223372036854775807,"min":0,)"
      R"("max":9223372036854775807,"zero":0,"idx":[1007],"cnt":[18446744073709551615])";
  const MergedHists merged = Merge({Line("a", huge), Line("b", huge)});
  const Histogram& latency = merged.functions[0].measures[Measure::kLatency];
  EXPECT_EQ(latency.count(), UINT64_MAX);
  EXPECT_EQ(latency.sum(), Nanos::max());
  EXPECT_EQ(latency.Buckets()[0].count, UINT64_MAX);
  EXPECT_TRUE(latency.Quantile(0.5));
  EXPECT_EQ(merged.tally.too_large, 1u) << "and it is said";
  const std::string some = R"("scale":4,"n":1,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[1])";
  EXPECT_EQ(Merge({Line("a", some), Line("b", some)}).tally.too_large, 0u);
}

TEST(Merging, CountsWhatItCannotUse) {
  const std::string good = R"("scale":4,"n":1,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[1])";
  EXPECT_EQ(Merge({Line("a", good)}).tally.counted, 1u);
  EXPECT_EQ(Merge({Line("a", R"("scale":7,"n":1,"sum":5,"min":5,"max":5,"idx":[297],"cnt":[1])")})
                .functions[0]
                .measures[Measure::kLatency]
                .Buckets()[0]
                .index,
            37);
  const char* const odd[] = {
      R"("scale":3,"n":1,"sum":5,"min":5,"max":5,"idx":[18],"cnt":[1])",    // too coarse
      R"("scale":4,"n":2,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[1])",    // n is no sum
      R"("scale":4,"n":1,"sum":5,"min":6,"max":5,"idx":[37],"cnt":[1])",    // min > max
      R"("scale":4,"n":1,"sum":5,"min":5,"max":5,"idx":[9999],"cnt":[1])",  // no such bucket
      R"("scale":4,"n":2,"sum":5,"min":5,"max":5,"idx":[37,37],"cnt":[1,1])",
      R"("scale":4,"n":1,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[])",
      R"("scale":4,"n":-1,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[1])",
      R"("scale":"4","n":1,"sum":5,"min":5,"max":5,"idx":[37],"cnt":[1])",
      R"("n":1,"sum":5)",
  };
  for (const char* const fields : odd) {
    EXPECT_EQ(Merge({Line("a", good), Line("b", fields)}).tally.odd, 1u) << fields;
  }
  const MergedHists merged = Merge({"{\"schema\":\"wqprof.hist/2\"}\n", "\n \r\n", "{\n", "[1]\n",
                                    std::string(HistMerger::kMostLineBytes + 9, 'x') + "\n{}\n"});
  EXPECT_EQ(merged.tally.lines, 5u);
  EXPECT_EQ(merged.tally.foreign, 2u);
  EXPECT_EQ(merged.tally.damaged, 3u);
}

TEST(PoolsAndStalls, AreInTheLines) {
  Report report = SomeReport();
  PoolTimes cpu{"cpu0", {}, {}, {}};
  cpu.busy.Add(1ms);
  cpu.backlog.Add(30ms);
  for (const Nanos length : {20ms, 12ms, 11ms}) cpu.stall.Add(length);
  Stall stall;
  stall.pool = "cpu0";
  stall.duration = 20ms;
  stall.cause = StallCause::kCpuHog;
  report.stalls = {stall};
  const MergedHists merged = Merge({ToHistNdjson(MakeHistSnapshot(report, {cpu}, {}))});
  ASSERT_EQ(merged.pools.size(), 1u);
  EXPECT_EQ(merged.pools[0].backlog.sum(), 30ms);
  EXPECT_EQ(merged.pools[0].stall.count(), 3u);
  ASSERT_EQ(merged.stalls.size(), 2u);
  EXPECT_EQ(merged.stalls[0].stalls.cause, "cpu_hog");
  EXPECT_EQ(merged.stalls[1].stalls.cause, "unknown") << "those that were not looked at one by one";
  EXPECT_EQ(merged.stalls[1].stalls.count, 2u);
  EXPECT_EQ(merged.stalls[1].stalls.total, 23ms);
}

}  // namespace
}  // namespace wqprof
