// SPDX-License-Identifier: Apache-2.0
// The result of `check` as text, JSON, NDJSON and CSV.
#include <fmt/format.h>

#include <algorithm>

#include "render/check_words.h"
#include "render/command_text.h"
#include "render/pictures.h"
#include "render/tables.h"
#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/columns.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.check/1";

// An outcome that is shown, and its words.
struct OutcomeRow {
  const RuleOutcome* outcome = nullptr;
  OutcomeWords words;
};

// Where a rule stands and why its verdict is none are long: `apart` leaves them to AppendPlaces().
Table TextTable(const CheckResult& result, const std::vector<const RuleOutcome*>& shown,
                bool apart) {
  std::vector<OutcomeRow> rows;
  for (const RuleOutcome* o : shown) rows.push_back({o, InWords(result, *o)});
  Columns<OutcomeRow> columns = {
      {{"verdict", "VERDICT"}, [](const OutcomeRow& row) { return row.words.verdict; }},
      {{"rule", "RULE", kText, 20}, [](const OutcomeRow& row) { return row.words.what; }},
      {{"metric", "METRIC"}, [](const OutcomeRow& row) { return row.outcome->metric.name; }},
      {{"value", "VALUE"}, [](const OutcomeRow& row) { return Word{row.words.value}; }},
      {{"bounds", "BOUNDS", kText, 0, 1},
       [](const OutcomeRow& row) { return Word{row.words.bounds}; }},
      {{"limit", "LIMIT"}, [](const OutcomeRow& row) { return row.words.limit; }},
      {{"evidence", "EVIDENCE", kText, 0, 2},
       [](const OutcomeRow& row) { return row.words.evidence; }},
  };
  const bool any_why =
      std::any_of(shown.begin(), shown.end(), [](const RuleOutcome* o) { return !o->why.empty(); });
  if (!apart) {
    columns.push_back({{"where", "WHERE"}, [](const OutcomeRow& row) {
                         const bool passed = row.outcome->verdict == Verdict::kPass;
                         return Word{passed ? "" : row.words.place};
                       }});
  }
  if (!apart && any_why) {
    columns.push_back({{"why", "WHY"}, [](const OutcomeRow& row) { return Word{row.words.why}; }});
  }
  return MakeTable({.key = "results", .title = ""}, columns, rows);
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
    // Instances with too few items are many; a rule that matched nothing is named.
    const bool unmatched = o.verdict == Verdict::kSkipped && o.instance.empty();
    const bool passed = view.passes && Rank(o) == kPlainPass;
    if (Rank(o) < kPlainPass || passed || unmatched) shown.push_back(&o);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const RuleOutcome* a, const RuleOutcome* b) { return Rank(*a) < Rank(*b); });
  return shown;
}

}  // namespace

std::vector<const RuleOutcome*> OutcomesByRank(const CheckResult& result) {
  return Shown(result, {.passes = true});
}

Table OutcomeTable(const CheckResult& result, std::span<const RuleOutcome* const> outcomes) {
  return TextTable(result, {outcomes.begin(), outcomes.end()}, false);
}

