// SPDX-License-Identifier: Apache-2.0
// Pages of verdicts on runs, and of differences between groups of runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "page/html.h"
#include "page/shell.h"
#include "wqprof/number_text.h"
#include "wqprof/page.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

// How much of each there may be, so that the page stays below its limit.
constexpr size_t kRows = 1000, kRowBytes = 500'000, kListBytes = 60'000;

// A value with its bounds beside a line that it is compared with, on a logarithmic scale.
struct Range {
  std::optional<double> value, low, high;
  double line = 1;
  double least = 1, most = 1;  // ends of the scale
};

std::string RangeHtml(const Range& range, std::string_view kind, const std::string& words) {
  constexpr double kWidth = 160;
  if (!range.value || range.least <= 0 || range.most <= range.least) return "";
  const auto at = [&](double value) {
    const double part =
        std::log(std::max(value, range.least) / range.least) / std::log(range.most / range.least);
    return 4 + std::clamp(part, 0.0, 1.0) * (kWidth - 8);
  };
  std::string out = fmt::format(
      "<svg class=\"range {}\" viewBox=\"0 0 {} 16\" role=\"img\" aria-label=\"{}\">"
      "<path class=\"rail\" d=\"M0 8H{}\"/>",
      kind, kWidth, Html(words), kWidth);
  if (range.low && range.high) {
    const double from = at(*range.low), to = at(*range.high);
    out += fmt::format("<rect x=\"{:.1f}\" y=\"5\" width=\"{:.1f}\" height=\"6\"/>", from,
                       std::max(1.0, to - from));
  }
  return out + fmt::format(
                   "<circle cx=\"{:.1f}\" cy=\"8\" r=\"4\"/><path class=\"limit\" "
                   "d=\"M{:.1f} 0v16\"/></svg>",
                   at(*range.value), at(range.line));
}

std::string ListHtml(const std::vector<std::string>& lines) {
  std::string out = "<ul>\n";
  size_t shown = 0;
  for (const std::string& line : lines) {
    const std::string html = "<li>" + HtmlName(line, kSentenceWidth) + "</li>\n";
    if (out.size() + html.size() > kListBytes) break;
    out += html;
    ++shown;
  }
  return lines.empty() ? "" : out + "</ul>\n" + LeftOutNote(shown, lines.size(), "lines");
}

std::string Paragraph(const std::string& text) {
  return text.empty() ? "" : "<p>" + HtmlName(text, kSentenceWidth) + "</p>\n";
}

// --- check

constexpr PageColumn kOutcomeColumns[] = {
    {"rule", "Rule"},
    {"verdict", "Verdict"},
    {"metric", "Metric"},
    {"value", "Value"},
    {"bounds", "Bounds", "With the confidence of the rule it lies between them, in other runs too.",
     2},
    {"limit", "Limit"},
    {"evidence", "Evidence", "", 1},
    {"where", "Where", "The rule's place in the budget.", 2},
    {"why", "Why", "", 1},
};

std::string_view KindOf(const RuleOutcome& o) {
  if (o.verdict == Verdict::kFail) return o.warn_only ? "doubt" : "bad";
  if (o.verdict == Verdict::kPass) return "good";
  return o.verdict == Verdict::kInconclusive ? "doubt" : "";
}

std::string OutcomePicture(const RuleOutcome& o) {
  Range range{o.value, o.low, o.high, o.limit};
  double least = HUGE_VAL, most = 0;
  for (const std::optional<double> v : {o.value, o.low, o.high, std::optional(o.limit)}) {
    if (!v || !(*v > 0) || !std::isfinite(*v)) continue;
    least = std::min(least, *v);
    most = std::max(most, *v);
  }
  if (most <= 0) return "";
  range.least = least / 1.5;
  range.most = most * 1.5;
  return RangeHtml(range, KindOf(o), "value, its bounds and the limit");
}

