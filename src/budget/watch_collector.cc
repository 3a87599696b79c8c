// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <utility>

#include "budget/item_collector.h"
#include "wqprof/analyze.h"
#include "wqprof/glob.h"
#include "wqprof/name_table.h"
#include "wqprof/watch.h"

namespace wqprof {
namespace {

// So many that were settled are known again.
constexpr size_t kMostSettled = 256;
// A stall may be shorter than that only if it is asked for; gaps below are too many.
constexpr Nanos kShortestGap = std::chrono::microseconds(100);

double ToDouble(Nanos time) { return static_cast<double>(time.count()); }

std::string NameOf(const NameTable& names, NameId id) {
  return std::string(SplitFunction(names.Get(id)).name);
}

}  // namespace

struct WatchCollector::State {
  // One condition, and the worst that met it since the last look.
  struct Watched {
    WatchCondition condition;
    ItemMatcher matcher;
    std::optional<WatchHit> worst;
  };

  const EventSource& source;
  const Reconstructor& model;
  std::deque<Watched> watched;
  std::deque<WatchHit::Key> settled;

  bool IsSettled(const WatchHit::Key& key) const {
    return std::find(settled.begin(), settled.end(), key) != settled.end();
  }
  // Whether `value` is the worst so far of what meets the condition.
  static bool IsWorst(const Watched& w, double value) {
    return value > w.condition.limit && (!w.worst || value > w.worst->value);
  }

  void AddItem(Watched& w, const WorkItem& item, double value, std::string worker, bool goes_on) {
    const WatchHit::Key key{item.id, PoolId::kUnknown, kUnseen};
    if (IsSettled(key)) return;
    WatchHit hit;
    hit.value = value;
    hit.goes_on = goes_on;
    hit.pool = model.pool(item.its_pool()).name;
    hit.workqueue = source.names().Get(item.workqueue);
    hit.function = NameOf(source.names(), item.function);
    hit.worker = std::move(worker);
    hit.worker_pid = item.worker;
    if (item.origin.kind != Origin::Kind::kUnknown) hit.origin = OriginName(source, item.origin);
    hit.key = key;
    w.worst = std::move(hit);
  }

  void AddEnded(Watched& w, const WorkItem& item, const ItemSplit* split) {
    const auto value = ValueOf(item, split, w.condition.quantity);
    if (!value || !IsWorst(w, ToDouble(*value)) || !w.matcher.Matches(item)) return;
    AddItem(w, item, ToDouble(*value), std::string(source.names().Get(source.CommOf(item.worker))),
            false);
  }

  // An execution that is open: what came before it is known, and how long it lasted so far.
  void AddOpen(Watched& w, const OpenState::Execution& run, Timestamp now) {
    const MeasureSpec* const measure = MeasureOf(w.condition.quantity);
    std::optional<Nanos> value;
    bool goes_on = false;
    if (measure != nullptr) {
      value = measure->Of(run.item);
      if (!value) {
        value = measure->AtLeast(run.item, now);
        goes_on = true;
      }
    } else if (run.split && IsPart(w.condition.quantity)) {
      ItemSplit split;
      split.run = run.split;
      value = ValueOf(run.item, &split, w.condition.quantity);
      goes_on = true;
    }
    if (!value || !IsWorst(w, ToDouble(*value)) || !w.matcher.Matches(run.item)) return;
    AddItem(w, run.item, ToDouble(*value), std::string(source.names().Get(run.comm)), goes_on);
  }

  // What is known of a pool stands for an item of it.
  bool MatchesPool(Watched& w, PoolId pool) const {
    const ItemFilter& selector = w.condition.selector;
    const Pool& found = model.pool(pool);
    if (!selector.cpus.empty() &&
        std::find(selector.cpus.begin(), selector.cpus.end(), found.cpu) == selector.cpus.end()) {
      return false;
    }
    return PassesGlobs(selector.pools, {found.name});
  }

  bool MatchesGap(Watched& w, const PoolGap& gap) const {
    if (!MatchesPool(w, gap.pool)) return false;
    if (w.condition.selector.workqueues.empty() && w.condition.selector.functions.empty()) {
      return true;
    }
    return std::any_of(gap.holders.begin(), gap.holders.end(), [&](const GapHolder& holder) {
      const std::string_view function = source.names().Get(holder.function);
      return PassesGlobs(w.condition.selector.functions,
                         {function, SplitFunction(function).name}) &&
             PassesGlobs(w.condition.selector.workqueues, {source.names().Get(holder.workqueue)});
    });
  }

