// SPDX-License-Identifier: Apache-2.0
// Works that queue works: which item queued which, and what an item waited for before it was
// queued itself.
#ifndef WQPROF_CHAINS_H_
#define WQPROF_CHAINS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wqprof/analyze.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// One item of a chain.
struct ChainStep {
  uint64_t id = 0;
  std::string workqueue, function, module, pool;
  Timestamp queued = kUnseen, activated = kUnseen, started = kUnseen, ended = kUnseen;
  // From its start until it queued the next step; of the last step, until its end.  With the
  // waits these add up to the time from the first queue event to the last end.
  std::optional<Nanos> until_next;
};

// An item with the one whose execution queued it, and so on, the first one first.
struct Chain {
  uint64_t item = 0;  // the last one
  // Who queued the first one, as works names origins; "work" if that item is not known.
  std::string origin_kind, origin_name;
  bool whole = true;  // the first step was queued by no work; else earlier ones are not known
  std::vector<ChainStep> steps;
  // From the first queue event to the last end.
  std::optional<Nanos> Span() const;
};

// All items of one function and workqueue that were queued, directly or not, by the functions
// above it.  An item that is queued by one of its own kind counts with that one.
struct ChainNode {
  size_t depth = 0;  // 0: queued by no work
  std::string workqueue, function;
  uint64_t items = 0;
  Nanos waited{0}, executed{0};  // queue to start, start to end
};

// What to find out about the chains of a trace.
struct ChainOptions {
  ItemFilter filter;             // which items are shown; those before them in a chain are anyway
  size_t slowest = 5;            // chains of the items that waited longest
  std::optional<uint64_t> item;  // instead of them, the chain of this one
};

// What was found.
struct ChainReport {
  std::vector<Chain> chains;    // the longest wait first
  std::vector<ChainNode> tree;  // each node before those below it, the most time first
  uint64_t edges = 0;           // items whose parent is known
  uint64_t lost_parents = 0;    // items that a work queued which is not known
};

// Follows items to the ones that queued them.  Memory is fixed: an item is remembered until
// kRemembered later ones have come.
class ChainCollector : public ItemConsumer {
 public:
  static constexpr size_t kRemembered = size_t{1} << 17;

  // `source` and `model` must outlive this object.
  ChainCollector(const EventSource& source, const Reconstructor& model, ChainOptions options);
  ~ChainCollector() override;
  void Add(const Completed& completed) override;
  void Finish() override;
  // REQUIRES: after Finish().
  ChainReport Take() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_CHAINS_H_
