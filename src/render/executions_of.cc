// SPDX-License-Identifier: Apache-2.0
#include "render/executions_of.h"

#include <fmt/format.h>

#include <algorithm>

#include "wqprof/number_text.h"

namespace wqprof {

ExecutionsOf FindExecutions(const Report& report, std::string_view workqueue,
                            std::string_view function) {
  ExecutionsOf out;
  const auto row = std::find_if(
      report.functions.begin(), report.functions.end(),
      [&](const FunctionRow& r) { return r.workqueue == workqueue && r.function == function; });
  if (row == report.functions.end()) return out;
  const Histogram& executions = row->measures[Measure::kExecution];
  out.count = executions.count();
  if (out.count == 0) return out;
  out.median = executions.Quantile(0.5).value_or(Nanos(0));
  const RunSplit& run = row->measures.split.run;
  const Nanos all = run.Sum();
  if (row->measures.split.runs == 0 || all <= Nanos(0)) return out;
  const auto share = [all](Nanos part) {
    return static_cast<double>(part.count()) / static_cast<double>(all.count());
  };
  out.asleep = share(run.blocked);
  out.on_cpu = share(run.on_cpu);
  return out;
}

std::string ExecutionsText(const ExecutionsOf& executions) {
  if (executions.count == 0) return "";
  const bool one = executions.count == 1;
  std::string out = fmt::format("{} of {}{}", CountOf(executions.count, "execution"),
                                DurationText(executions.median), one ? "" : " (the median)");
  const std::string_view whole = one ? "of it" : "of their time";
  if (executions.sleeps()) {
    out += fmt::format(", asleep for {} {}", PercentText(*executions.asleep), whole);
  } else if (executions.on_cpu && *executions.on_cpu >= 0.5) {
    out += fmt::format(", on the CPU for {} {}", PercentText(*executions.on_cpu), whole);
  }
  return out;
}

}  // namespace wqprof
