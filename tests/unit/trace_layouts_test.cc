// SPDX-License-Identifier: Apache-2.0
// One trace, written as many kernels and machines would have: all read alike.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/dat_encoder.h"
#include "support/read_dat.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr WorkAddr kLow{0xc8001000}, kLow2{0xc8002000};  // fit into 32 bits

// A little of everything, then enough for several pages of any size.
TraceBuilder MakeTrace() {
  TraceBuilder t;
  t.Put(1ms, kTask, kLow, {"f", "wq", 0, 1}).Put(2ms, kOtherTask, kLow2, {"g [mod]", "un", -1});
  t.Start(3ms, kWorker, kLow, {"f"}).End(4ms, kWorker, kLow, {"f"});
  t.Run(5s, 6s, kWorkerOn1.In(kFlagSoftirq | kFlagIrqsOff), kLow2, {"g [mod]"});  // time extend
  t.Switch(6s + 1us, 0, kWorker, kTask, 'D').Switch(6s + 2us, 0, kTask, kWorker, 'R', true);
  Event wake = t.events().back();
  wake.at = Timestamp(6s + 3us);
  wake.kind = EventKind::kWaking;
  wake.wake = {Pid{10}, t.Intern("kworker/0:1"), 100, Cpu{1}};
  t.Add(wake);
  wake.at += 1us;
  wake.kind = EventKind::kWakeup;
  t.Add(wake);
  t.Fork(6s + 5us, kTask, 77, "kthreadd").Rename(6s + 6us, kTask, 77, "kworker/0:9");
  t.Exit(6s + 7us, {77, "kworker/0:9", 1, 0});
  Event timer = t.events().back();
  timer.at = Timestamp(6s + 8us);
  timer.kind = EventKind::kTimerStart;
  timer.timer = {WorkAddr{0xc8001020}, NameId::kDelayedTimer, 25, 0};
  t.Add(timer);
  timer.at += 1us;
  timer.kind = EventKind::kTimerExpire;
  timer.timer.timeout_jiffies = 0;
  t.Add(timer);
  t.Interrupt(6s + 10us, kWorker.In(kFlagHardirq), EventKind::kIrqEntry);
  t.Interrupt(6s + 11us, kWorker.In(kFlagHardirq), EventKind::kIrqExit);
  t.Interrupt(6s + 12us, kWorker.In(kFlagSoftirq), EventKind::kSoftirqEntry);
  t.Interrupt(6s + 13us, kWorker.In(kFlagSoftirq), EventKind::kSoftirqExit);
  for (int n = 0; n < 2000; ++n) {
    const Nanos at = 7s + n * 10us;
    const Emitter by = kTask.On(n % 2);
    const Job job{"f", n % 3 ? "a_longer_name_of_a_workqueue" : "wq", 0};
    if (n % 5 < 2) {
      t.Queue(at, by, kLow, job).Stack(at + 1ns, by, "queue_work_on;f [mod];entry");
      t.Activate(at + 2ns, by, kLow);
    } else {
      t.Put(at, by, kLow, job);
    }
    t.Run(at + 2us, at + 5us, n % 2 ? kWorkerOn1 : kWorker, kLow, {"f"});
  }
  return t;
}

class LayoutTest : public ::testing::TestWithParam<DatStyle> {};

