// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "budget/item_collector.h"
#include "budget/run_data.h"
#include "wqprof/analyze.h"
#include "wqprof/pipeline.h"

namespace wqprof {
namespace {

// So many stalls are looked at one by one.
constexpr size_t kMaxStalls = 100000;

// "Linux node 6.1.0 #1 SMP Debian x86_64": what lies between release and architecture.
void TakeUname(std::string_view uname, const std::string& release, Fingerprint& out) {
  while (uname.ends_with('\n') || uname.ends_with(' ')) uname.remove_suffix(1);
  const size_t at = release.empty() ? std::string_view::npos : uname.find(release);
  const size_t last = uname.rfind(' ');
  if (at == std::string_view::npos || last == std::string_view::npos) return;
  const size_t begin = at + release.size() + 1;
  if (begin >= last) return;
  out.build = uname.substr(begin, last - begin);
  out.architecture = uname.substr(last + 1);
}

Fingerprint FingerprintOf(const Report& report) {
  const TraceInfo& info = report.source;
  Fingerprint out;
  out.kernel = info.kernel;
  TakeUname(info.uname, info.kernel, out);
  out.cpus = info.cpus;
  out.clock = info.clock;
  out.has_sched = info.has_sched;
  out.has_timers = info.has_timers;
  out.has_irqs = std::any_of(info.events.begin(), info.events.end(),
                             [](const std::string& name) { return name.starts_with("irq:"); });
  out.has_stacks = report.read.queue_stacks > 0;
  out.has_flushes = info.flushes != nullptr;
  return out;
}

// The report without what verdicts do not need: it is kept for each run.
void Shrink(Report& report) {
  report.origins.clear();
  report.stacks.clear();
  report.cpus.clear();
  report.workers.clear();
  report.findings.clear();
  report.workqueues.clear();
  for (FunctionRow& row : report.functions) {
    Measures counts;
    counts.queued = row.measures.queued;
    counts.executed = row.measures.executed;
    counts.superseded = row.measures.superseded;
    row.measures = std::move(counts);
  }
  for (PoolRow& row : report.pools) {
    row.execution = Histogram();
    row.measures = Measures();
  }
}

// Puts the items of one run where the rules that select them will look.
class RunCollector : public ItemConsumer {
 public:
  RunCollector(const EventSource& source, const Reconstructor& model, const RunSet::State& state,
               RunData& out)
      : source_(source) {
    out.instances.resize(state.wanted.size());
    for (size_t i = 0; i < state.wanted.size(); ++i) {
      collectors_.emplace_back(state.wanted[i], source, model, out.instances[i]);
    }
  }

  Reconstructor::Options wants() const override {
    return {.gap_floor = Nanos::max(), .barriers = false};
  }
  void Add(const Completed& completed) override {
    for (const WorkItem& item : completed.items) {
      const ItemSplit* const split = completed.SplitOf(item);
      for (ItemCollector& collector : collectors_) {
        collector.Add(item, split, completed.trace_begin);
      }
      overtaken_.Add(item);
      const bool cut = item.state == ItemState::kPending || item.state == ItemState::kRunning;
      if (cut && !item.tainted() && item.ended == kUnseen) cut_.push_back(item);
    }
  }
  void Finish() override {
    const Timestamp end = source_.stats().end;
    for (const WorkItem& item : cut_) {
      const bool gone = item.overtaken || overtaken_.Contains(item);
      if (item.state == ItemState::kPending && gone) continue;
      for (ItemCollector& collector : collectors_) collector.AddCut(item, end);
    }
  }

