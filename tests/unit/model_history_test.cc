// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "model/worker_history.h"

namespace wqprof::testing {
namespace {

constexpr int kEnd = 4000;

// What a worker did at each instant, written down the long way.
struct Instant {
  TaskState state = TaskState::kUnknown;
  bool executing = false;
};

// A history of changes at random times, some of them at the same.
class WorkerHistoryTest : public ::testing::Test {
 protected:
  WorkerHistoryTest() {
    Instant now;
    for (int t = 0; t < kEnd; ++t) {
      for (int changes = static_cast<int>(random_() % 4) - 1; changes > 0; --changes) {
        if (random_() % 3 == 0) {
          now.executing = !now.executing;
          history_.SetExecuting(Timestamp(Nanos(t)), now.executing);
        } else {
          now.state = static_cast<TaskState>(random_() % kTaskStates);
          history_.SetState(Timestamp(Nanos(t)), now.state);
        }
      }
      instants_.push_back(now);
    }
  }

  void ExpectSpan(int from, int to) {
    WorkerTime expected;
    for (int t = from; t < to; ++t) {
      const Instant& i = instants_[static_cast<size_t>(t)];
      (i.executing ? expected.executing : expected.idle)[static_cast<size_t>(i.state)] += Nanos(1);
    }
    const WorkerTime found = history_.Between(Timestamp(Nanos(from)), Timestamp(Nanos(to)));
    EXPECT_EQ(found.idle, expected.idle) << from << " to " << to;
    EXPECT_EQ(found.executing, expected.executing) << from << " to " << to;
  }

  std::mt19937 random_{1};
  WorkerHistory history_;
  std::vector<Instant> instants_;
};

TEST_F(WorkerHistoryTest, AnySpanIsTheSumOfItsInstants) {
  for (int i = 0; i < 2000; ++i) {
    const int from = static_cast<int>(random_() % kEnd);
    ExpectSpan(from, from + static_cast<int>(random_() % static_cast<unsigned>(kEnd - from)));
  }
  for (int from = 0; from < kEnd; from += 7) ExpectSpan(from, kEnd);
}

TEST_F(WorkerHistoryTest, AfterTrimWhatWasBeforeIsUnknownAndTheRestAsItWas) {
  constexpr int kKept = 1500;
  const size_t before = history_.size();
  history_.Trim(Timestamp(Nanos(kKept)));
  EXPECT_LT(history_.size(), before);
  for (int from = kKept; from < kEnd; from += 3) ExpectSpan(from, kEnd);
  const WorkerTime early = history_.Between(Timestamp(Nanos(0)), Timestamp(Nanos(100)));
  EXPECT_EQ(early.Idle(TaskState::kUnknown), Nanos(100));
}

TEST(WorkerHistory, ASpanAcrossTheBeginningHasAnUnknownPart) {
  WorkerHistory history;
  history.SetState(Timestamp(Nanos(50)), TaskState::kOnCpu);
  const WorkerTime time = history.Between(Timestamp(Nanos(20)), Timestamp(Nanos(70)));
  EXPECT_EQ(time.Idle(TaskState::kUnknown), Nanos(30));
  EXPECT_EQ(time.Idle(TaskState::kOnCpu), Nanos(20));
}

}  // namespace
}  // namespace wqprof::testing
