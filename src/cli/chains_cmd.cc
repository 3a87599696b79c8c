// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "fmt/format.h"
#include "wqprof/chains.h"
#include "wqprof/pipeline.h"
#include "wqprof/render_chains.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof chains                          the items that waited longest, and what led to them\n"
    "  wqprof chains --item 4711              what led to one item of `wqprof works`\n"
    "  wqprof chains --slowest 0 -w 'xfs-*'   only the tree, of some workqueues\n"
    "  wqprof chains --folded | flamegraph.pl > chains.svg";

constexpr size_t kRowsOnTerminal = 40;

// Options of `chains` alone.
struct ChainsOptions {
  AnalysisOptions input;
  size_t slowest = 5;
  std::optional<size_t> item;
  std::optional<size_t> top;
  bool folded = false;
};

absl::StatusOr<std::string> Render(const ChainsOptions& options, const Report& report,
                                   const ChainReport& chains) {
  if (options.folded) return FoldedChains(chains);
  const Terminal terminal = DetectTerminal();
  View view;
  const bool short_list = terminal.is_terminal && options.input.format == Format::kTable;
  view.top = options.top.value_or(short_list && !options.input.verbose ? kRowsOnTerminal : 0);
  if (options.item) view.tables = {"chains"};
  const TextStyle style = StyleFor(terminal, options.input.color, options.input.ascii);
  return RenderChains(report, chains, options.input.format, view, style);
}

int RunChains(const ChainsOptions& options) {
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  if (!(*source)->info().clock_is_ns) {
    Note(fmt::format(
        "the recording's clock '{}' does not count nanoseconds, so that no wait is known\n"
        "record with a clock that does: wqprof record --clock mono",
        (*source)->info().clock));
    return kInsufficient;
  }
  Pipeline pipeline(**source);
  ChainCollector collector(**source, pipeline.model(), {*filter, options.slowest, options.item});
  pipeline.Attach(collector);
  if (const absl::Status read = pipeline.Run(); !read.ok()) return FailInput(read);
  const ChainReport chains = std::move(collector).Take();
  Report report = ReportOf(pipeline.facts());
  report.filters = FilterWords(options.input, (*source)->info());
  if (options.item && chains.chains.empty()) {
    Note(fmt::format("no item {} was executed in this recording\nwqprof works lists the ids",
                     *options.item));
    return kInsufficient;
  }
  const absl::StatusOr<std::string> text = Render(options, report, chains);
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  if (options.input.format == Format::kCsv || options.folded) NoteLosses(report);
  if (chains.tree.empty()) {
    Note(ExplainNoItems(options.input));
    return kInsufficient;
  }
  return options.input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddChainsCommand(CommandLine& line) {
  auto options = std::make_shared<ChainsOptions>();
  Command command = line.Add("chains", "Show which work queued which, and what led to the slowest");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  AddFilterOptions(command, &options->input);
  command.AddParsed(
      {"--item", "ID", "only the chain of this item, by its id in `wqprof works`", kWhichItems},
      &options->item, ParseCount);
  command.AddParsed(
      {"-n,--slowest", "N",
       "chains of the N items that waited longest from queue to start (default: 5)", kWhichItems},
      &options->slowest, ParseCount);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.AddParsed({"--top", "N", "only the first N rows of the tree; 0 shows all", kHowToShow},
                    &options->top, ParseCount);
  command.AddFlag({"--folded", "",
                   "the tree as folded stacks for flame graphs: functions and ns from queue to end",
                   kHowToShow},
                  &options->folded);
  command.SetExamples(kExamples);
  command.BeforeRun([options] {
    if (const auto item = NumberForFile(options->input)) options->item = item;
    if (options->folded && options->input.format != Format::kTable) {
      return absl::InvalidArgumentError("--folded is a format of its own: leave out --format");
    }
    return absl::OkStatus();
  });
  command.OnRun([options] { return RunChains(*options); });
}

}  // namespace wqprof
