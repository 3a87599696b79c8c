// SPDX-License-Identifier: Apache-2.0
// Any sequence of events, legal or not: 8 bytes make one.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "support/trace_builder.h"
#include "wqprof/model.h"

namespace wqprof::testing {
namespace {

constexpr const char* kComms[] = {"kworker/0:1",   "kworker/1:2H", "kworker/u8:3",
                                  "kworker/R-xfs", "xfs-log",      "",
                                  "kworker/dying", "bash"};
constexpr const char* kFunctions[] = {"f", "g", "wq_barrier_func", ""};
constexpr const char* kWorkqueues[] = {"events", "events_bh_highpri", "ordered", ""};

// Inputs found so far count kinds without this one.
constexpr int kWithoutStacks = static_cast<int>(EventKind::kQueueStack);

// kind, who, where, which work, names, flags, and how much later.
Event MakeEvent(TraceBuilder& trace, const uint8_t* b, Timestamp& now) {
  Event e{};
  now += Nanos(int64_t{b[6]} << (b[7] & 31));
  e.at = now;
  e.kind = b[0] == 255 ? EventKind::kQueueStack : static_cast<EventKind>(b[0] % kWithoutStacks);
  e.pid = Pid{b[1] % 8};
  e.cpu = Cpu{static_cast<int16_t>(b[2] % 4)};
  constexpr uint8_t kFlags[] = {0, kFlagSoftirq, kFlagHardirq, kFlagNmi, kFlagIrqsOff};
  e.flags = kFlags[b[5] % 5];
  const NameId function = trace.Intern(kFunctions[b[4] % 4]);
  const NameId comm = trace.Intern(kComms[b[4] % 8]);
  switch (e.kind) {
    case EventKind::kQueueWork:
    case EventKind::kActivateWork:
    case EventKind::kExecuteStart:
    case EventKind::kExecuteEnd:
      e.work = {WorkAddr{uint64_t{b[3] % 4u} + 1},
                function,
                trace.Intern(kWorkqueues[b[4] / 4 % 4]),
                Cpu{static_cast<int16_t>(b[4] % 5 - 1)},
                Cpu::kNone,
                b[5] / 8u};
      break;
    case EventKind::kLossBegin:
    case EventKind::kLossEnd:
      e.loss = {b[3], b[4] % 2 == 0};
      break;
    case EventKind::kSwitch:
      e.sched_switch = {Pid{b[3] % 8},    comm,         trace.Intern(kComms[b[3] % 8]), 120, 120,
                        "RSDI"[b[4] % 4], b[4] % 8 == 0};
      break;
    case EventKind::kWaking:
    case EventKind::kWakeup:
      e.wake = {Pid{b[3] % 8}, comm, 120, e.cpu};
      break;
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      e.task = {Pid{b[3] % 8}, comm};
      break;
    case EventKind::kQueueStack:
      e.queue_stack = {function};
      break;
    default:
      e.timer = {WorkAddr{uint64_t{b[3] % 4u} + 33}, NameId::kDelayedTimer, b[4], b[2]};
  }
  return e;
}

void Check(const WorkItem& item, std::set<uint64_t>& ids) {
  if (!ids.insert(item.id).second) std::abort();
  if (item.started != kUnseen && item.ended != kUnseen && item.ended < item.started) std::abort();
  if (item.state == ItemState::kPending && item.started != kUnseen) std::abort();
}

void Check(const BarrierWait& wait) {
  if (wait.end == kUnseen || wait.end < wait.begin) std::abort();
  const Timestamp ended = wait.behind.ended;
  if (ended != kUnseen && (ended <= wait.begin || ended > wait.end)) std::abort();
}

void Reconstruct(const uint8_t* data, size_t size) {
  TraceBuilder trace;
  for (int pid = 0; pid < 8; ++pid) trace.Comm(pid, kComms[pid]);
  const size_t batch = 1 + data[0] % 64;
  trace.BatchSize(batch).CoveredFrom(Nanos(data[1]));
  Timestamp now{};
  for (size_t at = 2; at + 8 <= size && at < 64 * 1024; at += 8) {
    trace.Add(MakeEvent(trace, data + at, now));
  }
  Reconstructor model(trace, {.gap_floor = Nanos(1000), .barrier_waits = true});
  Completed completed;
  std::set<uint64_t> ids;
  uint64_t items = 0;
  const auto take = [&] {
    model.Take(completed);
    items += completed.items.size();
    for (const WorkItem& item : completed.items) Check(item, ids);
    for (const BarrierWait& wait : completed.barrier_waits) Check(wait);
  };
  for (auto run = trace.Next(); run.ok() && !run->empty(); run = trace.Next()) {
    model.Add(*run);
    take();
  }
  model.Finish();
  take();
  if (items > trace.events().size()) std::abort();  // each item has an event of its own
}

}  // namespace
}  // namespace wqprof::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size >= 2) wqprof::testing::Reconstruct(data, size);
  return 0;
}
