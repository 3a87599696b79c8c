// SPDX-License-Identifier: Apache-2.0
// What was not recorded did not "not happen": traces without some of the four events.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "support/outcome.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr EventKind kQueue = EventKind::kQueueWork, kActivate = EventKind::kActivateWork,
                    kStart = EventKind::kExecuteStart, kEnd = EventKind::kExecuteEnd;

// Three lives, one of them superseded before, and one that waits when the trace ends.
TraceBuilder Lives() {
  TraceBuilder trace;
  trace.CoveredFrom(0us);
  trace.Put(10us, kTask, kWorkA).Run(15us, 25us, kWorker, kWorkA);
  trace.Put(30us, kTask, kWorkB);
  trace.Put(40us, kTask, kWorkB).Run(60us, 90us, kWorker, kWorkB);
  trace.Put(100us, kTask, kWorkC);
  trace.Tick(200us, 0);
  return trace;
}

// By note, and without one, as the records tell.
class RecordedTest : public ::testing::TestWithParam<bool> {
 protected:
  Outcome Of(TraceBuilder trace, WorkqueueEvents recorded) {
    trace.Only(recorded);
    trace.Noted(GetParam() ? std::optional(recorded) : std::nullopt);
    Outcome outcome = ReconstructUnchecked(trace);
    for (const WorkItem& item : outcome.items) ++states_[std::string(ToString(item.state))];
    return outcome;
  }
  Report ReportOf(TraceBuilder trace, WorkqueueEvents recorded) {
    trace.Only(recorded);
    trace.Noted(GetParam() ? std::optional(recorded) : std::nullopt);
    return *Analyze(trace, {});
  }
  using States = std::map<std::string, int>;
  States states_;
};
INSTANTIATE_TEST_SUITE_P(WithAndWithoutNote, RecordedTest, ::testing::Bool());

TEST_P(RecordedTest, OfQueueEventsAloneNothingIsPendingOrSuperseded) {
  const Outcome o = Of(Lives(), {kQueue});
  EXPECT_EQ(states_, (States{{"queued", 4}}));
  EXPECT_EQ(o.quality.superseded + o.quality.pending_at_end, 0u);
  EXPECT_TRUE(o.gaps.empty());
}

TEST_P(RecordedTest, QueueAndActivateTellTheWaitForActivation) {
  const Report r = ReportOf(Lives(), {kQueue, kActivate});
  ASSERT_EQ(r.functions.size(), 1u);
  EXPECT_EQ(r.functions[0].measures[Measure::kActivationWait].count(), 4u);
  EXPECT_EQ(r.functions[0].measures[Measure::kLatency].count(), 0u);
  EXPECT_EQ(r.stalls_total, 0u);
}

TEST_P(RecordedTest, QueueAndStartTellLatenciesAndNothingThatRestsOnEnds) {
  const Outcome o = Of(Lives(), {kQueue, kStart});
  EXPECT_EQ(states_, (States{{"started", 2}, {"superseded", 1}, {"pending", 1}}));
  EXPECT_EQ(o.QueuedAt(10us).Latency(), 5us);
  EXPECT_EQ(o.QueuedAt(40us).Latency(), 20us);
  EXPECT_EQ(o.quality.tainted + o.quality.lost_ends + o.quality.running_at_end, 0u);
  const Report r = ReportOf(Lives(), {kQueue, kStart});
  ASSERT_EQ(r.pools.size(), 1u);
  EXPECT_EQ(r.pools[0].occupancy.executions, 2u);
  EXPECT_FALSE(r.pools[0].busy_known || r.pools[0].backlog_known || r.pools[0].stalled);
  EXPECT_TRUE(std::isnan(r.pools[0].busy_fraction));
}

TEST_P(RecordedTest, StartAndEndTellExecutionsAndOccupancy) {
  const Outcome o = Of(Lives(), {kStart, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}}));
  EXPECT_EQ(o.StartedAt(60us).Execution(), 30us);
  EXPECT_EQ(o.quality.before_trace + o.quality.unmatched_starts + o.quality.tainted, 0u);
  EXPECT_EQ(o.Occupancy("cpu0").busy_any, 40us);
  const Report r = ReportOf(Lives(), {kStart, kEnd});
  EXPECT_EQ(r.functions[0].measures[Measure::kExecution].count(), 2u);
  EXPECT_EQ(r.functions[0].measures.executed, 2u);
  EXPECT_EQ(r.quality.paired_fraction, std::nullopt);
  EXPECT_FALSE(r.pools[0].stalled) << "stalls rest on activations";
}

TEST_P(RecordedTest, AnExecutionThatIsOpenAtTheEndRunsIfEndsAreRecorded) {
  TraceBuilder trace = Lives();
  trace.Start(210us, kWorker, kWorkC);
  Of(trace, {kStart, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}, {"running", 1}}));
}

TEST_P(RecordedTest, AnEndWithoutItsStartIsDoneWhereNoQueueEventsAre) {
  TraceBuilder trace;
  trace.End(50us, kWorker, kWorkA).Run(60us, 70us, kWorker, kWorkB).End(80us, kWorker, kWorkC);
  const Outcome o = Of(trace, {kStart, kEnd});
  EXPECT_EQ(states_, (States{{"done", 3}}));
  EXPECT_EQ(o.quality.unmatched_ends + o.quality.before_trace, 0u);
}

