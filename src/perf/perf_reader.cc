// SPDX-License-Identifier: Apache-2.0
#include "perf/perf_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "perf/record_types.h"
#include "wqprof/byte_cursor.h"
#include "wqprof/comm.h"

namespace wqprof {
namespace {

// No recording is longer (52 days); a stamp further from the first is damage.
constexpr Nanos kLongestTrace{int64_t{1} << 52};
// perf enables its events one after the other, CPU by CPU.
constexpr Nanos kEnabling = std::chrono::milliseconds(100);
// More than the kernel can have.
constexpr size_t kMostTasks = 4 << 20;

uint64_t AddCounts(uint64_t a, uint64_t b) { return a > ~uint64_t{0} - b ? ~uint64_t{0} : a + b; }

Timestamp TimeOf(uint64_t stamp) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return Timestamp(Nanos(static_cast<int64_t>(std::min(stamp, kMost))));
}

}  // namespace

PerfReader::PerfReader(std::string path, PerfFacts facts, PerfAttrs attrs,
                       std::unique_ptr<RecordStream> in)
    : path_(std::move(path)),
      facts_(std::move(facts)),
      attrs_(std::move(attrs)),
      in_(std::move(in)) {}

absl::StatusOr<std::span<const Event>> PerfReader::Next() {
  while (true) {
    if (sorter_.is_ready()) {
      auto run = sorter_.Take();
      if (run.ok() && !run->empty() && stats_.begin == kUnseen) NoteFirst();
      if (!run.ok() || !run->empty()) return run;
    } else if (ended_) {
      return std::span<const Event>();
    } else if (absl::Status read = ReadRecord(); !read.ok()) {
      return read;
    }
  }
}

absl::Status PerfReader::ReadRecord() {
  PerfRecord record = first_;
  if (!std::exchange(has_first_, false)) {
    const absl::StatusOr<bool> more = in_->Next(record);
    // What came before the damage is as good as ever.
    if (absl::IsDataLoss(more.status()) && sorter_.first() != kUnseen) {
      stats_.truncated = true;
      return End();
    }
    if (!more.ok()) return more.status();
    if (!*more) return End();
  }
  if (absl::Status taken = Take(record); !taken.ok()) return taken;
  return sorter_.is_full() && !sorter_.is_ready() ? sorter_.MakeRoom() : absl::OkStatus();
}

absl::Status PerfReader::Take(const PerfRecord& record) {
  switch (record.type) {
    case kSample:
      TakeSample(record.body);
      break;
    case kLost:
    case kLostSamples:
    case kThrottle:
    case kUnthrottle:
      TakeLost(record);
      break;
    case kComm:
      TakeComm(record.body);
      break;
    case kFinishedRound:
      sorter_.EndRound();
      break;
    case kHeaderTracingData: {
      ByteCursor in(record.body, false);
      return in_->Skip((uint64_t{in.U32()} + 7) & ~uint64_t{7});
    }
    case kAuxTrace: {
      ByteCursor in(record.body, false);
      return in_->Skip(in.U64());
    }
    default:
      break;
  }
  return absl::OkStatus();
}

void PerfReader::TakeSample(std::string_view body) {
  const PerfAttr* const attr = attrs_.OfSample(body);
  if (attr == nullptr) {
    ++stats_.unread_records;
    return;
  }
  if (attr->type != PerfAttr::kTracepoint) return;
  PerfSample sample;
  const bool read = PerfAttrs::ReadSample(*attr, body, sample);
  if (read && (!sample.has_raw || !sample.time)) return;  // of an event without use
  Event event{};
  event.at = TimeOf(sample.time.value_or(0));
  event.cpu = sample.cpu;
  const bool believed =
      sorter_.first() == kUnseen || Elapsed(sorter_.first(), event.at) <= kLongestTrace;
  const auto taken = read && believed ? records_->Take(std::as_bytes(std::span(sample.raw)), event)
                                      : RawRecords::Taken::kUnreadable;
  if (taken == RawRecords::Taken::kUnreadable) {
    ++stats_.unread_records;
    return;
  }
  const auto cpu = static_cast<size_t>(ToInt(event.cpu) + 1);
  if (cpu >= cpu_events_.size()) cpu_events_.resize(cpu + 1);
  ++cpu_events_[cpu];
  if (taken != RawRecords::Taken::kEvent) return;
  if (std::exchange(loses_next_, false)) Lose(event.cpu, next_lost_);
  sorter_.Add(event);
}

