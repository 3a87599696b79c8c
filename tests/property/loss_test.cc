// SPDX-License-Identifier: Apache-2.0
// Simulated machines whose traces lost events: what is told without a taint is true.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/outcome.h"
#include "support/pool_simulator.h"
#include "support/simulated_loss.h"
#include "support/simulated_truth.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

const uint64_t kSeeds = SeedsToPlay(60);

std::vector<SimulationOptions> Worlds(uint64_t seed) {
  SimulationOptions usual;
  usual.seed = seed;
  std::vector<SimulationOptions> worlds(6, usual);
  worlds[1].world = "large";
  worlds[1].cpus = 4;
  worlds[1].works = 40;
  worlds[2].world = "windows";
  worlds[2].window = 0.4;
  worlds[2].cancel = worlds[2].mod = 0;
  worlds[3].world = "mod";
  worlds[3].mod = 0.4;
  worlds[3].works = 4;
  worlds[4].world = "reuse";
  worlds[4].reuse = 0.3;
  worlds[4].requeue = 0.5;
  worlds[5].world = "rescue";
  worlds[5].rescue = 0.8;
  worlds[5].flush = 0.3;
  return worlds;
}

// Every stamp that an item bears is that of an event of its work: nothing is invented.
void CheckNothingInvented(const Truth& truth, const WorkItem& i) {
  if (i.queued != kUnseen) {
    EXPECT_NE(truth.QueuedAs(i), nullptr) << "no such queue event";
  }
  if (i.started != kUnseen) {
    EXPECT_NE(truth.StartedAs(i), nullptr) << "no such start event";
  }
  if (i.ended != kUnseen) {
    EXPECT_NE(truth.EndedAs(i), nullptr) << "no such end event";
  }
}

// What an item tells without a taint: of its wait, of its execution.
void CheckUntainted(const Simulation& sim, const Outcome& o, const Truth& truth,
                    const Doubts& doubts, const WorkItem& i) {
  const TrueItem* queued = i.wait_tainted ? nullptr : truth.QueuedAs(i);
  if (queued != nullptr && !doubts.About(i) && !doubts.About(*queued)) {
    const TrueItem& t = *queued;
    SCOPED_TRACE(Show(t));
    // An item that is superseded, or pending at the end, claims never to have started.
    EXPECT_EQ(Show(i.started), Show(t.started)) << "mispaired";
    // An activation that is not told may have been lost with its cause.
    if (i.activated != kUnseen) {
      ExpectSameWait(sim.trace, t, i);
    }
  }
  if (!i.run_tainted && i.started != kUnseen && truth.StartedAs(i) != nullptr) {
    const TrueItem& t = *truth.StartedAs(i);
    SCOPED_TRACE(Show(t));
    ExpectSameExecution(sim.trace, o, t, i);
  }
}

struct Tally {
  size_t done = 0, untainted = 0;
};

Tally CheckLossy(const Simulation& sim, const Outcome& o) {
  const Truth truth(sim);
  const Doubts doubts(truth, o);
  Tally tally;
  for (const WorkItem& i : o.items) {
    SCOPED_TRACE(Show(i));
    CheckNothingInvented(truth, i);
    CheckUntainted(sim, o, truth, doubts, i);
    if (i.state != ItemState::kDone) continue;
    ++tally.done;
    tally.untainted += i.tainted() ? 0 : 1;
  }
  EXPECT_EQ(o.quality.unmatched_starts, 0u) << "a marked loss explains each of them";
  EXPECT_EQ(o.quality.unmatched_ends, 0u) << "a marked loss explains each of them";
  return tally;
}

// Without cancelling and windows there is nothing that a complete trace would not tell.
SimulationOptions WithoutDoubt(SimulationOptions options) {
  options.cancel = options.mod = options.window = 0;
  options.no_windows = true;
  return options;
}

TEST(LossPropertyTest, WhatIsToldWithoutTaintIsTrue) {
  Tally all;
  for (uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
      Simulation sim = Simulate(WithoutDoubt(options));
      const auto kept = LoseEvents(sim.trace.events(), {.seed = seed});
      sim.trace.Replace(kept).CoveredFrom(0ns);
      const Tally tally = CheckLossy(sim, Reconstruct(sim.trace));
      all.done += tally.done;
      all.untainted += tally.untainted;
    }
  }
  EXPECT_GT(all.untainted, 5000u) << "nothing is tested when all is tainted";
  EXPECT_LT(all.untainted, all.done) << "nothing is tested when nothing is lost";
}

// These worlds have windows, steals and address reuse a thousand times as often as a machine,
// and gaps in the middle of them; a start that is lost inside a chain of windows can then leave
// no trace at all.
TEST(LossPropertyTest, DoneItemsWithoutTaintOrDoubtAreTrueInEveryWorld) {
  size_t done = 0, mispaired = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
      Simulation sim = Simulate(options);
      const auto kept = LoseEvents(sim.trace.events(), {.seed = seed, .runs = 8});
      sim.trace.Replace(kept).CoveredFrom(0ns);
      const Outcome o = Reconstruct(sim.trace);
      const Truth truth(sim);
      const Doubts doubts(truth, o);
      for (const WorkItem& i : o.items) {
        SCOPED_TRACE(Show(i));
        CheckNothingInvented(truth, i);
        if (i.state != ItemState::kDone || i.wait_tainted || doubts.About(i)) continue;
        const TrueItem* const t = truth.QueuedAs(i);
        if (t == nullptr || doubts.About(*t)) continue;
        ++done;
        mispaired += i.started != t->started ? 1 : 0;
      }
    }
  }
  EXPECT_GT(done, 5000u);
  EXPECT_LE(mispaired * 1000, done) << mispaired << " of " << done;
}

TEST(LossPropertyTest, SilentLossIsSurvivedAndTheCountsStillAddUp) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      Simulation sim = Simulate(options);
      const size_t before = sim.trace.events().size();
      const auto kept = LoseEvents(sim.trace.events(), {.seed = seed, .runs = 20, .marked = false});
      sim.trace.Replace(kept);
      const Outcome o = Reconstruct(sim.trace);  // checks the invariants
      EXPECT_LE(o.size(), before);
    }
  }
}

}  // namespace
}  // namespace wqprof::testing
