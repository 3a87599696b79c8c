// SPDX-License-Identifier: Apache-2.0
#include "cli/report_view.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/options.h"
#include "cli/output.h"
#include "fmt/format.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/render_log.h"

namespace wqprof {
namespace {

constexpr size_t kRowsOnTerminal = 15;

// What --by calls a table, and its key in a report.
struct TableName {
  std::string_view word, key;
};
constexpr std::array<TableName, 9> kTables = {{{"function", "functions"},
                                               {"workqueue", "workqueues"},
                                               {"pool", "pools"},
                                               {"worker", "workers"},
                                               {"cpu", "cpus"},
                                               {"origin", "origins"},
                                               {"stack", "stacks"},
                                               {"activation", "activation"},
                                               {"flush", "flushes"}}};

// What --by may be, as completion offers it.
std::string TableWords() {
  std::string out;
  for (const TableName& table : kTables) {
    out += fmt::format("{}{}", out.empty() ? "" : "|", table.word);
  }
  return out;
}

// Adds the tables that `text` lists to `keys`, those that are there already left out.
absl::Status TakeBy(std::string_view text, std::vector<std::string>& keys) {
  std::vector<std::string> words;
  for (const TableName& table : kTables) words.emplace_back(table.word);
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view written = rest.substr(0, comma);
    const std::string_view word = written == "wq" ? "workqueue" : written;
    const auto table = std::find_if(kTables.begin(), kTables.end(), [&](const TableName& known) {
      return word == known.word || word == known.key;
    });
    if (table == kTables.end()) {
      return absl::InvalidArgumentError(fmt::format("there is no table by '{}'{}: write {}", word,
                                                    DidYouMean(word, words),
                                                    fmt::join(words, ", ")));
    }
    if (std::find(keys.begin(), keys.end(), table->key) == keys.end()) {
      keys.emplace_back(table->key);
    }
    if (comma == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

void ChooseSums(const ReportView& shown_as, Format format, AnalyzeOptions& analyze) {
  const std::vector<std::string>& tables = shown_as.view.tables;
  const bool all = format == Format::kJson || (format == Format::kNdjson && tables.empty());
  const auto shown = [&](std::string_view key) {
    return all || std::find(tables.begin(), tables.end(), key) != tables.end();
  };
  analyze.by_origin = shown("origins");
  analyze.by_stack = shown("stacks");
  analyze.by_cpu = shown("cpus");
  analyze.by_pool = shown("pools");
  analyze.by_worker = shown("workers");
  // What people see, unless they sort by something else.
  if (format != Format::kTable || !shown_as.view.sort.empty()) return;
  analyze.measures = {Measure::kLatency, Measure::kActivationWait, Measure::kExecution};
  analyze.pool_executions = shown_as.view.histograms;
}

int ShowReport(const Report& report, const ReportView& shown_as, const AnalysisOptions& input,
               const KernelLog* log) {
  if (shown_as.view.split && input.format == Format::kTable && !report.source.has_sched) {
    Note("the recording has no scheduler events: where its waits went is unknown; record --sched");
    return kInsufficient;
  }
  const std::vector<std::string>& tables = shown_as.view.tables;
  if (std::find(tables.begin(), tables.end(), "stacks") != tables.end() &&
      report.read.queue_stacks == 0) {
    Note(
        shown_as.live
            ? "no kernel stack was recorded in which a work was queued: ask for them, with --stacks"
            : "the recording has no kernel stacks in which works were queued: record --stacks");
    return kInsufficient;
  }
  if (std::find(tables.begin(), tables.end(), "flushes") != tables.end()) {
    if (const std::string why = WhyNoFlushes(report, shown_as.live); !why.empty()) {
      Note(why);
      return kInsufficient;
    }
  }
  const Terminal terminal = DetectTerminal();
  View view = shown_as.view;
  const bool short_list = terminal.is_terminal && input.format == Format::kTable;
  view.top = shown_as.top.value_or(short_list && !input.verbose ? kRowsOnTerminal : 0);
  view.fold = !shown_as.top && !input.verbose;
  view.by = InvocationOf(input, shown_as.threshold);
  if (shown_as.live) view.by.input = Invocation::Input::kThisBox;
  const TextStyle style = StyleOf(input);
  absl::StatusOr<std::string> text = RenderReport(report, input.format, view, style);
  if (!text.ok()) return Fail(text.status());
  if (log != nullptr && input.format == Format::kTable) *text += LogText(*log, style);
  if (log != nullptr && input.format == Format::kJson) {
    *text = WithLogMember(*std::move(text), *log, report.source.path);
  }
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  if (input.format == Format::kCsv && !input.quiet) NoteLosses(report);
  if (input.verbose && !report.read.first_unread_line.empty()) {
    Note(fmt::format("first line that could not be read: {}", report.read.first_unread_line));
  }
  if (const std::string missing = ExplainNoMatch(report, input); !missing.empty()) {
    Note(missing);
    return kInsufficient;
  }
  return input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

void AddReportViewOptions(Command& command, ReportView* options) {
  command.AddTaken({"--by", "LIST",
                    "tables to show: function, workqueue, pool, worker, cpu, origin, stack (where "
                    "they were recorded), activation (who had the slots of max_active), flush (who "
                    "waited for works to end, where that was recorded); "
                    "several by comma (json always holds all)",
                    kHowToShow, TableWords()},
                   [options](std::string_view text) { return TakeBy(text, options->view.tables); });
  command.AddText({"-s,--sort", "COLUMN",
                   "order of the rows: total_wait (default), p50, p95, p99, max, mean, count, "
                   "exec, total_exec, or another column",
                   kHowToShow, "total_wait|p50|p95|p99|max|mean|count|exec|total_exec"},
                  &options->view.sort);
  command.AddParsed({"-n,--top", "N",
                     "only the N worst rows of each table, by its order; 0 shows all", kHowToShow},
                    &options->top, ParseCount);
  command.AddFlag({"--hist", "", "full histograms of each row", kHowToShow},
                  &options->view.histograms);
  command.AddFlag({"--no-histograms", "", "json without the buckets of histograms", kHowToShow},
                  [options] { options->view.buckets = false; });
  command.AddFlag({"--split", "",
                   "tables of what dispatch waits and executions were made of; needs a recording "
                   "with scheduler events (json and csv always hold it)",
                   kHowToShow},
                  &options->view.split);
  command.AddParsed({"--threshold", "TIME",
                     "shortest stall to report (default: 10ms); kernel: as its watchdog does"},
                    &options->threshold, ParseThreshold);
}

}  // namespace wqprof
