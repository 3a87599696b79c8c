// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORKER_NAMES_H_
#define WQPROF_MODEL_WORKER_NAMES_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// Names of tasks: which are workers', and who bears them.
class WorkerNames {
 public:
  explicit WorkerNames(const EventSource& source) : source_(source) {}

  bool IsWorker(NameId comm) {
    const size_t i = ToInt(comm);
    if (i >= is_worker_.size()) is_worker_.resize(std::max(i + 1, source_.names().size()), -1);
    if (is_worker_[i] < 0) is_worker_[i] = Text(comm).starts_with("kworker/") ? 1 : 0;
    return is_worker_[i] == 1;
  }
  // Whether nothing is left of a worker's name but what all workers share.
  bool IsCut(NameId comm) const { return Text(comm) == "kworker/"; }
  std::string_view Text(NameId comm) const { return source_.names().Get(comm); }
  WorkerComm Parse(NameId comm) const { return ParseWorkerComm(Text(comm)); }

  // A scheduler event gave a worker's name to this pid.  Whether that is news.
  bool Note(Pid pid, NameId comm) {
    NameId& known = noted_[ToInt(pid)];
    if (known == comm) return false;
    known = comm;
    return true;
  }
  // The name that a scheduler event gave last, or else that of the recording.
  NameId Of(Pid pid) const {
    const auto noted = noted_.find(ToInt(pid));
    return noted != noted_.end() ? noted->second : source_.CommOf(pid);
  }
  void Forget(Pid pid) { noted_.erase(ToInt(pid)); }

 private:
  const EventSource& source_;
  absl::flat_hash_map<int32_t, NameId> noted_;
  std::vector<int8_t> is_worker_;  // by NameId: 1 yes, 0 no, -1 not looked at
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORKER_NAMES_H_
