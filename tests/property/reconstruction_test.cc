// SPDX-License-Identifier: Apache-2.0
// Simulated machines, whose truth is known, against what is made of their traces.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "support/outcome.h"
#include "support/pool_simulator.h"
#include "support/simulated_truth.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

std::string ShowGap(const std::string& pool, Timestamp begin, Timestamp end) {
  return fmt::format("{} {} {}", Show(begin), Show(end), pool);
}

// What a complete trace must give.  Returns how many lives were mistaken for a good reason.
size_t CheckComplete(const Simulation& sim, const Outcome& o, const SimulationOptions& options) {
  const Truth truth(sim);
  const Doubts doubts(truth, o);
  size_t mistaken = 0, barriers = 0;
  for (const WorkItem& i : o.items) {
    SCOPED_TRACE(Show(i));
    EXPECT_FALSE(i.tainted());
    const TrueItem* t = i.state == ItemState::kBarrier ? truth.StartedAs(i) : truth.QueuedAs(i);
    if (t == nullptr) {
      ADD_FAILURE() << "invented";
      continue;
    }
    SCOPED_TRACE(Show(*t));
    barriers += t->barrier ? 1 : 0;
    if (t->started != i.started) {
      EXPECT_TRUE(doubts.About(i) || doubts.About(*t)) << "mispaired";
      ++mistaken;
      continue;
    }
    if (i.started == kUnseen) {
      EXPECT_EQ(i.state == ItemState::kSuperseded, truth.QueuedAgain(*t));
    } else {
      ExpectSameExecution(sim.trace, o, *t, i);
    }
    // A cancelled work that was activated for it: its activation belongs to nothing.
    if (!t->barrier && !(options.cancel_activates && t->grabbed)) {
      ExpectSameWait(sim.trace, *t, i);
      ExpectSameOrigin(*t, i);
    }
  }
  // Barriers that did not start left no trace.
  const auto seen = std::count_if(sim.truth.begin(), sim.truth.end(), [](const TrueItem& t) {
    return t.queued != kUnseen || t.started != kUnseen;
  });
  EXPECT_EQ(o.size(), static_cast<size_t>(seen));
  EXPECT_EQ(o.quality.barriers, barriers);
  EXPECT_EQ(o.quality.unmatched_starts + o.quality.unmatched_ends + o.quality.before_trace, 0u);
  EXPECT_EQ(o.quality.lost_ends + o.quality.negative_latencies, 0u);
  return mistaken;
}

void CheckWorkers(const Simulation& sim, const Outcome& o) {
  std::map<Pid, Nanos> busy;
  std::map<Pid, uint64_t> executions;
  const Timestamp end = sim.trace.events().back().at;
  for (const TrueItem& t : sim.truth) {
    if (t.started == kUnseen || t.softirq) continue;
    busy[t.worker] += (t.ended == kUnseen ? end : t.ended) - t.started;
    ++executions[t.worker];
  }
  EXPECT_EQ(o.workers.size(), busy.size());
  for (const WorkerOccupancy& w : o.workers) {
    EXPECT_EQ(w.busy, busy[w.pid]) << ToInt(w.pid);
    EXPECT_EQ(w.executions, executions[w.pid]) << ToInt(w.pid);
  }
}

// Worlds that differ in what is common there.
std::vector<SimulationOptions> Worlds(uint64_t seed) {
  SimulationOptions usual;
  usual.seed = seed;
  std::vector<SimulationOptions> worlds(8, usual);
  worlds[1].world = "large";
  worlds[1].cpus = 4;
  worlds[1].works = 40;
  worlds[2].world = "windows";
  worlds[2].window = 0.6;
  worlds[2].cancel = worlds[2].mod = 0;
  worlds[3].world = "mod";
  worlds[3].mod = 0.5;
  worlds[3].works = 4;
  worlds[4].world = "reuse";
  worlds[4].reuse = 0.4;
  worlds[4].requeue = 0.5;
  worlds[5].world = "rescue";
  worlds[5].rescue = 0.8;
  worlds[5].pause = 2us;
  worlds[6].world = "cancel";
  worlds[6].cancel = 0.4;
  worlds[6].cancel_activates = true;
  worlds[7].world = "sched";
  worlds[7].sched_events = true;
  worlds[7].window = 0.4;
  worlds[7].mod = 0.3;
  return worlds;
}

const uint64_t kSeeds = SeedsToPlay(40);

TEST(ReconstructionTest, ACompleteTraceGivesEveryLifeAsItWas) {
  size_t items = 0, mistaken = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
      Simulation sim = Simulate(options);
      sim.trace.CoveredFrom(0ns);
      const Outcome o = Reconstruct(sim.trace);
      mistaken += CheckComplete(sim, o, options);
      CheckWorkers(sim, o);
      items += o.size();
    }
  }
  EXPECT_GT(items, 10000u) << "the simulation does too little to test anything";
  EXPECT_LT(mistaken, items / 20) << "too many doubts to be of use";
}

