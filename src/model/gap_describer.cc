// SPDX-License-Identifier: Apache-2.0
#include "model/gap_describer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace wqprof {
namespace {

constexpr size_t kMaxHolders = 16;

// What a worker did for the most of a span.
GapPicture::Did DidMost(const WorkerTime& time) {
  using Did = GapPicture::Did;
  const auto both = [&](TaskState state) { return time.Idle(state) + time.Executing(state); };
  const Nanos waited =
      both(TaskState::kPreempted) + both(TaskState::kRunnable) + both(TaskState::kWoken);
  const auto slept = [](auto part) {
    return part(TaskState::kSleeping) + part(TaskState::kSleepingD) +
           part(TaskState::kSleepingIdle);
  };
  const std::array<std::pair<Nanos, Did>, 6> all = {{
      {time.Executing(TaskState::kOnCpu), Did::kExecuted},
      {waited, Did::kWaited},
      {slept([&](TaskState s) { return time.Executing(s); }), Did::kSlept},
      {slept([&](TaskState s) { return time.Idle(s); }), Did::kIdle},
      {time.Idle(TaskState::kOnCpu), Did::kAwake},
      {both(TaskState::kUnknown), Did::kUnknown},
  }};
  return std::max_element(all.begin(), all.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

}  // namespace

void GapDescriber::Want(const Reconstructor::Options& options) {
  floor_ = std::min(floor_, options.gap_floor);
  if (options.picture_of != kUnseen) picture_of_ = options.picture_of;
}

void GapDescriber::Report(PoolGap gap, const ExecutionContext* starter, bool collided) {
  if (!TrimToWhole(gap)) return;
  Describe(gap, Look(gap.pool), starter, collided);
  outlet_.AddGap(std::move(gap));
}

// Where events of its CPU are missing a pool may have started something: a gap begins behind
// that.  False: nothing is left that is long enough.
bool GapDescriber::TrimToWhole(PoolGap& gap) const {
  gap.begin = std::max(gap.begin, tables_.losses.WholeSince(tables_.pools[gap.pool].cpu));
  return gap.begin < gap.end && gap.end - gap.begin >= floor_;
}

// At so many workers is looked per event, all in all: a trace may have any number of gaps, and of
// workers that hold them.  The oldest executions come first.
size_t GapDescriber::LooksAllowed() const {
  constexpr uint64_t kLooksPerEvent = 32, kLeast = 64, kAtOnce = uint64_t{1} << 20;
  const uint64_t allowed = kAtOnce + events_ * kLooksPerEvent;
  return allowed > looks_ + kLeast ? allowed - looks_ : kLeast;
}

// Adds the execution of a worker that lasts into the gap, if there is one.
void GapDescriber::AddHolder(PoolGap& gap, const ExecutionContext& context) const {
  // The start that ends the gap is on its worker's stack already.
  const bool open = !context.stack.empty() && context.stack.front().item.started < gap.end;
  const WorkItem* item = open ? &context.stack.front().item : nullptr;
  const LastRun run =
      open ? LastRun{item->function, item->workqueue, item->stack,
                     item->started,  gap.end,         tables_.sched.tracks().PreemptedBy(context)}
           : context.last_run;
  const Timestamp from = std::max(run.started, gap.begin);
  const Timestamp to = std::min(run.ended, gap.end);
  if (run.ended == kUnseen || to <= from) return;
  GapHolder holder{run.function,
                   run.workqueue,
                   context.pid,
                   context.comm,
                   run.stack,
                   run.started,
                   to - from,
                   {},
                   {}};
  if ((holder.split = tables_.sched.tracks().SplitOf<RunSplit>(context, from, to))) {
    holder.preempted_by = run.preempted_by;
    if (open) {
      holder.idled =
          tables_.sched.tracks().IdledBefore(context, from, to, tables_.sched.cpus().idle());
      const WorkerTracks::Sleep sleep = tables_.sched.tracks().SleepOf(context);
      holder.asleep_in = sleep.letter;
      holder.asleep_since = sleep.since;
    }
  }
  gap.holders.push_back(holder);
}

std::span<const uint32_t> GapDescriber::Look(PoolId pool) {
  std::span<const uint32_t> workers = tables_.workers.WorkersOf(pool);
  workers = workers.first(std::min(workers.size(), LooksAllowed()));
  looks_ += workers.size();
  return workers;
}

// While a pool starts nothing, each of its workers has at most one execution that lasts into
// the gap: the one still open, or the one that it ended last.
void GapDescriber::AddHolders(PoolGap& gap, std::span<const uint32_t> workers,
                              const ExecutionContext* starter) const {
  for (const uint32_t worker : workers) {
    const ExecutionContext& context = tables_.workers[worker];
    if (const auto split = tables_.sched.tracks().SplitOf<WaitSplit>(context, gap.begin, gap.end)) {
      gap.creation = std::max(gap.creation, split->worker_creation);
    }
    AddHolder(gap, context);
  }
  const ExecutionContext* const softirqs = tables_.workers.FindSoftirq(tables_.pools[gap.pool].cpu);
  if (softirqs != nullptr && softirqs->pool == gap.pool) AddHolder(gap, *softirqs);
  if (gap.rescued) AddHolder(gap, *starter);
  std::sort(gap.holders.begin(), gap.holders.end(), [](const GapHolder& a, const GapHolder& b) {
    return a.overlap != b.overlap ? a.overlap > b.overlap : a.begin < b.begin;
  });
  if (gap.holders.size() > kMaxHolders) gap.holders.resize(kMaxHolders);
}

// What the worker did that `ended` the gap, or that was woken to end it.
void GapDescriber::DescribeStarter(PoolGap& gap, const ExecutionContext& starter,
                                   bool ended) const {
  const SchedTracker& sched = tables_.sched;
  gap.starter_comm = starter.comm;
  gap.starter_pid = starter.pid;
  gap.starter = sched.tracks().SplitOf<WaitSplit>(starter, gap.begin, gap.end);
  if (!gap.starter) return;
  const Cpu cpu = tables_.pools[gap.pool].cpu;
  if (ended) {
    gap.starter_preempted_by = sched.tracks().PreemptedBy(starter);
    gap.starter_idled =
        sched.tracks().IdledBefore(starter, gap.begin, gap.end, sched.cpus().idle());
  } else if (cpu != Cpu::kNone) {
    const Timestamp awake = sched.tracks().AwakeSince(starter);
    if (awake != kUnseen) {
      gap.starter_preempted_by = sched.cpus().LongestIn(cpu, awake, gap.end, {});
    }
    gap.starter_idled = sched.cpus().idle().Between(cpu, std::max(awake, gap.begin), gap.end);
  }
}

void GapDescriber::Describe(PoolGap& gap, std::span<const uint32_t> workers,
                            const ExecutionContext* starter, bool collided) const {
  gap.collided = collided;
  gap.rescued = starter != nullptr && tables_.pools[starter->pool].kind == PoolKind::kRescuer;
  AddHolders(gap, workers, starter);
  const Cpu cpu = tables_.pools[gap.pool].cpu;
  if (tables_.sched.seen() && cpu != Cpu::kNone) {
    gap.cpu_idle = tables_.sched.cpus().idle().Between(cpu, gap.begin, gap.end);
  }
  const bool ended = starter != nullptr;
  if (!ended) starter = WokenWorker(workers);
  if (gap.begin == picture_of_ && tables_.sched.seen()) [[unlikely]] {
    gap.picture = std::make_shared<const GapPicture>(PictureOf(gap, workers, starter));
  }
  if (starter == nullptr || starter->pid == Pid::kNone) return;
  DescribeStarter(gap, *starter, ended);
}

// The worker that was woken for what waits, and does not execute yet: the pool wakes one at a time.
const ExecutionContext* GapDescriber::WokenWorker(std::span<const uint32_t> workers) const {
  const ExecutionContext* out = nullptr;
  Timestamp earliest = Timestamp::max();
  for (const uint32_t index : workers) {
    const Timestamp since = tables_.sched.tracks().AwakeSince(tables_.workers[index]);
    if (since == kUnseen || since >= earliest) continue;
    earliest = since;
    out = &tables_.workers[index];
  }
  return out;
}

GapPicture GapDescriber::PictureOf(const PoolGap& gap, std::span<const uint32_t> workers,
                                   const ExecutionContext* starter) const {
  constexpr size_t kMostWorkers = 6;
  GapPicture out;
  const auto at = [&](size_t part) {
    const auto length = static_cast<double>((gap.end - gap.begin).count());
    return gap.begin +
           Nanos(static_cast<int64_t>(length * static_cast<double>(part) / GapPicture::kParts));
  };
  const auto add = [&](const ExecutionContext& worker) {
    GapPicture::Worker& row = out.workers.emplace_back();
    row.pid = worker.pid;
    row.comm = worker.comm;
    for (size_t part = 0; part < GapPicture::kParts; ++part) {
      if (const auto time = tables_.sched.tracks().Between(worker, at(part), at(part + 1))) {
        row.did[part] = DidMost(*time);
      }
    }
  };
  if (starter != nullptr && starter->pid != Pid::kNone) add(*starter);
  for (const uint32_t index : workers) {
    const ExecutionContext& worker = tables_.workers[index];
    const bool held = std::any_of(gap.holders.begin(), gap.holders.end(),
                                  [&](const GapHolder& h) { return h.worker == worker.pid; });
    if (held && &worker != starter && out.workers.size() < kMostWorkers) add(worker);
  }
  const Cpu cpu = tables_.pools[gap.pool].cpu;
  if (cpu != Cpu::kNone) out.runs = tables_.sched.cpus().RunsOn(cpu, gap.begin, gap.end);
  return out;
}

OpenState::Execution GapDescriber::OpenExecutionOf(const ExecutionContext& context,
                                                   Timestamp since) const {
  const WorkItem& item = context.stack.front().item;
  OpenState::Execution row{item.function, item.workqueue, context.pool, context.pid, context.comm,
                           item.run_cpu,  item.started,   item.softirq, {},          item};
  const Timestamp from = std::max(since, item.started);
  row.split = tables_.sched.tracks().SplitOf<RunSplit>(context, from, tables_.now);
  return row;
}

OpenState GapDescriber::Open(Timestamp since) const {
  // A live view looks once in a while: its looks are none of those that events pay for.
  constexpr size_t kMostLooks = 4096;
  OpenState out;
  out.at = tables_.now;
  std::vector<PoolTracker::Waiting> waiting;
  tables_.works.ForEach([&](const WorkState& work) {
    if (!work.queued || work.queue.activated == kUnseen) return;
    tables_.occupancy.CountWaiting(waiting, work.queue.pwq, work.queue.activated);
  });
  waiting.resize(tables_.pools.size());
  for (size_t i = 0; i < waiting.size(); ++i) {
    const PoolId pool = static_cast<PoolId>(i);
    OpenState::InPool row{pool, waiting[i].items, tables_.occupancy.levels().Busy(pool), {},
                          {},   kUnseen};
    row.gap = tables_.occupancy.OpenGap(pool, waiting[i], tables_.now, floor_);
    if (row.gap && !TrimToWhole(*row.gap)) row.gap.reset();
    if (row.backlog == 0 && row.busy == 0) continue;
    const std::span<const uint32_t> workers = tables_.workers.WorkersOf(pool);
    if (row.gap) {
      Describe(*row.gap, workers.first(std::min(workers.size(), kMostLooks)), nullptr, false);
      const Cpu cpu = tables_.pools[pool].cpu;
      if (cpu != Cpu::kNone) {
        const CpuTasks::Run run = tables_.sched.cpus().RunOn(cpu);
        row.on_cpu = run.task;
        row.on_cpu_since = run.since;
      }
    }
    out.pools.push_back(std::move(row));
  }
  tables_.workers.ForEach([&](const ExecutionContext& context) {
    if (!context.stack.empty()) out.executions.push_back(OpenExecutionOf(context, since));
  });
  return out;
}

}  // namespace wqprof
