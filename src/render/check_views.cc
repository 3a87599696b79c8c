// SPDX-License-Identifier: Apache-2.0
// The result of `check` as text, JSON, NDJSON and CSV.
#include <fmt/format.h>

#include <algorithm>

#include "render/cells.h"
#include "render/check_words.h"
#include "render/command_text.h"
#include "render/pictures.h"
#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.check/1";

// Where a rule stands and why its verdict is none are long: `apart` leaves them to AppendPlaces().
Table TextTable(const CheckResult& result, const std::vector<const RuleOutcome*>& shown,
                bool apart) {
  Table table{.key = "results", .title = ""};
  table.columns = {{"verdict", "VERDICT"},
                   {"rule", "RULE", kText, 20},
                   {"metric", "METRIC"},
                   {"value", "VALUE"},
                   {"bounds", "BOUNDS", kText, 0, 1},
                   {"limit", "LIMIT"},
                   {"evidence", "EVIDENCE", kText, 0, 2}};
  const bool any_why =
      std::any_of(shown.begin(), shown.end(), [](const RuleOutcome* o) { return !o->why.empty(); });
  if (!apart) table.columns.push_back({"where", "WHERE"});
  if (!apart && any_why) table.columns.push_back({"why", "WHY"});
  for (const RuleOutcome* outcome : shown) {
    const RuleOutcome& o = *outcome;
    const OutcomeWords w = InWords(result, o);
    table.rows.push_back({w.verdict, w.what, o.metric.name, WordCell(w.value), WordCell(w.bounds),
                          w.limit, w.evidence});
    const std::string place = o.verdict == Verdict::kPass ? "" : w.place;
    if (!apart) table.rows.back().push_back(WordCell(place));
    if (!apart && any_why) table.rows.back().push_back(WordCell(w.why));
  }
  return table;
}

// How bad an outcome is: the first ones are shown first.
int Rank(const RuleOutcome& o) {
  switch (o.verdict) {
    case Verdict::kFail:
      return o.warn_only ? 1 : 0;
    case Verdict::kInconclusive:
      return 2;
    case Verdict::kPass:
      return o.why.empty() ? 4 : 3;
    case Verdict::kSkipped:
      break;
  }
  return 5;
}
constexpr int kPlainPass = 4;

// What text shows, failures first; of one rank in the order of the budget.
std::vector<const RuleOutcome*> Shown(const CheckResult& result, const CheckView& view) {
  std::vector<const RuleOutcome*> shown;
  for (const RuleOutcome& o : result.outcomes) {
    if (Rank(o) < kPlainPass || (view.passes && Rank(o) == kPlainPass)) shown.push_back(&o);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const RuleOutcome* a, const RuleOutcome* b) { return Rank(*a) < Rank(*b); });
  return shown;
}

// The command that shows what broke a limit; "" where nothing does.
std::string CommandOn(const CheckResult& result, const RuleOutcome& o) {
  Invocation run{.file = o.worst_run};
  if (o.worst_stall > 0) {
    if (o.worst_threshold != std::chrono::milliseconds(10)) {
      run.threshold = fmt::format("{}ns", o.worst_threshold.count());
    }
    return StallCommand(o.worst_stall, run);
  }
  if (!IsDurationOfItems(o.metric.quantity)) return CommandText("report", "", run);
  const ItemSelector& s = result.budget.rules[o.rule].selector;
  std::string options;
  for (const auto& [option, globs] :
       {std::pair("-w", &s.workqueues), std::pair("-f", &s.functions)}) {
    if (!globs->empty()) {
      options += fmt::format(" {} {}", option, Quoted(fmt::format("{}", fmt::join(*globs, ","))));
    }
  }
  return CommandText("works", options + " --slowest 10", run);
}

// Where each failure was worst, and what shows it.
void AppendWorst(std::string& out, const CheckResult& result,
                 const std::vector<const RuleOutcome*>& shown, const CheckView& view,
                 const TextStyle& style) {
  for (const RuleOutcome* o : shown) {
    if (o->verdict != Verdict::kFail || o->worst_run.empty()) continue;
    const OutcomeWords w = InWords(result, *o);
    std::string text = fmt::format("{}: {}", w.what, o->metric.name);
    if (!view.files) {
      AppendWrapped(out,
                    Escaped(text + ": to look at the run, keep it with --keep DIR", !style.utf8), 2,
                    style.columns);
      continue;
    }
    text += fmt::format(": worst in {}", o->worst_run);
    if (o->worst_stall > 0) text += fmt::format(", stall {}", o->worst_stall);
    AppendWrapped(out, Escaped(text, !style.utf8), 2, style.columns);
    // Not wrapped: a command is there to be copied.
    out += fmt::format("  {} {}\n", style.utf8 ? "→" : "->",
                       Escaped(CommandOn(result, *o), !style.utf8));
  }
}

