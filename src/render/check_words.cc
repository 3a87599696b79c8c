// SPDX-License-Identifier: Apache-2.0
#include "render/check_words.h"

#include <fmt/format.h>

#include "render/text.h"

namespace wqprof {
namespace {

std::string NumberText(const Metric& metric, double value) {
  if (metric.is_time()) return DurationText(Nanos(static_cast<int64_t>(value)));
  if (metric.quantity == Quantity::kBusyFraction) return PercentText(value);
  if (metric.statistic == Metric::Statistic::kRate) return fmt::format("{}/s", MeanText(value));
  if (value == static_cast<double>(static_cast<uint64_t>(value))) {
    return CountText(static_cast<uint64_t>(value));
  }
  return MeanText(value);
}

std::string BoundsText(const RuleOutcome& o) {
  if (!o.low && !o.high) return "";
  // A fact needs no bounds.
  if (!o.is_regression && !o.metric.is_estimated()) return "";
  const auto text = [&](const std::optional<double>& bound, std::string_view open) {
    if (!bound) return std::string(open);
    return o.is_regression ? ChangeText(*bound) : NumberText(o.metric, *bound);
  };
  return fmt::format("[{}, {}]", text(o.low, o.is_regression ? "-100%" : "0"), text(o.high, "?"));
}

std::string VerdictWord(const RuleOutcome& o) {
  switch (o.verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kFail:
      return o.warn_only ? "WARN" : "FAIL";
    case Verdict::kInconclusive:
      return "?";
    case Verdict::kSkipped:
      return "skip";
  }
  return "";
}

}  // namespace

std::string ChangeText(double ratio) {
  if (ratio >= 10) return fmt::format("x{:.0f}", ratio);
  return fmt::format("{:+.0f}%", (ratio - 1) * 100);
}

OutcomeWords InWords(const CheckResult& result, const RuleOutcome& o) {
  OutcomeWords out;
  out.verdict = VerdictWord(o);
  out.what = o.instance.empty() ? o.name : fmt::format("{}: {}", o.name, o.instance);
  if (o.value) out.value = o.is_regression ? ChangeText(*o.value) : NumberText(o.metric, *o.value);
  out.bounds = BoundsText(o);
  out.limit = "<= " + (o.is_regression ? ChangeText(o.limit) : NumberText(o.metric, o.limit));
  if (o.is_regression) {
    out.evidence = fmt::format("{} v {} runs", o.base_runs, o.runs);
    if (o.corrected_p) out.evidence += fmt::format(" p={:.2g}", *o.corrected_p);
  } else {
    if (IsDurationOfItems(o.metric.quantity))
      out.evidence = fmt::format("n={} ", CountText(o.samples));
    out.evidence += fmt::format("runs={}", o.runs);
  }
  out.why = o.why;
  out.place = fmt::format("{}:{}:{}", result.budget.path, o.place.line, o.place.column);
  return out;
}

std::string Sentence(const OutcomeWords& words, const RuleOutcome& outcome) {
  std::string out = fmt::format("{}: {}", words.what, outcome.metric.name);
  if (!words.value.empty()) out += fmt::format(" is {}", words.value);
  if (!words.bounds.empty()) out += " " + words.bounds;
  out += fmt::format(", allowed {}", words.limit);
  out += fmt::format(" ({})", words.evidence);
  if (!words.why.empty()) out += "; " + words.why;
  return out;
}

}  // namespace wqprof
