// SPDX-License-Identifier: Apache-2.0
// One way from events to whoever takes items, with and without helpers, at once and bit by bit.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "model/growing_table.h"
#include "support/busy_trace.h"
#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/pipeline.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// Keeps all that it is given.
class Keeper : public ItemConsumer {
 public:
  explicit Keeper(Reconstructor::Options wants = Reconstructor::Nothing(), size_t enough = SIZE_MAX)
      : wants_(wants), enough_(enough) {}
  Reconstructor::Options wants() const override { return wants_; }
  void Add(const Completed& completed) override {
    EXPECT_FALSE(finished);
    for (const WorkItem& item : completed.items) {
      ids.push_back(item.id);
      const ItemSplit* const split = completed.SplitOf(item);
      waits += split != nullptr && split->wait ? 1 : 0;
      runs += split != nullptr && split->run ? 1 : 0;
    }
    for (const PoolStep& step : completed.pool_steps) steps.push_back(step);
    for (const PoolGap& gap : completed.gaps) gaps.push_back(gap.end - gap.begin);
  }
  bool full() const override { return ids.size() >= enough_; }
  void Finish() override { finished = true; }

  std::vector<uint64_t> ids;
  std::vector<PoolStep> steps;
  std::vector<Nanos> gaps;
  size_t waits = 0, runs = 0;  // items that have that split
  bool finished = false;

 private:
  const Reconstructor::Options wants_;
  const size_t enough_;
};

TEST(PipelineTest, AllConsumersAreGivenTheSameForAnyNumberOfThreads) {
  const TemporaryFile file(EncodeDat(BusyTrace(30000)).Assemble());
  std::vector<uint64_t> expected;
  for (const int threads : {1, 2, 3, 8}) {
    OpenOptions open;
    open.threads = threads;
    auto source = OpenTrace(file.path(), open);
    ASSERT_TRUE(source.ok());
    Pipeline pipeline(**source);
    Keeper one, other;
    pipeline.Attach(one);
    pipeline.Attach(other);
    ASSERT_TRUE(pipeline.Run().ok());
    EXPECT_TRUE(one.finished && other.finished);
    EXPECT_GT(one.ids.size(), 30000u);
    EXPECT_EQ(one.ids, other.ids);
    if (threads == 1) expected = one.ids;
    EXPECT_EQ(one.ids, expected) << threads;
    EXPECT_EQ(pipeline.facts().match.executed, 30000u);
  }
}

TEST(PipelineTest, EndsWhenAllConsumersAreFull) {
  TraceBuilder t = BusyTrace(100000);
  t.BatchSize(512).Rewind();
  Pipeline pipeline(t);
  Keeper few(Reconstructor::Nothing(), 10), more(Reconstructor::Nothing(), 1000);
  pipeline.Attach(few);
  pipeline.Attach(more);
  ASSERT_TRUE(pipeline.Run().ok());
  EXPECT_EQ(few.ids.size(), more.ids.size()) << "who is full is not left out of what others get";
  EXPECT_GE(more.ids.size(), 1000u);
  EXPECT_LT(more.ids.size(), 5000u) << "the rest was read for nobody";
}

TEST(PipelineTest, GapsComeFromTheShortestFloorOn) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(50us, 60us, kWorker, kWorkA);
  t.Put(100us, kTask, kWorkA).Run(300us, 310us, kWorker, kWorkA);
  for (const bool both : {false, true}) {
    t.Rewind();
    Pipeline pipeline(t);
    Keeper from_100us({100us, false}), from_20us({20us, false});
    pipeline.Attach(from_100us);
    if (both) pipeline.Attach(from_20us);
    ASSERT_TRUE(pipeline.Run().ok());
    EXPECT_EQ(from_100us.gaps.size(), both ? 2u : 1u);
  }
  t.Rewind();
  Pipeline pipeline(t);
  Keeper items_alone;
  pipeline.Attach(items_alone);
  ASSERT_TRUE(pipeline.Run().ok());
  EXPECT_TRUE(items_alone.gaps.empty());
}

// The integral of each pool's steps up to the last event.
std::map<PoolId, std::pair<Nanos, Nanos>> SumsOf(const std::vector<PoolStep>& steps,
                                                 Timestamp end) {
  std::map<PoolId, PoolStep> last;
  std::map<PoolId, std::pair<Nanos, Nanos>> sums;
  const auto advance = [&](const PoolStep& from, Timestamp to) {
    sums[from.pool].first += (to - from.at) * from.busy;
    sums[from.pool].second += (to - from.at) * from.backlog;
  };
  for (const PoolStep& step : steps) {
    const auto before = last.find(step.pool);
    if (before != last.end()) {
      EXPECT_LT(before->second.at, step.at) << "one step a time";
      advance(before->second, step.at);
    }
    last[step.pool] = step;
  }
  for (const auto& [pool, step] : last) advance(step, end);
  return sums;
}

