// SPDX-License-Identifier: Apache-2.0
// Where the time of an item, or of a gap, went.
#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <optional>
#include <utility>

#include "model/matcher.h"

namespace wqprof {
namespace {

constexpr size_t kMaxHolders = 16;

// Of shorter waits for a CPU nobody asks who had it.
constexpr Nanos kWorthAName = std::chrono::milliseconds(1);

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

// The part of an execution that a state is, but for the one on its CPU.
std::optional<RunPart::Kind> PartOf(TaskState state) {
  switch (state) {
    case TaskState::kPreempted:
      return RunPart::Kind::kPreempted;
    case TaskState::kSleeping:
    case TaskState::kSleepingIdle:
      return RunPart::Kind::kBlocked;
    case TaskState::kSleepingD:
      return RunPart::Kind::kBlockedInD;
    case TaskState::kWoken:
    case TaskState::kRunnable:
      return RunPart::Kind::kRunnable;
    case TaskState::kUnknown:
    case TaskState::kOnCpu:
      break;
  }
  return std::nullopt;
}

}  // namespace

ItemSplit& Matcher::SplitFor(WorkItem& item) {
  if (item.split == SplitId::kNone) {
    item.split = static_cast<SplitId>(splits_.Add());
  }
  return splits_[static_cast<SlabIndex>(item.split)];
}

void Matcher::SplitWait(const ExecutionContext& context, WorkItem& item) {
  if (!wait_splits_ || item.activated == kUnseen || item.activated > item.started) return;
  ItemSplit& both = SplitFor(item);
  WaitSplit& split = both.wait.emplace();
  if (item.softirq) {
    // What ran before in the same softirq is seen; why the softirq came late is not.
    const LastRun& before = context.last_run;
    if (before.ended != kUnseen) {
      split.head_of_line =
          std::max(Nanos(0), before.ended - std::max(before.started, item.activated));
    }
    split.unknown = item.started - item.activated - split.head_of_line;
  } else {
    sched_.AddTo(split, context, item.activated, item.started);
    if (split.runqueue >= kWorthAName) both.had_cpu = sched_.PreemptedBy(context);
  }
  assert(split.Sum() == item.started - item.activated);
}

void Matcher::SplitRun(const ExecutionContext& context, WorkItem& item) {
  if (item.started == kUnseen || item.ended < item.started) return;
  if (!item.softirq && run_part_floor_ != Nanos::max()) ReportParts(context, item);
  if (!run_splits_) return;
  RunSplit& split = SplitFor(item).run.emplace();
  if (item.softirq) {
    // A softirq has its CPU until it is done, except on PREEMPT_RT.
    const bool switched = sched_.SwitchedSince(item.run_cpu, item.started);
    (switched ? split.unknown : split.on_cpu) = item.ended - item.started;
  } else {
    sched_.AddTo(split, context, item.started, item.ended);
    if (stolen_.seen()) stolen_.Fill(context.index, item.started, split);
  }
  assert(split.Sum() == item.ended - item.started);
}

void Matcher::ReportParts(const ExecutionContext& context, const WorkItem& item) {
  sched_.ForEachState(
      context, item.started, item.ended, [&](Timestamp begin, Timestamp end, TaskState state) {
        const std::optional<RunPart::Kind> kind = PartOf(state);
        if (!kind || end - begin < run_part_floor_) return;
        run_parts_.push_back({item.started, begin, end, item.worker, item.pool, *kind});
      });
}

// Interrupts count once scheduler events show who was interrupted on its CPU.
void Matcher::OnInterrupt(const Event& e) {
  const bool hardirq = e.kind == EventKind::kIrqEntry || e.kind == EventKind::kIrqExit;
  const auto level = hardirq ? StolenTracker::Level::kHardirq : StolenTracker::Level::kSoftirq;
  if (e.kind == EventKind::kSoftirqEntry) softirq_vecs_[e.cpu] = e.softirq.vec;
  if (e.kind == EventKind::kSoftirqExit) softirq_vecs_[e.cpu] = Event::Softirq::kUnknown;
  if (e.kind == EventKind::kIrqEntry || e.kind == EventKind::kSoftirqEntry) {
    stolen_.Enter(level, e);
  } else {
    LeaveInterrupt(level, e);
  }
}

void Matcher::LeaveInterrupt(StolenTracker::Level level, const Event& e) {
  const auto over = stolen_.Leave(level, e);
  if (!over || !sched_.seen()) return;
  const ExecutionContext* worker = workers_.Find(over->from, e.cpu);
  if (worker == nullptr || worker->stack.empty() ||
      worker->stack.front().item.started > over->begin) {
    return;
  }
  const size_t index = worker->index;
  sched_.IsOnCpu(*worker) ? stolen_.Add(index, *over) : stolen_.Doubt(index);
}

void Matcher::PreemptInterrupt(Cpu cpu) {
  const auto interrupted = stolen_.OnSwitch(cpu);
  if (!interrupted) return;
  if (const ExecutionContext* worker = workers_.Find(*interrupted, cpu)) {
    stolen_.Doubt(worker->index);
  }
}

// At so many workers is looked per event, all in all: a trace may have any number of gaps, and of
// workers that hold them.  The oldest executions come first.
size_t Matcher::LooksAllowed() const {
  constexpr uint64_t kLooksPerEvent = 32, kLeast = 64, kAtOnce = uint64_t{1} << 20;
  const uint64_t allowed = kAtOnce + events_ * kLooksPerEvent;
  return allowed > looks_ + kLeast ? allowed - looks_ : kLeast;
}

// Adds the execution of a worker that lasts into the gap, if there is one.
void Matcher::AddHolder(PoolGap& gap, const ExecutionContext& context) const {
  // The start that ends the gap is on its worker's stack already.
  const bool open = !context.stack.empty() && context.stack.front().item.started < gap.end;
  const WorkItem* item = open ? &context.stack.front().item : nullptr;
  const LastRun run = open ? LastRun{item->function, item->workqueue, item->stack,
                                     item->started,  gap.end,         sched_.PreemptedBy(context)}
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
  if ((holder.split = sched_.SplitOf<RunSplit>(context, from, to))) {
    holder.preempted_by = run.preempted_by;
    if (open) {
      holder.idled = sched_.IdledBefore(context, from, to);
      const SchedTracker::Sleep sleep = sched_.SleepOf(context);
      holder.asleep_in = sleep.letter;
      holder.asleep_since = sleep.since;
    }
  }
  gap.holders.push_back(holder);
}

std::span<const uint32_t> Matcher::Look(PoolId pool) {
  std::span<const uint32_t> workers = workers_.WorkersOf(pool);
  workers = workers.first(std::min(workers.size(), LooksAllowed()));
  looks_ += workers.size();
  return workers;
}

// While a pool starts nothing, each of its workers has at most one execution that lasts into
// the gap: the one still open, or the one that it ended last.
void Matcher::DescribeGap(PoolGap& gap, std::span<const uint32_t> workers,
                          const ExecutionContext* starter, bool collided) const {
  gap.collided = collided;
  gap.rescued = starter != nullptr && pools_.pool(starter->pool).kind == PoolKind::kRescuer;
  for (const uint32_t worker : workers) {
    const ExecutionContext& context = workers_[worker];
    if (const auto split = sched_.SplitOf<WaitSplit>(context, gap.begin, gap.end)) {
      gap.creation = std::max(gap.creation, split->worker_creation);
    }
    AddHolder(gap, context);
  }
  const Pool& pool = pools_.pool(gap.pool);
  const ExecutionContext* const softirqs = workers_.FindSoftirq(pool.cpu);
  if (softirqs != nullptr && softirqs->pool == gap.pool) AddHolder(gap, *softirqs);
  if (gap.rescued) AddHolder(gap, *starter);
  std::sort(gap.holders.begin(), gap.holders.end(), [](const GapHolder& a, const GapHolder& b) {
    return a.overlap != b.overlap ? a.overlap > b.overlap : a.begin < b.begin;
  });
  if (gap.holders.size() > kMaxHolders) gap.holders.resize(kMaxHolders);
  const Cpu cpu = pools_.pool(gap.pool).cpu;
  if (sched_.seen() && cpu != Cpu::kNone) {
    gap.cpu_idle = sched_.idle().Between(cpu, gap.begin, gap.end);
  }
  const bool ended = starter != nullptr;
  if (!ended) starter = WokenWorker(workers);
  if (gap.begin == picture_of_ && sched_.seen()) [[unlikely]] {
    gap.picture = std::make_shared<const GapPicture>(PictureOf(gap, workers, starter));
  }
  if (starter == nullptr || starter->pid == Pid::kNone) return;
  gap.starter_comm = starter->comm;
  gap.starter_pid = starter->pid;
  if ((gap.starter = sched_.SplitOf<WaitSplit>(*starter, gap.begin, gap.end))) {
    if (ended) {
      gap.starter_preempted_by = sched_.PreemptedBy(*starter);
      gap.starter_idled = sched_.IdledBefore(*starter, gap.begin, gap.end);
    } else if (cpu != Cpu::kNone) {
      const Timestamp since = std::max(sched_.AwakeSince(*starter), gap.begin);
      gap.starter_preempted_by = sched_.HadCpuMeanwhile(*starter, cpu, gap.end);
      gap.starter_idled = sched_.idle().Between(cpu, since, gap.end);
    }
  }
}

// The worker that was woken for what waits, and does not execute yet: the pool wakes one at a time.
const ExecutionContext* Matcher::WokenWorker(std::span<const uint32_t> workers) const {
  const ExecutionContext* out = nullptr;
  Timestamp earliest = Timestamp::max();
  for (const uint32_t index : workers) {
    const Timestamp since = sched_.AwakeSince(workers_[index]);
    if (since == kUnseen || since >= earliest) continue;
    earliest = since;
    out = &workers_[index];
  }
  return out;
}

GapPicture Matcher::PictureOf(const PoolGap& gap, std::span<const uint32_t> workers,
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
      if (const auto time = sched_.Between(worker, at(part), at(part + 1))) {
        row.did[part] = DidMost(*time);
      }
    }
  };
  if (starter != nullptr && starter->pid != Pid::kNone) add(*starter);
  for (const uint32_t index : workers) {
    const ExecutionContext& worker = workers_[index];
    const bool held = std::any_of(gap.holders.begin(), gap.holders.end(),
                                  [&](const GapHolder& h) { return h.worker == worker.pid; });
    if (held && &worker != starter && out.workers.size() < kMostWorkers) add(worker);
  }
  const Cpu cpu = pools_.pool(gap.pool).cpu;
  if (cpu != Cpu::kNone) out.runs = sched_.RunsOn(cpu, gap.begin, gap.end);
  return out;
}

