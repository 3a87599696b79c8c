// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_truth.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace wqprof::testing {

Truth::Truth(const Simulation& simulation) {
  for (const TrueItem& t : simulation.truth) {
    if (t.queued != kUnseen) by_queue_[{t.work, t.queued}] = &t;
    if (t.started != kUnseen) by_start_[{t.work, t.started}] = &t;
    if (t.ended != kUnseen) by_end_[{t.work, t.ended}] = &t;
    Timestamp& last = last_queue_.try_emplace(t.work, kUnseen).first->second;
    last = std::max(last, t.queued);
  }
}

const TrueItem* Truth::Find(const Index& index, WorkAddr work, Timestamp at) {
  const auto it = index.find({work, at});
  return it == index.end() ? nullptr : it->second;
}

const TrueItem* Truth::QueuedAs(const WorkItem& item) const {
  return Find(by_queue_, item.work, item.queued);
}

const TrueItem* Truth::StartedAs(const WorkItem& item) const {
  return Find(by_start_, item.work, item.started);
}

const TrueItem* Truth::EndedAs(const WorkItem& item) const {
  return Find(by_end_, item.work, item.ended);
}

bool Truth::CancelledInWindow(const WorkItem& item) const {
  const TrueItem* queued = QueuedAs(item);
  const TrueItem* started = StartedAs(item);
  return queued != nullptr && started != nullptr && queued->grabbed &&
         started->queued < queued->queued && queued->queued < started->started;
}

bool Truth::QueuedAgain(const TrueItem& item) const {
  return last_queue_.at(item.work) > item.queued;
}

Doubts::Doubts(const Truth& truth, const Outcome& outcome) {
  for (const WorkItem& i : outcome.items) {
    if (i.ambiguous || truth.CancelledInWindow(i)) starts_.insert({i.work, i.started});
  }
  for (bool more = true; more;) {
    more = false;
    for (const WorkItem& i : outcome.items) {
      const TrueItem* t = truth.QueuedAs(i);
      if (t == nullptr || i.started == kUnseen || t->started == i.started) continue;
      if (About(*t)) more |= starts_.insert({i.work, i.started}).second;
    }
  }
}

std::string Show(Timestamp t) {
  return t == kUnseen ? "-" : fmt::format("{}", t.time_since_epoch().count());
}

std::string Show(const TrueItem& t) {
  return fmt::format("true {:#x} {} Q{} A{} S{} E{} pid {}", ToInt(t.work), t.function,
                     Show(t.queued), Show(t.activated), Show(t.started), Show(t.ended),
                     ToInt(t.worker));
}

std::string Show(const WorkItem& i) {
  return fmt::format("told {:#x} {} Q{} A{} S{} E{} pid {}{}{}{}", ToInt(i.work), ToString(i.state),
                     Show(i.queued), Show(i.activated), Show(i.started), Show(i.ended),
                     ToInt(i.worker), i.ambiguous ? " ambiguous" : "",
                     i.wait_tainted ? " wait-tainted" : "", i.run_tainted ? " run-tainted" : "");
}

void ExpectSameExecution(const TraceBuilder& trace, const Outcome& outcome, const TrueItem& truth,
                         const WorkItem& item) {
  EXPECT_EQ(Show(item.started), Show(truth.started));
  EXPECT_EQ(Show(item.ended), Show(truth.ended));
  EXPECT_EQ(item.worker, truth.worker);
  EXPECT_EQ(item.run_cpu, truth.run_cpu);
  EXPECT_EQ(item.end_cpu, truth.end_cpu);
  EXPECT_EQ(item.softirq, truth.softirq);
  EXPECT_EQ(trace.names().Get(item.function), truth.function);
  // Only its queue event says of which BH pool a work is (doc/kernel.md rule 22a).
  if (item.softirq && item.queued == kUnseen) {
    EXPECT_EQ(outcome.PoolName(item), "unknown");
  } else {
    EXPECT_EQ(outcome.PoolName(item), truth.pool);
  }
}

void ExpectSameWait(const TraceBuilder& trace, const TrueItem& truth, const WorkItem& item) {
  EXPECT_EQ(Show(item.queued), Show(truth.queued));
  EXPECT_EQ(Show(item.activated), Show(truth.activated));
  EXPECT_EQ(item.queue_cpu, truth.queue_cpu);
  EXPECT_EQ(item.target_cpu, truth.target_cpu);
  EXPECT_EQ(trace.names().Get(item.workqueue), truth.workqueue);
}

void ExpectSameOrigin(const TrueItem& truth, const WorkItem& item) {
  EXPECT_EQ(item.requeued_by_self, truth.requeued_by_self);
  EXPECT_EQ(ToString(item.origin.kind), ToString(truth.origin));
}

}  // namespace wqprof::testing