TEST(PipelineTest, PoolStepsAddUpToTheOccupancy) {
  const TemporaryFile file(EncodeDat(BusyTrace(5000)).Assemble());
  const std::string recorded = WQPROF_TEST_DATA "/lab/6.12-cloud/lost/trace.dat";
  for (const std::string& path : {file.path(), recorded}) {
    auto source = OpenTrace(path);
    ASSERT_TRUE(source.ok());
    Pipeline pipeline(**source);
    Keeper keeper({Nanos::max(), true});
    pipeline.Attach(keeper);
    ASSERT_TRUE(pipeline.Run().ok());
    ASSERT_FALSE(keeper.steps.empty());
    const auto sums = SumsOf(keeper.steps, (*source)->stats().end);
    for (const PoolOccupancy& pool : pipeline.model().Pools()) {
      const auto sum = sums.find(pool.pool.id);
      ASSERT_NE(sum, sums.end()) << pool.pool.name;
      // An execution that began before the trace is in no step.
      EXPECT_LE(sum->second.first, pool.busy_sum) << pool.pool.name;
      if (path == file.path()) {
        EXPECT_EQ(sum->second.first, pool.busy_sum) << pool.pool.name;
      }
      EXPECT_EQ(sum->second.second, pool.backlog_sum) << pool.pool.name;
    }
  }
}

TEST(PipelineTest, StepsAreForThoseWhoWantThem) {
  TraceBuilder t = BusyTrace(100);
  t.Rewind();
  Pipeline pipeline(t);
  Keeper keeper;
  pipeline.Attach(keeper);
  ASSERT_TRUE(pipeline.Run().ok());
  EXPECT_TRUE(keeper.steps.empty());
}

TEST(PipelineTest, SplitsAreForThoseWhoWantThem) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(10us, kTask, kWorkA).Waking(13us, kTask, kWorker);
  t.Switch(28us, 0, kTask, kWorker).Run(30us, 40us, kWorker, kWorkA);
  for (const auto& [wait, run] : {std::pair(false, false), {true, false}, {false, true}}) {
    t.Rewind();
    Pipeline pipeline(t);
    Reconstructor::Options wants = Reconstructor::Nothing();
    wants.wait_splits = wait;
    wants.run_splits = run;
    Keeper keeper(wants), other;
    pipeline.Attach(keeper);
    pipeline.Attach(other);
    ASSERT_TRUE(pipeline.Run().ok());
    EXPECT_EQ(keeper.ids.size(), 1U);
    EXPECT_EQ(keeper.waits, wait ? 1U : 0U);
    EXPECT_EQ(keeper.runs, run ? 1U : 0U);
  }
}

TEST(PipelineTest, ASnapshotShowsWhatThereIsAndChangesNothing) {
  TraceBuilder t = BusyTrace(2000);
  t.BatchSize(1000).Rewind();
  Pipeline pipeline(t);
  Analyzer analyzer(t, pipeline.model(), {});
  pipeline.Attach(analyzer);
  EXPECT_TRUE(analyzer.Snapshot().functions.empty());
  ASSERT_TRUE(pipeline.Poll().ok());
  const Report one = analyzer.Snapshot(), same = analyzer.Snapshot();
  pipeline.End();
  const Report end = analyzer.Snapshot();
  uint64_t early = 0, again = 0, late = 0;
  for (const FunctionRow& row : one.functions) early += row.measures.executed;
  for (const FunctionRow& row : same.functions) again += row.measures.executed;
  for (const FunctionRow& row : end.functions) late += row.measures.executed;
  EXPECT_GT(early, 0u);
  EXPECT_EQ(early, again);
  EXPECT_LE(early, late);
  EXPECT_EQ(late, 2000u);
}

// Fails after its first run of events.
class BrokenSource : public EventSource {
 public:
  explicit BrokenSource(TraceBuilder& good) : good_(good) { good_.Rewind(); }
  absl::StatusOr<std::span<const Event>> Next() override {
    if (broken_) return absl::DataLossError("torn");
    broken_ = true;
    return good_.Next();
  }
  const TraceInfo& info() const override { return good_.info(); }
  const ReadStats& stats() const override { return good_.stats(); }
  const NameTable& names() const override { return good_.names(); }
  NameId CommOf(Pid pid) const override { return good_.CommOf(pid); }

 private:
  TraceBuilder& good_;
  bool broken_ = false;
};

TEST(PipelineTest, WhatCameBeforeAnErrorIsHandedOn) {
  TraceBuilder t = BusyTrace(100);
  BrokenSource source(t);
  Pipeline pipeline(source);
  Keeper keeper;
  pipeline.Attach(keeper);
  EXPECT_EQ(pipeline.Run(), absl::DataLossError("torn"));
  EXPECT_TRUE(keeper.finished);
  EXPECT_GE(keeper.ids.size(), 100u);
}

TEST(GrowingTableTest, WhatIsInItStaysWhereItIs) {
  GrowingTable<size_t> table;
  std::vector<const size_t*> places;
  for (size_t i = 0; i < 1000; ++i) {
    table.Add(i);
    places.push_back(&table[i]);
  }
  ASSERT_EQ(table.size(), 1000u);
  for (size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(&table[i], places[i]);
    EXPECT_EQ(table[i], i);
  }
}

}  // namespace
}  // namespace wqprof::testing
