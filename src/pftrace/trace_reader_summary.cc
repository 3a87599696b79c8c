// SPDX-License-Identifier: Apache-2.0
// What a Perfetto trace holds apart from its events, and what they come to.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "pftrace/proto.h"
#include "pftrace/trace_reader.h"
#include "wqprof/comm.h"

namespace wqprof {
namespace {

constexpr size_t kMostTasks = 4 << 20;
// The recorder enables its events one after the other.
constexpr Nanos kEnabling = std::chrono::milliseconds(100);

// Bytes of a hostile name are not printed as they are.
std::string Printable(std::string_view text) {
  constexpr size_t kMost = 256;
  std::string out(text.substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

// Of a clock of ftrace the number that snapshots have for it; 0: they have none.
uint64_t SnapshotClock(uint32_t ftrace_clock) {
  constexpr uint32_t kBoot = 0, kMonoRaw = 4;
  constexpr uint64_t kSnapshotBoot = 6, kSnapshotMonoRaw = 5;
  if (ftrace_clock == kBoot) return kSnapshotBoot;
  return ftrace_clock == kMonoRaw ? kSnapshotMonoRaw : 0;
}

// As its enumeration FtraceClock, whose 0 is the clock that it uses if it can.
std::string_view ClockName(uint32_t ftrace_clock) {
  constexpr std::string_view kNames[] = {"boot", "unknown", "global", "local", "mono_raw"};
  return kNames[ftrace_clock < std::size(kNames) ? ftrace_clock : 1];
}

}  // namespace

void TraceReader::TakeTasks(std::string_view bytes) {
  // Of both the id and the name, in different fields.
  const auto take = [&](std::string_view message, uint32_t name_field) {
    int32_t task = 0;
    std::string_view name;
    const bool whole = ForEachField(message, [&](protozero::pbf_reader& in) {
      if (in.tag_and_type() == AsVarint(1)) {
        task = static_cast<int32_t>(in.get_uint64());
        return true;
      }
      if (in.tag_and_type() != AsBytes(name_field)) return false;
      const std::string_view text = TakeBytes(in);
      if (name.empty()) name = text;
      return true;
    });
    if (!whole) ++stats_.unread_records;
    if (task <= 0 || name.empty() || listed_comms_.size() >= kMostTasks) return;
    // Of a process it is what stands on its command line.
    if (name.starts_with('/')) name.remove_prefix(name.rfind('/') + 1);
    listed_comms_[task] = short_names_.IdOf(WithoutSuffix(name).substr(0, kLongestComm));
  };
  constexpr uint32_t kProcess = 1, kThread = 2, kCommandLine = 3, kThreadName = 2;
  const bool whole = ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() == AsBytes(kProcess)) {
      take(TakeBytes(in), kCommandLine);
      return true;
    }
    if (in.tag_and_type() != AsBytes(kThread)) return false;
    take(TakeBytes(in), kThreadName);
    return true;
  });
  if (!whole) ++stats_.unread_records;
}

void TraceReader::NoteComm(Pid pid, NameId comm) {
  if (ToInt(pid) <= 0 || comm == NameId::kUnknown || comms_.size() >= kMostTasks) return;
  comms_[ToInt(pid)] = comm;
}

NameId TraceReader::CommOf(Pid pid) const {
  if (const auto it = comms_.find(ToInt(pid)); it != comms_.end()) return it->second;
  const auto it = listed_comms_.find(ToInt(pid));
  return it != listed_comms_.end() ? it->second : NameId::kUnknown;
}

void TraceReader::TakeClocks(std::string_view bytes) {
  constexpr uint64_t kRealtime = 1, kLastBuiltin = 63;
  std::map<uint64_t, uint64_t> clocks;
  ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(1)) return false;
    uint64_t id = 0, time = 0;
    const bool whole = ForEachField(TakeBytes(in), [&](protozero::pbf_reader& clock) {
      if (clock.tag_and_type() == AsVarint(1)) {
        id = clock.get_uint64();
        return true;
      }
      if (clock.tag_and_type() != AsVarint(2)) return false;
      time = clock.get_uint64();
      return true;
    });
    if (whole && id != 0 && id <= kLastBuiltin) clocks[id] = time;
    return true;
  });
  const auto wall = clocks.find(kRealtime);
  if (wall == clocks.end()) return;
  for (const auto& [id, time] : clocks) {
    wall_offsets_.try_emplace(id, Nanos(static_cast<int64_t>(wall->second - time)));
  }
}

