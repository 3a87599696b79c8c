// SPDX-License-Identifier: Apache-2.0
#include "analyze/loop_collector.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace wqprof {

void LoopCollector::AddEdge(const WorkItem& item) {
  const uint64_t key =
      static_cast<uint64_t>(ToInt(item.origin.function)) << 32 | ToInt(item.function);
  auto edge = edges_.find(key);
  if (edge == edges_.end()) {
    if (edges_.size() == kMostEdges) return;
    edge = edges_.try_emplace(key).first;
    edge->second.from = item.origin.function;
    edge->second.to = item.function;
    edge->second.workqueue = item.workqueue;
    edge->second.first = item.queued;
  }
  ++edge->second.items;
  edge->second.first = std::min(edge->second.first, item.queued);
  edge->second.last = std::max({edge->second.last, item.queued, item.started});
}

std::vector<WorkLoop> LoopCollector::Loops(uint64_t least) const {
  std::map<NameId, std::vector<const Edge*>> from;
  std::vector<const Edge*> frequent;
  for (const auto& [key, edge] : edges_) {
    if (edge.items >= least) frequent.push_back(&edge);
  }
  std::sort(frequent.begin(), frequent.end(), [](const Edge* a, const Edge* b) {
    return a->items != b->items ? a->items > b->items
                                : std::pair(a->from, a->to) < std::pair(b->from, b->to);
  });
  for (const Edge* edge : frequent) from[edge->from].push_back(edge);
  std::vector<WorkLoop> loops;
  std::set<NameId> used;
  for (const Edge* edge : frequent) {
    if (used.contains(edge->to) || used.contains(edge->from)) continue;
    // Breadth first, from where the edge leads back to where it begins: the shortest ring.
    std::map<NameId, const Edge*> reached = {{edge->to, nullptr}};
    std::vector<NameId> todo = {edge->to};
    for (size_t i = 0; i < todo.size() && !reached.contains(edge->from); ++i) {
      const auto next = from.find(todo[i]);
      if (next == from.end()) continue;
      for (const Edge* step : next->second) {
        if (!used.contains(step->to) && reached.try_emplace(step->to, step).second) {
          todo.push_back(step->to);
        }
      }
    }
    if (!reached.contains(edge->from)) continue;
    WorkLoop loop{{edge->from}, edge->workqueue, edge->items, edge->first, edge->last};
    std::vector<NameId> back;
    for (NameId at = edge->from; at != edge->to; at = reached[at]->from) {
      loop.rounds = std::min(loop.rounds, reached[at]->items);
      if (at != edge->from) back.push_back(at);
    }
    if (edge->to != edge->from) back.push_back(edge->to);
    loop.functions.insert(loop.functions.end(), back.rbegin(), back.rend());
    used.insert(loop.functions.begin(), loop.functions.end());
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace wqprof
