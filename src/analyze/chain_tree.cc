// SPDX-License-Identifier: Apache-2.0
#include "analyze/chain_tree.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "wqprof/name_table.h"

namespace wqprof {

ChainTree::NodeId ChainTree::Child(NodeId parent, NameId workqueue, NameId function) {
  const Node& above = At(parent);
  if (parent != NodeId::kRoot && above.workqueue == workqueue && above.function == function) {
    return parent;
  }
  const uint64_t key = uint64_t{ToInt(workqueue)} << 32 | ToInt(function);
  if (const auto it = above.children.find(key); it != above.children.end()) return it->second;
  if (above.depth >= kMaxDepth || nodes_.size() >= kMaxNodes) return parent;
  const auto id = static_cast<NodeId>(nodes_.size());
  Node node;
  node.workqueue = workqueue;
  node.function = function;
  node.depth = above.depth + 1;
  nodes_[static_cast<size_t>(parent)].children.emplace(key, id);
  nodes_.push_back(std::move(node));
  return id;
}

void ChainTree::Count(NodeId id, const WorkItem& item) {
  Node& node = nodes_[static_cast<size_t>(id)];
  ++node.items;
  const auto add = [](Nanos& sum, std::optional<Nanos> span) {
    if (span && *span > Nanos(0)) sum = AddSaturated(sum, *span);
  };
  if (!item.wait_tainted) add(node.waited, item.Latency());
  if (!item.run_tainted) add(node.executed, item.Execution());
}

std::vector<ChainNode> ChainTree::Nodes(const NameTable& names) const {
  // Children come after their parent, so that one pass from the end sums up.
  std::vector<Nanos> below(nodes_.size());
  std::vector<uint64_t> items(nodes_.size());
  for (size_t i = nodes_.size(); i-- > 0;) {
    below[i] = AddSaturated(below[i], AddSaturated(nodes_[i].waited, nodes_[i].executed));
    items[i] += nodes_[i].items;
    for (const auto& [key, child] : nodes_[i].children) {
      below[i] = AddSaturated(below[i], below[static_cast<size_t>(child)]);
      items[i] += items[static_cast<size_t>(child)];
    }
  }
  std::vector<ChainNode> out;
  std::vector<size_t> open = {0};
  while (!open.empty()) {
    const size_t i = open.back();
    open.pop_back();
    const Node& node = nodes_[i];
    const auto word = [&](NameId id) { return std::string(SplitFunction(names.Get(id)).name); };
    if (i > 0) {
      out.push_back({node.depth - 1, std::string(names.Get(node.workqueue)), word(node.function),
                     node.items, node.waited, node.executed});
    }
    std::vector<std::tuple<Nanos, std::string, size_t>> order;
    for (const auto& [key, child] : node.children) {
      const size_t c = static_cast<size_t>(child);
      if (items[c] == 0) continue;
      order.emplace_back(
          below[c], word(nodes_[c].function) + "\n" + std::string(names.Get(nodes_[c].workqueue)),
          c);
    }
    // The last one pushed comes first.
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return std::get<0>(a) != std::get<0>(b) ? std::get<0>(a) < std::get<0>(b)
                                              : std::get<1>(a) > std::get<1>(b);
    });
    for (const auto& [time, name, child] : order) open.push_back(child);
  }
  return out;
}

}  // namespace wqprof
