// SPDX-License-Identifier: Apache-2.0
#include "wqprof/crew.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "wqprof/stream_copy.h"

namespace wqprof {
namespace {

// A job of so many steps, which counts them and those that were done at once with another.
class Counter : public Crew::Job {
 public:
  explicit Counter(int steps) : left_(steps) {}
  bool Step() override {
    if (++inside_ > 1) ++overlaps_;
    ++done_;
    const bool more = --left_ > 0;
    --inside_;
    return more;
  }
  int done() const { return done_; }
  int overlaps() const { return overlaps_; }

 private:
  std::atomic<int> left_;
  std::atomic<int> done_{0}, inside_{0}, overlaps_{0};
};

TEST(Crew, WithoutHelpersTheCallerDoesAllSteps) {
  Crew crew(0);
  Counter counter(5);
  crew.Schedule(counter);
  EXPECT_EQ(counter.done(), 0);
  crew.WaitUntil(counter, [&] { return counter.done() == 5; });
  EXPECT_EQ(counter.done(), 5);
}

TEST(Crew, EveryJobIsDoneToItsEndByOneThreadAtATime) {
  for (const int helpers : {1, 3, 8}) {
    Crew crew(helpers);
    std::vector<std::unique_ptr<Counter>> jobs;
    for (int i = 0; i < 20; ++i) jobs.push_back(std::make_unique<Counter>(500));
    for (auto& job : jobs) crew.Schedule(*job);
    for (auto& job : jobs) crew.WaitUntil(*job, [&] { return job->done() == 500; });
    for (auto& job : jobs) {
      EXPECT_EQ(job->done(), 500);
      EXPECT_EQ(job->overlaps(), 0);
      crew.Forget(*job);
    }
  }
}

// Passes numbers through a few places, as decoding and summing up do.
class Pipe : public Crew::Job {
 public:
  bool Step() override {
    const size_t taken = taken_.load(std::memory_order_relaxed);
    if (taken == given_.load(std::memory_order_acquire)) return false;
    sum_ += places_[taken % places_.size()];
    taken_.store(taken + 1, std::memory_order_release);
    return taken + 1 < given_.load(std::memory_order_acquire);
  }
  void Give(Crew& crew, uint64_t number) {
    crew.WaitUntil(*this, [&] { return given_ - taken_ < places_.size(); });
    StreamCopy(&places_[given_ % places_.size()], &number, 1);
    given_.fetch_add(1, std::memory_order_release);
    crew.Schedule(*this);
  }
  uint64_t Finish(Crew& crew) {
    crew.WaitUntil(*this, [&] { return given_ == taken_; });
    crew.Forget(*this);
    return sum_;
  }

 private:
  std::array<uint64_t, 3> places_{};
  std::atomic<size_t> given_{0}, taken_{0};
  uint64_t sum_ = 0;
};

TEST(Crew, AJobThatIsAskedForAgainWhileItRunsRunsAgain) {
  for (const int helpers : {0, 1, 2}) {
    Crew crew(helpers);
    Pipe pipe;
    constexpr uint64_t kNumbers = 20000;
    for (uint64_t i = 1; i <= kNumbers; ++i) pipe.Give(crew, i);
    EXPECT_EQ(pipe.Finish(crew), kNumbers * (kNumbers + 1) / 2) << helpers;
  }
}

TEST(Crew, WhatIsForgottenIsNotDone) {
  Crew crew(0);
  Counter counter(5);
  crew.Schedule(counter);
  crew.Forget(counter);
  Counter other(1);
  crew.Schedule(other);
  crew.WaitUntil(other, [&] { return other.done() == 1; });
  EXPECT_EQ(counter.done(), 0);
}

// One of as many jobs as there are threads: its step ends when each thread is in one.  Notes whose
// hand it was.
class HandNoter : public Crew::Job {
 public:
  HandNoter(Crew& crew, std::atomic<int>& entered) : crew_(crew), entered_(entered) {}
  bool Step() override {
    const size_t hand = crew_.hand();
    ++entered_;
    while (entered_ < crew_.helpers() + 1) std::this_thread::yield();
    hand_ = hand;
    return false;
  }
  bool done() const { return hand_ != kNone; }
  size_t hand() const { return hand_; }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  Crew& crew_;
  std::atomic<int>& entered_;
  std::atomic<size_t> hand_{kNone};
};

TEST(Crew, EachThreadIsAHandOfItsOwn) {
  for (const int helpers : {0, 1, 3}) {
    Crew crew(helpers);
    EXPECT_EQ(crew.hand(), 0u);
    std::atomic<int> entered{0};
    std::vector<std::unique_ptr<HandNoter>> jobs;
    for (int i = 0; i <= crew.helpers(); ++i) {
      jobs.push_back(std::make_unique<HandNoter>(crew, entered));
    }
    for (auto& job : jobs) crew.Schedule(*job);
    std::set<size_t> hands;
    for (auto& job : jobs) {
      crew.WaitUntil(*job, [&] { return job->done(); });
      crew.Forget(*job);
      EXPECT_LE(job->hand(), static_cast<size_t>(crew.helpers()));
      hands.insert(job->hand());
    }
    EXPECT_EQ(hands.size(), jobs.size()) << helpers;
  }
}

TEST(StreamCopy, CopiesWhateverTheAlignment) {
  for (size_t offset = 0; offset < 4; ++offset) {
    for (size_t n = 0; n < 20; ++n) {
      std::vector<uint64_t> from(n), to(n + offset + 1, 7);
      std::iota(from.begin(), from.end(), 100);
      StreamCopy(to.data() + offset, from.data(), n);
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(to[offset + i], 100 + i);
      EXPECT_EQ(to[offset + n], 7u);
    }
  }
}

}  // namespace
}  // namespace wqprof