TEST_P(RecordedTest, ActivateStartAndEndTellDispatchWaitsAndStalls) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Start(2ms, kWorker, kWorkA).Put(10ms, kTask, kWorkB);
  trace.End(50ms, kWorker, kWorkA).Run(51ms, 52ms, kWorker, kWorkB);
  const Outcome o = Of(trace, {kActivate, kStart, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}}));
  EXPECT_EQ(o.StartedAt(51ms).DispatchWait(), 41ms);
  ASSERT_EQ(o.gaps.size(), 1u);
  EXPECT_EQ(o.gaps[0].end - o.gaps[0].begin, 41ms);
  ASSERT_EQ(o.gaps[0].holders.size(), 1u);
  const Report r = ReportOf(trace, {kActivate, kStart, kEnd});
  EXPECT_EQ(r.functions[0].measures[Measure::kDispatchWait].count(), 2u);
  EXPECT_EQ(r.stalls_total, 1u);
  EXPECT_EQ(r.stalls[0].delayed_items, 1u);
  EXPECT_EQ(r.pools[0].stalled, 41ms);
  EXPECT_FALSE(r.pools[0].backlog_known);
}

TEST_P(RecordedTest, OfActivateEventsAloneEachIsAnItem) {
  Of(Lives(), {kActivate});
  EXPECT_EQ(states_, (States{{"queued", 4}}));
}

TEST_P(RecordedTest, AnActivatedWorkThatNeverStartsWaitsIfStartsAreRecorded) {
  const Outcome o = Of(Lives(), {kActivate, kStart, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}, {"superseded", 1}, {"pending", 1}}));
  const auto ids = [&] {
    std::vector<uint64_t> all;
    for (const WorkItem& item : o.items) all.push_back(item.id);
    std::sort(all.begin(), all.end());
    return all;
  }();
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end()) << "each has its own";
  EXPECT_GT(ids.front(), 0u);
}

TEST_P(RecordedTest, OfEndsAloneEachIsDone) {
  Of(Lives(), {kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}}));
}

TEST_P(RecordedTest, AnEndIsThatOfTheOneQueueingSinceTheLastEnd) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Run(15us, 25us, kWorker, kWorkA);
  trace.Put(30us, kTask, kWorkA).Run(60us, 90us, kWorker, kWorkA);
  const Outcome o = Of(trace, {kQueue, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}}));
  EXPECT_EQ(o.QueuedAt(10us).Total(), 15us);
  EXPECT_EQ(o.QueuedAt(30us).Total(), 60us);
}

TEST_P(RecordedTest, WhoseEndItIsAfterTwoQueueingsIsNotGuessed) {
  const Outcome o = Of(Lives(), {kQueue, kEnd});
  EXPECT_EQ(states_, (States{{"done", 2}, {"queued", 3}}));
  EXPECT_EQ(o.EndedAt(90us).queued, kUnseen);
  EXPECT_EQ(o.QueuedAt(10us).Total(), 15us);
}

TEST_P(RecordedTest, WithoutEndsTheExecutionsOfSoftirqsDoNotPileUp) {
  TraceBuilder trace;
  const Emitter bh = Emitter{0, "<idle>", 0, kFlagSoftirq};
  for (int i = 0; i < 1000; ++i) {
    trace.Put(i * 100us, kTask, kWorkA).Start(i * 100us + 5us, bh, kWorkA);
  }
  Of(trace, {kQueue, kActivate, kStart});
  EXPECT_EQ(states_, (States{{"started", 1000}}));
}

TEST(RecordedNoteTest, ANotedEventThatNeverCameIsEvidence) {
  // The box starts nothing for the whole window.
  TraceBuilder trace;
  trace.Noted(WorkqueueEvents::All()).Put(1ms, kTask, kWorkA).Tick(500ms, 0);
  const Outcome o = ReconstructUnchecked(trace);
  ASSERT_EQ(o.items.size(), 1u);
  EXPECT_EQ(o.items[0].state, ItemState::kPending);
  EXPECT_EQ(o.gaps.size(), 1u);
}

// A stream in which queue events come late: what started before them was queued before them.
TEST(RecordedNoteTest, StartsAreHeldBackUntilAQueueEventCame) {
  TraceBuilder trace;
  trace.Noted(std::nullopt).BatchSize(1);
  for (int i = 0; i < 100; ++i) {
    trace.Run(i * 10us, i * 10us + 5us, kWorker, WorkAddr{0x1000u + 0x100u * i});
  }
  trace.Put(2ms, kTask, kWorkA).Run(2ms + 10us, 3ms, kWorker, kWorkA);
  const Outcome o = ReconstructUnchecked(trace);
  EXPECT_EQ(o.InState(ItemState::kBeforeTrace).size(), 100u);
  EXPECT_EQ(o.InState(ItemState::kDone).size(), 1u);
}

TEST(RecordedNoteTest, OnlySoManyAreHeldBack) {
  TraceBuilder trace;
  trace.Noted(std::nullopt);
  const int count = 120'000;
  for (int i = 0; i < count; ++i) trace.Run(i * 10us, i * 10us + 5us, kWorker, kWorkA);
  Reconstructor model(trace);
  Completed completed;
  size_t told = 0;
  for (auto events = trace.Next(); !events->empty(); events = trace.Next()) {
    model.Add(*events);
    model.Take(completed);
    told += completed.items.size();
  }
  EXPECT_GT(told, 100'000u) << "before the end of the trace";
  model.Finish();
  model.Take(completed);
  EXPECT_EQ(told + completed.items.size(), static_cast<size_t>(count));
}

}  // namespace
}  // namespace wqprof::testing