  void AddGap(Watched& w, const PoolGap& gap, const OpenState::InPool* open) {
    const double value = ToDouble(std::max(Nanos(0), Elapsed(gap.begin, gap.end)));
    const WatchHit::Key key{0, gap.pool, gap.begin};
    if (!IsWorst(w, value) || !MatchesGap(w, gap) || IsSettled(key)) return;
    WatchHit hit;
    hit.value = value;
    hit.goes_on = open != nullptr;
    hit.pool = model.pool(gap.pool).name;
    hit.waiting = gap.waiting;
    if (!gap.holders.empty()) {
      const GapHolder& holder = gap.holders.front();
      hit.function = NameOf(source.names(), holder.function);
      hit.workqueue = source.names().Get(holder.workqueue);
      hit.worker = source.names().Get(holder.comm);
      hit.worker_pid = holder.worker;
    }
    const bool had_longest = open == nullptr || gap.starter_preempted_by.seen();
    const TaskSeen& task = had_longest ? gap.starter_preempted_by : open->on_cpu;
    if (task.seen()) {
      hit.on_cpu = Task{std::string(source.names().Get(task.comm)), task.pid, std::nullopt};
      if (task.prio != TaskSeen::kNoPrio) hit.on_cpu->prio = task.prio;
    }
    hit.key = key;
    w.worst = std::move(hit);
  }

  // A backlog that is above the limit is one from then on until it is not.
  void AddBacklog(Watched& w, const OpenState::InPool& pool) {
    const auto value = static_cast<double>(pool.backlog);
    if (!IsWorst(w, value) || !MatchesPool(w, pool.pool)) return;
    WatchHit hit;
    hit.value = value;
    hit.goes_on = true;
    hit.pool = model.pool(pool.pool).name;
    hit.waiting = pool.backlog;
    hit.key = {0, pool.pool, kUnseen};
    if (IsSettled(hit.key)) return;
    w.worst = std::move(hit);
  }

  // A backlog that was settled is news when it comes again.
  void ForgetBacklogs(const Watched& w, const OpenState& open) {
    std::erase_if(settled, [&](const WatchHit::Key& key) {
      if (key.item != 0 || key.begin != kUnseen) return false;
      return std::none_of(open.pools.begin(), open.pools.end(), [&](const auto& pool) {
        return pool.pool == key.pool && static_cast<double>(pool.backlog) > w.condition.limit;
      });
    });
  }

  void AddOpen(const OpenState& open) {
    for (Watched& w : watched) {
      if (w.condition.quantity == Quantity::kBacklog) ForgetBacklogs(w, open);
      for (const OpenState::InPool& pool : open.pools) {
        if (w.condition.quantity == Quantity::kBacklog) AddBacklog(w, pool);
        if (w.condition.quantity == Quantity::kStall && pool.gap) AddGap(w, *pool.gap, &pool);
      }
      if (!IsDurationOfItems(w.condition.quantity)) continue;
      for (const OpenState::Execution& run : open.executions) {
        if (run.item.state != ItemState::kBarrier) AddOpen(w, run, open.at);
      }
    }
  }
};

WatchCollector::WatchCollector(const EventSource& source, const Reconstructor& model,
                               std::vector<WatchCondition> conditions)
    : state_(new State{source, model, {}, {}}) {
  for (WatchCondition& condition : conditions) {
    ItemMatcher matcher(condition.selector, source, model);
    state_->watched.push_back({std::move(condition), std::move(matcher), std::nullopt});
  }
}
WatchCollector::~WatchCollector() = default;

Reconstructor::Options WatchCollector::wants() const {
  Reconstructor::Options out = Reconstructor::Nothing();
  out.forget_workers = true;
  for (const auto& w : state_->watched) {
    if (IsPart(w.condition.quantity)) out.wait_splits = out.run_splits = true;
    if (w.condition.quantity != Quantity::kStall) continue;
    const Nanos limit(static_cast<int64_t>(w.condition.limit));
    out.gap_floor = std::min(out.gap_floor, std::max(kShortestGap, limit));
  }
  return out;
}

void WatchCollector::Add(const Completed& completed) {
  for (auto& w : state_->watched) {
    if (w.condition.quantity == Quantity::kStall) {
      for (const PoolGap& gap : completed.gaps) state_->AddGap(w, gap, nullptr);
    }
    if (!IsDurationOfItems(w.condition.quantity)) continue;
    for (const WorkItem& item : completed.items) {
      if (item.state == ItemState::kBarrier) continue;
      state_->AddEnded(w, item, completed.SplitOf(item));
    }
  }
}

std::vector<WatchHit> WatchCollector::Look() {
  state_->AddOpen(state_->model.Open(kUnseen));
  std::vector<WatchHit> out;
  for (size_t i = 0; i < state_->watched.size(); ++i) {
    auto& worst = state_->watched[i].worst;
    if (!worst) continue;
    worst->condition = i;
    out.push_back(*std::move(worst));
    worst.reset();
  }
  return out;
}

void WatchCollector::Settle(const WatchHit& hit) {
  state_->settled.push_back(hit.key);
  if (state_->settled.size() > kMostSettled) state_->settled.pop_front();
}

}  // namespace wqprof
