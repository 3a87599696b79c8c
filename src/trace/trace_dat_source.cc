// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "trace/cpu_merger.h"
#include "trace/decode_pool.h"
#include "trace/trace_dat.h"

namespace wqprof {
namespace {

// Pages decoded at a time over all CPUs.  Small enough that a batch is still in the cache
// when it is merged, large enough that handing it over costs nothing.
constexpr size_t kBatchBytes = 64 << 10;
constexpr size_t kAllBatchesBytes = 4 << 20;

// No recording is longer (52 days); a stamp further from the first is damage.
constexpr Nanos kLongestTrace{int64_t{1} << 52};

// The buffer that the user named, else the one with most data.
absl::StatusOr<size_t> ChooseBuffer(const TraceDat& dat, const OpenOptions& options) {
  std::optional<size_t> best;
  uint64_t best_size = 0;
  for (size_t i = 0; i < dat.buffers.size(); ++i) {
    uint64_t size = 0;
    for (const CpuRegion& r : dat.buffers[i].cpus) size += r.size;
    const bool named = !options.instance.empty() && dat.buffers[i].name == options.instance;
    if (named || (options.instance.empty() && (!best || size > best_size))) {
      best = i;
      best_size = size;
    }
  }
  if (best) return *best;
  if (options.instance.empty()) {
    return absl::DataLossError(
        fmt::format("cannot read {}: it holds no ring buffer", dat.info.path));
  }
  return absl::InvalidArgumentError(fmt::format("no instance '{}' in {}\nit has: {}",
                                                options.instance, dat.info.path,
                                                fmt::join(dat.info.instances, ", ")));
}

bool SanePageSize(uint32_t size, const PageLayout& page) {
  return size >= page.data_offset + 8 && size >= 1024 && size <= (1 << 20) &&
         (size & (size - 1)) == 0;
}

// The events of a TraceDat, decoded ahead per CPU and merged by time.
class TraceDatSource : public EventSource {
 public:
  static absl::StatusOr<std::unique_ptr<EventSource>> Make(TraceDat dat,
                                                           const OpenOptions& options) {
    auto source = std::unique_ptr<TraceDatSource>(new TraceDatSource(std::move(dat)));
    if (absl::Status s = source->Init(options); !s.ok()) return s;
    return source;
  }

  absl::StatusOr<std::span<const Event>> Next() override {
    while (!ended_) {
      auto run = merger_->Next();
      if (!run.ok()) return run;
      if (stats_.begin == kUnseen) FindCoverage(*run);
      if (run->empty()) {
        ended_ = true;
        CollectStats();
        break;
      }
      CutAtDamage(*run);
      if (!run->empty()) return run;
    }
    return std::span<const Event>();
  }
  const TraceInfo& info() const override { return dat_.info; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return names_; }
  NameId CommOf(Pid pid) const override {
    const auto it = comms_.find(ToInt(pid));
    return it == comms_.end() ? NameId::kUnknown : it->second;
  }

 private:
  explicit TraceDatSource(TraceDat dat) : dat_(std::move(dat)) {}

  absl::Status Init(const OpenOptions& options) {
    auto chosen = ChooseBuffer(dat_, options);
    if (!chosen.ok()) return chosen.status();
    BufferRegions& buffer = dat_.buffers[*chosen];
    if (absl::Status s = InitContext(buffer); !s.ok()) return s;
    ReadComms();

    TraceInfo& info = dat_.info;
    info.instance = buffer.name;
    if (!buffer.clock.empty()) info.clock = buffer.clock;
    info.page_size = context_.page_size;
    // Without a clock in the file it is the kernel's default, "local".
    const bool cycles = info.clock == "x86-tsc" || info.clock == "tsc2nsec";
    info.clock_is_ns = info.clock != "counter" && info.clock != "uptime" &&
                       (!cycles || context_.time.mult != 1 || context_.time.shift != 0);

    // Of a CPU without a page in an unfinished recording all events are missing.
    std::erase_if(buffer.cpus, [&](const CpuRegion& r) { return r.size == 0 && !info.unfinished; });
    std::stable_sort(buffer.cpus.begin(), buffer.cpus.end(),
                     [](const CpuRegion& a, const CpuRegion& b) { return a.cpu < b.cpu; });
    const size_t batch_bytes =
        std::min(kBatchBytes, kAllBatchesBytes / std::max<size_t>(buffer.cpus.size(), 1));
    std::vector<std::unique_ptr<CpuStream>> streams;
    for (const CpuRegion& region : buffer.cpus) {
      info.data_bytes += region.size;
      streams.push_back(std::make_unique<CpuStream>(region, context_, names_, batch_bytes,
                                                    info.unfinished || region.cut));
      stream_cpus_.push_back(region.cpu);
    }
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int threads = options.threads > 0 ? options.threads : std::clamp(cores, 1, 8);
    // The thread that consumes the events is one of them.
    pool_ = std::make_unique<DecodePool>(
        std::move(streams), std::min(threads - 1, static_cast<int>(stream_cpus_.size())));
    merger_ = std::make_unique<CpuMerger>(*pool_);
    return absl::OkStatus();
  }