TEST(ReconstructionTest, WithoutCancellingTheWindowIsAlwaysRecognised) {
  uint64_t windows = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SimulationOptions options = Worlds(seed)[2];
    options.reuse = 0;
    SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
    Simulation sim = Simulate(options);
    sim.trace.CoveredFrom(0ns);
    const Outcome o = Reconstruct(sim.trace);
    windows += sim.windows;
    // The end of the trace may cut off the start that settles a doubt, once per work.
    EXPECT_LE(CheckComplete(sim, o, options), 2 * static_cast<size_t>(options.works));
  }
  EXPECT_GT(windows, 500u) << "the simulation opens too few windows to test anything";
}

void ExpectTheSame(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.size(), b.size());
  const std::vector<WorkItem> of_a = a.ById(), of_b = b.ById();
  for (size_t i = 0; i < of_a.size(); ++i) ASSERT_EQ(Show(of_a[i]), Show(of_b[i]));
  ASSERT_EQ(a.gaps.size(), b.gaps.size());
  ASSERT_EQ(a.pools.size(), b.pools.size());
  for (size_t i = 0; i < a.pools.size(); ++i) {
    ASSERT_EQ(a.pools[i].busy_sum, b.pools[i].busy_sum);
    ASSERT_EQ(a.pools[i].backlog_sum, b.pools[i].backlog_sum);
  }
}

TEST(ReconstructionTest, BatchesOfAnySizeGiveTheSame) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      Simulation sim = Simulate(options);
      sim.trace.CoveredFrom(0ns);
      const Outcome whole = Reconstruct(sim.trace);
      for (const size_t size : {size_t{1}, size_t{2}, size_t{7}, size_t{1000}}) {
        sim.trace.BatchSize(size);
        sim.trace.Rewind();
        ASSERT_NO_FATAL_FAILURE(ExpectTheSame(whole, Reconstruct(sim.trace)));
      }
    }
  }
}

// Activations that are the next event of their CPU travel within the queue event, as a decoder lets
// them; returns how many did.
size_t JoinActivations(TraceBuilder& trace) {
  std::vector<Event> joined;
  std::map<Cpu, size_t> last;  // of each CPU, in `joined`
  size_t n = 0;
  for (const Event& e : trace.events()) {
    const auto before = last.find(e.cpu);
    if (e.kind == EventKind::kActivateWork && before != last.end()) {
      Event& queue = joined[before->second];
      if (queue.kind == EventKind::kQueueWork && queue.work.work == e.work.work &&
          queue.pid == e.pid && queue.flags == e.flags && queue.work.activation == 0) {
        queue.work.activation = static_cast<uint32_t>((e.at - queue.at).count()) + 1;
        ++n;
        continue;
      }
    }
    last[e.cpu] = joined.size();
    joined.push_back(e);
  }
  trace.Replace(std::move(joined));
  return n;
}

TEST(ReconstructionTest, AnActivationWithinItsQueueEventIsAsOneOfItsOwn) {
  size_t joined = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    for (const SimulationOptions& options : Worlds(seed)) {
      SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
      Simulation sim = Simulate(options);
      sim.trace.CoveredFrom(0ns);
      const Outcome apart = Reconstruct(sim.trace);
      joined += JoinActivations(sim.trace);
      ExpectTheSame(apart, Reconstruct(sim.trace));
    }
  }
  EXPECT_GT(joined, 10000u) << "the simulation does too little to test anything";
}

// Without rescuers, who work for a pool that is not theirs, gaps follow from the starts.
TEST(ReconstructionTest, GapsAreThoseOfTheTrueStarts) {
  constexpr Nanos kFloor = 20us;
  size_t gaps = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SimulationOptions options;
    options.seed = seed;
    options.rescue = options.window = options.mod = options.cancel = 0;
    options.no_windows = true;  // a gap is told before a later start may turn matches around
    SCOPED_TRACE(fmt::format("seed {}, world {}", seed, options.world));
    Simulation sim = Simulate(options);
    sim.trace.CoveredFrom(0ns);
    const Outcome o = Reconstruct(sim.trace, {.gap_floor = kFloor});
    std::map<Timestamp, const TrueItem*> starts;
    for (const TrueItem& t : sim.truth) {
      if (t.started != kUnseen) starts[t.started] = &t;
    }
    std::map<std::string, Timestamp> last_start;
    std::set<std::string> expected, told;
    for (const auto& [at, t] : starts) {
      const auto last = last_start.find(t->pool);
      Timestamp begin = t->activated;
      if (last != last_start.end()) begin = std::max(begin, last->second);
      if (!t->barrier && at - begin >= kFloor) expected.insert(ShowGap(t->pool, begin, at));
      last_start[t->pool] = at;
    }
    for (const PoolGap& g : o.gaps) {
      if (!g.at_end) told.insert(ShowGap(o.pool_of.at(g.pool).name, g.begin, g.end));
    }
    EXPECT_EQ(told, expected);
    gaps += expected.size();
  }
  EXPECT_GT(gaps, 100u) << "the simulation makes too few gaps to test anything";
}

}  // namespace
}  // namespace wqprof::testing
