// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_CHAIN_TREE_H_
#define WQPROF_ANALYZE_CHAIN_TREE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "wqprof/chains.h"

namespace wqprof {

// Sums of items by the functions that led to them.  At most kMaxNodes are distinguished: further
// ones count with the node above them.
class ChainTree {
 public:
  // Index of a node; kRoot is above all.
  enum class NodeId : uint32_t { kRoot = 0 };
  ChainTree() : nodes_(1) {}

  // The node of items of that kind below `parent`; an item of the same kind as its parent has
  // its parent's.
  NodeId Child(NodeId parent, NameId workqueue, NameId function);
  void Count(NodeId node, const WorkItem& item);
  std::vector<ChainNode> Nodes(const NameTable& names) const;

 private:
  static constexpr size_t kMaxNodes = 1 << 14;
  static constexpr size_t kMaxDepth = 64;
  struct Node {
    NameId workqueue = NameId::kUnknown, function = NameId::kUnknown;
    size_t depth = 0;  // of the root 0
    uint64_t items = 0;
    Nanos waited{0}, executed{0};
    std::map<uint64_t, NodeId> children;  // by workqueue and function
  };
  const Node& At(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  std::vector<Node> nodes_;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_CHAIN_TREE_H_