std::string OutcomeCommand(const CheckResult& result, const RuleOutcome& o) {
  if (o.verdict != Verdict::kFail || o.worst_run.empty()) return "";
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

namespace {

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
                       Escaped(OutcomeCommand(result, *o), !style.utf8));
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

// A number of an outcome in the column of its unit: times are integers of ns.  Ratios of
// regressions have no unit, their values (`of_runs`) do.
void AppendNumber(Columns<RuleOutcome>& columns, std::string key,
                  std::optional<double> (*number)(const RuleOutcome&), bool of_runs = false) {
  const auto is_time = [of_runs](const RuleOutcome& o) {
    return o.metric.is_time() && (of_runs || !o.is_regression);
  };
  columns.push_back({{key + "_ns", "", kMachine},
                     [number, is_time](const RuleOutcome& o) -> std::optional<Nanos> {
                       const auto value = number(o);
                       if (!value || !is_time(o)) return std::nullopt;
                       return Nanos(static_cast<int64_t>(*value));
                     }});
  columns.push_back({{std::move(key), "", kMachine}, [number, is_time](const RuleOutcome& o) {
                       return is_time(o) ? std::nullopt : number(o);
                     }});
}

Table MachineTable(const CheckResult& result) {
  using Row = RuleOutcome;
  Columns<Row> columns = {
      {{"rule", "", kMachine}, [](const Row& o) { return o.name; }},
      {{"instance", "", kMachine}, [](const Row& o) { return Word{o.instance}; }},
      {{"metric", "", kMachine}, [](const Row& o) { return o.metric.name; }},
      {{.key = "verdict", .audience = kMachine, .words = AllWords(Verdict::kSkipped)},
       [](const Row& o) { return ToString(o.verdict); }},
      {{.key = "level", .audience = kMachine, .words = {"error", "warn"}},
       [](const Row& o) { return std::string(o.warn_only ? "warn" : "error"); }},
      {{"why", "", kMachine}, [](const Row& o) { return Word{o.why}; }},
  };
  AppendNumber(columns, "value", [](const Row& o) { return o.value; });
  AppendNumber(columns, "low", [](const Row& o) { return o.low; });
  AppendNumber(columns, "high", [](const Row& o) { return o.high; });
  AppendNumber(columns, "limit", [](const Row& o) { return std::optional(o.limit); });
  columns.push_back({{"samples", "", kMachine}, [](const Row& o) { return o.samples; }});
  columns.push_back({{"runs", "", kMachine}, [](const Row& o) { return uint64_t{o.runs}; }});
  columns.push_back({{"base_runs", "", kMachine}, [](const Row& o) {
                       return o.is_regression ? std::optional(uint64_t{o.base_runs}) : std::nullopt;
                     }});
  AppendNumber(
      columns, "base", [](const Row& o) { return o.base; }, true);
  AppendNumber(
      columns, "new", [](const Row& o) { return o.now; }, true);
  columns.push_back({{"p", "", kMachine}, [](const Row& o) { return o.p; }});
  columns.push_back({{"corrected_p", "", kMachine}, [](const Row& o) { return o.corrected_p; }});
  columns.push_back(
      {{"file", "", kMachine}, [path = result.budget.path](const Row&) { return path; }});
  columns.push_back({{"line", "", kMachine}, [](const Row& o) { return o.place.line; }});
  columns.push_back({{"column", "", kMachine}, [](const Row& o) { return o.place.column; }});
  return MakeTable({.key = "results", .title = ""}, columns, result.outcomes);
}

std::string VerdictOf(const CheckResult& result) {
  if (result.broken()) return "fail";
  return result.insufficient() ? "inconclusive" : "pass";
}

Table SummaryTable(const CheckResult& result) {
  using Row = CheckResult;
  const auto count = [](Verdict verdict) {
    return [verdict](const Row& row) { return uint64_t{row.Count(verdict)}; };
  };
  const Columns<Row> columns = {
      {{"budget", "", kMachine}, [](const Row& row) { return row.budget.path; }},
      {{.key = "verdict", .audience = kMachine, .words = {"pass", "fail", "inconclusive"}},
       VerdictOf},
      {{"passed", "", kMachine}, count(Verdict::kPass)},
      {{"failed", "", kMachine}, count(Verdict::kFail)},
      {{"inconclusive", "", kMachine}, count(Verdict::kInconclusive)},
      {{"skipped", "", kMachine}, count(Verdict::kSkipped)},
      {{"bootstrap_seed", "", kMachine}, [](const Row& row) { return row.seed; }},
      {{"differences", "", kMachine, 0, 0, "Between the fingerprints of base and new."},
       [](const Row& row) { return row.differences; }},
      {{"cautions", "", kMachine, 0, 0, "What the differences mean for what is compared."},
       [](const Row& row) { return row.cautions; }},
  };
  return MakeRecord("summary", columns, result);
}

Table FingerprintTable(const Fingerprint& fingerprint) {
  using Row = Fingerprint;
  const Columns<Row> columns = {
      {{"kernel", "", kMachine}, [](const Row& f) { return Word{f.kernel}; }},
      {{"build", "", kMachine}, [](const Row& f) { return Word{f.build}; }},
      {{"architecture", "", kMachine}, [](const Row& f) { return Word{f.architecture}; }},
      {{"cpus", "", kMachine},
       [](const Row& f) { return f.cpus > 0 ? std::optional(uint64_t(f.cpus)) : std::nullopt; }},
      {{"clock", "", kMachine}, [](const Row& f) { return Word{f.clock}; }},
      {{"has_sched", "", kMachine}, [](const Row& f) { return f.has_sched; }},
      {{"has_timers", "", kMachine}, [](const Row& f) { return f.has_timers; }},
      {{"has_irqs", "", kMachine}, [](const Row& f) { return f.has_irqs; }},
      {{"has_stacks", "", kMachine}, [](const Row& f) { return f.has_stacks; }},
      {{"has_flushes", "", kMachine}, [](const Row& f) { return f.has_flushes; }},
  };
  return MakeRecord("fingerprint", columns, fingerprint);
}

Table RunsTable(const CheckResult& result) {
  using Row = CheckResult::RunNote;
  const Columns<Row> columns = {
      {{"path", "", kMachine}, [](const Row& run) { return run.path; }},
      {{"baseline", "", kMachine}, [](const Row& run) { return run.baseline; }},
      {{"duration_ns", "", kMachine}, [](const Row& run) { return run.duration; }},
      {{"lost_events", "", kMachine}, [](const Row& run) { return run.quality.lost_events; }},
      {{"lost_gaps", "", kMachine}, [](const Row& run) { return run.quality.lost_gaps; }},
      {{"truncated", "", kMachine},
       [](const Row& run) { return run.quality.truncated || run.quality.unfinished; }},
      {{"corrupt_pages", "", kMachine}, [](const Row& run) { return run.quality.corrupt_pages; }},
      {{"unmatched_starts", "", kMachine},
       [](const Row& run) { return run.quality.match.unmatched_starts; }},
      {{"unmatched_ends", "", kMachine},
       [](const Row& run) { return run.quality.match.unmatched_ends; }},
      {{"paired_fraction", "", kMachine},
       [](const Row& run) { return run.quality.paired_fraction; }},
      {{"failure", "", kMachine, 0, 0, "Why it may not be the load that was meant."},
       [](const Row& run) { return Word{run.failure}; }},
  };
  return MakeTable({.key = "runs", .title = ""}, columns, result.runs);
}

}  // namespace

