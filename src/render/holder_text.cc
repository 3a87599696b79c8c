// SPDX-License-Identifier: Apache-2.0
#include "render/holder_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wqprof/columns.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr size_t kFrames = 6;  // of a stack, in a line

std::string WhoText(const HolderStack& holder) {
  return fmt::format("{}[{}]", holder.comm.empty() ? "?" : holder.comm, ToInt(holder.pid));
}

std::string_view DidText(const HolderStack& holder) {
  if (holder.in_user_space) return "ran in user space";
  switch (holder.state) {
    case TaskDoes::kOnCpu:
    case TaskDoes::kRunning:
      return "ran at ";
    case TaskDoes::kRunnable:
      return "waited for a CPU at ";
    case TaskDoes::kSleeping:
    case TaskDoes::kBlocked:
    case TaskDoes::kUnknown:
      break;
  }
  return "slept at ";
}

bool WasTakenIn(const HolderStack& stack, Timestamp begin, Timestamp end) {
  return stack.at != kUnseen && stack.at <= end && stack.last >= begin;
}

bool IsHolder(const HolderStack& stack, const Stall& stall) {
  return std::any_of(stall.holders.begin(), stall.holders.end(), [&](const StallHolder& holder) {
    return holder.worker_pid == stack.pid && holder.begin == stack.begin;
  });
}

}  // namespace

std::string FramesText(std::span<const std::string> frames) {
  const size_t shown = std::min(frames.size(), kFrames);
  const auto begin = frames.begin();
  return fmt::format("{}{}", fmt::join(begin, begin + static_cast<std::ptrdiff_t>(shown), " < "),
                     shown < frames.size() ? " < ..." : "");
}

std::string HolderText(const HolderStack& holder) {
  std::string out = WhoText(holder);
  out += holder.begin == kUnseen   ? ", which had the CPU, "
         : holder.function.empty() ? " "
                                   : fmt::format(", executing {}, ", holder.function);
  out += DidText(holder);
  if (!holder.in_user_space) out += FramesText(holder.stack);
  if (holder.samples > 0 && holder.samples_alike < holder.samples) {
    out += fmt::format(" ({} of {} samples)", holder.samples_alike, holder.samples);
  }
  const auto span = Between(holder.at, holder.last);
  if (holder.looks > 1 && span) {
    out += fmt::format("; the same {} times in {}", CountText(holder.looks), DurationText(*span));
  }
  return out;
}

std::string NoStackText(const HolderStack& holder) {
  return fmt::format("no stack of {}: {}", WhoText(holder), holder.why_not);
}

std::vector<HolderStack> StacksOf(const Report& report, const Stall& stall) {
  std::vector<HolderStack> out;
  const Timestamp end = stall.begin + stall.duration;
  for (const HolderStack& stack : report.source.holder_stacks.all()) {
    // Before all is known a pool may have another name.
    if (stack.pool != stall.pool && !IsHolder(stack, stall)) continue;
    if (WasTakenIn(stack, stall.begin, end)) out.push_back(stack);
  }
  return out;
}

std::vector<HolderStack> StacksOf(const Report& report, const Finding& finding) {
  std::vector<HolderStack> out;
  if (finding.kind == FindingKind::kLongExecution) {
    for (const HolderStack& stack : report.source.holder_stacks.all()) {
      if (stack.function == finding.function && stack.workqueue == finding.workqueue &&
          stack.pool == finding.pool) {
        out.push_back(stack);
      }
    }
  }
  if (report.source.holder_stacks.empty()) return out;
  for (const Stall& stall : report.stalls) {
    const std::vector<uint64_t>& ids = finding.stall_ids;
    if (std::find(ids.begin(), ids.end(), stall.id) == ids.end()) continue;
    std::vector<HolderStack> stacks = StacksOf(report, stall);
    out.insert(out.end(), stacks.begin(), stacks.end());
  }
  return out;
}

std::vector<std::string> StackLines(const std::vector<HolderStack>& stacks, size_t most) {
  std::vector<HolderStack> shown;
  for (const HolderStack& stack : stacks) {
    if (!stack.why_not.empty()) continue;
    const bool known = std::any_of(shown.begin(), shown.end(), [&](const HolderStack& s) {
      return s.function == stack.function && s.stack == stack.stack && s.comm == stack.comm &&
             s.in_user_space == stack.in_user_space;
    });
    if (!known) shown.push_back(stack);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const HolderStack& a, const HolderStack& b) { return a.looks > b.looks; });
  if (shown.size() > most) shown.resize(most);
  std::vector<std::string> out;
  for (const HolderStack& stack : shown) out.push_back(HolderText(stack));
  return out;
}

std::vector<std::string> StackNotes(const HolderStacks& stacks) {
  std::vector<std::string> out;
  for (const HolderStack& stack : stacks.all()) {
    if (stack.why_not.empty()) continue;
    std::string note = fmt::format("no stacks of some that held pools: {}", stack.why_not);
    if (std::find(out.begin(), out.end(), note) == out.end()) out.push_back(std::move(note));
  }
  return out;
}

Table HolderStackTable(const std::vector<HolderStack>& stacks) {
  using Row = HolderStack;
  const Columns<Row> columns = {
      {{"pool", "POOL", kAll, 10}, [](const Row& row) { return Word{row.pool}; }},
      {{"comm", "", kMachine}, [](const Row& row) { return Word{row.comm}; }},
      {{"pid", "", kMachine}, [](const Row& row) { return row.pid; }},
      {{.key = "function",
        .audience = kMachine,
        .about = "Of what it executed; null: not known, or it is the task that had the CPU."},
       [](const Row& row) { return Word{row.function}; }},
      {{"workqueue", "", kMachine}, [](const Row& row) { return Word{row.workqueue}; }},
      {{"begin_ns", "", kMachine, 0, 0, "Of that execution; null: it executed nothing."},
       [](const Row& row) { return row.begin; }},
      {{"stall_begin_ns", "", kMachine, 0, 0, "Of the stall that went on; null: none did."},
       [](const Row& row) { return row.stall; }},
      {{"at_ns", "", kMachine, 0, 0, "When the stack was taken."},
       [](const Row& row) { return row.at; }},
      {{"last_ns", "", kMachine, 0, 0, "When the same was found last."},
       [](const Row& row) { return row.last; }},
      {{"looks", "", kMachine, 0, 0, "Looks that found the same, one after the other."},
       [](const Row& row) { return row.looks; }},
      {{.key = "state", .audience = kMachine, .words = AllWords(kLastTaskDoes)},
       [](const Row& row) { return std::string(ToString(row.state)); }},
      {{"in_user_space", "", kMachine}, [](const Row& row) { return row.in_user_space; }},
      {{"samples", "", kMachine, 0, 0, "Of a task that had a CPU; 0: it had none."},
       [](const Row& row) { return row.samples; }},
      {{"samples_alike", "", kMachine, 0, 0, "Of the samples, those with this stack."},
       [](const Row& row) { return row.samples_alike; }},
      {{.key = "stack",
        .audience = kJson,
        .about =
            "Functions of the kernel, the innermost first; empty: see why_not and in_user_space."},
       [](const Row& row) { return row.stack; }},
      {{"why_not", "", kMachine, 0, 0, "Why there is no stack."},
       [](const Row& row) { return Word{row.why_not}; }},
      {{"found", "STACK", kText, 40},
       [](const Row& row) { return row.why_not.empty() ? HolderText(row) : NoStackText(row); }},
  };
  return MakeTable({.key = "holder_stacks", .title = "Stacks of what held pools"}, columns, stacks);
}

}  // namespace wqprof