// A line for each outcome that is no plain pass.
void AppendPlaces(std::string& out, const CheckResult& result,
                  const std::vector<const RuleOutcome*>& shown, const TextStyle& style) {
  for (const RuleOutcome* outcome : shown) {
    const RuleOutcome& o = *outcome;
    if (o.verdict == Verdict::kPass && o.why.empty()) continue;
    const OutcomeWords w = InWords(result, o);
    std::string line = fmt::format("{}: {}: {}: {}", w.place, w.verdict, w.what, o.metric.name);
    if (!w.why.empty()) line += ": " + w.why;
    AppendWrapped(out, Escaped(line, !style.utf8), 0, style.columns);
  }
}

// A number in the column of its unit: times are integers of ns.
void AppendNumber(std::vector<Cell>& row, const RuleOutcome& o, const std::optional<double>& value,
                  bool time) {
  const bool is_time = o.metric.is_time();
  row.push_back(value && time && is_time ? Cell(Nanos(static_cast<int64_t>(*value))) : Cell());
  row.push_back(value && !(time && is_time) ? Cell(*value) : Cell());
}

Table MachineTable(const CheckResult& result) {
  Table table{.key = "results", .title = ""};
  for (const char* key :
       {"rule",    "instance",    "metric",    "verdict", "level", "why",      "value_ns",
        "value",   "low_ns",      "low",       "high_ns", "high",  "limit_ns", "limit",
        "samples", "runs",        "base_runs", "base_ns", "base",  "new_ns",   "new",
        "p",       "corrected_p", "file",      "line",    "column"}) {
    table.columns.push_back({key, key, kMachine});
  }
  for (const RuleOutcome& o : result.outcomes) {
    std::vector<Cell> row = {o.name,
                             WordCell(o.instance),
                             o.metric.name,
                             std::string(ToString(o.verdict)),
                             std::string(o.warn_only ? "warn" : "error"),
                             WordCell(o.why)};
    // Of a regression these are ratios, and have no unit.
    const bool time = !o.is_regression;
    AppendNumber(row, o, o.value, time);
    AppendNumber(row, o, o.low, time);
    AppendNumber(row, o, o.high, time);
    AppendNumber(row, o, o.limit, time);
    row.insert(row.end(), {o.samples, uint64_t{o.runs},
                           o.is_regression ? Cell(uint64_t{o.base_runs}) : Cell()});
    AppendNumber(row, o, o.base, true);
    AppendNumber(row, o, o.now, true);
    row.insert(row.end(), {OptionalCell(o.p), OptionalCell(o.corrected_p), result.budget.path,
                           uint64_t{o.place.line}, uint64_t{o.place.column}});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table Record(std::string key, std::vector<std::pair<std::string, Cell>> facts) {
  Table table{.key = std::move(key), .title = "", .record = true};
  table.rows.emplace_back();
  for (auto& [name, cell] : facts) {
    table.columns.push_back({name, name, kMachine});
    table.rows.front().push_back(std::move(cell));
  }
  return table;
}

Table SummaryTable(const CheckResult& result) {
  const std::string verdict = result.broken()         ? "fail"
                              : result.insufficient() ? "inconclusive"
                                                      : "pass";
  return Record("summary", {{"budget", result.budget.path},
                            {"verdict", verdict},
                            {"passed", uint64_t{result.Count(Verdict::kPass)}},
                            {"failed", uint64_t{result.Count(Verdict::kFail)}},
                            {"inconclusive", uint64_t{result.Count(Verdict::kInconclusive)}},
                            {"skipped", uint64_t{result.Count(Verdict::kSkipped)}},
                            {"bootstrap_seed", result.seed},
                            {"differences", result.differences}});
}

Table FingerprintTable(const Fingerprint& f) {
  return Record("fingerprint", {{"kernel", WordCell(f.kernel)},
                                {"build", WordCell(f.build)},
                                {"architecture", WordCell(f.architecture)},
                                {"cpus", f.cpus > 0 ? Cell(uint64_t(f.cpus)) : Cell()},
                                {"clock", WordCell(f.clock)},
                                {"has_sched", f.has_sched},
                                {"has_timers", f.has_timers}});
}

Table RunsTable(const CheckResult& result) {
  Table table{.key = "runs", .title = ""};
  for (const char* key :
       {"path", "baseline", "duration_ns", "lost_events", "lost_gaps", "truncated", "corrupt_pages",
        "unmatched_starts", "unmatched_ends", "paired_fraction", "failure"}) {
    table.columns.push_back({key, key, kMachine});
  }
  for (const CheckResult::RunNote& run : result.runs) {
    const Quality& q = run.quality;
    table.rows.push_back({run.path, run.baseline, run.duration, OptionalCell(q.lost_events),
                          q.lost_gaps, q.truncated || q.unfinished, q.corrupt_pages,
                          q.match.unmatched_starts, q.match.unmatched_ends,
                          OptionalCell(q.paired_fraction), WordCell(run.failure)});
  }
  return table;
}

// What the runs are worth, in a line.
std::string QualityLine(const CheckResult& result) {
  uint64_t lost = 0, unmatched = 0, damaged = 0;
  bool unknown = false;
  for (const CheckResult::RunNote& run : result.runs) {
    unknown |= !run.quality.lost_events;
    lost += run.quality.lost_events.value_or(0);
    unmatched += run.quality.match.unmatched_starts + run.quality.match.unmatched_ends;
    damaged += run.quality.corrupt_pages > 0 || run.quality.truncated || run.quality.unfinished;
  }
  std::string out = fmt::format("quality: lost {}{}, unmatched {}", unknown ? "at least " : "",
                                CountText(lost), CountText(unmatched));
  if (damaged > 0) out += fmt::format(", {} damaged or cut off", CountOf(damaged, "run"));
  const bool bootstrapped =
      std::any_of(result.outcomes.begin(), result.outcomes.end(), [](const RuleOutcome& o) {
        return o.metric.is_estimated() && o.metric.statistic == Metric::Statistic::kMean;
      });
  if (bootstrapped) out += fmt::format("; bootstrap seed {}", result.seed);
  return out;
}

std::string CheckText(const CheckResult& result, const CheckView& view, const TextStyle& style) {
  std::string out;
  for (const std::string& difference : result.differences) {
    out += fmt::format("base and new differ: {}\n", Escaped(difference, !style.utf8));
  }
  const bool narrow = style.columns > 0;
  const std::vector<const RuleOutcome*> shown = Shown(result, view);
  const Table table = TextTable(result, shown, narrow);
  if (!table.rows.empty()) TextTableWriter(style).Append(out, table);
  if (narrow) AppendPlaces(out, result, shown, style);
  AppendWorst(out, result, shown, view, style);
  out += QualityLine(result) + "\n" + CheckSummary(result);
  const size_t kept = result.Count(Verdict::kPass);
  if (!view.passes && kept > 0) out += " (-v shows those that are kept)";
  out += "\n";
  return out;
}

}  // namespace

std::string CheckSummary(const CheckResult& result) {
  std::string out = CountOf(result.outcomes.size(), "limit") + ":";
  std::string_view separator = " ";
  const auto tell = [&](size_t n, std::string_view word) {
    if (n == 0) return;
    out += fmt::format("{}{} {}", separator, CountText(n), word);
    separator = ", ";
  };
  tell(result.Count(Verdict::kPass), "kept");
  tell(result.Count(Verdict::kFail) - result.warnings(), "broken");
  tell(result.warnings(), "broken that only warn");
  tell(result.Count(Verdict::kInconclusive), "inconclusive");
  tell(result.Count(Verdict::kSkipped), "left out for too few items");
  if (const size_t failed = result.failed_runs(); failed > 0) {
    out += fmt::format("; {} failed", CountOf(failed, "run"));
  }
  return out;
}

std::string RenderCheck(const CheckResult& result, Format format, const TextStyle& style,
                        const CheckView& view) {
  switch (format) {
    case Format::kTable:
      return CheckText(result, view, style);
    case Format::kCsv:
      return ToCsv(MachineTable(result));
    case Format::kJson:
    case Format::kNdjson:
      break;
  }
  const std::vector<Table> tables = {SummaryTable(result), FingerprintTable(result.fingerprint),
                                     RunsTable(result), MachineTable(result)};
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

}  // namespace wqprof