OpenState Matcher::Open(Timestamp since) const {
  // A live view looks once in a while: its looks are none of those that events pay for.
  constexpr size_t kMostLooks = 4096;
  OpenState out;
  out.at = now_;
  std::vector<PoolTracker::Waiting> waiting;
  works_.ForEach([&](const WorkState& work) {
    if (!work.queued || work.queue.activated == kUnseen) return;
    pools_.CountWaiting(waiting, work.queue.feed, work.queue.activated);
  });
  waiting.resize(pools_.size());
  for (size_t i = 0; i < waiting.size(); ++i) {
    const PoolId pool = static_cast<PoolId>(i);
    OpenState::InPool row{pool, waiting[i].items, pools_.BusyIn(pool), {}, {}, kUnseen};
    row.gap = pools_.OpenGap(pool, waiting[i], now_, gap_floor_);
    if (row.gap && !TrimToWhole(*row.gap)) row.gap.reset();
    if (row.backlog == 0 && row.busy == 0) continue;
    const std::span<const uint32_t> workers = workers_.WorkersOf(pool);
    if (row.gap) {
      DescribeGap(*row.gap, workers.first(std::min(workers.size(), kMostLooks)), nullptr, false);
      const Cpu cpu = pools_.pool(pool).cpu;
      if (cpu != Cpu::kNone) {
        const SchedTracker::Run run = sched_.RunOn(cpu);
        row.on_cpu = run.task;
        row.on_cpu_since = run.since;
      }
    }
    out.pools.push_back(std::move(row));
  }
  workers_.ForEach([&](const ExecutionContext& context) {
    if (context.stack.empty()) return;
    const WorkItem& item = context.stack.front().item;
    OpenState::Execution row{item.function, item.workqueue, context.pool, context.pid, context.comm,
                             item.run_cpu,  item.started,   item.softirq, {},          item};
    const Timestamp from = std::max(since, item.started);
    row.split = sched_.SplitOf<RunSplit>(context, from, now_);
    out.executions.push_back(std::move(row));
  });
  return out;
}

// Histories must reach back to the activation of the oldest item that still waits.
void Matcher::TrimHistories() {
  while (!waits_.empty()) {
    const Wait& oldest = waits_.front();
    const WorkState& work = works_[oldest.work];
    if (work.queued && work.queue.id == oldest.id) break;
    waits_.pop_front();
  }
  sched_.Trim(waits_.empty() ? now_ : waits_.front().since);
}

}  // namespace wqprof