std::string OutcomesHtml(const CheckResult& result) {
  const std::vector<const RuleOutcome*> outcomes = OutcomesByRank(result);
  if (outcomes.empty()) return "<p class=\"note\">No limit was judged.</p>\n";
  const Table table = OutcomeTable(result, outcomes);
  const PageTable how{
      .id = "verdicts-table",
      .caption = "Limits, the broken ones first",
      .columns = kOutcomeColumns,
      .max_bytes = kRowBytes,
      .max_rows = kRows,
      .rows = "limit",
      .picture = "Value and limit",
      .draw = [&](size_t row) { return OutcomePicture(*outcomes[row]); },
      .attributes =
          [&](size_t row) { return fmt::format(" class=\"{}\"", KindOf(*outcomes[row])); },
      .below =
          [&](size_t row) {
            const std::string command = OutcomeCommand(result, *outcomes[row]);
            if (command.empty()) return std::string();
            return fmt::format("<p>worst in {}: <code>{}</code></p>",
                               HtmlName(outcomes[row]->worst_run),
                               HtmlName(command, kSentenceWidth));
          },
  };
  std::string out;
  const size_t shown = AppendPageTable(out, table, how);
  return out + LeftOutNote(shown, outcomes.size(), "limits");
}

std::string RunsHtml(const CheckResult& result) {
  std::vector<std::string> lines;
  for (const CheckResult::RunNote& run : result.runs) {
    std::string line = fmt::format("{}{}: {}", run.baseline ? "baseline " : "", run.path,
                                   DurationText(run.duration));
    if (!run.quality.complete()) line += ", not whole";
    if (!run.failure.empty()) line += ": " + run.failure;
    lines.push_back(std::move(line));
  }
  return ListHtml(lines);
}

Tile CountTile(std::string heading, size_t count, std::string about, std::string kind) {
  return {std::move(heading), CountText(count), std::move(about), count > 0 ? std::move(kind) : ""};
}

std::vector<std::string> FingerprintFacts(const Fingerprint& f) {
  std::vector<std::string> facts;
  if (!f.kernel.empty()) facts.push_back("Linux " + f.kernel);
  if (f.cpus > 0) facts.push_back(CountOf(static_cast<uint64_t>(f.cpus), "CPU"));
  return facts;
}

// --- diff

constexpr PageColumn kDiffColumns[] = {
    {"name", "Name"},
    {"base", "Base", "The median of its runs."},
    {"new", "New", "The median of its runs."},
    {"change", "Change"},
    {"bounds", "Bounds", "The change lies between them, with 95 % confidence of all rows at once.",
     2},
    {"verdict", "Verdict"},
    {"split", "Mean changed by", "Before activation, before start, and in execution.", 1},
};

size_t CountOfVerdict(const std::vector<const DiffRow*>& rows, Change::Verdict verdict) {
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [&](const DiffRow* row) {
    return row->changes.front().verdict == verdict;
  }));
}

std::string_view KindOf(const DiffRow& row) {
  switch (row.changes.front().verdict) {
    case Change::Verdict::kSlower:
      return "bad";
    case Change::Verdict::kFaster:
      return "good";
    default:
      return "";
  }
}

std::string DiffTableHtml(const DiffResult& result, const std::vector<const DiffRow*>& rows) {
  if (rows.empty()) return "<p class=\"note\">Nothing is in both groups of runs.</p>\n";
  const Table table = ComparedTable(result, rows);
  const bool any = std::ranges::any_of(
      rows, [](const DiffRow* row) { return row->changes.front().ratio.has_value(); });
  const PageTable how{
      .id = "changes-table",
      .caption = "What is in both groups, what matters most first",
      .columns = kDiffColumns,
      .max_bytes = kRowBytes,
      .max_rows = kRows,
      .rows = "row",
      .picture = any ? "x1/4 to x4" : "",
      .draw =
          [&](size_t row) {
            const Change& c = rows[row]->changes.front();
            return RangeHtml({c.ratio, c.low, c.high, 1, 0.25, 4}, KindOf(*rows[row]),
                             "the change, its bounds, and no change in the middle");
          },
      .attributes = [&](size_t row) { return fmt::format(" class=\"{}\"", KindOf(*rows[row])); },
  };
  std::string out;
  const size_t shown = AppendPageTable(out, table, how);
  return out + LeftOutNote(shown, rows.size(), "rows");
}

