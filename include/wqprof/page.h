// SPDX-License-Identifier: Apache-2.0
// Results as one page of HTML: a file that needs nothing else, whatever opens it.
#ifndef WQPROF_PAGE_H_
#define WQPROF_PAGE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/analyze.h"
#include "wqprof/budget.h"
#include "wqprof/pipeline.h"
#include "wqprof/render.h"
#include "wqprof/report.h"
#include "wqprof/timeline.h"

namespace wqprof {

// How many items waited how long, over time: a row for each half octave of latency, a column for
// each bin of time.
struct HeatMap {
  static constexpr size_t kRows = 60;             // up to 69 s, what is longer in the last one
  static constexpr int kFirstRow = 2 * 6;         // the first one: what waited 64 ns or less
  std::string workqueue, function;                // both "": of all items
  std::array<std::vector<uint32_t>, kRows> rows;  // empty: none of its cells has an item
};

// One execution, exactly.
struct PageSlice {
  Timestamp from = kUnseen, to = kUnseen;
  std::string function, pool;
  Pid worker = Pid::kNone;  // kNone: softirq
};

// An item of the list of those that waited longest, where the time line shows it.
struct PageItem {
  uint64_t id = 0;
  Timestamp from = kUnseen, to = kUnseen;  // of its wait
  std::string function, workqueue, pool;
  Nanos waited{0};
};

// What a page shows beside a Report and a Timeline.
struct PageData {
  Timestamp begin = kUnseen;  // of the first bin of the heat maps
  Nanos bin{0};
  size_t bins = 0;
  std::vector<HeatMap> heat;          // the first one of all; in the order of the functions' waits
  std::vector<PageSlice> slices;      // the longest executions, by begin
  uint64_t executions = 0;            // all
  Table items;                        // that waited longest, as ItemRows() has them
  std::vector<PageItem> item_places;  // of the same rows
  uint64_t items_seen = 0;            // all that passed the filter
};

// Which items the page is about.
struct PageOptions {
  ItemFilter filter;  // its times are the ends of what is drawn
};

// Collects PageData in one pass and in fixed memory; see TimeBins.
class PageCollector : public ItemConsumer {
 public:
  static constexpr size_t kBins = 512;      // of the heat maps, at most
  static constexpr size_t kMaxRows = 4096;  // of all functions' heat maps, of kBins each
  static constexpr size_t kSlices = 1200, kItems = 200;

  // `source` and `model` must outlive this object.
  PageCollector(const EventSource& source, const Reconstructor& model, const PageOptions& options);
  ~PageCollector() override;
  Reconstructor::Options wants() const override {
    return {.gap_floor = Nanos::max(), .barriers = false};
  }
  void Add(const Completed& completed) override;
  void Finish() override;
  // REQUIRES: after Finish(); called once.
  PageData Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a page says that no result holds.
struct PageFrame {
  std::string_view version;  // of the program
  Invocation by;             // for the commands that lead on
  std::string log = {};      // the kernel log that stood in the same text, as text; "" none
};

// The page of a report.  Less than 1 MB, whatever it is of: what did not fit is counted on it.
std::string ReportPage(const Report& report, const Timeline& timeline, const PageData& data,
                       const PageFrame& frame);

// The pages of verdicts and of differences, within the same limit.
std::string CheckPage(const CheckResult& result, const PageFrame& frame);
std::string DiffPage(const DiffResult& result, const PageFrame& frame);

}  // namespace wqprof

#endif  // WQPROF_PAGE_H_
