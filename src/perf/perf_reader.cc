// SPDX-License-Identifier: Apache-2.0
#include "perf/perf_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "perf/kernel_symbols.h"
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

// As `perf record -k` takes them; the default is perf's own.
std::string_view ClockName(const PerfAttr& attr) {
  if (!attr.use_clock_id) return "perf";
  switch (attr.clock_id) {
    case 0:
      return "realtime";
    case 1:
      return "mono";
    case 4:
      return "mono_raw";
    case 7:
      return "boot";
    default:
      return "perf";
  }
}

}  // namespace

PerfReader::PerfReader(std::string path, PerfFacts facts, PerfAttrs attrs,
                       std::unique_ptr<RecordStream> in)
    : path_(std::move(path)),
      facts_(std::move(facts)),
      attrs_(std::move(attrs)),
      in_(std::move(in)) {}

absl::Status PerfReader::ReadHead(const PerfSymbols& symbols) {
  while (true) {
    const absl::StatusOr<bool> more = in_->Next(first_);
    if (!more.ok()) return more.status();
    has_first_ = *more;
    if (!*more) break;
    const absl::StatusOr<bool> taken = TakeDescription(first_);
    if (!taken.ok()) return taken.status();
    if (!*taken) break;
  }
  if (absl::Status made = MakeRecords(symbols); !made.ok()) return made;
  Describe();
  return absl::OkStatus();
}

absl::StatusOr<bool> PerfReader::TakeDescription(const PerfRecord& record) {
  ByteCursor in(record.body, false);
  switch (record.type) {
    case kHeaderAttr:
      TakeAttr(record.body);
      return true;
    case kHeaderFeature: {
      const auto bit = static_cast<uint32_t>(in.U64());
      if (in.ok()) AddFeature(bit, in.rest(), facts_);
      return true;
    }
    case kHeaderTracingData: {
      const uint32_t size = in.U32();
      auto data = in_->Payload((uint64_t{size} + 7) & ~uint64_t{7});
      if (!data.ok()) return data.status();
      facts_.tracing_data = *std::move(data);
      return true;
    }
    case kHeaderBuildId:
      AddBuildId(record.misc, record.body, facts_);
      return true;
    case kIdIndex:
      TakeIndex(record.body);
      return true;
    case kMmap:
    case kMmap2:
      AddMap(record, facts_);
      return true;
    case kComm:
      TakeComm(record.body);
      return true;
    case kSample:
    case kLost:
    case kLostSamples:
    case kThrottle:
    case kUnthrottle:
    case kFinishedRound:
    case kAuxTrace:
      return false;
    default:
      return true;
  }
}

void PerfReader::TakeAttr(std::string_view body) {
  const std::optional<PerfAttr> attr = ParsePerfAttr(body);
  if (!attr) return;
  constexpr size_t kFirstSize = 64;
  const size_t size = std::max<size_t>(LoadAs<false, uint32_t>(body.data() + 4), kFirstSize);
  std::vector<uint64_t> ids;
  for (size_t at = size; at < body.size() && body.size() - at >= 8; at += 8) {
    ids.push_back(LoadAs<false, uint64_t>(body.data() + at));
  }
  attrs_.Add(*attr, ids);
}

void PerfReader::TakeIndex(std::string_view body) {
  ByteCursor in(body, false);
  const uint64_t count = in.U64();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t id = in.U64();
    in.U64();  // index
    const uint64_t cpu = in.U64();
    in.U64();  // task
    if (in.ok() && cpu <= static_cast<uint64_t>(kMaxCpus))
      attrs_.NoteCpu(id, static_cast<Cpu>(cpu));
  }
}

absl::Status PerfReader::MakeRecords(const PerfSymbols& symbols) {
  const auto tracepoint = [](const PerfAttr& attr) { return attr.type == PerfAttr::kTracepoint; };
  const auto attrs = attrs_.all();
  if (std::none_of(attrs.begin(), attrs.end(), tracepoint)) {
    return absl::DataLossError(fmt::format(
        "cannot read {}: it holds no events of workqueues\nrecord them: sudo perf record -e "
        "'workqueue:*' -a; or sudo wqprof record",
        path_));
  }
  if (facts_.tracing_data.empty()) {
    return absl::DataLossError(fmt::format(
        "cannot read {}: the formats of its events are missing, which perf adds when it ends\nthe "
        "file is cut, or perf was killed: end it with Ctrl-C",
        path_));
  }
  auto made = RawRecords::Create(std::exchange(facts_.tracing_data, {}), path_, names_);
  if (!made.ok()) return made.status();
  records_ = *std::move(made);
  if (facts_.cpus > 0) records_->SetCpus(facts_.cpus);
  if (!attrs_.Finish()) {
    return absl::DataLossError(fmt::format(
        "cannot read {}: nothing in its samples says of which event they are\nrecord it anew: "
        "sudo perf record -e 'workqueue:*' -a",
        path_));
  }
  if (absl::Status usable = CheckAttrs(); !usable.ok()) return usable;
  if (records_->has_symbols() && symbols.kallsyms.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> kallsyms = FindKernelSymbols(facts_, symbols);
  if (!kallsyms.ok()) return kallsyms.status();
  if (kallsyms->empty()) {
    info_.unnamed_functions = kAddressesAreNoNames;
  } else {
    records_->SetSymbols(*std::move(kallsyms));
  }
  return absl::OkStatus();
}

// What is sampled now and then cannot be put together again.
absl::Status PerfReader::CheckAttrs() const {
  for (const PerfAttr& attr : attrs_.all()) {
    if (attr.type != PerfAttr::kTracepoint || !records_->KindOf(attr.config)) continue;
    if (!attr.has_time() || !attr.has_raw()) {
      return absl::DataLossError(
          fmt::format("cannot read {}: its samples have no {}\nrecord it anew: sudo perf record -e "
                      "'workqueue:*' -a",
                      path_, attr.has_time() ? "data of their events" : "time"));
    }
    if (attr.frequency || attr.sample_period > 1) {
      return absl::DataLossError(
          fmt::format("cannot read {}: perf took a sample of its events, not all of them\nrecord "
                      "all: sudo perf "
                      "record -c 1 -e 'workqueue:*' -a",
                      path_));
    }
  }
  return absl::OkStatus();
}

void PerfReader::Describe() {
  info_.path = path_;
  info_.format = "perf.data";
  info_.kernel = facts_.release;
  info_.machine = facts_.host;
  info_.arch = facts_.arch;
  info_.cpus = facts_.cpus;
  info_.compression = facts_.compressed ? "zstd" : "none";
  info_.data_bytes = facts_.data_bytes;
  records_->Describe(info_);
  WorkqueueEvents enabled;
  for (const PerfAttr& attr : attrs_.all()) {
    if (attr.type != PerfAttr::kTracepoint) continue;
    if (info_.clock.empty()) {
      info_.clock = ClockName(attr);
      const std::optional<PerfFacts::Clocks>& clocks = facts_.clocks;
      if (clocks && attr.use_clock_id && static_cast<int64_t>(clocks->id) == attr.clock_id) {
        info_.wall_offset = Nanos(static_cast<int64_t>(clocks->wall_ns - clocks->clock_ns));
      }
    }
    const std::optional<EventKind> kind = records_->KindOf(attr.config);
    if (kind && *kind <= EventKind::kExecuteEnd) enabled.Add(*kind);
  }
  info_.noted_events = enabled;
}

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
  // Of tasks that were there before, perf read what /proc says.
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

// What the kernel counted and no record names was lost after the last one.
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
