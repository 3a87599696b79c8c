// SPDX-License-Identifier: Apache-2.0
// Delayed works: what their timers tell.
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kSoftirq{501, "other", 1, kFlagSoftirq};

// A trace in which HZ is known from the first second on.
TraceBuilder WithJiffies(int hz = 250) {
  TraceBuilder t;
  t.Arm(0ms, kTask, WorkAddr{0x9000}, 100, hz).Arm(1s, kTask, WorkAddr{0xa000}, 100, hz);
  return t;
}

// The timer of `work` expires, and queues it.
void Fire(TraceBuilder& t, Nanos at, WorkAddr work) {
  t.Expire(at, kSoftirq, work).Put(at + 2us, kSoftirq, work);
}

TEST(TimerTest, ADelayedWorkHasTheTimeItWasArmedAndTheTimeItWasDue) {
  TraceBuilder t = WithJiffies();
  t.Arm(1100ms, kTask, kWorkA, 25);
  Fire(t, 1203ms, kWorkA);
  t.Run(1204ms, 1205ms, kWorker, kWorkA);
  const WorkItem item = Reconstruct(t).QueuedAt(1203ms + 2us);
  EXPECT_EQ(item.armed, Timestamp(1100ms));
  EXPECT_EQ(item.due, Timestamp(1200ms));
  EXPECT_EQ(item.rearmed, 0u);
  EXPECT_EQ(item.origin.kind, Origin::Kind::kSoftirq);
  EXPECT_EQ(item.origin.function, NameId::kDelayedTimer);
  // The latency begins when it is queued.
  EXPECT_EQ(item.Latency(), 998us);
}

TEST(TimerTest, TheDelayIsThatOfTheLastArm) {
  TraceBuilder t = WithJiffies();
  t.Arm(1100ms, kTask, kWorkA, 25).Arm(1150ms, kTask, kWorkA, 50).Arm(1160ms, kTask, kWorkA, 10);
  Fire(t, 1201ms, kWorkA);
  const WorkItem item = Reconstruct(t).QueuedAt(1201ms + 2us);
  EXPECT_EQ(item.armed, Timestamp(1160ms));
  EXPECT_EQ(item.due, Timestamp(1200ms));
  EXPECT_EQ(item.rearmed, 2u);
}

TEST(TimerTest, AWorkThatIsQueuedWithoutItsTimerHasNone) {
  // mod_delayed_work() with a delay of 0, or queue_work() on the work inside.
  TraceBuilder t = WithJiffies();
  t.Arm(1100ms, kTask, kWorkA, 25).Put(1110ms, kTask, kWorkA).Run(1111ms, 1112ms, kWorker, kWorkA);
  EXPECT_EQ(Reconstruct(t).QueuedAt(1110ms).armed, kUnseen);
}

TEST(TimerTest, AnotherWorkQueuedFromTheSoftirqIsNotTheTimers) {
  TraceBuilder t = WithJiffies();
  t.Arm(1100ms, kTask, kWorkA, 25).Expire(1200ms, kSoftirq, kWorkA);
  t.Put(1200ms + 1us, kSoftirq, kWorkB).Put(1200ms + 2us, kSoftirq, kWorkA);
  const Outcome o = Reconstruct(t);
  EXPECT_EQ(o.QueuedAt(1200ms + 1us).armed, kUnseen);
  EXPECT_EQ(o.QueuedAt(1200ms + 1us).origin.function, NameId::kUnknown);
  EXPECT_EQ(o.QueuedAt(1200ms + 2us).armed, Timestamp(1100ms));
}

TEST(TimerTest, WithoutItsStartATimerIsKnownButNotWhenItWasDue) {
  TraceBuilder t = WithJiffies();
  Fire(t, 1200ms, kWorkA);
  const WorkItem item = Reconstruct(t).QueuedAt(1200ms + 2us);
  EXPECT_EQ(item.armed, kUnseen);
  EXPECT_EQ(item.due, kUnseen);
  EXPECT_EQ(item.origin.function, NameId::kDelayedTimer);
}

TEST(TimerTest, ALossMayHideThatATimerWasStartedAnew) {
  TraceBuilder t = WithJiffies();
  t.Arm(1100ms, kTask, kWorkA, 25).LossBegin(1110ms, 0).LossEnd(1120ms, 0);
  Fire(t, 1200ms, kWorkA);
  EXPECT_EQ(Reconstruct(t).QueuedAt(1200ms + 2us).armed, kUnseen);
}

TEST(TimerTest, UntilHzIsKnownNothingIsDue) {
  TraceBuilder t;
  t.Arm(0ms, kTask, kWorkA, 2);
  Fire(t, 8ms, kWorkA);
  const WorkItem item = Reconstruct(t).QueuedAt(8ms + 2us);
  EXPECT_EQ(item.armed, Timestamp(0ms));
  EXPECT_EQ(item.due, kUnseen);
}

TEST(TimerTest, EveryHzOfKconfigIsLearnt) {
  for (const int hz : {100, 250, 300, 1000}) {
    SCOPED_TRACE(hz);
    TraceBuilder t = WithJiffies(hz);
    t.Arm(1100ms, kTask, kWorkA, static_cast<uint32_t>(hz) / 10, hz);
    Fire(t, 1202ms, kWorkA);
    EXPECT_EQ(Reconstruct(t).QueuedAt(1202ms + 2us).due, Timestamp(1200ms));
  }
}

}  // namespace
}  // namespace wqprof::testing
