// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/arguments.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/measure.h"
#include "wqprof/model.h"
#include "wqprof/number_text.h"
#include "wqprof/pipeline.h"
#include "wqprof/render.h"
#include "wqprof/worst_items.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof works --slowest 20                  the items that waited longest\n"
    "  wqprof works --sort execution --min 10ms   what kept a worker for long\n"
    "  wqprof works -f flush_to_ldisc | head      the lives of one function's items\n"
    "  wqprof works --state pending,running       what was left when the trace ended\n"
    "  wqprof works --format ndjson | jq -r .function | sort | uniq -c\n"
    "\n"
    "A '?' behind the state: an event lost, or a queue event that came as the item\n"
    "started, puts its times in doubt.  A '>' before a time: the trace ended first.";

// Sorting keeps items in memory: so many where the user names no number.
constexpr size_t kMostSorted = 1000;

// Output is written in pieces of this size.
constexpr size_t kPiece = size_t{1} << 18;

// Options of `works` alone.
struct WorksOptions {
  AnalysisOptions input;
  std::vector<ItemState> states;
  std::vector<std::string> pools, workers, origins;
  const MeasureSpec* sort = nullptr;  // null: as they come, or by latency
  std::optional<Nanos> min;           // of what is sorted by
  size_t slowest = 0;                 // 0: all, or the first kMostSorted

  const MeasureSpec& measure() const { return sort ? *sort : SpecOf(Measure::kLatency); }
  size_t kept() const { return slowest == 0 && sort != nullptr ? kMostSorted : slowest; }
};

absl::StatusOr<const MeasureSpec*> ParseMeasure(std::string_view text) {
  std::vector<std::string> names;
  for (const MeasureSpec& measure : kMeasures) {
    if (measure.name == text) return &measure;
    names.emplace_back(measure.name);
  }
  return absl::InvalidArgumentError(fmt::format("cannot sort by '{}'{}: write {}", text,
                                                DidYouMean(text, names), fmt::join(names, ", ")));
}

absl::StatusOr<std::vector<ItemState>> ParseStates(std::string_view text) {
  constexpr ItemState kStates[] = {
      ItemState::kDone,      ItemState::kSuperseded,  ItemState::kPending,
      ItemState::kRunning,   ItemState::kBeforeTrace, ItemState::kBarrier,
      ItemState::kUnmatched, ItemState::kQueued,      ItemState::kStarted};
  std::vector<std::string> words;
  for (const ItemState state : kStates) words.emplace_back(ToString(state));
  std::vector<ItemState> states;
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const size_t before = states.size();
    for (const ItemState state : kStates) {
      if (word == ToString(state)) states.push_back(state);
    }
    if (states.size() == before) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' is no state{}: write {}", word, DidYouMean(word, words), fmt::join(words, ", ")));
    }
    if (comma == std::string_view::npos) return states;
    rest.remove_prefix(comma + 1);
  }
}

// Writes the items of a recording as they come, or keeps the worst.
class ItemPrinter : public ItemConsumer {
 public:
  ItemPrinter(const WorksOptions& options, const EventSource& source, const Reconstructor& model,
              const ItemFilter& filter)
      : source_(source),
        matcher_(filter, source, model),
        writer_(MakeItemWriter(options.input.format, source, model, StyleOf(options.input))),
        measure_(options.measure()),
        min_(options.min),
        worst_(measure_, options.kept()) {
    writer_->Begin(out_);
  }

  Reconstructor::Options wants() const override { return {.gap_floor = Nanos::max()}; }
  void Add(const Completed& completed) override {
    if (!status_.ok()) return;
    passed_.clear();
    for (const WorkItem& item : completed.items) {
      if (matcher_.Matches(item) && IsLong(item)) passed_.push_back(item);
    }
    count_ += passed_.size();
    if (worst_.limit() > 0) {
      for (const WorkItem& item : passed_) worst_.Add(item, completed.SplitOf(item));
      return;
    }
    writer_->Add(
        passed_, [&](const WorkItem& item) { return completed.SplitOf(item); }, out_);
    if (out_.size() >= kPiece) WriteOut();
  }
  bool full() const override { return !status_.ok(); }

