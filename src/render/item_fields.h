// SPDX-License-Identifier: Apache-2.0
// The fields of an item in wqprof.works/1: one place that names them, for all formats.
#ifndef WQPROF_RENDER_ITEM_FIELDS_H_
#define WQPROF_RENDER_ITEM_FIELDS_H_

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "render/item_names.h"
#include "wqprof/event_source.h"
#include "wqprof/measure.h"
#include "wqprof/model.h"
#include "wqprof/split.h"

namespace wqprof {

// A measure's key: "latency_ns".  Known at compile time, as all keys are.
class DurationKey {
 public:
  constexpr DurationKey() = default;
  constexpr explicit DurationKey(std::string_view name) {
    for (const std::string_view part : {name, std::string_view("_ns")}) {
      for (const char c : part) text_[size_++] = c;
    }
  }
  constexpr operator std::string_view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  size_t size_ = 0;
};

template <size_t kIndex>
inline constexpr DurationKey kDurationKey{kMeasures[kIndex].name};

// Tells `sink` the measures of an item of which both ends were seen.
template <class Sink, size_t... kIndex>
void VisitDurations(const WorkItem& item, bool timed, Sink& sink, std::index_sequence<kIndex...>) {
  (sink.Duration(kDurationKey<kIndex>, timed ? kMeasures[kIndex].Seen(item) : std::nullopt), ...);
}

// Tells `sink` the parts of an item's waits and execution.
template <class Sink>
void VisitSplit(const ItemSplit* split, Sink& sink) {
  const std::optional<WaitSplit> wait = split != nullptr ? split->wait : std::nullopt;
  const std::optional<RunSplit> run = split != nullptr ? split->run : std::nullopt;
  const auto parts = [&sink](const auto& names, const auto& split_or_none) {
    for (const auto& part : names) {
      sink.Span(part.key,
                split_or_none ? std::optional<Nanos>((*split_or_none).*part.value) : std::nullopt);
    }
  };
  if (!sink.Open("split", wait || run)) return;
  if (sink.Open("dispatch_wait", wait.has_value())) {
    parts(kWaitParts, wait);
    sink.Close();
  }
  if (sink.Open("execution", run.has_value())) {
    parts(kRunParts, run);
    sink.Close();
  }
  const std::optional<RunSplit> slept = run && run->blocked > Nanos(0) ? run : std::nullopt;
  if (sink.Open("blocked", slept.has_value())) {
    for (const BlockedPart& part : kBlockedParts) {
      sink.Span(part.key, slept ? std::optional<Nanos>(part.value(*slept)) : std::nullopt);
    }
    sink.Close();
  }
  if (sink.Open("stolen", run && run->Stolen())) {
    for (const StolenPart& part : kStolenParts) {
      sink.Span(part.key, run ? (*run).*part.value : std::nullopt);
    }
    sink.Close();
  }
  sink.Close();
}

// Tells `sink` every field of `item`, in order.  A sink is a class with
//   Plain(key, text), Encoded(key, text): a word of ours; one from ItemNames ("": absent)
//   Ordinal(key, uint64_t): absent when 0
//   Tally(key, int32_t): absent when negative
//   Address(key, WorkAddr), Count(key, uint64_t), Time(key, Timestamp), CpuNumber(key, Cpu),
//   Task(key, Pid), Flag(key, bool)
//   Duration(key, optional<Nanos>); Span(key, optional<Nanos>): its key lacks the unit
//   bool Open(key, present), Close(): fields of a nested object, skipped when Open() is false
// and is known at compile time: two million items a second leave no room for virtual calls.
// `split` is null without scheduler events.
template <class Sink>
void VisitFields(const WorkItem& item, const ItemSplit* split, const EventSource& source,
                 ItemNames& names, Sink& sink) {
  // Ticks of a clock that does not count nanoseconds are no times.
  const bool timed = source.info().clock_is_ns;
  const auto time = [&](std::string_view key, Timestamp at) {
    sink.Time(key, timed ? at : kUnseen);
  };
  const bool ran = item.started != kUnseen || item.ended != kUnseen;
  sink.Count("id", item.id);
  sink.Plain("state", ToString(item.state));
  sink.Address("work", item.work);
  sink.Encoded("workqueue", names.Name(item.workqueue));
  sink.Encoded("function", names.Function(item.function));
  sink.Encoded("module", names.Module(item.function));
  time("queued_ns", item.queued);
  time("activated_ns", item.activated);
  time("started_ns", item.started);
  time("ended_ns", item.ended);
  VisitDurations(item, timed, sink, std::make_index_sequence<kMeasures.size()>());
  sink.CpuNumber("queue_cpu", item.queue_cpu);
  sink.CpuNumber("target_cpu", item.target_cpu);
  sink.CpuNumber("run_cpu", item.run_cpu);
  sink.CpuNumber("end_cpu", item.end_cpu);
  sink.Task("worker_pid", item.worker);
  // The task that a BH work interrupted is no worker.
  const bool has_worker = item.worker != Pid::kNone && !item.softirq;
  sink.Encoded("worker", has_worker ? names.Name(source.CommOf(item.worker)) : "");
  sink.Plain("context", !ran ? "" : item.softirq ? "softirq" : "process");
  sink.Encoded("pool", ran || item.pool != PoolId::kUnknown ? names.PoolName(item.pool) : "");
  sink.Tally("inactive_behind", item.inactive_behind);
  time("armed_ns", item.armed);
  time("due_ns", item.due);
  sink.Tally("rearmed", item.armed != kUnseen ? static_cast<int32_t>(item.rearmed) : -1);
  const Origin& origin = item.origin;
  if (sink.Open("origin", origin.kind != Origin::Kind::kUnknown)) {
    const bool known = origin.kind != Origin::Kind::kUnknown;
    sink.Plain("kind", known ? ToString(origin.kind) : "");
    sink.Encoded("comm", origin.pid == Pid::kNone ? "" : names.Name(source.CommOf(origin.pid)));
    sink.Task("pid", origin.pid);
    sink.Encoded("function", names.Function(origin.function));
    sink.Ordinal("item", item.parent);
    sink.Close();
  }
  sink.Encoded("stack", names.Name(item.stack));
  sink.Flag("requeued_by_self", item.requeued_by_self);
  sink.Flag("tainted", item.tainted());
  sink.Flag("ambiguous", item.ambiguous);
  VisitSplit(timed ? split : nullptr, sink);
}

}  // namespace wqprof

#endif  // WQPROF_RENDER_ITEM_FIELDS_H_
