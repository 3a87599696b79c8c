// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_loss.h"

#include <algorithm>
#include <map>
#include <random>

namespace wqprof::testing {
namespace {

// Which events go: runs of consecutive events of one CPU, never its last one: a buffer that
// overwrites keeps the newest.
std::vector<bool> ChooseLost(std::span<const Event> events, const LossOptions& options) {
  std::mt19937_64 random(options.seed);
  std::map<Cpu, std::vector<size_t>> of_cpu;
  for (size_t i = 0; i < events.size(); ++i) of_cpu[events[i].cpu].push_back(i);
  std::vector<bool> lost(events.size());
  for (int run = 0; run < options.runs; ++run) {
    auto cpu = of_cpu.begin();
    std::advance(cpu, random() % of_cpu.size());
    const std::vector<size_t>& all = cpu->second;
    const size_t first = random() % all.size(), length = 1 + random() % options.longest;
    for (size_t i = first; i < std::min(first + length, all.size() - 1); ++i) lost[all[i]] = true;
  }
  return lost;
}

Event LossOf(const Event& like, EventKind kind, Timestamp at) {
  Event event{};
  event.at = at;
  event.pid = Pid::kNone;
  event.cpu = like.cpu;
  event.kind = kind;
  event.loss = {0, false};
  return event;
}

}  // namespace

std::vector<Event> LoseEvents(std::span<const Event> events, const LossOptions& options) {
  const std::vector<bool> lost = ChooseLost(events, options);
  // A gap is told by the event behind it, and begins right after the event before it.
  std::map<Cpu, size_t> last_kept;
  std::map<Cpu, bool> in_gap;
  std::vector<Event> at_beginning;  // gaps that nothing of their CPU precedes
  std::map<size_t, Event> begins_after, ends_before;
  for (size_t i = 0; i < events.size() && options.marked; ++i) {
    const Event& e = events[i];
    if (lost[i]) {
      in_gap[e.cpu] = true;
      continue;
    }
    if (in_gap[e.cpu]) {
      const auto before = last_kept.find(e.cpu);
      if (before == last_kept.end()) {
        at_beginning.push_back(LossOf(e, EventKind::kLossBegin, kUnseen + Nanos(1)));
      } else {
        begins_after[before->second] = LossOf(e, EventKind::kLossBegin, events[before->second].at);
      }
      ends_before[i] = LossOf(e, EventKind::kLossEnd, e.at);
    }
    in_gap[e.cpu] = false;
    last_kept[e.cpu] = i;
  }
  std::vector<Event> kept = std::move(at_beginning);
  for (size_t i = 0; i < events.size(); ++i) {
    if (lost[i]) continue;
    if (const auto end = ends_before.find(i); end != ends_before.end()) kept.push_back(end->second);
    kept.push_back(events[i]);
    if (const auto b = begins_after.find(i); b != begins_after.end()) kept.push_back(b->second);
  }
  return kept;
}

}  // namespace wqprof::testing