  void Finish() override {
    if (!status_.ok()) return;
    for (const WorstItems::Kept& kept : worst_.Take(source_.stats().end)) {
      writer_->Add(
          {&kept.item, 1}, [&kept](const WorkItem&) { return kept.split ? &*kept.split : nullptr; },
          out_);
    }
    writer_->End(out_);
    WriteOut();
  }

  uint64_t count() const { return count_; }
  const WorstItems& worst() const { return worst_; }
  // Of the output.
  const absl::Status& status() const { return status_; }

 private:
  // Open items come after the last event, so that the end of the trace is known for them.
  bool IsLong(const WorkItem& item) const {
    return !min_ || LastedUntil(measure_, item, source_.stats().end) >= min_;
  }

  void WriteOut() {
    status_ = WriteOutput(std::string_view(out_.data(), out_.size()));
    out_.clear();
  }

  const EventSource& source_;
  ItemMatcher matcher_;
  std::unique_ptr<ItemWriter> writer_;
  const MeasureSpec& measure_;
  const std::optional<Nanos> min_;
  WorstItems worst_;
  fmt::memory_buffer out_;
  std::vector<WorkItem> passed_;
  uint64_t count_ = 0;
  absl::Status status_;
};

int RunWorks(const WorksOptions& options) {
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  filter->states = options.states;
  filter->pools = options.pools;
  filter->workers = options.workers;
  filter->origins = options.origins;
  Pipeline pipeline(**source);
  ItemPrinter printer(options, **source, pipeline.model(), *filter);
  pipeline.Attach(printer);
  const absl::Status read = pipeline.Run();
  if (!printer.status().ok()) return Fail(printer.status());
  if (!read.ok()) return FailInput(read);
  const Report report = ReportOf(pipeline.facts());
  NoteLosses(report);
  if (options.slowest == 0 && options.sort != nullptr && printer.worst().seen() > kMostSorted) {
    Note(fmt::format("only the first {} of {} items: --slowest N shows more", kMostSorted,
                     CountText(printer.worst().seen())));
  }
  if (printer.count() == 0) {
    Note(ExplainNoItems(options.input));
    return kInsufficient;
  }
  return options.input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddWorksCommand(CommandLine& line) {
  auto options = std::make_shared<WorksOptions>();
  Command command =
      line.Add("works", "List items one by one: when, where, how long, queued by whom");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  AddFilterOptions(command, &options->input);
  command.AddParsed(
      {"--state", "LIST",
       "only items in these states: done, superseded, pending, running, before_trace, "
       "barrier, unmatched; several by comma",
       kWhichItems, "done|superseded|pending|running|before_trace|barrier|unmatched"},
      &options->states, ParseStates);
  command.AddTexts({"--pool", "GLOB", "only items of these pools: cpu0, 'u*'", kWhichItems},
                   &options->pools, ',');
  command.AddTexts(
      {"--worker", "GLOB", "only items that these workers executed: pids, or names: 'kworker/0:*'",
       kWhichItems},
      &options->workers, ',');
  command.AddTexts({"--origin", "GLOB",
                    "only items queued from there: 'task fio', softirq, 'work xfs_*'", kWhichItems},
                   &options->origins, ',');
  command.AddParsed({"-n,--slowest", "N",
                     "only the N items that waited longest from queue to start, longest first; "
                     "those still waiting at the end of the trace count as well; with --sort, "
                     "those that lasted longest by it",
                     kWhichItems},
                    &options->slowest, ParseCount);
  command.AddParsed(
      {"--min", "TIME", "only items that waited so long at least; with --sort, that lasted so long",
       kWhichItems},
      &options->min, ParseDuration);
  std::string measures;
  for (const MeasureSpec& measure : kMeasures) {
    measures += (measures.empty() ? "" : "|") + std::string(measure.name);
  }
  command.AddParsed({"-s,--sort", "MEASURE",
                     fmt::format("longest first by latency, execution, total, ...; the first {} "
                                 "unless -n names a number",
                                 kMostSorted),
                     kHowToShow, measures},
                    &options->sort, ParseMeasure);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunWorks(*options); });
}

}  // namespace wqprof