void TraceReader::TakeSystem(std::string_view bytes) {
  constexpr uint32_t kUname = 1, kCpus = 8;
  ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() == AsVarint(kCpus)) {
      const uint64_t cpus = in.get_uint64();
      if (cpus <= static_cast<uint64_t>(kMaxCpus)) known_cpus_ = static_cast<int>(cpus);
      return true;
    }
    if (in.tag_and_type() != AsBytes(kUname)) return false;
    ForEachField(TakeBytes(in), [&](protozero::pbf_reader& uname) {
      if (uname.tag_and_type() == AsBytes(3)) {
        info_.kernel = Printable(TakeBytes(uname));
        return true;
      }
      if (uname.tag_and_type() != AsBytes(4)) return false;
      info_.arch = Printable(TakeBytes(uname));
      return true;
    });
    return true;
  });
}

absl::Status TraceReader::Finish() {
  stats_.truncated |= in_.damaged();
  stats_.unread_records += in_.unread();
  if (stats_.seen_events.empty()) {
    return absl::DataLossError(fmt::format(
        "cannot read {}: this Perfetto trace holds no events of workqueues\nrecord them: in its "
        "configuration, ftrace_events: \"workqueue/*\", and symbolize_ksyms: true; or use wqprof "
        "record",
        path_));
  }
  if (absl::Status ended = sorter_.EndAll(stats_.truncated); !ended.ok()) return ended;
  info_.path = path_;
  info_.format = "perfetto";
  info_.compression = in_.compression();
  info_.cpus = std::max(known_cpus_, static_cast<int>(cpus_.size()));
  info_.clock = ClockName(clock_.value_or(0));
  info_.has_sched = seen_switch_ && seen_waking_;
  info_.has_timers = seen_timers_;
  info_.has_queue = stats_.seen_events.Has(EventKind::kQueueWork);
  info_.has_activate = stats_.seen_events.Has(EventKind::kActivateWork);
  for (const auto& [name, count] : counts_) {
    stats_.events += count;
    stats_.events_by_name.emplace_back(name, count);
  }
  stats_.events_by_cpu.resize(cpus_.size());
  for (size_t i = 0; i < cpus_.size(); ++i) {
    if (cpus_[i]) stats_.events_by_cpu[i] = cpus_[i]->events;
  }
  stats_.lost_gaps = sorter_.gaps();
  if (stats_.lost_gaps > 0) stats_.lost_events.reset();
  stats_.begin = sorter_.first();
  stats_.end = sorter_.last();
  // Before that a missing queue event proves nothing.
  stats_.covered_from = overwritten_ ? sorter_.latest_first()
                                     : std::min(sorter_.latest_first(), stats_.begin + kEnabling);
  if (unnamed_) {
    info_.unnamed_functions = info_.hashed_addresses
                                  ? "functions have no names; record with symbolize_ksyms: true"
                                  : kAddressesAreNoNames;
  }
  if (const auto it = wall_offsets_.find(SnapshotClock(clock_.value_or(0)));
      it != wall_offsets_.end()) {
    info_.wall_offset = it->second;
  }
  NoteBegin(stats_.begin, info_);
  return absl::OkStatus();
}

absl::StatusOr<std::span<const Event>> TraceReader::Next() {
  while (sorter_.is_ready()) {
    const auto run = sorter_.Take();
    if (!run.ok()) return run;
    if (run->empty()) continue;
    stats_.time_reversals = sorter_.late();
    if (!info_.hashed_addresses) return run;
    ResolveRun(*run);
    return std::span<const Event>(out_);
  }
  return std::span<const Event>();
}

void TraceReader::ResolveRun(std::span<const Event> run) {
  out_.clear();
  for (const Event& from : run) {
    Event event = from;
    if (event.kind == EventKind::kLossBegin) identity_.Forget();
    if (event.kind <= EventKind::kExecuteEnd && !identity_.Resolve(event)) {
      Event loss{};
      loss.at = event.at;
      loss.pid = Pid::kNone;
      loss.cpu = event.cpu;
      loss.kind = EventKind::kLossBegin;
      out_.push_back(loss);
      loss.kind = EventKind::kLossEnd;
      out_.push_back(loss);
      ++stats_.lost_gaps;
      stats_.lost_events.reset();
    }
    out_.push_back(event);
  }
}

}  // namespace wqprof
