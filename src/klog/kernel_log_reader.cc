// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "klog/boot_tracker.h"
#include "klog/dump.h"
#include "klog/episodes.h"
#include "klog/log_builder.h"
#include "klog/prefix.h"
#include "klog/records.h"
#include "klog/story.h"
#include "klog/tasks.h"

namespace wqprof {
namespace {

using klog::Dump;
using klog::DumpReader;
using klog::Reading;

// A dump follows the complaint that it explains at once.
constexpr Nanos kAtOnce = std::chrono::seconds(10);
constexpr Nanos kLongestUptime = std::chrono::hours(60 * 365 * 24);
constexpr size_t kMaxCallers = 256;
// Complaints that one dump explains.
constexpr size_t kMaxDue = 256;
constexpr size_t kLongestHalf = 2000;

// What one CPU or task is in the middle of printing.
struct Caller {
  DumpReader dump;
  klog::TaskTrace trace;
  std::vector<size_t> due_lockups;  // a dump is due that explains these
  std::optional<size_t> due_freeze;
  std::optional<Nanos> due_since;
  std::optional<size_t> blocked, soft_lockup, other_soft_lockup, leak;  // whose lines go on
};

bool Later(std::optional<Nanos> from, std::optional<Nanos> to) {
  return from && to && *to - *from > kAtOnce;
}

LogTime TimeOf(const LogLine& line) { return {line.stamp, std::string(line.wall)}; }

bool Holds(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

}  // namespace

struct KernelLogReader::State {
  klog::LogBuilder rows;
  klog::UnknownPrefix prefix;
  klog::BootTracker boots;
  klog::Episodes episodes;
  klog::TaskFacts facts;
  absl::flat_hash_map<std::string, Caller> callers;
  // A record that was broken in two, as long as its second half may come.
  std::string half, half_caller;
  bool half_had_time = false, half_had_stamp = false;
  bool backtraces_began = false;  // the line before was their heading
  bool found = false;

  Caller& CallerOf(std::string_view name);
  void EndCallers();
  void NextBoot();
  void EndDump(Caller& caller) {
    if (caller.dump.open()) rows.AddDump(caller.dump.Take(), facts);
  }
  void BeginDump(Caller& caller, const LogLine& line, bool freezable_only);
  void ExplainDue(Caller& caller, const LogLine& line);

  // Return whether the text is a message of their kind.
  bool AddText(const LogLine& line, std::string_view text, Caller& caller);
  bool AddWorkqueueMessage(const LogLine& line, std::string_view text, Caller& caller);
  bool AddLockup(const LogLine& line, std::string_view text, Caller& caller);
  bool AddDumpLine(const LogLine& line, std::string_view text, Caller& caller);
  bool AddFreeze(const LogLine& line, std::string_view text, Caller& caller);
  bool AddComplaint(const LogLine& line, std::string_view text, Caller& caller);
  bool AddTraceLine(const LogLine& line, std::string_view text, Caller& caller);
  void CopyFacts(Caller& caller);

