// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/did_you_mean.h"
#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threshold.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof report                        sum up wqprof.dat\n"
    "  wqprof report --by pool,worker       who was busy\n"
    "  wqprof report --split                what waits and executions were made of\n"
    "  wqprof report -w 'nvme*' --hist      distributions of some workqueues\n"
    "  wqprof report --time +2,+2.5         only what ended in that half second\n"
    "  wqprof report --format json trace.dat | jq '.functions[0].latency.p99_ns'";

constexpr size_t kRowsOnTerminal = 15;

// Options of `report` alone.
struct ReportOptions {
  AnalysisOptions input;
  View view;
  std::optional<size_t> top;
  Threshold threshold;
};

// What --by calls a table, and its key in a report.
struct TableName {
  std::string_view word, key;
};
constexpr std::array<TableName, 7> kTables = {{{"function", "functions"},
                                               {"workqueue", "workqueues"},
                                               {"pool", "pools"},
                                               {"worker", "workers"},
                                               {"cpu", "cpus"},
                                               {"origin", "origins"},
                                               {"activation", "activation"}}};

absl::StatusOr<std::vector<std::string>> ParseBy(std::string_view text) {
  std::vector<std::string> words, keys;
  for (const TableName& table : kTables) words.emplace_back(table.word);
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const size_t before = keys.size();
    for (const TableName& table : kTables) {
      if (word == table.word || word == table.key) keys.emplace_back(table.key);
    }
    if (keys.size() == before) {
      return absl::InvalidArgumentError(fmt::format("there is no table by '{}'{}: write {}", word,
                                                    DidYouMean(word, words),
                                                    fmt::join(words, ", ")));
    }
    if (comma == std::string_view::npos) return keys;
    rest.remove_prefix(comma + 1);
  }
}

// Groupings that nobody will see are not made: each costs time per item.
void ChooseGroupings(const ReportOptions& options, AnalyzeOptions& analyze) {
  const std::vector<std::string>& tables = options.view.tables;
  const Format format = options.input.format;
  const bool all = format == Format::kJson || (format == Format::kNdjson && tables.empty());
  const auto shown = [&](std::string_view key) {
    return all || std::find(tables.begin(), tables.end(), key) != tables.end();
  };
  analyze.by_origin = shown("origins");
  analyze.by_cpu = shown("cpus");
  analyze.by_pool = shown("pools");
  analyze.by_worker = shown("workers");
}

int RunReport(const ReportOptions& options) {
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  AnalyzeOptions analyze;
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  analyze.filter = *filter;
  analyze.stall_threshold = TimeOf(options.threshold, (*source)->info());
  ChooseGroupings(options, analyze);
  analyze.threads = options.input.threads;
  absl::StatusOr<Report> report = Analyze(**source, analyze);
  if (!report.ok()) return FailInput(report.status());
  report->filters = FilterWords(options.input);

  if (options.view.split && options.input.format == Format::kTable && !report->source.has_sched) {
    Note("the recording has no scheduler events: where its waits went is unknown; record --sched");
    return kInsufficient;
  }
  const Terminal terminal = DetectTerminal();
  View view = options.view;
  const bool short_list = terminal.is_terminal && options.input.format == Format::kTable;
  view.top = options.top.value_or(short_list ? kRowsOnTerminal : 0);
  const TextStyle style = StyleFor(terminal, options.input.color, options.input.ascii);
  absl::StatusOr<std::string> text = RenderReport(*report, options.input.format, view, style);
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  if (options.input.format == Format::kCsv) NoteLosses(*report);
  if (const std::string missing = ExplainNoMatch(*report, options.input); !missing.empty()) {
    Note(missing);
    return kInsufficient;
  }
  return options.input.strict && !report->quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddReportCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* const command =
      app.add_subcommand("report", "Sum up a recording: functions, pools, stalls, findings");
  AddInputOptions(*command, &options->input);
  AddStrictOption(*command, &options->input);
  AddFilterOptions(*command, &options->input);
  AddOutputOptions(*command, &options->input);
  const std::string group = "How to show it";
  AddParsedOption(*command, "--by", "LIST", &options->view.tables, ParseBy,
                  "tables to show: function, workqueue, pool, worker, cpu, origin, activation "
                  "(who had the slots of max_active); several by comma (json always holds all)")
      ->group(group);
  command
      ->add_option("--sort", options->view.sort,
                   "order of the rows: total_wait (default), p50, p95, p99, max, mean, count, "
                   "exec, total_exec, or another column")
      ->type_name("COLUMN")
      ->take_last()
      ->group(group);
  AddParsedOption(*command, "--top", "N", &options->top, ParseCount,
                  "only the first N rows of each table; 0 shows all")
      ->group(group);
  command->add_flag("--hist", options->view.histograms, "full histograms of each row")
      ->group(group);
  command
      ->add_flag("--split", options->view.split,
                 "tables of what dispatch waits and executions were made of; needs a recording "
                 "with scheduler events (json and csv always hold it)")
      ->group(group);
  AddParsedOption(*command, "--threshold", "TIME", &options->threshold, ParseThreshold,
                  "shortest stall to tell of (default: 10ms); kernel: as its watchdog does");
  command->footer(std::string(kExamples));
  command->callback([options, &exit_code] { exit_code = RunReport(*options); });
}

}  // namespace wqprof