 private:
  const EventSource& source_;
  std::deque<ItemCollector> collectors_;
  OvertakenWorks overtaken_;
  std::vector<WorkItem> cut_;
};

// Reads one run to its end.
absl::Status ReadRun(EventSource& source, const RunSet::State& state, RunData& out) {
  AnalyzeOptions options;
  options.stall_threshold = state.shortest_stall;
  options.max_stalls = kMaxStalls;
  Pipeline pipeline(source);
  Analyzer analyzer(source, pipeline.model(), options);
  RunCollector collector(source, pipeline.model(), state, out);
  pipeline.Attach(analyzer);
  pipeline.Attach(collector);
  if (absl::Status status = pipeline.Run(); !status.ok()) return status;
  out.report = analyzer.Snapshot();
  return absl::OkStatus();
}

void AddWanted(std::vector<Quantity>& quantities, const Metric& metric) {
  if (!IsDurationOfItems(metric.quantity)) return;
  if (std::find(quantities.begin(), quantities.end(), metric.quantity) == quantities.end()) {
    quantities.push_back(metric.quantity);
  }
}

}  // namespace

std::string_view ToString(ForEach each) {
  switch (each) {
    case ForEach::kNone:
      return "";
    case ForEach::kFunction:
      return "function";
    case ForEach::kWorkqueue:
      return "workqueue";
    case ForEach::kPool:
      return "pool";
    case ForEach::kCpu:
      return "cpu";
    case ForEach::kOrigin:
      return "origin";
  }
  return "";
}

std::vector<std::string> Differences(const Fingerprint& before, const Fingerprint& after) {
  std::vector<std::string> out;
  const auto compare = [&](std::string_view what, const auto& a, const auto& b) {
    // What one of them does not know is no difference.
    if (a == b || a == decltype(a){} || b == decltype(b){}) return;
    out.push_back(fmt::format("{}: {} -> {}", what, a, b));
  };
  compare("kernel", std::string(before.kernel), std::string(after.kernel));
  if (before.kernel == after.kernel) {
    compare("kernel build", std::string(before.build), std::string(after.build));
  }
  compare("architecture", std::string(before.architecture), std::string(after.architecture));
  compare("CPUs", int{before.cpus}, int{after.cpus});
  compare("clock", std::string(before.clock), std::string(after.clock));
  const auto recorded = [](bool yes) { return std::string(yes ? "recorded" : "not recorded"); };
  compare("scheduler events", recorded(before.has_sched), recorded(after.has_sched));
  compare("timer events", recorded(before.has_timers), recorded(after.has_timers));
  compare("interrupts", recorded(before.has_irqs), recorded(after.has_irqs));
  compare("stacks of queueing", recorded(before.has_stacks), recorded(after.has_stacks));
  compare("flushes", recorded(before.has_flushes), recorded(after.has_flushes));
  return out;
}

std::vector<std::string> Differences(const RunSet& base, const RunSet& now) {
  if (base.size() == 0 || now.size() == 0) return {};
  std::vector<std::string> out = Differences(base.fingerprint(0), now.fingerprint(0));
  for (const RunSet* runs : {&base, &now}) {
    for (size_t i = 1; i < runs->size(); ++i) {
      for (const std::string& difference :
           Differences(runs->fingerprint(0), runs->fingerprint(i))) {
        out.push_back(fmt::format("{}: {}", runs->report(i).source.path, difference));
      }
    }
  }
  return out;
}

namespace {

// Which of the runs have it: neither side, both, or one of them.
struct HasIt {
  size_t base = 0, now = 0;
  bool differs(const RunSet& base_runs, const RunSet& new_runs) const {
    return base + now > 0 && (base < base_runs.size() || now < new_runs.size());
  }
};

HasIt CountWith(const RunSet& base, const RunSet& now, bool Fingerprint::*what) {
  HasIt out;
  for (size_t i = 0; i < base.size(); ++i) out.base += base.fingerprint(i).*what;
  for (size_t i = 0; i < now.size(); ++i) out.now += now.fingerprint(i).*what;
  return out;
}

}  // namespace

std::vector<std::string> Cautions(const RunSet& base, const RunSet& now) {
  std::vector<std::string> out;
  for (bool Fingerprint::*what :
       {&Fingerprint::has_sched, &Fingerprint::has_timers, &Fingerprint::has_irqs,
        &Fingerprint::has_stacks, &Fingerprint::has_flushes}) {
    if (!CountWith(base, now, what).differs(base, now)) continue;
    out.emplace_back(
        "not all runs recorded the same events, and recording costs the load time: a part of each "
        "change may be the recording's own; record all with the same options");
    break;
  }
  const HasIt sched = CountWith(base, now, &Fingerprint::has_sched);
  if (sched.differs(base, now)) {
    out.push_back(fmt::format(
        "parts of waits and executions are known only with scheduler events, which {} of {} base "
        "and {} of {} new runs have",
        sched.base, base.size(), sched.now, now.size()));
  }
  return out;
}

std::vector<Wanted> WantedBy(const Budget& budget) {
  std::vector<Wanted> out;
  for (const Rule& rule : budget.rules) {
    Wanted wanted{rule.selector, rule.for_each, {}};
    for (const Limit& limit : rule.limits) AddWanted(wanted.quantities, limit.metric);
    if (rule.regression) AddWanted(wanted.quantities, rule.regression->metric);
    out.push_back(std::move(wanted));
  }
  return out;
}

Nanos ShortestStall(const Budget& budget) {
  Nanos out = budget.stall_threshold;
  // Told stalls are kept one by one: shorter ones would be too many.
  constexpr Nanos kFloor = std::chrono::microseconds(100);
  for (const Rule& rule : budget.rules) {
    for (const Limit& limit : rule.limits) {
      if (limit.metric.quantity != Quantity::kStall) continue;
      out = std::min(out, std::max(kFloor, Nanos(static_cast<int64_t>(limit.value))));
    }
  }
  return out;
}

RunSet::RunSet(std::vector<Wanted> wanted, Nanos shortest_stall)
    : state_(std::make_unique<State>(State{std::move(wanted), shortest_stall, {}, {}})) {}
RunSet::~RunSet() = default;
RunSet::RunSet(RunSet&&) noexcept = default;
RunSet& RunSet::operator=(RunSet&&) noexcept = default;

absl::Status RunSet::Add(EventSource& source) {
  RunData run;
  if (absl::Status status = ReadRun(source, *state_, run); !status.ok()) return status;
  for (const RunData& other : state_->runs) {
    if (!SameRecording(run.report, other.report)) continue;
    state_->repeated.push_back(fmt::format("{} is the same recording as {}: it counts once",
                                           run.report.source.path, other.report.source.path));
    return absl::OkStatus();
  }
  Shrink(run.report);
  run.fingerprint = FingerprintOf(run.report);
  state_->runs.push_back(std::move(run));
  return absl::OkStatus();
}

void RunSet::Add(const SummedRun& run) {
  RunData data;
  data.report.source.path = run.name;
  data.report.source.kernel = run.kernel;
  data.report.recorded = WorkqueueEvents::All();
  data.report.duration = run.duration;
  data.report.quality = run.quality;
  // Of a measure that its host did not record there is no sum.
  data.report.source.has_sched = data.report.source.has_timers = true;
  data.fingerprint.kernel = run.kernel;
  for (const Wanted& wanted : state_->wanted) {
    auto& instances = data.instances.emplace_back();
    for (const auto& [name, measures] : run.instances) {
      auto its = std::make_unique<InstanceData>(wanted.quantities.size());
      its->executed = std::max(measures.executed, measures[Measure::kLatency].count());
      its->items = its->executed;
      for (size_t i = 0; i < wanted.quantities.size(); ++i) {
        const MeasureSpec* const measure = MeasureOf(wanted.quantities[i]);
        if (measure != nullptr) its->series[i].done.AddSum(measures[measure->id]);
      }
      instances.emplace(name, std::move(its));
    }
  }
  state_->runs.push_back(std::move(data));
}

// No two recordings of one machine begin and end at the same nanosecond with as many events.
bool SameRecording(const Report& a, const Report& b) {
  const auto key = [](const Report& r) {
    return std::tie(r.source.uname, r.source.boot_id, r.source.instance, r.read.begin, r.read.end,
                    r.read.events);
  };
  return !a.source.uname.empty() && a.read.events > 0 && key(a) == key(b);
}

std::string WhyNotApart(const RunSet::State& base, const RunSet::State& now) {
  for (const RunData& run : now.runs) {
    for (const RunData& other : base.runs) {
      if (!SameRecording(run.report, other.report)) continue;
      return run.report.source.path == other.report.source.path
                 ? fmt::format("{} is its own baseline", run.report.source.path)
                 : fmt::format("{} is the same recording as {} of the baseline",
                               run.report.source.path, other.report.source.path);
    }
  }
  return "";
}

const std::vector<std::string>& RunSet::repeated() const { return state_->repeated; }

size_t RunSet::size() const { return state_->runs.size(); }
const Report& RunSet::report(size_t i) const { return state_->runs[i].report; }
const Fingerprint& RunSet::fingerprint(size_t i) const { return state_->runs[i].fingerprint; }

}  // namespace wqprof
