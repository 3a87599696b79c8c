// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "render/check_words.h"
#include "render/text.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr size_t kShown = 10;

// As GitHub's toolkit escapes them; values of properties also lose what separates them.
std::string EscapedCommand(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','))) {
      out += fmt::format("%{:02X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string EscapedCell(std::string_view text) {
  std::string out;
  for (const char c : Escaped(text)) {
    if (c == '|' || c == '\\' || c == '`' || c == '*' || c == '_' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

bool IsError(const CheckResult& result, const RuleOutcome& o) {
  if (o.warn_only) return false;
  if (o.verdict == Verdict::kFail) return true;
  return o.verdict == Verdict::kInconclusive &&
         result.budget.rules[o.rule].settings.on_inconclusive ==
             RuleSettings::OnInconclusive::kFail;
}

}  // namespace

std::string GithubAnnotations(const CheckResult& result) {
  std::string out;
  const auto failed = std::find_if(result.runs.begin(), result.runs.end(),
                                   [](const auto& run) { return !run.failure.empty(); });
  const bool any_failed = failed != result.runs.end();
  if (any_failed) {
    const std::string text = fmt::format("{} failed; the first: {}",
                                         CountOf(result.failed_runs(), "run"), failed->failure);
    out += fmt::format("::error title=wqprof check::{}\n", EscapedCommand(Escaped(text), false));
  }
  for (const bool errors : {true, false}) {
    std::vector<const RuleOutcome*> told;
    for (const RuleOutcome& o : result.outcomes) {
      const bool bad = o.verdict == Verdict::kFail || o.verdict == Verdict::kInconclusive;
      if (bad && IsError(result, o) == errors) told.push_back(&o);
    }
    const size_t shown = errors && any_failed ? kShown - 1 : kShown;
    for (size_t i = 0; i < told.size() && i < shown; ++i) {
      const RuleOutcome& o = *told[i];
      std::string text = Escaped(Sentence(InWords(result, o), o));
      if (i + 1 == shown && told.size() > shown) {
        text += fmt::format(" (and {} more: see the summary)", told.size() - shown);
      }
      out += fmt::format("::{} file={},line={},col={},title={}::{}\n", errors ? "error" : "warning",
                         EscapedCommand(result.budget.path, true), o.place.line, o.place.column,
                         EscapedCommand(Escaped(o.name), true), EscapedCommand(text, false));
    }
  }
  return out;
}

std::string GithubSummary(const CheckResult& result) {
  std::string out = fmt::format("### wqprof check: {}\n\n", CheckSummary(result));
  out +=
      "| | rule | metric | value | bounds | limit | evidence | why |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const RuleOutcome& o : result.outcomes) {
    if (o.verdict == Verdict::kSkipped) continue;
    const OutcomeWords w = InWords(result, o);
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", w.verdict,
                       EscapedCell(w.what), EscapedCell(o.metric.name), w.value, w.bounds, w.limit,
                       w.evidence, EscapedCell(w.why));
  }
  return out + "\n";
}

}  // namespace wqprof
