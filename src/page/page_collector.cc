// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "page/heat_maps.h"
#include "wqprof/measure.h"
#include "wqprof/name_table.h"
#include "wqprof/page.h"
#include "wqprof/words.h"
#include "wqprof/worst_items.h"

namespace wqprof {
namespace {

// An execution as the model has it.
struct Run {
  Timestamp from, to;
  NameId function;
  PoolId pool;
  Pid worker;
  Nanos length() const { return Elapsed(from, to); }
};

bool IsLonger(const Run& a, const Run& b) {
  return a.length() != b.length() ? a.length() > b.length() : a.from < b.from;
}

// A window whose ends are known is cut into bins at once.
Nanos FirstWidth(const ItemFilter& filter) {
  constexpr int64_t kBins = PageCollector::kBins;
  if (filter.from == kUnseen || filter.to == kUnseen || filter.to <= filter.from) {
    return Nanos(1000);
  }
  return Nanos(std::max<int64_t>(1, (Elapsed(filter.from, filter.to).count() - 1) / kBins + 1));
}

uint64_t KeyOf(const WorkItem& item) {
  return static_cast<uint64_t>(ToInt(item.workqueue)) << 32 | ToInt(item.function);
}

// Maps of functions that a page can show: their waits decide.
constexpr size_t kMaps = 64;

}  // namespace

struct PageCollector::State {
  State(const EventSource& s, const Reconstructor& m, const PageOptions& options)
      : source(s),
        model(m),
        from(options.filter.from),
        to(options.filter.to),
        matcher(options.filter, s, m),
        heat(FirstWidth(options.filter)),
        timed(s.info().clock_is_ns) {}

  const EventSource& source;
  const Reconstructor& model;
  const Timestamp from, to;
  ItemMatcher matcher;
  HeatMaps heat;
  const bool timed;
  WorstItems slowest{SpecOf(Measure::kLatency), kItems};
  std::vector<Run> runs;  // a heap, the shortest on top
  uint64_t executions = 0, items_seen = 0;

  void AddRun(const WorkItem& item) {
    if (item.started == kUnseen || item.ended == kUnseen || item.ended <= item.started) return;
    if (item.ended <= heat.bins().begin() || (to != kUnseen && item.started >= to)) return;
    ++executions;
    const Run run{item.started, item.ended, item.function, item.pool,
                  item.softirq ? Pid::kNone : item.worker};
    if (runs.size() == kSlices) {
      if (!IsLonger(run, runs.front())) return;
      std::pop_heap(runs.begin(), runs.end(), IsLonger);
      runs.pop_back();
    }
    runs.push_back(run);
    std::push_heap(runs.begin(), runs.end(), IsLonger);
  }

  void Add(const WorkItem& item, const ItemSplit* split) {
    AddRun(item);
    if (item.state == ItemState::kBarrier || !matcher.Matches(item)) return;
    ++items_seen;
    if (item.wait_tainted) return;
    if (!item.overtaken) slowest.Add(item, split);
    const std::optional<Nanos> latency = SpecOf(Measure::kLatency).Of(item);
    const bool drawn = item.executed() && latency && item.started >= heat.bins().begin() &&
                       (to == kUnseen || item.started < to);
    if (drawn) heat.Add(KeyOf(item), item.started, *latency);
  }

  std::string Name(NameId id) const {
    return std::string(SplitFunction(source.names().Get(id)).name);
  }
  void TakeHeat(PageData& out) const;
  void TakeRuns(PageData& out);
  void TakeItems(PageData& out);
};

void PageCollector::State::TakeHeat(PageData& out) const {
  Timestamp end = std::max(source.stats().end, heat.bins().begin());
  if (to != kUnseen) end = std::min(end, to);
  out.begin = heat.bins().begin();
  out.bin = heat.bins().width();
  out.bins = heat.bins().BinOf(std::max(end - Nanos(1), out.begin)) + 1;
  out.heat.push_back(heat.All(out.bins));
  std::vector<std::pair<Nanos, HeatMap>> maps;
  heat.ForEach(out.bins, [&](uint64_t key, Nanos waited, HeatMap map) {
    map.workqueue = source.names().Get(static_cast<NameId>(key >> 32));
    map.function = Name(static_cast<NameId>(key & UINT32_MAX));
    maps.emplace_back(waited, std::move(map));
  });
  std::sort(maps.begin(), maps.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return std::tie(a.second.workqueue, a.second.function) <
           std::tie(b.second.workqueue, b.second.function);
  });
  if (maps.size() > kMaps) maps.resize(kMaps);
  for (auto& [waited, map] : maps) out.heat.push_back(std::move(map));
}

void PageCollector::State::TakeRuns(PageData& out) {
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.from < b.from; });
  for (const Run& run : runs) {
    out.slices.push_back(
        {run.from, run.to, Name(run.function), model.pool(run.pool).name, run.worker});
  }
  out.executions = executions;
}

void PageCollector::State::TakeItems(PageData& out) {
  const Timestamp end = source.stats().end;
  std::vector<WorkItem> items;
  for (const WorstItems::Kept& kept : slowest.Take(end)) items.push_back(kept.item);
  for (const WorkItem& item : items) {
    const Timestamp until = item.started != kUnseen ? item.started : end;
    const PoolId pool = item.its_pool();
    out.item_places.push_back({item.id, item.queued, until, Name(item.function),
                               std::string(source.names().Get(item.workqueue)),
                               pool != PoolId::kUnknown ? model.pool(pool).name : "",
                               Elapsed(item.queued, until)});
  }
  out.items = ItemRows(items, source, model);
  out.items_seen = items_seen;
}

PageCollector::PageCollector(const EventSource& source, const Reconstructor& model,
                             const PageOptions& options)
    : state_(std::make_unique<State>(source, model, options)) {}
PageCollector::~PageCollector() = default;

void PageCollector::Add(const Completed& completed) {
  State& state = *state_;
  if (!state.timed) return;
  if (!state.heat.begun()) {
    const Timestamp begin = state.from != kUnseen ? state.from : completed.trace_begin;
    if (begin == kUnseen) return;
    state.heat.Begin(begin);
  }
  for (const WorkItem& item : completed.items) state.Add(item, completed.SplitOf(item));
}

void PageCollector::Finish() {
  State& state = *state_;
  if (!state.heat.begun()) return;
  Timestamp end = std::max(state.source.stats().end, state.heat.bins().begin());
  if (state.to != kUnseen) end = std::min(end, state.to);
  state.heat.Reach(std::max(end - Nanos(1), state.heat.bins().begin()));
}

PageData PageCollector::Take() {
  PageData out;
  if (!state_->heat.begun()) return out;
  state_->TakeHeat(out);
  state_->TakeRuns(out);
  state_->TakeItems(out);
  return out;
}

}  // namespace wqprof
