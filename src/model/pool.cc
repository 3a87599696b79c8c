// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "wqprof/model.h"

namespace wqprof {

std::string_view ToString(PoolKind kind) {
  switch (kind) {
    case PoolKind::kUnknown:
      return "unknown";
    case PoolKind::kPerCpu:
      return "per-cpu";
    case PoolKind::kHighpri:
      return "highpri";
    case PoolKind::kUnbound:
      return "unbound";
    case PoolKind::kRescuer:
      return "rescuer";
    case PoolKind::kBh:
      return "bh";
    case PoolKind::kBhHighpri:
      return "bh-highpri";
  }
  return "unknown";
}

std::string_view ToString(ItemState state) {
  switch (state) {
    case ItemState::kDone:
      return "done";
    case ItemState::kSuperseded:
      return "superseded";
    case ItemState::kPending:
      return "pending";
    case ItemState::kRunning:
      return "running";
    case ItemState::kBeforeTrace:
      return "before_trace";
    case ItemState::kBarrier:
      return "barrier";
    case ItemState::kUnmatched:
      return "unmatched";
    case ItemState::kQueued:
      return "queued";
    case ItemState::kStarted:
      return "started";
  }
  return "unknown";
}

std::string_view ToString(Origin::Kind kind) {
  switch (kind) {
    case Origin::Kind::kUnknown:
      return "unknown";
    case Origin::Kind::kTask:
      return "task";
    case Origin::Kind::kHardirq:
      return "hardirq";
    case Origin::Kind::kSoftirq:
      return "softirq";
    case Origin::Kind::kNmi:
      return "nmi";
    case Origin::Kind::kWork:
      return "work";
  }
  return "unknown";
}

namespace {

// Takes a decimal number off the front of `text`; -1 when there is none.
int TakeNumber(std::string_view& text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return -1;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

// kernel/workqueue.c, format_worker_id() and init_rescuer().
WorkerComm ParseWorkerComm(std::string_view comm) {
  constexpr std::string_view kPrefix = "kworker/";
  if (comm.empty() || comm == "<...>") return {};
  // Up to 6.5 a rescuer bears the name of its workqueue.
  if (!comm.starts_with(kPrefix)) return {PoolKind::kRescuer, -1};
  comm.remove_prefix(kPrefix.size());
  if (comm.starts_with("R-")) return {PoolKind::kRescuer, -1};
  const bool unbound = comm.starts_with('u');
  if (unbound) comm.remove_prefix(1);
  const int number = TakeNumber(comm);
  if (number < 0 || !comm.starts_with(':')) return {};
  if (unbound) return {PoolKind::kUnbound, number};
  if (number > kMaxCpus) return {};
  comm.remove_prefix(1);
  if (TakeNumber(comm) < 0) return {};
  return {comm.starts_with('H') ? PoolKind::kHighpri : PoolKind::kPerCpu, number};
}

}  // namespace wqprof