void PerfReader::TakeComm(std::string_view body) {
  ByteCursor in(body, false);
  in.U32();  // pid
  const auto task = static_cast<int32_t>(in.U32());
  if (!in.ok() || comms_.size() >= kMostTasks) return;
  const std::string_view text = in.rest();
  // Of tasks that were there before, perf read the names in /proc.
  comms_[task] =
      names_.Intern(WithoutSuffix(text.substr(0, text.find('\0')).substr(0, kLongestComm)));
}

void PerfReader::TakeLost(const PerfRecord& record) {
  const PerfSample sample = attrs_.ReadTrailer(record.body);
  ByteCursor in(record.body, false);
  if (record.type == kThrottle || record.type == kUnthrottle) {
    Lose(sample.cpu, std::nullopt);
    return;
  }
  if (record.type == kLost) in.U64();  // the event's id
  const uint64_t count = in.U64();
  if (!in.ok()) return;
  Losses& losses = LossesOf(sample.cpu);
  if (record.type == kLostSamples) {
    losses.counted = AddCounts(losses.counted, count);
    return;
  }
  losses.recorded = AddCounts(losses.recorded, count);
  if (sample.cpu != Cpu::kNone) {
    Lose(sample.cpu, count);
  } else {
    // It stands before the next one of the same buffer.
    next_lost_ = AddCounts(loses_next_ ? next_lost_.value_or(0) : 0, count);
    loses_next_ = true;
  }
}

void PerfReader::Lose(Cpu cpu, std::optional<uint64_t> count) {
  lost_known_ &= count.has_value();
  lost_ = AddCounts(lost_, count.value_or(0));
  sorter_.Lose(cpu, count);
}

PerfReader::Losses& PerfReader::LossesOf(Cpu cpu) {
  const auto i = static_cast<size_t>(ToInt(cpu) + 1);
  if (i >= losses_.size()) losses_.resize(i + 1);
  return losses_[i];
}

// What the kernel counted and no record has was lost after the last one.
absl::Status PerfReader::End() {
  ended_ = true;
  stats_.truncated |= in_->damaged();
  for (size_t i = 0; i < losses_.size(); ++i) {
    const Losses& losses = losses_[i];
    if (losses.counted <= losses.recorded) continue;
    Lose(static_cast<Cpu>(static_cast<int>(i) - 1), losses.counted - losses.recorded);
  }
  if (absl::Status ended = sorter_.EndAll(stats_.truncated); !ended.ok()) return ended;
  stats_.lost_gaps = sorter_.gaps();
  stats_.lost_events = lost_known_ ? std::optional(lost_) : std::nullopt;
  stats_.time_reversals = sorter_.late();
  records_->Count(stats_);
  if (!cpu_events_.empty()) stats_.events_by_cpu.assign(cpu_events_.begin() + 1, cpu_events_.end());
  info_.cpus = std::max(info_.cpus, static_cast<int>(stats_.events_by_cpu.size()));
  if (in_->compressed()) info_.compression = "zstd";
  NoteFirst();
  stats_.end = sorter_.last() == kUnseen ? stats_.begin : std::max(sorter_.last(), stats_.begin);
  return absl::OkStatus();
}

void PerfReader::NoteFirst() {
  if (stats_.begin != kUnseen || sorter_.first() == kUnseen) return;
  stats_.begin = sorter_.first();
  const auto attrs = attrs_.all();
  const bool overwrites =
      std::any_of(attrs.begin(), attrs.end(), [](const PerfAttr& attr) { return attr.overwrites; });
  // Before that a missing queue event proves nothing.
  stats_.covered_from = overwrites ? sorter_.latest_first()
                                   : std::min(sorter_.latest_first(), stats_.begin + kEnabling);
  NoteBegin(stats_.begin, info_);
}

NameId PerfReader::CommOf(Pid pid) const {
  const auto it = comms_.find(ToInt(pid));
  return it != comms_.end() ? it->second : records_->CommOf(pid);
}

}  // namespace wqprof