  absl::Status InitContext(const BufferRegions& buffer) {
    const auto damaged = [this](std::string_view what) {
      return absl::DataLossError(fmt::format("cannot read {}: {}", dat_.info.path, what));
    };
    const auto page = ParseHeaderPage(dat_.header_page);
    if (!page) return damaged("its description of a ring-buffer page makes no sense");
    std::vector<EventFormat> formats;
    for (const auto& [system, text] : dat_.event_formats) {
      if (auto format = ParseEventFormat(system, text)) formats.push_back(std::move(*format));
    }
    auto layout = MakeLayout(formats, static_cast<int>(page->commit_size));
    if (!layout) {
      return damaged(
          "it has no workqueue events\nrecord some: wqprof record, or trace-cmd record -e "
          "workqueue");
    }
    context_.page = *page;
    context_.layout = *std::move(layout);
    context_.page_size = buffer.page_size;
    if (!SanePageSize(context_.page_size, *page)) return damaged("its page size makes no sense");
    context_.big_endian = dat_.info.big_endian;
    context_.cpus = dat_.info.cpus;
    context_.time = dat_.time;
    symbols_ = Symbols(std::move(dat_.kallsyms));
    context_.symbols = &symbols_;
    dat_.info.long_size = static_cast<int>(page->commit_size);
    NoteEvents();
    return absl::OkStatus();
  }

  void NoteEvents() {
    TraceInfo& info = dat_.info;
    info.has_queue = info.has_activate = false;
    bool has_switch = false, has_waking = false;
    for (const EventLayout::Slot& slot : context_.layout.slots) {
      if (slot.name != "unknown") info.events.push_back(slot.name);
      if (slot.kind == EventLayout::kOther) continue;
      switch (static_cast<EventKind>(slot.kind)) {
        case EventKind::kQueueWork:
          info.has_queue = true;
          break;
        case EventKind::kActivateWork:
          info.has_activate = true;
          break;
        case EventKind::kSwitch:
          has_switch = true;
          break;
        case EventKind::kWaking:
          has_waking = true;
          break;
        case EventKind::kTimerStart:
          info.has_timers = true;
          break;
        default:
          break;
      }
    }
    // A recorder that saves whole systems has formats of events that it did not record.
    info.has_sched = has_switch && has_waking;
    std::sort(info.events.begin(), info.events.end());
  }

  // "PID COMM" lines of saved_cmdlines.
  void ReadComms() {
    std::string_view rest = dat_.cmdlines;
    while (!rest.empty()) {
      const size_t eol = rest.find('\n');
      const std::string_view line = rest.substr(0, eol);
      rest.remove_prefix(eol == std::string_view::npos ? rest.size() : eol + 1);
      int32_t pid = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
      const size_t used = static_cast<size_t>(end - line.data());
      if (error != std::errc() || used + 1 >= line.size()) continue;
      const std::string_view comm = line.substr(used + 1, line.find('\0') - used - 1);
      if (comm != "<...>") comms_[pid] = names_.Intern(comm);
    }
    comms_[0] = names_.Intern("<idle>");
    dat_.cmdlines = {};
  }

