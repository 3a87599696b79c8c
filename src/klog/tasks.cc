// SPDX-License-Identifier: Apache-2.0
#include "klog/tasks.h"

#include <chrono>

namespace wqprof::klog {
namespace {

// A dump is printed at once; whatever comes later is of something else.
constexpr Nanos kDumpTime = std::chrono::seconds(10);
// A lockup and the complaints about its workers come within minutes.
constexpr Nanos kSameTrouble = std::chrono::minutes(10);

bool Apart(std::optional<Nanos> a, std::optional<Nanos> b, Nanos limit) {
  if (!a || !b) return false;
  return (*a < *b ? *b - *a : *a - *b) > limit;
}

}  // namespace

TaskFact& TaskFacts::Of(int32_t pid) {
  if (const auto it = facts_.find(pid); it != facts_.end()) return it->second;
  if (facts_.size() < kMaxTasks) return facts_[pid];
  beyond_ = {};
  return beyond_;
}

const TaskFact* TaskFacts::Find(int32_t pid, const std::string& function,
                                std::optional<Nanos> at) const {
  const auto it = facts_.find(pid);
  if (it == facts_.end()) return nullptr;
  const TaskFact& fact = it->second;
  if (!fact.function.empty() && fact.function != function) return nullptr;
  return Apart(fact.at, at, kSameTrouble) ? nullptr : &fact;
}

void TaskTrace::Expect(int32_t pid, char state, std::optional<Nanos> at, TaskFacts& facts) {
  pid_ = pid;
  begin_ = at;
  in_interrupt_ = false;
  TaskFact& fact = facts.Of(pid);
  fact = {};
  fact.at = at;
  fact.state = state;
}

bool TaskTrace::AddFrame(std::string_view text, TaskFact& fact) {
  const std::string_view line = Trimmed(text);
  if (line.starts_with('<')) {
    // Interrupts that came on top of the task have frames of their own.
    if (line == "<IRQ>" || line == "<NMI>" || line == "<SOFTIRQ>") in_interrupt_ = true;
    if (line == "</IRQ>" || line == "</NMI>" || line == "<EOI>" || line == "<TASK>") {
      in_interrupt_ = false;
    }
    return line == "<TASK>" || line == "</TASK>" || line == "<IRQ>" || line == "</IRQ>";
  }
  FrameRecord frame;
  if (!ReadFrame(text, frame)) return false;
  if (fact.frame.empty() && frame.sure && !in_interrupt_ && !IsSchedulerFrame(frame.function)) {
    fact.frame = frame.function;
  }
  return true;
}

bool TaskTrace::Add(std::string_view text, std::optional<Nanos> at, TaskFacts& facts,
                    bool& header) {
  header = false;
  if (pid_ && Apart(begin_, at, kDumpTime)) pid_.reset();
  const std::string_view line = Trimmed(text);
  const bool may_begin = pid_.has_value() || line.starts_with("task:") ||
                         line.starts_with("CPU: ") || line.starts_with("kworker/");
  if (!may_begin) return false;
  if (TaskRecord task; ReadTask(text, task)) {
    if (pid_ != task.pid) {
      Expect(task.pid, task.state, at, facts);
      header = true;
    }
    // The CPU that prints a dump of another task is not that task.
    if (!line.starts_with("CPU: ") && task.state != '\0') facts.Of(*pid_).state = task.state;
    return true;
  }
  if (!pid_) return false;
  TaskFact& fact = facts.Of(*pid_);
  if (std::string workqueue, function; ReadWorkerOf(text, workqueue, function)) {
    if (fact.function.empty()) {
      fact.workqueue = std::move(workqueue);
      fact.function = std::move(function);
    }
    return true;
  }
  return AddFrame(text, fact);
}

}  // namespace wqprof::klog
