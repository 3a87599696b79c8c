// SPDX-License-Identifier: Apache-2.0
#include "cli/hist_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "wqprof/analyze.h"
#include "wqprof/open_metrics.h"
#include "wqprof/otlp_json.h"
#include "wqprof/pipeline.h"

namespace wqprof {
namespace {

constexpr size_t kMostLabels = 32;

// "KEY=VALUE", as Prometheus names labels.
absl::Status TakeLabel(std::string_view text, HistOptions& options) {
  const size_t mark = text.find('=');
  const std::string_view key = text.substr(0, mark);
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const bool named = !key.empty() && std::all_of(key.begin(), key.end(), is_word) &&
                     std::isdigit(static_cast<unsigned char>(key.front())) == 0;
  if (mark == std::string_view::npos || !named) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is not a label: write KEY=VALUE, KEY of letters, digits and _, e.g. rack=7", text));
  }
  options.labels[std::string(key)] = text.substr(mark + 1);
  if (options.labels.size() > kMostLabels) {
    return absl::InvalidArgumentError(fmt::format("more than {} labels are too many", kMostLabels));
  }
  return absl::OkStatus();
}

// What came of one recording.
struct OneExport {
  int exit_code = kOk;
  bool written = false;
};

// Hands the lines of one recording to `take`.
OneExport ExportOne(const AnalysisOptions& input, const Threshold& threshold,
                    const HistOptions& options,
                    const std::function<absl::Status(const HistSnapshot&)>& take) {
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(input);
  if (!source.ok()) return {FailInput(source.status()), false};
  if (const absl::Status clock = CheckClock((*source)->info()); !clock.ok()) {
    return {Fail(clock), false};
  }
  AnalyzeOptions analyze;
  analyze.stall_threshold = TimeOf(threshold, (*source)->info());
  analyze.max_stalls = kHistStalls;
  Pipeline pipeline(**source);
  Analyzer analyzer(**source, pipeline.model(), analyze);
  PoolTimeCollector pools(**source, pipeline.model(), analyze.stall_threshold);
  pipeline.Attach(analyzer);
  pipeline.Attach(pools);
  if (const absl::Status read = pipeline.Run(); !read.ok()) return {FailInput(read), false};
  const Report report = analyzer.Snapshot();
  NoteLosses(report);
  if (report.read.begin == kUnseen) {
    Note(fmt::format("{}: no event is in it", input.path()));
    return {kInsufficient, false};
  }
  const HistSnapshot snapshot = MakeHistSnapshot(report, std::move(pools).Take(), options);
  if (const absl::Status written = take(snapshot); !written.ok()) {
    return {Fail(written), false};
  }
  return {input.strict && !report.quality.complete() ? kInsufficient : kOk, true};
}

}  // namespace

void AddHistOptions(Command& command, HistOptions* options, std::string_view group) {
  command.AddTaken(
      {"--label", "KEY=VALUE", "a label of all lines, e.g. rack=7; may be repeated", group},
      [options](std::string_view text) { return TakeLabel(text, *options); });
  command.AddParsed({"--top-series", "N",
                     "lines of functions at most, and of pools; all others are added up in "
                     "'other' (default: 200; of metrics 40)",
                     group},
                    &options->top_series, ParseCount);
  command.AddFlag({"--original-names", "",
                   "names with the numbers of devices: xfs-conv/dm-3, not xfs-conv/dm-*", group},
                  &options->original_names);
}

int ExportHist(const AnalysisOptions& input, const Threshold& threshold, const HistOptions& options,
               HistForm form, ResultFile& file) {
  std::vector<std::string> files = input.files;
  if (files.empty()) files.emplace_back();
  int worst = kOk;
  HistTotal total;
  bool any = false;
  std::set<std::string> segments;
  const size_t top = options.top_series.value_or(kTopMetrics);
  const auto take = [&](const HistSnapshot& snapshot) {
    if (form == HistForm::kLines) return file.Write(ToHistNdjson(snapshot));
    if (!segments.insert(snapshot.segment.id).second) {
      Note(fmt::format("segment {} is given twice, and counts once", snapshot.segment.id));
      return absl::OkStatus();
    }
    if (form == HistForm::kOtlpJson) {
      if (snapshot.segment.ts.empty()) {
        Note(fmt::format("segment {} has no time of day: its points have no times",
                         snapshot.segment.id));
      }
      return file.Write(ToOtlpJson(snapshot));
    }
    const std::string kept = any ? ToHistNdjson(total.snapshot) : "";
    total = AddToTotal(kept, snapshot, top);
    any = true;
    return absl::OkStatus();
  };
  for (const std::string& path : files) {
    AnalysisOptions one = input;
    one.file = path;
    const OneExport done = ExportOne(one, threshold, options, take);
    // One that cannot be read does not keep the others back.
    worst = std::max(worst, done.exit_code);
  }
  if (any) {
    const absl::Status written = file.Write(ToMetrics(total.snapshot));
    if (!written.ok()) return Fail(written);
  }
  return worst;
}

}  // namespace wqprof
