// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hist_runs.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/page_file.h"
#include "cli/reading_rights.h"
#include "cli/result_file.h"
#include "cli/run_files.h"
#include "wqprof/budget.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/number_text.h"
#include "wqprof/page.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof diff base/ new/                           two directories of recordings\n"
    "  wqprof diff base/*.dat -- new/*.dat              the same\n"
    "  wqprof diff base/ new/ --metric execution.p95    another measure\n"
    "  wqprof diff base/ new/ --fail-on 'latency.p99 > +15%'\n"
    "  wqprof diff --hist --kernels 6.1.0,6.12.0 hosts/   two kernels, over all hosts\n"
    "\n"
    "Exit codes: 0 no difference is proven, 1 one is (with --fail-on: such a one),\n"
    "3 with --fail-on: the runs are too few to prove any, or their data are not whole.";

constexpr size_t kRowsOnTerminal = 20;

// Options of `diff` alone.
struct DiffCommandOptions {
  AnalysisOptions input;
  std::vector<std::string> before, behind;  // of `--`
  DiffOptions diff;
  std::optional<Metric> metric;
  std::string html;  // "": no page
  std::optional<FailCondition> fail_on;
  std::optional<size_t> top;
  bool hist = false;  // files of a fleet's lines
  std::optional<KernelPair> kernels;
};

absl::StatusOr<ForEach> ParseDiffBy(std::string_view text) {
  const std::vector<std::string> words = {"function", "workqueue", "pool"};
  if (text == "function") return ForEach::kFunction;
  if (text == "workqueue") return ForEach::kWorkqueue;
  if (text == "pool") return ForEach::kPool;
  return absl::InvalidArgumentError(fmt::format("runs cannot be compared by '{}'{}: write {}", text,
                                                DidYouMean(text, words), fmt::join(words, ", ")));
}

absl::StatusOr<Metric> ParseComparedMetric(std::string_view text) {
  auto metric = ParseMetric(text);
  if (metric.ok() && !(IsDurationOfItems(metric->quantity) && metric->is_time())) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not compared between runs, only durations of items are", metric->name));
  }
  return metric;
}

// The lines of hosts instead of recordings: the host is what is replicated.
absl::Status ReadGroupsOfHosts(const DiffCommandOptions& options, RunSet& base, RunSet& now) {
  if (options.diff.by != ForEach::kFunction) {
    return absl::InvalidArgumentError("--hist compares functions\nleave out --by");
  }
  std::vector<std::string> before = options.before, behind = options.behind;
  if (options.kernels) {
    before.insert(before.end(), behind.begin(), behind.end());
    return ReadHosts(before, *options.kernels, base, now);
  }
  if (behind.empty() && before.size() == 2) {
    behind = {before[1]};
    before.resize(1);
  }
  if (before.empty() || behind.empty()) {
    return absl::InvalidArgumentError(
        "which hosts are to be compared? Give files of lines on each side of --: wqprof diff "
        "--hist "
        "a/ -- b/,\nor two kernels: wqprof diff --hist --kernels 6.1.0,6.12.0 hosts/");
  }
  const absl::Status status = ReadHosts(before, base);
  return status.ok() ? ReadHosts(behind, now) : status;
}

// The two groups as files.
struct Groups {
  std::vector<std::string> base, now;
};

absl::StatusOr<Groups> Divide(const DiffCommandOptions& options) {
  std::vector<std::string> base = options.before, now = options.behind;
  if (now.empty() && base.size() == 2) {
    now = {base[1]};
    base.resize(1);
  }
  if (base.empty() || now.empty()) {
    return absl::InvalidArgumentError(
        "what is to be compared? Give two directories or recordings, BASE NEW,\n"
        "or several recordings on each side of --: wqprof diff a.dat b.dat -- c.dat d.dat");
  }
  auto base_files = ExpandRuns(base), new_files = ExpandRuns(now);
  if (!base_files.ok()) return base_files.status();
  if (!new_files.ok()) return new_files.status();
  return Groups{*std::move(base_files), *std::move(new_files)};
}

absl::Status ReadGroups(const DiffCommandOptions& options, RunSet& base, RunSet& now) {
  const auto groups = Divide(options);
  if (!groups.ok()) return groups.status();
  const InputOptions input = InputOptionsOf(options.input);
  const absl::Status status = ReadRuns(groups->base, input, base);
  return status.ok() ? ReadRuns(groups->now, input, now) : status;
}

// What is compared: the metric shown first, then the usual ones for machines.
std::vector<Metric> MetricsOf(const DiffCommandOptions& options) {
  std::vector<Metric> out;
  const auto add = [&](const Metric& metric) {
    const bool known =
        std::any_of(out.begin(), out.end(), [&](const Metric& m) { return m.name == metric.name; });
    if (!known) out.push_back(metric);
  };
  if (options.metric) add(*options.metric);
  if (options.fail_on) add(options.fail_on->metric);
  for (const MeasureSpec& measure : kMeasures) {
    for (const char* statistic : {"p99", "p50", "mean"}) {
      add(*ParseMetric(fmt::format("{}.{}", measure.name, statistic)));
    }
  }
  return out;
}

