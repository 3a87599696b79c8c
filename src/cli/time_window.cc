// SPDX-License-Identifier: Apache-2.0
#include "cli/time_window.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/output.h"
#include "wqprof/analyze.h"
#include "wqprof/pipeline.h"

namespace wqprof {
namespace {

// Waits for one item to come by.
class ItemFinder : public ItemConsumer {
 public:
  explicit ItemFinder(uint64_t id) : id_(id) {}
  Reconstructor::Options wants() const override {
    Reconstructor::Options out = Reconstructor::Nothing();
    out.barriers = true;
    return out;
  }
  void Add(const Completed& completed) override {
    for (const WorkItem& item : completed.items) {
      if (item.id == id_) found_ = item;
    }
  }
  bool full() const override { return found_.has_value(); }
  const std::optional<WorkItem>& found() const { return found_; }

 private:
  const uint64_t id_;
  std::optional<WorkItem> found_;
};

// Half of its length is shown before it, and behind it.
TimeWindow Around(Timestamp begin, Timestamp end) {
  const Nanos margin = std::max<Nanos>((end - begin) / 2, std::chrono::microseconds(10));
  return {begin - margin, end + margin};
}

absl::StatusOr<std::optional<TimeWindow>> FindItem(EventSource& source, uint64_t id) {
  Pipeline pipeline(source);
  ItemFinder finder(id);
  pipeline.Attach(finder);
  if (absl::Status status = pipeline.Run(); !status.ok()) return status;
  if (!finder.found()) {
    Note(fmt::format("there is no item {}; wqprof works --format ndjson has the ids", id));
    return std::nullopt;
  }
  const WorkItem& item = *finder.found();
  Timestamp begin = Timestamp::max(), end = kUnseen;
  for (const Timestamp at : {item.queued, item.activated, item.started, item.ended}) {
    if (at != kUnseen) begin = std::min(begin, at);
    end = std::max(end, at);
  }
  return Around(begin, item.ended == kUnseen ? std::max(end, source.stats().end) : end);
}

absl::StatusOr<std::optional<TimeWindow>> FindStall(EventSource& source, uint64_t id,
                                                    const Threshold& threshold) {
  AnalyzeOptions options;
  options.stall_threshold = TimeOf(threshold, source.info());
  const absl::StatusOr<Report> report = Analyze(source, options);
  if (!report.ok()) return report.status();
  for (const Stall& stall : report->stalls) {
    if (stall.id == id) return Around(stall.begin, stall.begin + stall.duration);
  }
  Note(report->stalls.empty() ? "there is no stall in this recording; a lower --threshold finds "
                                "shorter ones"
                              : fmt::format("there is no stall {}; wqprof stalls lists them", id));
  return std::nullopt;
}

}  // namespace

void AddWindowOptions(Command& command, AnalysisOptions* input, WindowOptions* window) {
  command.AddParsed({"--time", "A,B",
                     "only this part: stamps of the trace in seconds, or +1.5 since its begin; "
                     "either end may be left out",
                     kWhichItems},
                    &input->time, ParseTimeRange);
  command.AddParsed({"--stall", "N", "the time around stall N of `wqprof stalls`", kWhichItems},
                    &window->stall, ParseCount);
  command.AddParsed({"--item", "ID", "the time around this item of `wqprof works`", kWhichItems},
                    &window->item, ParseCount);
  command.AddParsed(
      {"--threshold", "TIME",
       "shortest stall that counts (default: 10ms); kernel: as its watchdog does", kWhichItems},
      &window->threshold, ParseThreshold);
}

absl::StatusOr<std::optional<TimeWindow>> FindWindow(const AnalysisOptions& input,
                                                     const WindowOptions& options) {
  const int asked = (options.stall ? 1 : 0) + (options.item ? 1 : 0) + (input.time ? 1 : 0);
  if (asked > 1) {
    return absl::InvalidArgumentError("--time, --stall and --item exclude each other\nwrite one");
  }
  if (!options.stall && !options.item) return TimeWindow();
  if (input.file == "-") {
    return absl::InvalidArgumentError(
        "standard input can be read once only, and --stall and --item need it twice\n"
        "save it to a file, or use --time");
  }
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(input);
  if (!source.ok()) return source.status();
  return options.item ? FindItem(**source, *options.item)
                      : FindStall(**source, *options.stall, options.threshold);
}

absl::Status ResolveWindow(const AnalysisOptions& input, std::unique_ptr<EventSource>& source,
                           TimeWindow& window) {
  if (!input.time) return absl::OkStatus();
  const absl::StatusOr<ItemFilter> filter = ResolveFilter(input, source);
  if (!filter.ok()) return filter.status();
  window = {filter->from, filter->to};
  return absl::OkStatus();
}

}  // namespace wqprof