std::vector<std::string> NamesOf(const DiffResult& result, DiffRow::Presence presence) {
  std::vector<std::string> names;
  for (const DiffRow& row : result.rows) {
    if (row.presence != presence) continue;
    const bool is_new = presence == DiffRow::Presence::kNew;
    names.push_back(fmt::format("{} ({})", row.name,
                                CountOf(is_new ? row.new_samples : row.base_samples, "item")));
  }
  return names;
}

}  // namespace

std::string CheckPage(const CheckResult& result, const PageFrame& frame) {
  PageShell page;
  page.title = result.budget.path.substr(result.budget.path.rfind('/') + 1);
  page.version = frame.version;
  page.facts = FingerprintFacts(result.fingerprint);
  page.facts.push_back(CountOf(result.runs.size(), "run"));
  page.facts.push_back(CheckSummary(result));
  page.badge_kind = result.broken() ? "bad" : result.insufficient() ? "doubt" : "good";
  page.badge = result.broken() ? "broken" : result.insufficient() ? "inconclusive" : "kept";
  const size_t broken = result.Count(Verdict::kFail) - result.warnings();
  page.tiles = {
      CountTile("Broken", broken, "limits", "bad"),
      CountTile("Warnings", result.warnings(), "limits that only warn", "doubt"),
      CountTile("Inconclusive", result.Count(Verdict::kInconclusive),
                "the evidence does not suffice", "doubt"),
      CountTile("Kept", result.Count(Verdict::kPass), "limits", "good"),
      CountTile("Runs", result.runs.size(), fmt::format("{} failed", result.failed_runs()), "")};
  std::vector<std::string> differences;
  for (const std::string& difference : result.differences) {
    differences.push_back("base and new differ: " + difference);
  }
  differences.insert(differences.end(), result.cautions.begin(), result.cautions.end());
  page.parts = {
      {"verdicts", "Verdicts", OutcomesHtml(result),
       "A limit is kept, or broken, when the bounds of the value lie on one side of it."},
      {"runs", "Runs", RunsHtml(result)},
      {"quality", "Quality", Paragraph(CheckQuality(result)) + ListHtml(differences)},
  };
  return ToHtml(page);
}

std::string DiffPage(const DiffResult& result, const PageFrame& frame) {
  const std::vector<const DiffRow*> rows = ComparedRows(result);
  const size_t slower = CountOfVerdict(rows, Change::Verdict::kSlower);
  const size_t faster = CountOfVerdict(rows, Change::Verdict::kFaster);
  PageShell page;
  page.title = "Differences";
  page.version = frame.version;
  page.facts = {fmt::format("{} v {} runs", result.base_runs, result.new_runs),
                fmt::format("by {}", ToString(result.by))};
  if (!rows.empty()) page.facts.push_back(rows.front()->changes.front().metric.name);
  const bool proven = slower + faster > 0;
  page.badge_kind = slower > 0 ? "bad" : proven ? "good" : "doubt";
  page.badge = slower > 0 ? "slower" : proven ? "faster" : "differences, no evidence";
  page.tiles = {
      CountTile("Slower", slower, "proven", "bad"), CountTile("Faster", faster, "proven", "good"),
      CountTile("Not proven", rows.size() - slower - faster, "in both groups", ""),
      CountTile("New", NamesOf(result, DiffRow::Presence::kNew).size(), "in the new runs only", ""),
      CountTile("Vanished", NamesOf(result, DiffRow::Presence::kVanished).size(),
                "in the base only", "")};
  std::vector<std::string> notes;
  for (const std::string& d : result.differences) notes.push_back("differs: " + d);
  notes.insert(notes.end(), result.cautions.begin(), result.cautions.end());
  for (const std::string& loss : result.losses) notes.push_back(loss);
  page.parts = {
      {"changes", "Changes",
       Paragraph(DiffHeadline(result)) + Paragraph(DiffPower(result)) +
           DiffTableHtml(result, rows)},
      {"new", "New", ListHtml(NamesOf(result, DiffRow::Presence::kNew))},
      {"vanished", "Vanished", ListHtml(NamesOf(result, DiffRow::Presence::kVanished))},
      {"quality", "Quality",
       notes.empty() ? "<p>Same kernel, CPUs and recording; nothing lost.</p>\n" : ListHtml(notes)},
  };
  return ToHtml(page);
}

}  // namespace wqprof
