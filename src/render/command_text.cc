// SPDX-License-Identifier: Apache-2.0
#include "render/command_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace wqprof {

std::string Quoted(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_-./+:%=,").find(c) != std::string_view::npos;
  });
  if (plain && !name.empty()) return std::string(name);
  std::string out = "'";
  for (const char c : name) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string GlobOption(std::string_view option, std::string_view name) {
  if (name.empty()) return "";
  std::string glob;
  for (const char c : name) {
    // A comma would separate two globs.
    if (c == ',') {
      glob += '?';
      continue;
    }
    if (std::string_view("*?[\\").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return fmt::format(" {} {}", option, Quoted(glob));
}

std::string CommandText(std::string_view command, std::string_view options, const Invocation& by) {
  switch (by.input) {
    case Invocation::Input::kFile: {
      std::string file = by.file.empty() ? "" : " " + Quoted(by.file);
      if (by.file.starts_with('-')) file = " " + Quoted("./" + by.file);
      return fmt::format("wqprof {}{}{}", command, file, options);
    }
    case Invocation::Input::kStandardInput:
      return fmt::format("... | wqprof {} -{}", command, options);
    case Invocation::Input::kThisBox:
      break;
  }
  // stat shows what report does; all else needs a recording.
  if (command == "report") return fmt::format("sudo wqprof stat -d 5s{}", options);
  return fmt::format("sudo wqprof record -d 10s && wqprof {}{}", command, options);
}

std::string StallCommand(uint64_t id, const Invocation& by) {
  const std::string threshold =
      by.threshold.empty() ? "" : fmt::format(" --threshold {}", Quoted(by.threshold));
  if (by.input == Invocation::Input::kThisBox) return CommandText("stalls", threshold, by);
  return CommandText("stalls", fmt::format(" --explain {}{}", id, threshold), by);
}

std::string NextCommand(const Finding& finding, const Report& report, const Invocation& by) {
  const std::string works =
      GlobOption("-w", finding.workqueue) + GlobOption("-f", finding.function);
  const bool sched = report.source.has_sched;
  switch (finding.kind) {
    case FindingKind::kStall:
      return StallCommand(finding.stall_ids.empty() ? 1 : finding.stall_ids.front(), by);
    case FindingKind::kActivationWait:
      if (by.input == Invocation::Input::kThisBox) {
        return CommandText("report", " --by activation" + GlobOption("-w", finding.workqueue), by);
      }
      if (sched) return CommandText("report", GlobOption("-w", finding.workqueue) + " --split", by);
      return CommandText("works", GlobOption("-w", finding.workqueue) + " --sort execution", by);
    case FindingKind::kDispatchWait:
      if (sched) return CommandText("report", works + " --split", by);
      return CommandText("works", works + " --slowest 10", by);
    case FindingKind::kLongExecution:
      return CommandText("report", works + (sched ? " --split" : " --hist"), by);
    case FindingKind::kIdleCpu:
      return CommandText("report", " --split --by pool", by);
    case FindingKind::kLoop:
      return CommandText("chains", GlobOption("-f", finding.function), by);
    case FindingKind::kFlushWait:
      return CommandText("report", " --by flush", by);
    case FindingKind::kPendingAtEnd:
      return CommandText("works", " --state pending --slowest 10", by);
    case FindingKind::kLostEvents:
      return "sudo wqprof record -b 64M -d 10s";
    case FindingKind::kUnmatched:
      if (by.input == Invocation::Input::kThisBox) return "sudo wqprof doctor";
      return CommandText("info", "", by);
  }
  return "";
}

}  // namespace wqprof
