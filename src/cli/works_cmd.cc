// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/options.h"
#include "cli/output.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"
#include "wqprof/render.h"
#include "wqprof/slowest_items.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof works --slowest 20                  the items that waited longest\n"
    "  wqprof works -f flush_to_ldisc | head      the lives of one function's items\n"
    "  wqprof works --state pending,running       what was left when the trace ended\n"
    "  wqprof works --format ndjson | jq -r .function | sort | uniq -c\n"
    "\n"
    "A '?' behind the state: an event lost, or a queue event that came as the item started,\n"
    "puts its times in doubt.  A '>' before a time: the trace ended first.";

// Output is written in pieces of this size.
constexpr size_t kPiece = size_t{1} << 18;

// Options of `works` alone.
struct WorksOptions {
  AnalysisOptions input;
  std::vector<ItemState> states;
  size_t slowest = 0;  // 0: all, as they come
};

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

// Writes the items of a recording as they come, or keeps the slowest.
class ItemPrinter : public ItemConsumer {
 public:
  ItemPrinter(const WorksOptions& options, const EventSource& source, const Reconstructor& model,
              const ItemFilter& filter)
      : source_(source),
        matcher_(filter, source, model),
        writer_(MakeItemWriter(options.input.format, source, model, StyleOf(options.input))),
        slowest_(options.slowest) {
    writer_->Begin(out_);
  }

  void Add(const Completed& completed) override {
    if (!status_.ok()) return;
    passed_.clear();
    for (const WorkItem& item : completed.items) {
      if (matcher_.Matches(item)) passed_.push_back(item);
    }
    count_ += passed_.size();
    if (slowest_.limit() > 0) {
      for (const WorkItem& item : passed_) slowest_.Add(item, completed.SplitOf(item));
      return;
    }
    writer_->Add(
        passed_, [&](const WorkItem& item) { return completed.SplitOf(item); }, out_);
    if (out_.size() >= kPiece) WriteOut();
  }
  bool full() const override { return !status_.ok(); }

  void Finish() override {
    if (!status_.ok()) return;
    for (const SlowestItems::Kept& kept : slowest_.Take(source_.stats().end)) {
      writer_->Add(
          {&kept.item, 1}, [&kept](const WorkItem&) { return kept.split ? &*kept.split : nullptr; },
          out_);
    }
    writer_->End(out_);
    WriteOut();
  }

  uint64_t count() const { return count_; }
  // Of the output.
  const absl::Status& status() const { return status_; }

 private:
  void WriteOut() {
    status_ = WriteOutput(std::string_view(out_.data(), out_.size()));
    out_.clear();
  }

  const EventSource& source_;
  ItemMatcher matcher_;
  std::unique_ptr<ItemWriter> writer_;
  SlowestItems slowest_;
  fmt::memory_buffer out_;
  std::vector<WorkItem> passed_;
  uint64_t count_ = 0;
  absl::Status status_;
};

int RunWorks(const WorksOptions& options) {
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  filter->states = options.states;
  Pipeline pipeline(**source);
  ItemPrinter printer(options, **source, pipeline.model(), *filter);
  pipeline.Attach(printer);
  const absl::Status read = pipeline.Run();
  if (!printer.status().ok()) return Fail(printer.status());
  if (!read.ok()) return FailInput(read);
  const Report report = ReportOf(pipeline.facts());
  NoteLosses(report);
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
  command.AddParsed({"-n,--slowest", "N",
                     "only the N items that waited longest from queue to start, longest first; "
                     "those still waiting at the end of the trace count as well",
                     kWhichItems},
                    &options->slowest, ParseCount);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunWorks(*options); });
}

}  // namespace wqprof