TEST_P(LayoutTest, AllEventsAreReadWithAllTheirFields) {
  const TraceBuilder trace = MakeTrace();
  const ReadBack back = ReadBytes(EncodeDat(trace, GetParam()).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  NameTable names;
  const std::vector<Event> expected = AsRead(trace, GetParam(), names);
  const std::vector<std::string> want = Describe(expected, names), got = back.Lines();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(got[i], want[i]) << "event " << i;
}

TEST_P(LayoutTest, TheFileSaysWhatItIs) {
  const DatStyle& style = GetParam();
  const TraceBuilder trace = MakeTrace();
  const ReadBack back = ReadBytes(EncodeDat(trace, style).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const TraceInfo& info = back.source->info();
  EXPECT_EQ(info.version, style.version);
  EXPECT_EQ(info.big_endian, style.big_endian);
  EXPECT_EQ(info.long_size, style.long_size);
  EXPECT_EQ(info.page_size, style.page_size);
  EXPECT_EQ(info.compression, style.zstd ? "zstd" : "none");
  EXPECT_EQ(info.instance, style.instance);
  EXPECT_EQ(info.clock, "mono");
  EXPECT_EQ(info.cpus, 2);
  EXPECT_TRUE(info.has_queue && info.has_activate && info.has_sched && info.has_timers);
  EXPECT_FALSE(info.unfinished);
}

TEST_P(LayoutTest, ReadingIsCounted) {
  const TraceBuilder trace = MakeTrace();
  const ReadBack back = ReadBytes(EncodeDat(trace, GetParam()).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const ReadStats& stats = back.source->stats();
  EXPECT_EQ(stats.events, trace.events().size());
  EXPECT_EQ(stats.begin, trace.events().front().at);
  EXPECT_EQ(stats.end, trace.events().back().at);
  EXPECT_EQ(stats.corrupt_pages, 0u);
  EXPECT_EQ(stats.lost_gaps, 0u);
  EXPECT_EQ(stats.lost_events, 0u);
  EXPECT_EQ(stats.time_reversals, 0u);
  EXPECT_FALSE(stats.truncated);
  uint64_t by_name = 0;
  for (const auto& [name, n] : stats.events_by_name) by_name += n;
  EXPECT_EQ(by_name, stats.events);
  ASSERT_EQ(stats.events_by_cpu.size(), 2u);
  EXPECT_EQ(stats.events_by_cpu[0] + stats.events_by_cpu[1], stats.events);
}

TEST_P(LayoutTest, CommsAreThoseOfSavedCmdlines) {
  const ReadBack back = ReadBytes(EncodeDat(MakeTrace(), GetParam()).Assemble());
  ASSERT_TRUE(back.ok());
  const NameTable& names = back.source->names();
  EXPECT_EQ(names.Get(back.source->CommOf(Pid{kWorker.pid})), kWorker.comm);
  EXPECT_EQ(names.Get(back.source->CommOf(Pid{kTask.pid})), kTask.comm);
  EXPECT_EQ(back.source->CommOf(Pid{4711}), NameId::kUnknown);
}

TEST_P(LayoutTest, LossesStandInTheirPlace) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kLow, {"f", "wq", 0}).Put(1100us, kOtherTask, kLow2, {"f", "wq", 1});
  trace.LossBegin(1100us, 1, 40).LossEnd(3ms, 1, 40).Put(3ms, kOtherTask, kLow2, {"f", "wq", 1});
  trace.Run(4ms, 5ms, kWorker, kLow, {"f"});
  trace.LossBegin(5ms, 0, -1).LossEnd(6ms, 0, -1).Put(6ms, kTask, kLow, {"f", "wq", 0});
  const ReadBack back = ReadBytes(EncodeDat(trace, GetParam()).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  NameTable names;
  // Where a gap ends at the time of the next event, it does so before that event.
  EXPECT_EQ(back.Lines(), Describe(AsRead(trace, GetParam(), names), names));
  EXPECT_EQ(back.source->stats().lost_gaps, 2u);
  EXPECT_EQ(back.source->stats().lost_events, std::nullopt) << "one gap has no number";
}

std::vector<DatStyle> Styles() {
  std::vector<DatStyle> styles;
  const auto add = [&styles](const char* name, auto change) {
    DatStyle style;
    change(style);
    style.name = name;
    styles.push_back(style);
  };
  add("Version7", [](DatStyle&) {});
  add("Version6", [](DatStyle& s) { s.version = 6; });
  add("Zstd", [](DatStyle& s) { s.zstd = true; });
  add("BigEndian", [](DatStyle& s) { s.big_endian = true; });
  add("BigEndianVersion6", [](DatStyle& s) { s.big_endian = true, s.version = 6; });
  add("BigEndianZstd", [](DatStyle& s) { s.big_endian = s.zstd = true; });
  add("ThirtyTwoBit", [](DatStyle& s) { s.long_size = 4; });
  add("ThirtyTwoBitVersion6", [](DatStyle& s) { s.long_size = 4, s.version = 6; });
  add("ThirtyTwoBitBigEndian", [](DatStyle& s) { s.long_size = 4, s.big_endian = true; });
  add("PagesOf1K", [](DatStyle& s) { s.page_size = 1024; });
  add("PagesOf64K", [](DatStyle& s) { s.page_size = 65536; });
  add("PagesOf64KZstd", [](DatStyle& s) { s.page_size = 65536, s.zstd = true; });
  add("PagesOf512K", [](DatStyle& s) { s.page_size = 524288; });
  add("WorkqueueByAddress", [](DatStyle& s) {
    s.workqueue_is_name = s.activate_has_function = s.end_has_function = false;
  });
  add("WorkqueueByAddress32BigEndian", [](DatStyle& s) {
    s.workqueue_is_name = s.activate_has_function = false;
    s.long_size = 4, s.big_endian = true;
  });
  add("ActivateWithoutFunction", [](DatStyle& s) { s.activate_has_function = false; });
  add("EndWithoutFunction", [](DatStyle& s) { s.end_has_function = false; });
  add("PreemptRt", [](DatStyle& s) { s.odd_common_fields = true; });
  add("PreemptRt32", [](DatStyle& s) { s.odd_common_fields = true, s.long_size = 4; });
  add("LengthWords", [](DatStyle& s) { s.length_words = true; });
  add("LengthWordsBigEndian", [](DatStyle& s) { s.length_words = s.big_endian = true; });
  add("AbsoluteTimes", [](DatStyle& s) { s.absolute_times = true; });
  add("Instance", [](DatStyle& s) { s.instance = "wqprof"; });
  add("InstanceVersion6", [](DatStyle& s) { s.instance = "wqprof", s.version = 6; });
  return styles;
}

INSTANTIATE_TEST_SUITE_P(Trace, LayoutTest, ::testing::ValuesIn(Styles()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace wqprof::testing
