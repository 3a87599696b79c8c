// SPDX-License-Identifier: Apache-2.0
// The durations of an item.  Each is declared once, in kMeasures: histograms, columns, keys of
// JSON and CSV, --sort, the metrics of budgets, `diff` and the schemas follow from that list.
#ifndef WQPROF_MEASURE_H_
#define WQPROF_MEASURE_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "wqprof/model.h"

namespace wqprof {

// Index of a measure in kMeasures.
enum class Measure : uint8_t {
  kLatency,
  kActivationWait,
  kDispatchWait,
  kExecution,
  kTotal,
  kTimerSlack,
  kTimerDelay
};

// Some of the measures.
class MeasureSet {
 public:
  constexpr MeasureSet(std::initializer_list<Measure> measures) {
    for (const Measure measure : measures) bits_ |= Bit(measure);
  }
  static constexpr MeasureSet All() {
    MeasureSet all({});
    all.bits_ = UINT32_MAX;
    return all;
  }
  constexpr bool Has(Measure measure) const { return (bits_ & Bit(measure)) != 0; }

 private:
  static constexpr uint32_t Bit(Measure measure) {
    return uint32_t{1} << static_cast<uint32_t>(measure);
  }
  uint32_t bits_ = 0;
};

// What a loss of events may have hidden a part of, so that the duration is not to be used.
enum class TaintedBy : uint8_t { kNothing, kWait, kRun, kEither };

// Before which event the end of the trace must have cut an item for the time since `from` to be
// a lower bound of the duration.
enum class CutBefore : uint8_t { kNever, kActivation, kStart, kEnd };

// One measure: a span of an executed item's life, in ns.  Inlined where the measure is known: a
// call through a pointer for each measure of each item is dear.
struct MeasureSpec {
  Measure id;
  std::string_view name;   // in JSON, CSV, --sort and budgets
  std::string_view about;  // in schemas
  Timestamp (*from)(const WorkItem&);
  Timestamp (*to)(const WorkItem&);
  TaintedBy taint;
  CutBefore cut;
  bool of_timers = false;      // known of delayed works only, with timer events
  bool early_is_zero = false;  // `to` before `from` is on time, not a clock's fault

  [[gnu::always_inline]] bool Tainted(const WorkItem& item) const {
    switch (taint) {
      case TaintedBy::kNothing:
        return false;
      case TaintedBy::kWait:
        return item.wait_tainted;
      case TaintedBy::kRun:
        return item.run_tainted;
      case TaintedBy::kEither:
        return item.tainted();
    }
    return true;
  }
  // The duration as it was seen, whatever was lost meanwhile; absent where an end of it was not
  // seen or a clock ran backwards.
  [[gnu::always_inline]] std::optional<Nanos> Seen(const WorkItem& item) const {
    std::optional<Nanos> span = Between(from(item), to(item));
    if (!span || *span >= Nanos(0)) return span;
    return early_is_zero ? std::optional(Nanos(0)) : std::nullopt;
  }
  // The same; absent as well where a loss may have touched it.
  [[gnu::always_inline]] std::optional<Nanos> Of(const WorkItem& item) const {
    return Tainted(item) ? std::nullopt : Seen(item);
  }
  // How long it lasted at least, of an item that the end of the trace cut.
  std::optional<Nanos> AtLeast(const WorkItem& item, Timestamp trace_end) const {
    const bool started = item.started != kUnseen || item.ended != kUnseen;
    const bool open = (cut == CutBefore::kActivation && !started && item.activated == kUnseen) ||
                      (cut == CutBefore::kStart && !started) ||
                      (cut == CutBefore::kEnd && item.ended == kUnseen);
    const std::optional<Nanos> span = Between(from(item), trace_end);
    return open && span && *span >= Nanos(0) ? span : std::nullopt;
  }
};

// In the order of Measure.
inline constexpr auto kMeasures = std::to_array<MeasureSpec>({
    {.id = Measure::kLatency,
     .name = "latency",
     .about = "From queue to start.",
     .from = [](const WorkItem& item) { return item.queued; },
     .to = [](const WorkItem& item) { return item.started; },
     .taint = TaintedBy::kWait,
     .cut = CutBefore::kStart},
    {.id = Measure::kActivationWait,
     .name = "activation_wait",
     .about = "From queue to activation: max_active, an ordered workqueue, a freeze.",
     .from = [](const WorkItem& item) { return item.queued; },
     .to = [](const WorkItem& item) { return item.activated; },
     .taint = TaintedBy::kWait,
     .cut = CutBefore::kActivation},
    {.id = Measure::kDispatchWait,
     .name = "dispatch_wait",
     .about = "From activation to start: no worker took it.",
     .from = [](const WorkItem& item) { return item.activated; },
     .to = [](const WorkItem& item) { return item.started; },
     .taint = TaintedBy::kWait,
     .cut = CutBefore::kStart},
    {.id = Measure::kExecution,
     .name = "execution",
     .about = "From start to end.",
     .from = [](const WorkItem& item) { return item.started; },
     .to = [](const WorkItem& item) { return item.ended; },
     .taint = TaintedBy::kRun,
     .cut = CutBefore::kEnd},
    {.id = Measure::kTotal,
     .name = "total",
     .about = "From queue to end.",
     .from = [](const WorkItem& item) { return item.queued; },
     .to = [](const WorkItem& item) { return item.ended; },
     .taint = TaintedBy::kEither,
     .cut = CutBefore::kEnd},
    // A jiffy begins before it is counted: what comes that much early is on time.
    {.id = Measure::kTimerSlack,
     .name = "timer_slack",
     .about = "Of a delayed work, from the time its timer was due to queue.",
     .from = [](const WorkItem& item) { return item.due; },
     .to = [](const WorkItem& item) { return item.queued; },
     .taint = TaintedBy::kNothing,
     .cut = CutBefore::kNever,
     .of_timers = true,
     .early_is_zero = true},
    {.id = Measure::kTimerDelay,
     .name = "timer_delay",
     .about = "Of a delayed work, from the last start of its timer to queue: the delay that was "
              "asked for, and its slack.",
     .from = [](const WorkItem& item) { return item.armed; },
     .to = [](const WorkItem& item) { return item.queued; },
     .taint = TaintedBy::kNothing,
     .cut = CutBefore::kNever,
     .of_timers = true},
});

consteval bool MeasuresAreInOrder() {
  for (size_t i = 0; i < kMeasures.size(); ++i) {
    if (static_cast<size_t>(kMeasures[i].id) != i) return false;
  }
  return true;
}
static_assert(MeasuresAreInOrder());

constexpr const MeasureSpec& SpecOf(Measure measure) {
  return kMeasures[static_cast<size_t>(measure)];
}

}  // namespace wqprof

#endif  // WQPROF_MEASURE_H_
