// SPDX-License-Identifier: Apache-2.0
#include "pftrace/work_identity.h"

#include <algorithm>

namespace wqprof {

WorkIdentity::Found WorkIdentity::FindWaiting(const Event& event, WorkAddr& work) const {
  const bool activates = event.kind == EventKind::kActivateWork;
  size_t found = 0;
  const auto look = [&](const std::vector<Waiting>& all) {
    for (const Waiting& waiting : all) {
      // What is activated has not been before.
      if (activates && waiting.activated) continue;
      ++found;
      work = waiting.work;
    }
  };
  const auto it = waiting_.find(ToInt(event.work.function));
  if (event.work.function != NameId::kUnknown) {
    if (it != waiting_.end()) look(it->second);
  } else if (waiting_.size() > kMostFunctions) {
    return Found::kSeveral;
  } else {
    // It may be any work.
    for (const auto& [function, all] : waiting_) look(all);
  }
  return found == 0 ? Found::kNone : found == 1 ? Found::kOne : Found::kSeveral;
}

void WorkIdentity::Queue(const Event& event) {
  std::vector<Waiting>& waiting = waiting_[ToInt(event.work.function)];
  const auto same = [&](const Waiting& w) { return w.work == event.work.work; };
  // Queued anew before it started: it was taken back.
  std::erase_if(waiting, same);
  if (waiting.size() == kMostWaiting) waiting.erase(waiting.begin());
  waiting.push_back({event.work.work, false});
}

void WorkIdentity::Start(const Event& event) {
  if (const auto it = waiting_.find(ToInt(event.work.function)); it != waiting_.end()) {
    std::erase_if(it->second, [&](const Waiting& w) { return w.work == event.work.work; });
    if (it->second.empty()) waiting_.erase(it);
  }
  running_[ToInt(event.pid)] = {event.work.work, event.work.function};
}

bool WorkIdentity::Resolve(Event& event) {
  if (!NumberedWork::IsId(event.work.work)) return true;
  const uint64_t id = ToInt(event.work.work);
  DropOld(NumberedWork::GenerationOf(event.work.work));
  bool certain = true;
  const auto known = known_.find(id);
  if (known != known_.end()) {
    event.work.work = known->second;
  } else if (event.kind == EventKind::kExecuteEnd) {
    const auto open = running_.find(ToInt(event.pid));
    const NameId function = event.work.function;
    if (open != running_.end() &&
        (function == open->second.function || function == NameId::kUnknown)) {
      event.work.work = open->second.work;
    }
  } else if (event.kind != EventKind::kQueueWork) {
    WorkAddr work{};
    const Found found = FindWaiting(event, work);
    if (found == Found::kOne) event.work.work = work;
    // Its start will have the function.
    const bool open = event.kind == EventKind::kActivateWork &&
                      event.work.function == NameId::kUnknown && found != Found::kOne;
    if (open) return true;
    certain = found != Found::kSeveral;
    if (!certain) ForgetWaiting(event.work.function);
  }
  known_.try_emplace(id, event.work.work);
  if (event.kind == EventKind::kQueueWork) Queue(event);
  if (event.kind == EventKind::kActivateWork) {
    if (const auto it = waiting_.find(ToInt(event.work.function)); it != waiting_.end()) {
      for (Waiting& w : it->second) w.activated |= w.work == event.work.work;
    }
  }
  if (event.kind == EventKind::kExecuteStart) Start(event);
  if (event.kind == EventKind::kExecuteEnd) running_.erase(ToInt(event.pid));
  return certain;
}

void WorkIdentity::ForgetWaiting(NameId function) {
  if (function == NameId::kUnknown) {
    waiting_.clear();
  } else {
    waiting_.erase(ToInt(function));
  }
}

void WorkIdentity::Forget() {
  waiting_.clear();
  running_.clear();
}

// Generations overlap in time: each CPU's begins when its buffer was emptied.
void WorkIdentity::DropOld(uint64_t generation) {
  const auto is_old = [&](const auto& entry) {
    return (entry.first >> NumberedWork::kNumberBits) + kKeptGenerations < generation;
  };
  if (known_.size() >= drop_at_) {
    absl::erase_if(known_, is_old);
    if (known_.size() >= kMostEntries) known_.clear();
    drop_at_ = std::max(kMostEntries / 4, 2 * known_.size());
  }
  if (running_.size() >= kMostEntries || waiting_.size() >= kMostEntries) Forget();
}

}  // namespace wqprof
