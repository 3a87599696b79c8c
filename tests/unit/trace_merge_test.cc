// SPDX-License-Identifier: Apache-2.0
// Events of many CPUs come in the order of time, whichever way they are merged.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"
#include "trace/batch_source.h"
#include "trace/cpu_merger.h"

namespace wqprof::testing {
namespace {

// Events in bursts of which many share an instant, in a steady stream, and after long pauses.
TraceBuilder UnevenTrace(int cpus, int events) {
  std::mt19937 random(static_cast<unsigned>(cpus));
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::vector<std::string> names;
  for (int cpu = 0; cpu < cpus; ++cpu) names.push_back("kworker/" + std::to_string(cpu) + ":1");
  TraceBuilder t;
  Nanos at{0};
  int mood = 0;
  for (int i = 0; i < events; ++i) {
    if (below(3000) == 0) mood = below(4);
    const int step[] = {below(2000), below(2), below(20) / 19, below(100) == 0 ? 50'000'000 : 3};
    at += Nanos(step[mood]);
    const int cpu = below(mood == 2 ? std::min(3, cpus) : cpus);
    const Emitter by{1000 + cpu, names[static_cast<size_t>(cpu)], cpu, 0};
    const WorkAddr work{0xffff888000000000 + static_cast<uint64_t>(below(50)) * 0x100};
    switch (below(4)) {
      case 0:
        t.Queue(at, by, work);
        break;
      case 1:
        t.Activate(at, by, work);
        break;
      case 2:
        t.Start(at, by, work);
        break;
      default:
        t.End(at, by, work);
    }
  }
  return t;
}

// The next event is the one that is first by time, kind and CPU, of those that lead their CPUs.
std::vector<Event> MergedTheLongWay(const TraceBuilder& trace) {
  std::map<Cpu, std::vector<Event>> rest;
  for (const Event& e : trace.events()) rest[e.cpu].push_back(e);
  std::map<Cpu, size_t> next;
  std::vector<Event> merged;
  while (merged.size() < trace.events().size()) {
    const Event* first = nullptr;
    for (const auto& [cpu, events] : rest) {
      if (next[cpu] == events.size()) continue;
      const Event& e = events[next[cpu]];
      if (first == nullptr || std::tie(e.at, e.kind) < std::tie(first->at, first->kind)) first = &e;
    }
    ++next[first->cpu];
    merged.push_back(*first);
  }
  return merged;
}

class TraceMergeTest : public ::testing::TestWithParam<int> {};

TEST_P(TraceMergeTest, GivesTheOrderOfTimeKindAndCpu) {
  const TraceBuilder trace = UnevenTrace(GetParam(), 60000);
  const ReadBack read = ReadBytes(EncodeDat(trace).Assemble());
  ASSERT_TRUE(read.ok()) << read.status;
  const std::vector<std::string> expected = Describe(MergedTheLongWay(trace), trace.names());
  const std::vector<std::string> found = read.Lines();
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], expected[i]) << "event " << i;
}

INSTANTIATE_TEST_SUITE_P(Cpus, TraceMergeTest, ::testing::Values(1, 2, 15, 16, 17, 64, 200),
                         ::testing::PrintToStringParamName());

// Streams of one event each, the last stream's first.
class OneEventEach : public BatchSource {
 public:
  explicit OneEventEach(size_t streams) : events_(streams), given_(streams) {
    for (size_t i = 0; i < streams; ++i) {
      events_[i].at = Timestamp(Nanos(static_cast<int64_t>(streams - i) * 1000));
      events_[i].cpu = static_cast<Cpu>(i);
    }
  }
  size_t size() const override { return events_.size(); }
  absl::StatusOr<std::span<const Event>> Next(size_t stream) override {
    if (given_[stream]) return std::span<const Event>();
    given_[stream] = true;
    return std::span<const Event>(&events_[stream], 1);
  }

 private:
  std::vector<Event> events_;
  std::vector<bool> given_;
};

TEST(CpuMerger, LooksAtAllStreamsOnlyOnceInManyEvents) {
  constexpr size_t kStreams = 5000;
  OneEventEach streams(kStreams);
  CpuMerger merger(streams);
  size_t calls = 0, events = 0;
  Timestamp last{};
  while (true) {
    const absl::StatusOr<std::span<const Event>> run = merger.Next();
    ASSERT_TRUE(run.ok());
    if (run->empty()) break;
    ++calls;
    for (const Event& event : *run) {
      ASSERT_GT(event.at, last);
      last = event.at;
      ++events;
    }
  }
  EXPECT_EQ(events, kStreams);
  EXPECT_LT(calls, kStreams / 50);
}

}  // namespace
}  // namespace wqprof::testing
