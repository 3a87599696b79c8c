// SPDX-License-Identifier: Apache-2.0
// The kernel stacks of queue events.
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

std::string StackOf(TraceBuilder& t, Nanos queued_at) {
  return std::string(t.names().Get(Reconstruct(t).QueuedAt(queued_at).stack));
}

TEST(QueueStackTest, AnItemHasTheStackInWhichItWasQueued) {
  TraceBuilder t;
  t.Queue(1us, kTask, kWorkA).Stack(2us, kTask, "queue_work_on;f").Activate(3us, kTask, kWorkA);
  t.Put(4us, kTask, kWorkB);
  t.Run(5us, 6us, kWorker, kWorkA).Run(7us, 8us, kWorker, kWorkB);
  EXPECT_EQ(StackOf(t, 1us), "queue_work_on;f");
  t.Rewind();
  EXPECT_EQ(StackOf(t, 4us), "");
}

TEST(QueueStackTest, EachCpuHasItsOwn) {
  TraceBuilder t;
  t.Queue(1us, kTask, kWorkA).Queue(2us, kOtherTask, kWorkB);
  t.Stack(3us, kOtherTask, "b").Stack(4us, kTask, "a");
  t.Activate(5us, kTask, kWorkA).Activate(6us, kOtherTask, kWorkB);
  t.Run(7us, 8us, kWorker, kWorkA).Run(9us, 10us, kWorkerOn1, kWorkB);
  EXPECT_EQ(StackOf(t, 1us), "a");
  t.Rewind();
  EXPECT_EQ(StackOf(t, 2us), "b");
}

TEST(QueueStackTest, AnItemThatIsSupersededOrStillWaitsHasItToo) {
  TraceBuilder t;
  t.Queue(1us, kTask, kWorkA).Stack(2us, kTask, "first");
  t.Queue(3us, kTask, kWorkA).Stack(4us, kTask, "second");
  EXPECT_EQ(StackOf(t, 1us), "first");
  t.Rewind();
  EXPECT_EQ(StackOf(t, 3us), "second");
}

TEST(QueueStackTest, AStackOfNothingSeenIsNobodys) {
  TraceBuilder t;
  t.Stack(1us, kTask, "before").Put(2us, kTask, kWorkA).Stack(3us, kTask, "after");
  t.Run(5us, 6us, kWorker, kWorkA).Stack(7us, kTask, "late");
  EXPECT_EQ(StackOf(t, 2us), "");
}

}  // namespace
}  // namespace wqprof::testing
