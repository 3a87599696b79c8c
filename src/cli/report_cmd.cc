// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/page_file.h"
#include "cli/reading_rights.h"
#include "cli/report_view.h"
#include "cli/result_file.h"
#include "wqprof/analyze.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof report                        sum up wqprof.dat\n"
    "  wqprof report --by pool,worker       who was busy\n"
    "  wqprof report --split                what waits and executions were made of\n"
    "  wqprof report -w 'nvme*' --hist      distributions of some workqueues\n"
    "  wqprof report --time +2,+2.5         only what ended in that half second\n"
    "  wqprof report --html report.html     a page with pictures over time\n"
    "  wqprof report --format json trace.dat | jq '.functions[0].latency.p99_ns'";

// Options of `report` alone.
struct ReportOptions {
  AnalysisOptions input;
  ReportView view;
  std::string html;  // the page's file; "": none is asked for
};

// The page has all tables, and sorts and cuts them itself.
absl::Status RefuseBesideHtml(const ReportOptions& options) {
  const View& view = options.view.view;
  const std::string_view refused = options.input.format != Format::kTable ? "--format"
                                   : !view.tables.empty()                 ? "--by"
                                   : !view.sort.empty()                   ? "--sort"
                                   : options.view.top                     ? "--top"
                                   : view.histograms                      ? "--hist"
                                   : view.split                           ? "--split"
                                                                          : "";
  if (options.html.empty() || refused.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is for the tables of text, --html writes a page that has all of them\n"
                  "write one of the two",
                  refused));
}

int RunReport(const ReportOptions& options) {
  if (const absl::Status refused = RefuseBesideHtml(options); !refused.ok()) return Fail(refused);
  ResultFile page(options.html);
  if (const absl::Status kept = KeepOnlyReading({&page}); !kept.ok()) return Fail(kept);
  LogCollector log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input, &log);
  if (!source.ok()) return FailInput(source.status());
  AnalyzeOptions analyze;
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  if (!options.html.empty()) {
    return WriteReportPage(**source, {options.input, options.view.threshold, *filter, page, &log});
  }
  analyze.filter = *filter;
  analyze.stall_threshold = TimeOf(options.view.threshold, (*source)->info());
  ChooseSums(options.view, options.input.format, analyze);
  absl::StatusOr<Report> report = Analyze(**source, analyze);
  if (!report.ok()) return FailInput(report.status());
  report->filters = FilterWords(options.input, (*source)->info());
  if (!log.found()) return ShowReport(*report, options.view, options.input);
  const KernelLog kernel_log = log.Take();
  if (HasNoEvents(**source)) return ShowLog(kernel_log, options.view.view, options.input);
  return ShowReport(*report, options.view, options.input, &kernel_log);
}

}  // namespace

void AddReportCommand(CommandLine& line) {
  auto options = std::make_shared<ReportOptions>();
  Command command = line.Add("report", "Sum up a recording: functions, pools, stalls, findings");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  AddFilterOptions(command, &options->input);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  AddReportViewOptions(command, &options->view);
  command.AddText(
      {"--html", "FILE",
       "write a page of HTML instead: one file with pictures over time, for a browser, a "
       "mail or a bug report; -: standard output",
       kHowToShow},
      &options->html);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunReport(*options); });
}

}  // namespace wqprof
