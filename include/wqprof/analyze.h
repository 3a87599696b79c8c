// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_H_
#define WQPROF_ANALYZE_H_

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wqprof/model.h"
#include "wqprof/pipeline.h"
#include "wqprof/report.h"

namespace wqprof {

// Which items count.  An empty list lets all through; within a list the globs are OR, except for
// exclusions ("!x*", see PassesGlobs()), between lists AND.
struct ItemFilter {
  std::vector<std::string> workqueues, functions;
  std::vector<std::string> pools;    // that executed it, or on whose worklist it waits
  std::vector<std::string> origins;  // a kind ("task"), or a kind and a name ("task fio")
  std::vector<std::string> workers;  // that executed it, by name or pid
  std::vector<Cpu> cpus;             // where the item ran, or was queued if it never ran
  std::vector<ItemState> states;
  Timestamp from = kUnseen, to = kUnseen;  // of the item's last event seen; kUnseen: open
  bool empty() const;
};

// "task fio", "softirq": an origin as filters and groups of budgets name it.
std::string OriginName(const EventSource& source, const Origin& origin);

// Decides for one trace's items; remembers the verdict on each name.
class ItemMatcher {
 public:
  // `source` and `model` must outlive this object.
  ItemMatcher(const ItemFilter& filter, const EventSource& source, const Reconstructor& model);
  ~ItemMatcher();
  ItemMatcher(ItemMatcher&&) noexcept;
  bool Matches(const WorkItem& item);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct AnalyzeOptions {
  ItemFilter filter;
  Nanos stall_threshold = std::chrono::milliseconds(10);
  // Groupings beyond functions and workqueues cost time per item; without them the rows of
  // Report::origins, stacks and cpus stay empty, and so do the measures of pools and workers.
  bool by_origin = false, by_stack = false, by_cpu = false, by_pool = false, by_worker = false;
  // So do durations; without one of them its histograms stay empty.
  MeasureSet measures = MeasureSet::All();
  bool pool_executions = true;  // likewise PoolRow::execution
  size_t max_stalls = 1000;     // kept in the report, the longest ones
};

// Sums items up into a Report.  Memory: histograms per function, workqueue, pool, worker
// and origin, and the longest stalls; never all items.
class Analyzer : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  Analyzer(const EventSource& source, const Reconstructor& model, AnalyzeOptions options);
  ~Analyzer() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  // Waits in flushes of a live source, as soon as they are known; else the source has them.
  // REQUIRES: not while items are added.
  void AddFlushes(std::span<const FlushWait> waits);
  // What was added so far, and the model's accounts up to its last event.  More may be added
  // later, but not meanwhile.
  Report Snapshot() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads `source` to its end through reconstruction and analysis, with the help of its crew.
absl::StatusOr<Report> Analyze(EventSource& source, const AnalyzeOptions& options);

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_H_