bool IsProven(Change::Verdict verdict) {
  return verdict == Change::Verdict::kSlower || verdict == Change::Verdict::kFaster;
}

int ExitCode(const DiffResult& result, const std::optional<FailCondition>& fail_on) {
  bool proven = false, tested = false, broken = false, unknown = false;
  for (const DiffRow& row : result.rows) {
    for (const Change& change : row.changes) {
      const bool asked =
          fail_on ? change.metric.name == fail_on->metric.name : &change == &row.changes.front();
      if (!asked) continue;
      proven |= IsProven(change.verdict);
      tested |= change.p.has_value();
      unknown |= change.verdict == Change::Verdict::kNotKnown;
      broken |=
          fail_on && change.verdict == Change::Verdict::kSlower && *change.ratio > fail_on->ratio;
    }
  }
  if (!fail_on) return proven ? kBroken : unknown ? kInsufficient : kOk;
  if (broken) return kBroken;
  return tested && result.losses.empty() ? kOk : kInsufficient;
}

// The lines of a host are one run, however many segments it has.
void NoteFewHosts(const DiffResult& result) {
  constexpr size_t kFewest = 4;
  if (std::min(result.base_runs, result.new_runs) >= kFewest) return;
  Note(
      fmt::format("{} against {}: hosts differ by themselves, and so few do not show by how much\n"
                  "give the lines of {} hosts or more on each side",
                  CountOf(result.base_runs, "host"), CountOf(result.new_runs, "host"), kFewest));
}

int RunDiff(DiffCommandOptions& options) {
  if (const absl::Status file = CheckPageBesideText(options.html); !file.ok()) return Fail(file);
  if (options.kernels && !options.hist) {
    return Fail(absl::InvalidArgumentError("--kernels is for --hist\nwrite both, or neither"));
  }
  ResultFile page(options.html);
  if (const absl::Status kept = KeepOnlyReading({&page}); !kept.ok()) return Fail(kept);
  options.diff.metrics = MetricsOf(options);
  RunSet base(WantedBy(options.diff), std::chrono::milliseconds(10));
  RunSet now(WantedBy(options.diff), std::chrono::milliseconds(10));
  const absl::Status status =
      options.hist ? ReadGroupsOfHosts(options, base, now) : ReadGroups(options, base, now);
  if (!status.ok()) return FailInput(status);
  const DiffResult result = Diff(options.diff, base, now);
  if (options.hist) NoteFewHosts(result);
  const bool terminal = DetectTerminal().is_terminal;
  const size_t top = options.top.value_or(terminal && !options.input.verbose ? kRowsOnTerminal : 0);
  const absl::Status written =
      WriteOutput(RenderDiff(result, options.input.format, top, StyleOf(options.input),
                             options.input.verbose || options.top == size_t{0}));
  if (!written.ok() && !absl::IsCancelled(written)) return Fail(written);
  if (!options.html.empty()) {
    const absl::Status written_page = WritePageFile(page, DiffPage(result, {WQPROF_VERSION, {}}));
    if (!written_page.ok()) return Fail(written_page);
  }
  if (result.rows.empty()) {
    Note("no work was executed in these recordings");
    return kInsufficient;
  }
  return ExitCode(result, options.fail_on);
}

}  // namespace

void AddDiffCommand(CommandLine& line) {
  auto options = std::make_shared<DiffCommandOptions>();
  Command command = line.Add("diff", "Compare two groups of runs, function by function");
  command.AddArguments(
      {"BASE", "",
       "recordings, each a run, or directories of them: BASE NEW, or BASE... -- NEW..."},
      &options->before);
  command.AddBehindDashes(&options->behind);
  command.AddParsed({"--by", "function|workqueue|pool", "what is compared (default: function)"},
                    &options->diff.by, ParseDiffBy);
  command.AddParsed(
      {"--metric", "METRIC", "the measure shown, such as execution.p95 (default: latency.p99)",
       kPlain,
       "latency.p50|latency.p95|latency.p99|latency.max|latency.mean|execution.p50|execution.p95|"
       "execution.p99|execution.max|execution.mean|activation_wait.p99|dispatch_wait.p99|total."
       "p99"},
      &options->metric, ParseComparedMetric);
  command.AddParsed(
      {"--fail-on", "CONDITION", "exit with 1 only for a proven change like 'latency.p99 > +15%'"},
      &options->fail_on, ParseFailCondition);
  command.AddFlag(
      {"--hist", "", "files are lines of wqprof snapshot: hosts are compared, not recordings"},
      &options->hist);
  command.AddParsed(
      {"--kernels", "A,B", "with --hist, compare the hosts of kernel A with those of B"},
      &options->kernels, ParseKernelPair);
  AddReadingOptions(command, &options->input);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.AddParsed({"-n,--top", "N", "only the first N rows; 0 shows all", kHowToShow},
                    &options->top, ParseCount);
  command.AddText({"--html", "FILE", "write a page of HTML too", kHowToShow}, &options->html);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunDiff(*options); });
}

}  // namespace wqprof
