// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/doctor_document.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "cli/self_test.h"
#include "wqprof/columns.h"
#include "wqprof/live.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

using Verdict = TracingCheck::Verdict;

constexpr std::string_view kSchema = "wqprof.doctor/1";
constexpr std::string_view kExamples =
    "Examples:\n"
    "  sudo wqprof doctor                  can this machine record, and if not, what to do\n"
    "  sudo wqprof doctor --format json    the same for scripts: can_record, checks\n"
    "  wqprof doctor --boot                to record from the next boot's first moment on\n"
    "\n"
    "Ends with 0 when `wqprof record` works here, else with 4.";

std::string VerdictText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
  }
  return "";
}

std::vector<Table> DoctorTables(const std::vector<TracingCheck>& checks, bool can_record) {
  const Columns<bool> summary = {
      {{"can_record", "CAN RECORD"}, [](const bool& can) { return can; }}};
  const Columns<TracingCheck> columns = {
      {{"check", "CHECK"}, [](const TracingCheck& check) { return check.name; }},
      {{.key = "status", .heading = "STATUS", .words = {"ok", "warn", "fail"}},
       [](const TracingCheck& check) { return VerdictText(check.verdict); }},
      {{"finding", "FINDING"}, [](const TracingCheck& check) { return check.finding; }},
      {{"repair", "REPAIR"}, [](const TracingCheck& check) { return Word{check.repair}; }},
  };
  return {MakeRecord("summary", summary, can_record),
          MakeTable({.key = "checks", .title = ""}, columns, checks)};
}

// A line a check, and below it what to do.
std::string DoctorText(const std::vector<TracingCheck>& checks, bool can_record) {
  std::string out;
  size_t width = 0;
  for (const TracingCheck& check : checks) width = std::max(width, check.name.size());
  for (const TracingCheck& check : checks) {
    out += fmt::format("{:<5} {:<{}}  {}\n", VerdictText(check.verdict), check.name, width,
                       Printable(check.finding));
    if (!check.repair.empty()) out += fmt::format("{:{}}  -> {}\n", "", width + 6, check.repair);
  }
  out += can_record ? "\nThis machine can record: sudo wqprof record -d 10s\n"
                    : "\nThis machine cannot record.\n";
  return out;
}

// What protects a root who reads a recording of somebody else's.
TracingCheck CheckReading() {
  if (HasReadingFilter()) {
    return {"reading", Verdict::kOk,
            "as root, a command that reads a file keeps no right but to read", ""};
  }
  return {"reading", Verdict::kWarn,
          "this kernel filters no system calls: as root, a command that reads a file only drops "
          "its capabilities",
          "read a recording that you do not trust as another user"};
}

// What makes a kernel record its workqueues from its first moment on, into the top level's buffer.
constexpr std::string_view kBootLine =
    "trace_event=workqueue:* trace_clock=mono trace_buf_size=16M\n";
constexpr std::string_view kAfterBoot =
    "add this to the kernel's command line, e.g. GRUB_CMDLINE_LINUX in /etc/default/grub, and "
    "boot\n"
    "then, before 16M per CPU are full: sudo wqprof record --attach -d 1s -o boot.dat\n"
    "and: wqprof report boot.dat";

int PrintBootLine(const AnalysisOptions& options) {
  if (options.format != Format::kTable) {
    return Fail(absl::InvalidArgumentError(
        "--boot prints a line for the kernel, in no other format\nleave out --format"));
  }
  if (const int written = Fail(WriteOutput(kBootLine)); written != kOk) return written;
  Note(kAfterBoot);
  return kOk;
}

int RunDoctor(const AnalysisOptions& options) {
  std::vector<TracingCheck> checks = InspectTracing();
  const auto failed = [](const TracingCheck& check) { return check.verdict == Verdict::kFail; };
  if (std::none_of(checks.begin(), checks.end(), failed)) checks.push_back(RunSelfTest());
  const bool can_record = std::none_of(checks.begin(), checks.end(), failed);
  checks.push_back(CheckReading());
  const std::vector<Table> tables = DoctorTables(checks, can_record);
  std::string text;
  switch (options.format) {
    case Format::kTable:
      text = DoctorText(checks, can_record);
      break;
    case Format::kJson:
      text = ToJson(kSchema, tables);
      break;
    case Format::kNdjson:
      text = ToNdjson(kSchema, std::span(tables).subspan(1));
      break;
    case Format::kCsv:
      text = ToCsv(tables[1]);
      break;
  }
  if (const int written = Fail(WriteOutput(text)); written != kOk) return written;
  return can_record ? kOk : kCannotTrace;
}

}  // namespace

Document DoctorDocument() {
  return {std::string(kSchema), "Output of wqprof doctor --format json.", DoctorTables({}, false)};
}

void AddDoctorCommand(CommandLine& line) {
  auto options = std::make_shared<AnalysisOptions>();
  Command command =
      line.Add("doctor", "Show whether this machine can record, and what to do if not (as root)");
  const auto boot = std::make_shared<bool>(false);
  command.AddFlag(
      {"--boot", "", "Print what to add to the kernel's command line to record from its boot on"},
      boot.get());
  AddOutputOptions(command, options.get());
  command.SetExamples(kExamples);
  command.OnRun([options, boot] { return *boot ? PrintBootLine(*options) : RunDoctor(*options); });
}

}  // namespace wqprof