std::string CheckQuality(const CheckResult& result) {
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

namespace {

std::string CheckText(const CheckResult& result, const CheckView& view, const TextStyle& style) {
  std::string out;
  for (const std::string& difference : result.differences) {
    out += fmt::format("base and new differ: {}\n", Escaped(difference, !style.utf8));
  }
  for (const std::string& caution : result.cautions) {
    AppendWrapped(out, "note: " + caution, 0, style.columns);
  }
  const bool narrow = style.columns > 0;
  const std::vector<const RuleOutcome*> shown = Shown(result, view);
  const Table table = TextTable(result, shown, narrow);
  if (!table.rows.empty()) TextTableWriter(style).Append(out, table);
  if (narrow) AppendPlaces(out, result, shown, style);
  AppendWorst(out, result, shown, view, style);
  out += CheckQuality(result) + "\n" + CheckSummary(result);
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
  tell(result.Count(Verdict::kSkipped), "left out");
  if (!result.outcomes.empty() && result.Count(Verdict::kSkipped) == result.outcomes.size()) {
    out += "; nothing was judged";
  }
  if (const size_t failed = result.failed_runs(); failed > 0) {
    out += fmt::format("; {} failed", CountOf(failed, "run"));
  }
  return out;
}

std::vector<Table> CheckTables(const CheckResult& result) {
  return {SummaryTable(result), FingerprintTable(result.fingerprint), RunsTable(result),
          MachineTable(result)};
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
  const std::vector<Table> tables = CheckTables(result);
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

}  // namespace wqprof
