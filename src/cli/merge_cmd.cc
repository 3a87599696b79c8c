// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hist_files.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/hist.h"
#include "wqprof/render_hist.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof merge hosts/*.ndjson.zst             all hosts as one\n"
    "  wqprof merge hosts/ --by kernel             kernel by kernel\n"
    "  wqprof merge hosts/ --by label.rack,host    rack by rack, and host by host\n"
    "  wqprof merge hosts/ --format json | jq '.functions[0].latency.p99_ns'";

constexpr size_t kRowsOnTerminal = 15;

// Options of `merge` alone.
struct MergeOptions {
  AnalysisOptions input;
  std::vector<std::string> paths;
  MergeKeys keys;
  View view;
  std::optional<size_t> top;
};

absl::Status TakeKey(std::string_view word, MergeKeys& keys) {
  constexpr std::string_view kLabel = "label.";
  if (word == "host") {
    keys.host = true;
  } else if (word == "kernel") {
    keys.kernel = true;
  } else if (word == "machine") {
    keys.machine = true;
  } else if (word == "label" || word == "labels") {
    keys.labels = true;
  } else if (word.starts_with(kLabel) && word.size() > kLabel.size()) {
    keys.label_of.emplace_back(word.substr(kLabel.size()));
  } else {
    const std::vector<std::string> words = {"kernel", "host", "machine", "label", "label.KEY"};
    return absl::InvalidArgumentError(fmt::format("lines are not merged by '{}'{}: write {}", word,
                                                  DidYouMean(word, words), fmt::join(words, ", ")));
  }
  return absl::OkStatus();
}

absl::Status TakeKeys(std::string_view text, MergeKeys& keys) {
  while (true) {
    const size_t comma = text.find(',');
    if (const absl::Status status = TakeKey(text.substr(0, comma), keys); !status.ok()) {
      return status;
    }
    if (comma == std::string_view::npos) return absl::OkStatus();
    text.remove_prefix(comma + 1);
  }
}

int RunMerge(const MergeOptions& options) {
  if (options.paths.empty()) {
    return Fail(absl::InvalidArgumentError(
        "what is to be merged? Name files of wqprof snapshot, or of wqprof export --to "
        "hist-ndjson,\nor a directory of them: wqprof merge hosts/"));
  }
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  HistMerger merger(options.keys);
  if (const absl::Status status = ReadHists(options.paths, merger); !status.ok()) {
    return FailInput(status);
  }
  const MergedHists merged = std::move(merger).Take();
  if (const absl::Status status = NothingMerged(merged.tally); !status.ok()) {
    return FailInput(status);
  }
  View view = options.view;
  const bool terminal = DetectTerminal().is_terminal && options.input.format == Format::kTable;
  view.top = options.top.value_or(terminal && !options.input.verbose ? kRowsOnTerminal : 0);
  const absl::StatusOr<std::string> text =
      RenderMerged(merged, options.input.format, view, StyleOf(options.input));
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  const bool whole =
      std::all_of(merged.groups.begin(), merged.groups.end(), [](const MergedGroup& group) {
        return group.incomplete == 0 && group.incoherent == 0 && !group.unmeasured;
      });
  const MergeTally& tally = merged.tally;
  const bool exact =
      tally.damaged + tally.foreign + tally.odd + tally.refused + tally.too_large == 0;
  return options.input.strict && !(whole && exact) ? kInsufficient : kOk;
}

}  // namespace

void AddMergeCommand(CommandLine& line) {
  auto options = std::make_shared<MergeOptions>();
  Command command = line.Add("merge", "Add up what many machines measured");
  command.AddArguments({"FILE", "",
                        "lines of wqprof snapshot or of an export to hist-ndjson, also "
                        "compressed; directories of *.ndjson*; - is standard input"},
                       &options->paths);
  command.AddTaken({"--by", "LIST",
                    "what is kept apart: kernel, host, machine, label (all of them), label.KEY; "
                    "several by comma",
                    kPlain, "kernel|host|machine|label"},
                   [options](std::string_view text) { return TakeKeys(text, options->keys); });
  AddStrictOption(command, &options->input);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.AddText({"-s,--sort", "COLUMN",
                   "order of the rows: total_wait (default), p50, p95, p99, max, mean, count, "
                   "exec, total_exec, or another column",
                   kHowToShow, "total_wait|p50|p95|p99|max|mean|count|exec|total_exec"},
                  &options->view.sort);
  command.AddParsed(
      {"-n,--top", "N", "only the N worst rows of each table; 0 shows all", kHowToShow},
      &options->top, ParseCount);
  command.AddFlag({"--hist", "", "full histograms of each function", kHowToShow},
                  &options->view.histograms);
  command.AddFlag({"--no-histograms", "", "json without the buckets of histograms", kHowToShow},
                  [options] { options->view.buckets = false; });
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunMerge(*options); });
}

}  // namespace wqprof