  // Unsigned: the stamps of a damaged file may lie further apart than an int64 can tell.
  bool IsBeyondBelief(Timestamp at) const {
    const auto to_unsigned = [](Timestamp t) {
      return static_cast<uint64_t>(t.time_since_epoch().count());
    };
    return at > stats_.begin && to_unsigned(at) - to_unsigned(stats_.begin) >
                                    static_cast<uint64_t>(kLongestTrace.count());
  }

  // Events come by time: after a stamp that cannot be true no other is believed.
  void CutAtDamage(std::span<const Event>& run) {
    if (stats_.begin != kUnseen && IsBeyondBelief(run.back().at)) {
      while (!run.empty() && IsBeyondBelief(run.back().at)) run = run.first(run.size() - 1);
      dat_.truncated = true;
    }
    if (!run.empty()) believed_end_ = run.back().at;
  }

  // kernel.md §7: a missing queue event proves something only once every CPU's buffer had
  // begun.  When the buffers say that nothing was overwritten, that is the first event.
  void FindCoverage(std::span<const Event> run) {
    const auto first = std::find_if(run.begin(), run.end(), [](const Event& event) {
      return event.kind != EventKind::kLossBegin && event.kind != EventKind::kLossEnd;
    });
    if (first == run.end()) return;
    stats_.begin = first->at;
    bool nothing_overwritten = !dat_.info.cpu_stats.empty();
    for (const CpuStats& cpu : dat_.info.cpu_stats) {
      nothing_overwritten &= cpu.overrun == 0 && cpu.commit_overrun.value_or(0) == 0;
    }
    stats_.covered_from = nothing_overwritten ? stats_.begin : merger_->latest_first();
  }

  void CollectStats() {
    std::map<std::string, uint64_t> by_name;
    stats_.events_by_cpu.assign(static_cast<size_t>(dat_.info.cpus), 0);
    stats_.truncated = dat_.truncated;
    uint64_t uncounted = 0, lost = 0;
    for (size_t i = 0; i < pool_->size(); ++i) {
      const CpuStream& stream = pool_->stream(i);
      const PageStats& pages = stream.stats();
      for (size_t slot = 0; slot < pages.records.size(); ++slot) {
        if (pages.records[slot] == 0) continue;
        by_name[context_.layout.slots[slot].name] += pages.records[slot];
        stats_.events += pages.records[slot];
        stats_.events_by_cpu[static_cast<size_t>(stream_cpus_[i])] += pages.records[slot];
      }
      stats_.pages += pages.pages;
      stats_.corrupt_pages += pages.corrupt_pages;
      stats_.lost_gaps += pages.lost_gaps;
      lost += pages.lost_events;
      uncounted += pages.gaps_without_count + pages.corrupt_pages;
      stats_.time_reversals += pages.time_reversals;
      stats_.truncated |= stream.damaged_end() && !dat_.info.unfinished;
      if (pages.first == kUnseen) continue;
      stats_.begin = stats_.begin == kUnseen ? pages.first : std::min(stats_.begin, pages.first);
      stats_.end = std::max(stats_.end, pages.last);
    }
    if (IsBeyondBelief(stats_.end)) stats_.end = std::max(stats_.begin, believed_end_);
    stats_.lost_events = uncounted > 0 ? std::nullopt : std::optional(lost);
    stats_.events_by_name.assign(by_name.begin(), by_name.end());
  }

  TraceDat dat_;
  Symbols symbols_;
  NameTable names_;
  DecodeContext context_;
  absl::flat_hash_map<int32_t, NameId> comms_;
  std::vector<Cpu> stream_cpus_;
  // Destroyed in reverse: the merger and the threads go before what they read.
  std::unique_ptr<DecodePool> pool_;
  std::unique_ptr<CpuMerger> merger_;
  ReadStats stats_;
  Timestamp believed_end_ = kUnseen;  // of the last event handed out
  bool ended_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventSource>> OpenTraceDat(std::unique_ptr<InputFile> file,
                                                          const OpenOptions& options) {
  auto dat = ParseTraceDat(std::move(file));
  if (!dat.ok()) return dat.status();
  return TraceDatSource::Make(*std::move(dat), options);
}

}  // namespace wqprof
