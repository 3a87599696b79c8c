// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "render/task_text.h"
#include "wqprof/measure.h"
#include "wqprof/number_text.h"
#include "wqprof/render_watch.h"
#include "wqprof/split.h"

namespace wqprof {
namespace {

// "dispatch_wait.runqueue" of a part.
std::string NameOfQuantity(Quantity quantity) {
  if (const MeasureSpec* const measure = MeasureOf(quantity)) return std::string(measure->name);
  if (quantity == Quantity::kStall) return "stall";
  if (quantity == Quantity::kBacklog) return "backlog";
  const size_t part = static_cast<size_t>(quantity) - kMeasures.size();
  return part < kWaitParts.size()
             ? fmt::format("{}.{}", SpecOf(Measure::kDispatchWait).name, kWaitParts[part].key)
             : fmt::format("{}.{}", SpecOf(Measure::kExecution).name,
                           kRunParts[part - kWaitParts.size()].key);
}

std::string WorkText(const WatchHit& hit) {
  std::string out = hit.function.empty() ? "a function unknown" : hit.function;
  if (!hit.workqueue.empty()) out += fmt::format(" [{}]", hit.workqueue);
  return out;
}

std::string WorkerText(const WatchHit& hit) {
  if (hit.worker_pid == Pid::kNone) return "";
  return hit.worker.empty() ? fmt::format("worker {}", ToInt(hit.worker_pid))
                            : fmt::format("{}[{}]", hit.worker, ToInt(hit.worker_pid));
}

std::string StallText(const WatchHit& hit) {
  std::string out = hit.goes_on ? fmt::format("pool {} starts nothing", hit.pool)
                                : fmt::format("pool {} started nothing", hit.pool);
  if (hit.goes_on && hit.waiting > 0) {
    out +=
        fmt::format(", {} {}", CountOf(hit.waiting, "item"), hit.waiting == 1 ? "waits" : "wait");
  }
  if (hit.on_cpu) {
    out += fmt::format("; {} {} its CPU", TaskText(*hit.on_cpu), hit.goes_on ? "has" : "had");
  }
  if (!hit.function.empty()) {
    const std::string worker = WorkerText(hit);
    out += fmt::format("; it executed {}{}", WorkText(hit), worker.empty() ? "" : " on " + worker);
  }
  return out;
}

std::string ItemText(const WatchHit& hit) {
  std::string out = WorkText(hit);
  if (const std::string worker = WorkerText(hit); !worker.empty()) out += " on " + worker;
  if (!hit.origin.empty()) out += ", queued by " + hit.origin;
  return out;
}

}  // namespace

std::string WatchText(const WatchHit& hit, const WatchCondition& condition) {
  if (condition.quantity == Quantity::kBacklog) {
    return fmt::format("backlog of {} in pool {}", CountOf(hit.waiting, "item"), hit.pool);
  }
  const std::string time = DurationText(Nanos(static_cast<int64_t>(hit.value)));
  const bool stall = condition.quantity == Quantity::kStall;
  return fmt::format("{} of {}{}: {}", NameOfQuantity(condition.quantity), time,
                     hit.goes_on ? " that goes on" : "", stall ? StallText(hit) : ItemText(hit));
}

std::string WatchWord(const WatchCondition& condition) {
  std::string out = NameOfQuantity(condition.quantity);
  std::replace(out.begin(), out.end(), '.', '-');
  return out;
}

}  // namespace wqprof
