// SPDX-License-Identifier: Apache-2.0
// What stands before the events of a perf.data and describes them.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "perf/kernel_symbols.h"
#include "perf/perf_reader.h"
#include "perf/record_types.h"
#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

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
        "cannot read {}: nothing in its samples shows of which event they are\nrecord it anew: "
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

}  // namespace wqprof
