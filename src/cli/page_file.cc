// SPDX-License-Identifier: Apache-2.0
#include "cli/page_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "cli/exit_code.h"
#include "cli/no_match.h"
#include "cli/output.h"
#include "cli/result_file.h"
#include "wqprof/page.h"
#include "wqprof/pipeline.h"
#include "wqprof/render_log.h"
#include "wqprof/timeline.h"

namespace wqprof {
namespace {

constexpr std::string_view kPageBegin = "<!DOCTYPE html>";

// Whether the file is there and holds something else than a page.
bool HoldsSomethingElse(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kPageBegin.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file.gcount() > 0 && head != kPageBegin;
}

}  // namespace

absl::Status WritePageFile(ResultFile& file, std::string_view page) {
  if (file.IsStandard() && isatty(STDOUT_FILENO) != 0) {
    return absl::InvalidArgumentError("a page of HTML is not for a terminal\nname a file for it");
  }
  if (!file.IsStandard() && HoldsSomethingElse(file.path())) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is there and is no page of HTML\nwrite the page to another file", file.path()));
  }
  return file.Write(page);
}

absl::Status CheckPageBesideText(const std::string& file) {
  if (file != "-") return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--html - would mix the page with the text on standard output\nname a file for it");
}

int WriteReportPage(EventSource& source, const ReportPageRequest& request) {
  const AnalysisOptions& input = request.input;
  const Nanos threshold = TimeOf(request.threshold, source.info());
  AnalyzeOptions analyze;
  analyze.filter = request.filter;
  analyze.stall_threshold = threshold;
  analyze.by_stack = true;
  Pipeline pipeline(source);
  Analyzer analyzer(source, pipeline.model(), analyze);
  TimelineCollector timeline(source, pipeline.model(),
                             {request.filter.from, request.filter.to, threshold});
  PageCollector collector(source, pipeline.model(), {request.filter});
  pipeline.Attach(analyzer);
  // Ticks of a clock that counts no nanoseconds have no place on a line of time.
  const bool timed = source.info().clock_is_ns;
  if (timed) pipeline.Attach(timeline);
  if (timed) pipeline.Attach(collector);
  if (const absl::Status read = pipeline.Run(); !read.ok()) return FailInput(read);
  if (HasNoEvents(source) && request.log != nullptr && request.log->found()) {
    return FailInput(absl::OutOfRangeError(
        fmt::format("{} is a kernel log: it has no items that a page could show\n"
                    "leave out --html",
                    input.file == "-" ? "standard input" : input.file)));
  }
  Report report = analyzer.Snapshot();
  report.filters = FilterWords(input, source.info());
  PageFrame frame{WQPROF_VERSION, InvocationOf(input, request.threshold)};
  if (request.log != nullptr && request.log->found()) {
    frame.log = LogText(request.log->Take(), {.utf8 = true, .utc = input.utc});
  }
  const Timeline lanes = timed ? timeline.Take() : Timeline();
  const PageData data = timed ? collector.Take() : PageData();
  const absl::Status written = WritePageFile(request.file, ReportPage(report, lanes, data, frame));
  if (!written.ok()) return Fail(written);
  if (!input.quiet) NoteLosses(report);
  if (const std::string missing = ExplainNoMatch(report, input); !missing.empty()) {
    Note(missing);
    return kInsufficient;
  }
  return input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

}  // namespace wqprof
