// SPDX-License-Identifier: Apache-2.0
// A worker's first scheduler event tells what it did before.
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A trace that begins at 0 on both CPUs, and in which wake-ups are recorded.
TraceBuilder Begun() {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Tick(0us, 0).Tick(0us, 1);
  trace.Waking(1us, kTask, kWorkerOn1).Wakeup(2us, kTask, kWorkerOn1);
  return trace;
}

WaitSplit WaitOf(const Outcome& o, Nanos queued) {
  return *o.splits.at(o.QueuedAt(queued).id).wait;
}
RunSplit RunOf(const Outcome& o, Nanos queued) { return *o.splits.at(o.QueuedAt(queued).id).run; }

TEST(FirstEventTest, AWorkerThatIsWokenSlept) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA);
  trace.Waking(3ms, kTask, kWorker).Wakeup(4ms, kTask, kWorker);
  trace.Switch(6ms, 0, kTask, kWorker).Run(7ms, 8ms, kWorker, kWorkA);
  const WaitSplit wait = WaitOf(Reconstruct(trace), 1ms);
  EXPECT_EQ(wait.hold, 2ms);
  EXPECT_EQ(wait.wakeup, 1ms);
  EXPECT_EQ(wait.runqueue, 2ms);
  EXPECT_EQ(wait.pre_work, 1ms);
  EXPECT_EQ(wait.unknown, 0ms);
}

TEST(FirstEventTest, AWorkerThatGetsItsCpuWithoutBeingWokenWasRunnable) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA);
  trace.Switch(6ms, 0, kTask, kWorker).Run(7ms, 8ms, kWorker, kWorkA);
  const WaitSplit wait = WaitOf(Reconstruct(trace), 1ms);
  EXPECT_EQ(wait.runqueue, 5ms);
  EXPECT_EQ(wait.unknown, 0ms);
}

TEST(FirstEventTest, WithoutWakeUpsInTheTraceThatIsNotKnown) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Tick(0us, 0).Put(1ms, kTask, kWorkA);
  trace.Switch(6ms, 0, kTask, kWorker).Run(7ms, 8ms, kWorker, kWorkA);
  EXPECT_EQ(WaitOf(Reconstruct(trace), 1ms).unknown, 5ms);
}

TEST(FirstEventTest, AWorkerThatLeavesItsCpuHadIt) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA).Start(2ms, kWorker, kWorkA);
  trace.Switch(5ms, 0, kWorker, kTask, 'D').Waking(6ms, kOtherTask, kWorker);
  trace.Switch(8ms, 0, kTask, kWorker).End(9ms, kWorker, kWorkA);
  const RunSplit run = RunOf(Reconstruct(trace), 1ms);
  EXPECT_EQ(run.on_cpu, 4ms);
  EXPECT_EQ(run.blocked, 1ms);
  EXPECT_EQ(run.runnable, 2ms);
  EXPECT_EQ(run.unknown, 0ms);
}

// set_current_state() and schedule() are two steps.
TEST(FirstEventTest, AWorkerThatIsWokenBeforeItLeftItsCpuDidNotSleep) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA).Start(2ms, kWorker, kWorkA);
  trace.Waking(4ms, kOtherTask, kWorker);
  trace.Switch(6ms, 0, kWorker, kTask, 'R', true).Switch(8ms, 0, kTask, kWorker);
  trace.End(9ms, kWorker, kWorkA);
  const RunSplit run = RunOf(Reconstruct(trace), 1ms);
  EXPECT_EQ(run.on_cpu, 5ms);
  EXPECT_EQ(run.preempted, 2ms);
  EXPECT_EQ(run.blocked + run.unknown, 0ms);
}

TEST(FirstEventTest, AWokenWorkerThatStartsWithoutASwitchHadItsCpu) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA).Waking(2ms, kOtherTask, kWorker);
  trace.Run(4ms, 5ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(WaitOf(o, 1ms).pre_work, 3ms);
  EXPECT_EQ(RunOf(o, 1ms).on_cpu, 1ms);
  EXPECT_EQ(o.quality.unseen_switches, 0u);
}

TEST(FirstEventTest, ASwitchThatALossMayHaveTakenIsNotCounted) {
  TraceBuilder trace = Begun();
  trace.Switch(1ms, 0, kWorker, kTask, 'I').Loss(2ms, 4ms, 1);
  trace.Put(5ms, kTask, kWorkA).Run(6ms, 9ms, kWorker, kWorkA);
  EXPECT_EQ(Reconstruct(trace).quality.unseen_switches, 0u);
}

TEST(FirstEventTest, NothingIsToldAcrossALoss) {
  TraceBuilder trace = Begun();
  trace.Put(1ms, kTask, kWorkA).Loss(2ms, 4ms, 1);
  trace.Waking(7ms, kTask, kWorker).Switch(8ms, 0, kTask, kWorker);
  trace.Run(9ms, 10ms, kWorker, kWorkA);
  const WaitSplit wait = WaitOf(Reconstruct(trace), 1ms);
  EXPECT_EQ(wait.unknown, 3ms) << "up to the end of the loss";
  EXPECT_EQ(wait.hold, 3ms);
}

TEST(FirstEventTest, AWorkerThatExecutesHasACpuWhateverItsEventsSay) {
  TraceBuilder trace = Begun();
  trace.Switch(1ms, 0, kWorker, kTask, 'I').Put(2ms, kTask, kWorkA);
  trace.Run(5ms, 9ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(WaitOf(o, 2ms).unknown, 3ms) << "when it was woken is hidden";
  EXPECT_EQ(RunOf(o, 2ms).blocked, 0ms);
  EXPECT_EQ(RunOf(o, 2ms).unknown, 4ms);
  EXPECT_EQ(o.quality.unseen_switches, 1u);
}

TEST(FirstEventTest, OfAWorkerSomeOfWhoseEventsAreHiddenNothingIsInferred) {
  TraceBuilder trace = Begun();
  trace.Switch(1ms, 0, kWorker, kTask, 'I').Put(2ms, kTask, kWorkA);
  trace.Run(5ms, 9ms, kWorker, kWorkA);
  trace.Put(20ms, kTask, kWorkB).Waking(22ms, kTask, kWorker).Switch(23ms, 0, kTask, kWorker);
  trace.Run(24ms, 25ms, kWorker, kWorkB);
  const WaitSplit wait = WaitOf(Reconstruct(trace), 20ms);
  EXPECT_EQ(wait.hold, 0ms);
  EXPECT_EQ(wait.unknown, 2ms);
}

}  // namespace
}  // namespace wqprof::testing
