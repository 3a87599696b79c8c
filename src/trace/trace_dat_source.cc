// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "trace/decode_pool.h"
#include "trace/decode_setup.h"
#include "trace/merge_ahead.h"
#include "trace/trace_dat.h"
#include "trace/trace_facts.h"

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
      ended_ = !run.ok();
      if (ended_) return run;
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
  Crew* crew() override { return crew_.get(); }
  NameId CommOf(Pid pid) const override { return comms_.Of(pid); }

 private:
  explicit TraceDatSource(TraceDat dat) : dat_(std::move(dat)) {}

  absl::Status Init(const OpenOptions& options) {
    auto chosen = ChooseBuffer(dat_, options);
    if (!chosen.ok()) return chosen.status();
    BufferRegions& buffer = dat_.buffers[*chosen];
    if (absl::Status s = InitContext(buffer, options); !s.ok()) return s;
    TraceInfo& info = dat_.info;
    info.instance = buffer.name;
    info.cpu_stats = dat_.cpu_stats[buffer.name];
    if (!buffer.clock.empty()) dat_.metadata.trace_clock = buffer.clock;
    AddFacts(dat_.metadata, context_, info);
    comms_.Read(dat_.metadata.saved_cmdlines, names_);
    dat_.metadata = {};

    // Of a CPU without a page all events are missing where its recorder says that some are.
    const bool ends_early = info.unfinished || info.incomplete;
    std::erase_if(buffer.cpus, [&](const CpuRegion& r) { return r.size == 0 && !ends_early; });
    std::stable_sort(buffer.cpus.begin(), buffer.cpus.end(),
                     [](const CpuRegion& a, const CpuRegion& b) { return a.cpu < b.cpu; });
    const size_t batch_bytes =
        std::min(kBatchBytes, kAllBatchesBytes / std::max<size_t>(buffer.cpus.size(), 1));
    std::vector<std::unique_ptr<CpuStream>> streams;
    for (const CpuRegion& region : buffer.cpus) {
      info.data_bytes += region.size;
      streams.push_back(
          std::make_unique<CpuStream>(region, context_, batch_bytes, ends_early || region.cut));
      stream_cpus_.push_back(region.cpu);
    }
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int threads = options.threads > 0 ? options.threads : std::clamp(cores, 1, 8);
    // The thread that consumes the events is one of them.
    crew_ = std::make_unique<Crew>(threads - 1);
    pool_ = std::make_unique<DecodePool>(std::move(streams), context_, names_, *crew_);
    merger_ = std::make_unique<MergeAhead>(*pool_, *crew_);
    return absl::OkStatus();
  }

  absl::Status InitContext(const BufferRegions& buffer, const OpenOptions& options) {
    auto made = MakeDecodeContext(dat_.metadata, dat_.info.path);
    if (!made.ok()) return made.status();
    context_ = *std::move(made);
    context_.page_size = buffer.page_size;
    if (!SanePageSize(context_.page_size, context_.page)) {
      return absl::DataLossError(
          fmt::format("cannot read {}: its page size makes no sense", dat_.info.path));
    }
    context_.big_endian = dat_.info.big_endian;
    context_.cpus = dat_.info.cpus;
    context_.time = dat_.time;
    symbols_ = Symbols(std::move(dat_.metadata.kallsyms));
    context_.symbols = &symbols_;
    context_.stacks = &stacks_;
    if (options.whole_stacks) stacks_.KeepWhole();
    return absl::OkStatus();
  }

  // Unsigned: the stamps of a damaged file may lie further apart than an int64 can hold.
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

  // doc/kernel.md §7: a missing queue event proves something only once every CPU's buffer had
  // begun.  When the buffers say that nothing was overwritten, that is the first event.
  void FindCoverage(std::span<const Event> run) {
    const auto first = std::find_if(run.begin(), run.end(), [](const Event& event) {
      return event.kind != EventKind::kLossBegin && event.kind != EventKind::kLossEnd;
    });
    if (first == run.end()) return;
    stats_.begin = first->at;
    NoteBegin(first->at, dat_.info);
    bool nothing_overwritten = !dat_.info.cpu_stats.empty();
    for (const CpuStats& cpu : dat_.info.cpu_stats) {
      nothing_overwritten &= cpu.overrun == 0 && cpu.commit_overrun.value_or(0) == 0;
    }
    stats_.covered_from = nothing_overwritten ? stats_.begin : merger_->latest_first();
  }

  void CollectStats() {
    stats_.events_by_cpu.assign(static_cast<size_t>(dat_.info.cpus), 0);
    stats_.truncated = dat_.truncated;
    PageTotals totals;
    for (size_t i = 0; i < pool_->size(); ++i) {
      const CpuStream& stream = pool_->stream(i);
      AddPageStats(stream.stats(), stream_cpus_[i], stats_, totals);
      stats_.truncated |= stream.damaged_end() && !dat_.info.unfinished;
    }
    for (const CpuStats& counters : dat_.info.cpu_stats) {
      const auto at = std::lower_bound(stream_cpus_.begin(), stream_cpus_.end(), counters.cpu);
      const bool has_pages = at != stream_cpus_.end() && *at == counters.cpu;
      const auto stream = static_cast<size_t>(at - stream_cpus_.begin());
      AddCounters(has_pages ? pool_->stream(stream).stats() : PageStats(), counters, stats_,
                  totals);
    }
    FinishPageStats(context_.layout, totals, stats_);
    if (IsBeyondBelief(stats_.end)) stats_.end = std::max(stats_.begin, believed_end_);
  }

  TraceDat dat_;
  Symbols symbols_;
  NameTable names_;
  StackTable stacks_{symbols_, names_};
  DecodeContext context_;
  CommTable comms_;
  std::vector<Cpu> stream_cpus_;
  // Destroyed in reverse: the merger and the jobs of the crew go before what they read.
  std::unique_ptr<Crew> crew_;
  std::unique_ptr<DecodePool> pool_;
  std::unique_ptr<MergeAhead> merger_;
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
