// SPDX-License-Identifier: Apache-2.0
#include "wqprof/chains.h"

#include <algorithm>
#include <utility>

#include "analyze/chain_tree.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

constexpr size_t kMaxSteps = 64;

// Whether `a` waited longer than `b`; the earlier one first.
bool WaitedLonger(const WorkItem& a, const WorkItem& b) {
  const Nanos none(-1);
  const Nanos wait_a = a.Latency().value_or(none), wait_b = b.Latency().value_or(none);
  return wait_a != wait_b ? wait_a > wait_b : a.id < b.id;
}

}  // namespace

std::optional<Nanos> Chain::Span() const {
  if (steps.empty()) return std::nullopt;
  return Between(steps.front().queued, steps.back().ended);
}

struct ChainCollector::State {
  State(const EventSource& s, const Reconstructor& m, ChainOptions o)
      : source(s), model(m), options(std::move(o)), matcher(options.filter, s, m) {}

  // An item that is remembered.
  struct Known {
    WorkItem item;
    ChainTree::NodeId node = ChainTree::NodeId::kRoot;
    bool settled = false;  // `node` is found
  };
  // The items of a chain, from the last to the first.
  using Path = std::vector<WorkItem>;

  const EventSource& source;
  const Reconstructor& model;
  const ChainOptions options;
  ItemMatcher matcher;
  ChainTree tree;
  std::vector<Known> known = std::vector<Known>(kRemembered);  // by id, modulo
  std::vector<uint64_t> unsettled;  // their parents may not be complete yet
  size_t settle_at = kRemembered / 8;
  std::vector<Path> slowest;  // a heap, the shortest wait on top
  ChainReport report;

  Known* Find(uint64_t id) {
    Known& there = known[id % kRemembered];
    return id != 0 && there.item.id == id ? &there : nullptr;
  }

  void Add(const WorkItem& item) {
    if (item.state == ItemState::kBarrier || item.state == ItemState::kSuperseded ||
        item.state == ItemState::kPending) {
      return;
    }
    Known& place = known[item.id % kRemembered];
    if (place.item.id != 0 && !place.settled) Settle(place);
    place = {item, ChainTree::NodeId::kRoot, false};
    unsettled.push_back(item.id);
    if (unsettled.size() < settle_at) return;
    SettleAll(false);
    // Those that wait for their parent are not looked at again for each that comes.
    settle_at = std::max(kRemembered / 8, 2 * unsettled.size());
  }

  // Finds the place in the tree of those whose parent is complete; at the end, of all.
  void SettleAll(bool last) {
    std::vector<uint64_t> rest;
    for (const uint64_t id : unsettled) {
      Known* const one = Find(id);
      if (one == nullptr || one->settled) continue;
      const Known* const parent = Find(one->item.parent);
      if (last || one->item.parent == 0 || (parent != nullptr && parent->settled)) {
        Settle(*one);
      } else {
        rest.push_back(id);
      }
    }
    unsettled = std::move(rest);
  }

  void Settle(Known& one) {
    // Parents first, in a loop: a chain may be as long as the trace.
    std::vector<Known*> todo = {&one};
    for (Known* parent = Find(one.item.parent);
         parent != nullptr && !parent->settled && todo.size() < kMaxSteps;
         parent = Find(parent->item.parent)) {
      todo.push_back(parent);
    }
    for (; !todo.empty(); todo.pop_back()) {
      Known& next = *todo.back();
      const Known* const parent = Find(next.item.parent);
      const auto above =
          parent != nullptr && parent->settled ? parent->node : ChainTree::NodeId::kRoot;
      next.node = tree.Child(above, next.item.workqueue, next.item.function);
      next.settled = true;
      if (next.item.origin.kind == Origin::Kind::kWork) {
        ++(parent != nullptr ? report.edges : report.lost_parents);
      }
      if (!matcher.Matches(next.item)) continue;
      if (next.item.executed()) tree.Count(next.node, next.item);
      Offer(next.item);
    }
  }

  // Keeps the chain of `item` if it is one of those to be shown.
  void Offer(const WorkItem& item) {
    if (options.item) {
      if (item.id == *options.item) slowest.push_back(PathOf(item));
      return;
    }
    if (options.slowest == 0 || !item.Latency() || item.wait_tainted) return;
    const auto shorter = [](const Path& a, const Path& b) {
      return WaitedLonger(a.front(), b.front());
    };
    if (slowest.size() == options.slowest) {
      if (!WaitedLonger(item, slowest.front().front())) return;
      std::pop_heap(slowest.begin(), slowest.end(), shorter);
      slowest.pop_back();
    }
    slowest.push_back(PathOf(item));
    std::push_heap(slowest.begin(), slowest.end(), shorter);
  }

  Path PathOf(const WorkItem& item) {
    Path path = {item};
    while (path.size() < kMaxSteps) {
      const Known* const parent = Find(path.back().parent);
      if (parent == nullptr) break;
      path.push_back(parent->item);
    }
    return path;
  }

  Chain ToChain(const Path& path) const {
    Chain chain;
    chain.item = path.front().id;
    const Origin& origin = path.back().origin;
    chain.whole = origin.kind != Origin::Kind::kWork && origin.kind != Origin::Kind::kUnknown;
    chain.origin_kind = ToString(origin.kind);
    chain.origin_name = SplitFunction(source.names().Get(origin.NameIn(source))).name;
    for (size_t i = path.size(); i-- > 0;) {
      const WorkItem& item = path[i];
      const FunctionName function = SplitFunction(source.names().Get(item.function));
      chain.steps.push_back({item.id, std::string(source.names().Get(item.workqueue)),
                             std::string(function.name), std::string(function.module),
                             model.pool(item.pool).name, item.queued, item.activated, item.started,
                             item.ended,
                             Between(item.started, i > 0 ? path[i - 1].queued : item.ended)});
    }
    return chain;
  }
};

ChainCollector::ChainCollector(const EventSource& source, const Reconstructor& model,
                               ChainOptions options)
    : state_(std::make_unique<State>(source, model, std::move(options))) {}
ChainCollector::~ChainCollector() = default;

void ChainCollector::Add(const Completed& completed) {
  for (const WorkItem& item : completed.items) state_->Add(item);
}

void ChainCollector::Finish() {
  State& state = *state_;
  state.SettleAll(true);
  std::sort(state.slowest.begin(), state.slowest.end(),
            [](const auto& a, const auto& b) { return WaitedLonger(a.front(), b.front()); });
  for (const State::Path& path : state.slowest) {
    state.report.chains.push_back(state.ToChain(path));
  }
  state.report.tree = state.tree.Nodes(state.source.names());
}

ChainReport ChainCollector::Take() && { return std::move(state_->report); }

}  // namespace wqprof