  void Halve(const LogLine& line, std::string_view text, Caller& caller);
  bool AddHalf(const LogLine& line);
};

Caller& KernelLogReader::State::CallerOf(std::string_view name) {
  if (const auto it = callers.find(std::string(name)); it != callers.end()) return it->second;
  if (callers.size() == kMaxCallers) EndCallers();
  return callers[std::string(name)];
}

void KernelLogReader::State::EndCallers() {
  for (auto& [name, caller] : callers) EndDump(caller);
  callers.clear();
}

// What was going on in the boot before is over.
void KernelLogReader::State::NextBoot() {
  EndCallers();
  facts.Clear();
  episodes.Clear();
  if (!half.empty()) rows.Unread(std::exchange(half, {}));
  rows.set_boot(boots.current());
}

void KernelLogReader::State::BeginDump(Caller& caller, const LogLine& line, bool freezable_only) {
  EndDump(caller);
  caller.dump.Begin(line.stamp, freezable_only);
  ExplainDue(caller, line);
}

// The dump that began is about what was complained of just before.
void KernelLogReader::State::ExplainDue(Caller& caller, const LogLine& line) {
  if (!Later(caller.due_since, line.stamp)) {
    caller.dump.dump().lockups = caller.due_lockups;
    caller.dump.dump().freeze = caller.due_freeze;
  }
  caller.due_lockups.clear();
  caller.due_freeze.reset();
}

bool KernelLogReader::State::AddLockup(const LogLine& line, std::string_view text, Caller& caller) {
  klog::LockupRecord record;
  switch (klog::ReadLockup(text, record)) {
    case Reading::kOther:
      return false;
    case Reading::kCut:
      Halve(line, text, caller);
      return true;
    case Reading::kRead:
      break;
  }
  EndDump(caller);
  if (Later(caller.due_since, line.stamp)) caller.due_lockups.clear();
  caller.due_since = line.stamp;
  const auto index = episodes.Add(record, rows.boot(), line.stamp, boots.wall(), rows.log());
  if (index && caller.due_lockups.size() < kMaxDue &&
      std::find(caller.due_lockups.begin(), caller.due_lockups.end(), *index) ==
          caller.due_lockups.end()) {
    caller.due_lockups.push_back(*index);
  }
  return true;
}

bool KernelLogReader::State::AddFreeze(const LogLine& line, std::string_view text, Caller& caller) {
  std::optional<size_t> index;
  if (!Holds(text, "Freezing ") || !rows.AddFreeze(TimeOf(line), text, index)) return false;
  EndDump(caller);
  found |= index && rows.log().freezes[*index].wq_busy > 0;
  caller.due_freeze = index;
  caller.due_lockups.clear();
  caller.due_since = line.stamp;
  return true;
}

// Messages that hold the word "workqueue".
bool KernelLogReader::State::AddWorkqueueMessage(const LogLine& line, std::string_view text,
                                                 Caller& caller) {
  const LogTime at = TimeOf(line);
  if (AddLockup(line, text, caller) || rows.AddHog(at, text) || rows.AddFlush(at, text) ||
      rows.AddLeak(at, text, caller.leak) || rows.AddDrain(at, text)) {
    return true;
  }
  const bool busy = Holds(text, "Showing busy workqueues and worker pools");
  if (busy || Holds(text, "Showing freezable workqueues that are still busy")) {
    BeginDump(caller, line, !busy);
    return true;
  }
  // "destroy_workqueue: NAME has the following busy pwq"
  constexpr std::string_view kDestroyed = "destroy_workqueue: ";
  const size_t name = text.find(kDestroyed);
  const size_t end = text.find(" has the following busy pwq");
  if (name == std::string_view::npos || end == std::string_view::npos ||
      end < name + kDestroyed.size()) {
    return false;
  }
  const size_t from = name + kDestroyed.size();
  BeginDump(caller, line, false);
  caller.dump.SetWorkqueue(std::string(text.substr(from, end - from)), std::nullopt);
  return true;
}

bool KernelLogReader::State::AddDumpLine(const LogLine& line, std::string_view text,
                                         Caller& caller) {
  const bool was_open = caller.dump.open();
  const DumpReader::Line kind = caller.dump.Add(text, line.stamp);
  if (kind == DumpReader::Line::kOther) return false;
  found = true;
  const Dump& dump = caller.dump.dump();
  backtraces_began = dump.backtraces != Dump::Backtraces::kNone && !dump.goes_on;
  if (!was_open && caller.dump.open()) ExplainDue(caller, line);  // its heading was left out
  if (kind == DumpReader::Line::kUnread) Halve(line, text, caller);
  if (kind == DumpReader::Line::kCut) rows.log().truncated = true;
  return true;
}

// Of the hung-task and the soft-lockup detector.
bool KernelLogReader::State::AddComplaint(const LogLine& line, std::string_view text,
                                          Caller& caller) {
  LoggedBlocked blocked;
  LoggedSoftLockup soft;
  const bool hangs = klog::ReadBlocked(text, blocked) == Reading::kRead;
  if (!hangs && klog::ReadSoftLockup(text, soft) != Reading::kRead) return false;
  caller.blocked.reset();
  caller.soft_lockup.reset();
  caller.other_soft_lockup.reset();
  if (hangs) {
    caller.trace.Expect(blocked.pid, 'D', line.stamp, facts);
    found |= klog::IsWorkerComm(blocked.worker);
    caller.blocked = rows.AddBlocked(TimeOf(line), blocked);
    return true;
  }
  caller.trace.Expect(soft.pid, 'R', line.stamp, facts);
  found |= soft.is_worker;
  (soft.is_worker ? caller.soft_lockup : caller.other_soft_lockup) =
      rows.AddSoftLockup(TimeOf(line), soft);
  return true;
}

// What the dump of the task behind a complaint has said so far.
void KernelLogReader::State::CopyFacts(Caller& caller) {
  if (!caller.trace.pid()) return;
  const klog::TaskFact& fact = facts.Of(*caller.trace.pid());
  const auto copy = [&](auto& list, const std::optional<size_t>& index) {
    if (!index || list[*index].pid != *caller.trace.pid()) return;
    auto& row = list[*index];
    if (row.function.empty()) {
      row.workqueue = fact.workqueue;
      row.function = fact.function;
      found |= !fact.function.empty();  // a rescuer has any name
    }
    if (row.frame.empty()) row.frame = fact.frame;
  };
  KernelLog& log = rows.log();
  copy(log.blocked, caller.blocked);
  copy(log.soft_lockups, caller.soft_lockup);
  copy(log.other_soft_lockups, caller.other_soft_lockup);
}

bool KernelLogReader::State::AddTraceLine(const LogLine& line, std::string_view text,
                                          Caller& caller) {
  klog::OwnerRecord owner;
  if (Holds(text, "blocked on a") && klog::ReadOwner(text, owner)) {
    rows.AddOwner(TimeOf(line), owner, caller.blocked);
    return true;
  }
  bool header = false;
  if (!caller.trace.Add(text, line.stamp, facts, header)) return false;
  if (header) caller.dump.AddTrace(*caller.trace.pid());
  CopyFacts(caller);
  return true;
}

bool KernelLogReader::State::AddText(const LogLine& line, std::string_view text, Caller& caller) {
  if (Holds(text, "workqueue") && AddWorkqueueMessage(line, text, caller)) {
    found = true;
    return true;
  }
  if (caller.leak && klog::ReadLeakDetails(text, rows.log().leaks[*caller.leak])) return true;
  return AddDumpLine(line, text, caller) || AddFreeze(line, text, caller) ||
         AddComplaint(line, text, caller) || AddTraceLine(line, text, caller);
}

// Keeps `text`, of which the rest may be the next line.
void KernelLogReader::State::Halve(const LogLine& line, std::string_view text, Caller& caller) {
  caller.dump.Lose();
  half = text.substr(0, kLongestHalf);
  half_caller = line.caller;
  half_had_stamp = line.stamp.has_value();
  half_had_time = half_had_stamp || !line.wall.empty();
}

// Tries `half` with `line` behind it; else it is given up.
bool KernelLogReader::State::AddHalf(const LogLine& line) {
  const std::string first = std::exchange(half, {});
  const bool bare = !line.stamp && line.wall.empty();
  if ((bare && half_had_time) ||
      (line.caller == half_caller && line.stamp.has_value() == half_had_stamp)) {
    const std::string both = fmt::format("{} {}", first, klog::Trimmed(line.text));
    LogLine joined = line;
    joined.caller = half_caller;
    Caller& caller = CallerOf(half_caller);
    // Only a record that the second half makes whole: a message of its own is none.
    klog::LockupRecord lockup;
    LoggedPwq pwq;
    LoggedPoolState pool;
    const bool whole = klog::ReadLockup(both, lockup) == Reading::kRead ||
                       klog::ReadPwq(both, pwq) == Reading::kRead ||
                       klog::ReadPool(both, pool) == Reading::kRead;
    if (whole && AddText(joined, both, caller)) return true;
    half.clear();
  }
  rows.Unread(first);
  return false;
}

KernelLogReader::KernelLogReader() : state_(std::make_unique<State>()) {}
KernelLogReader::~KernelLogReader() = default;

void KernelLogReader::Add(const LogLine& line_as_read) {
  State& state = *state_;
  LogLine line = state.prefix.Strip(line_as_read);
  // No machine runs for sixty years: sums of what is left do not overflow.
  if (line.stamp && *line.stamp > kLongestUptime) line.stamp.reset();
  KernelLog& log = state.rows.log();
  ++log.lines;
  if (state.boots.Add(line)) state.NextBoot();
  if (line.text.empty()) return;
  if (!state.half.empty() && state.AddHalf(line)) {
    ++log.messages;
    return;
  }
  Caller& caller = state.CallerOf(line.caller);
  if (std::exchange(state.backtraces_began, false)) {
    // An empty list of running workers is empty only if the log goes on behind it.
    for (auto& [name, other] : state.callers) {
      other.dump.dump().goes_on |= other.dump.dump().backtraces != Dump::Backtraces::kNone;
    }
  }
  if (state.AddText(line, line.text, caller)) ++log.messages;
}

bool KernelLogReader::found() const { return state_->found; }

KernelLog KernelLogReader::Finish() {
  State& state = *state_;
  if (!state.half.empty()) state.rows.Unread(state.half);
  state.EndCallers();
  state.rows.EndComplaints();
  KernelLog& log = state.rows.log();
  log.boots = state.boots.Take();
  log.truncated |= log.rows_left_out > 0;
  for (Lockup& lockup : log.lockups) lockup.text = klog::Describe(lockup, log);
  klog::AddFindings(log);
  return std::move(log);
}

bool KernelLog::empty() const {
  return lockups.empty() && pools.empty() && workqueues.empty() && hogs.empty() &&
         flush_dependencies.empty() && blocked.empty() && soft_lockups.empty() && leaks.empty() &&
         freezes.empty() && drains.empty();
}

}  // namespace wqprof
