// SPDX-License-Identifier: Apache-2.0
#include "model/cpu_tasks.h"

#include <algorithm>

namespace wqprof {

void CpuTasks::OnSwitch(const Event& e) {
  const Event::Switch& s = e.sched_switch;
  CpuRuns& runs = runs_[e.cpu];
  if (e.at >= keep_from_) [[unlikely]]
    KeepRun(e, runs);
  runs.Switch(e.at, {s.prev_comm, e.pid, s.prev_prio}, e.pid == kIdleTask,
              {s.next_comm, s.next, s.next_prio});
  idle_.OnSwitch(e);
}

void CpuTasks::OnLoss() {
  idle_.OnLoss();
  for (CpuRuns& runs : runs_) runs.OnLoss();
}

TaskSeen CpuTasks::LongestIn(Cpu cpu, Timestamp from, Timestamp to,
                             const TaskSeen& otherwise) const {
  const CpuRuns* const runs = runs_.Find(cpu);
  if (runs == nullptr) return {};
  const bool idled = idle_.Between(cpu, from, to) * 2 >= to - from;
  return idled ? TaskSeen() : runs->LongestIn(from, to, otherwise);
}

// Some kernels drop single events and do not count them.
void CpuTasks::SwitchIsMissing(const Event& e, CpuRuns& runs) {
  runs.Found(e.at, {source_.CommOf(e.pid), e.pid, TaskSeen::kNoPrio});
  idle_.OnTask(e.cpu, e.at);
}

void CpuTasks::KeepRun(const Event& e, const CpuRuns& runs) {
  if (e.pid == kIdleTask || !runs.now().seen()) return;
  std::deque<GapPicture::Run>& kept = kept_runs_[e.cpu];
  const Event::Switch& s = e.sched_switch;
  kept.push_back({{s.prev_comm, e.pid, s.prev_prio}, runs.last_switch(), e.at});
  if (kept.size() > kMostRuns) kept.pop_front();
}

std::vector<GapPicture::Run> CpuTasks::RunsOn(Cpu cpu, Timestamp from, Timestamp to) const {
  std::vector<GapPicture::Run> out;
  const auto add = [&](GapPicture::Run run) {
    run.begin = std::max(run.begin, from);
    run.end = std::min(run.end, to);
    if (run.begin < run.end) out.push_back(run);
  };
  if (const auto* const kept = kept_runs_.Find(cpu)) {
    for (const GapPicture::Run& run : *kept) add(run);
  }
  const Run now = RunOn(cpu);
  if (now.task.seen()) add({now.task, now.since, to});
  return out;
}

CpuTasks::Run CpuTasks::RunOn(Cpu cpu) const {
  const CpuRuns* const runs = runs_.Find(cpu);
  if (runs == nullptr) return {};
  const TaskSeen task = runs->now();
  return task.seen() && task.pid != kIdleTask ? Run{task, runs->last_switch()} : Run();
}

bool CpuTasks::SwitchedSince(Cpu cpu, Timestamp since) const {
  const CpuRuns* runs = runs_.Find(cpu);
  return runs != nullptr && runs->last_switch() > since;
}

}  // namespace wqprof
