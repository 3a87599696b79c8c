// SPDX-License-Identifier: Apache-2.0
#include "wqprof/page_feed.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "trace/batch_source.h"
#include "trace/cpu_merger.h"
#include "trace/decode_setup.h"
#include "trace/page_decoder.h"
#include "trace/trace_facts.h"
#include "wqprof/event_batch.h"
#include "wqprof/symbols.h"

namespace wqprof {
namespace {

// Tasks come and go, for days.
constexpr size_t kMostLater = 1 << 16;

}  // namespace

struct PageFeed::State {
  // One CPU's decoder and its events that are not certain yet.
  struct Lane {
    Lane(const DecodeContext& context, Cpu cpu) : decoder(context, cpu) {}
    PageDecoder decoder;
    EventBatch events;
    size_t certain = 0;  // so many of them are
  };

  DecodeContext context;
  Symbols symbols;
  NameTable names;
  StackTable stacks{symbols, names};
  RecordDecoder records{context, names};
  NameOfTask name_of_task;
  CommTable comms;  // of when the recording began
  // Later ones: from name_of_task, or from events that gave a task its name.
  absl::flat_hash_map<int32_t, NameId> later_comms;
  TraceInfo info;
  ReadStats stats;
  std::map<Cpu, std::unique_ptr<Lane>> lanes;
  GivenBatches certain;
  std::optional<CpuMerger> merger;   // of `certain`, until all of it was given
  Timestamp given = kUnseen;         // of the last event that was certain
  Timestamp newest = kUnseen;        // of all rounds that have ended
  Timestamp round_newest = kUnseen;  // of this one

  // Lets what is certain up to `limit` be merged.
  void Gather(Timestamp limit) {
    assert(!merger);
    certain.Clear();
    Timestamp last = given;
    // Streams are merged in the order of their CPUs.
    for (auto& [cpu, lane] : lanes) {
      EventBatch& events = lane->events;
      const auto end = std::upper_bound(events.begin(), events.end(), limit,
                                        [](Timestamp t, const Event& e) { return t < e.at; });
      lane->certain = static_cast<size_t>(end - events.begin());
      if (lane->certain == 0) continue;
      // A loss that is found now came after all that was read before, however old the CPU's last
      // event is.
      for (auto e = events.begin(); e != end && e->at < given; ++e) e->at = given;
      last = std::max(last, end[-1].at);
      certain.Add({events.data(), lane->certain});
    }
    given = last;
    if (certain.size() == 0) return;
    merger.emplace(certain);
    if (stats.begin == kUnseen) NoteBegin();
  }

  void NoteComm(Pid pid, NameId comm) {
    if (later_comms.size() >= kMostLater) later_comms.clear();
    later_comms[ToInt(pid)] = comm;
  }

  // All that was certain was given.
  void Release() {
    merger.reset();
    for (auto& [cpu, lane] : lanes) {
      EventBatch& events = lane->events;
      events.erase(events.begin(), events.begin() + static_cast<ptrdiff_t>(lane->certain));
      lane->certain = 0;
    }
  }

  // A recording of our own begins with empty buffers: nothing is older than its first event.
  void NoteBegin() {
    Timestamp first = Timestamp::max();
    for (const auto& [cpu, lane] : lanes) {
      for (size_t i = 0; i < lane->certain; ++i) {
        const Event& event = lane->events[i];
        if (event.kind == EventKind::kLossBegin || event.kind == EventKind::kLossEnd) continue;
        first = std::min(first, event.at);
        break;
      }
    }
    if (first == Timestamp::max()) return;
    stats.begin = stats.covered_from = first;
    wqprof::NoteBegin(first, info);
  }
};

PageFeed::PageFeed(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageFeed::~PageFeed() = default;

absl::StatusOr<std::unique_ptr<PageFeed>> PageFeed::Create(const TraceMetadata& metadata,
                                                           NameOfTask name_of_task) {
  auto state = std::make_unique<State>();
  state->name_of_task = std::move(name_of_task);
  TraceInfo& info = state->info;
  info.path = "this machine";
  auto context = MakeDecodeContext(metadata, info.path);
  if (!context.ok()) return context.status();
  state->context = *std::move(context);
  state->context.page_size = metadata.page_size;
  state->context.big_endian = std::endian::native == std::endian::big;
  state->context.cpus = metadata.possible_cpus;
  if (const ClockLine& line = metadata.calibration.line; line.mult != 0) {
    state->context.time = {line.mult, line.shift, line.offset, {}};
  }
  state->symbols = Symbols(metadata.kallsyms);
  state->context.symbols = &state->symbols;
  state->context.stacks = &state->stacks;
  info.format = "live";
  info.cpus = metadata.cpus;
  AddFacts(metadata, state->context, info);
  state->comms.Read(metadata.saved_cmdlines, state->names);
  return std::unique_ptr<PageFeed>(new PageFeed(std::move(state)));
}

void PageFeed::Add(Cpu cpu, std::span<const std::byte> pages) {
  std::unique_ptr<State::Lane>& lane = state_->lanes[cpu];
  if (!lane) lane = std::make_unique<State::Lane>(state_->context, cpu);
  const size_t size = state_->context.page_size;
  for (size_t at = 0; at + size <= pages.size(); at += size) {
    lane->decoder.Decode(pages.subspan(at, size), state_->records, lane->events);
  }
  state_->round_newest = std::max(state_->round_newest, lane->decoder.stats().last);
}

void PageFeed::EndRound(std::span<const Cpu> behind) {
  Timestamp certain = state_->newest;
  for (const Cpu cpu : behind) {
    const auto lane = state_->lanes.find(cpu);
    const bool read = lane != state_->lanes.end();
    certain = std::min(certain, read ? lane->second->decoder.stats().last : kUnseen);
  }
  state_->Gather(certain);
  state_->newest = std::max(state_->newest, state_->round_newest);
}

void PageFeed::EndAll() { state_->Gather(Timestamp::max()); }

void PageFeed::NoteEnding(const TraceEnding& ending) {
  TraceInfo& info = state_->info;
  for (const auto& [cpu, text] : ending.cpu_stats) {
    CpuStats counters = ParseCpuStats(text);
    counters.cpu = cpu;
    info.cpu_stats.push_back(counters);
  }
  info.disturbances = ending.settings.All("disturbed");
  AddConfig(ending.workqueues, info);
  if (auto flushes = ParseFlushes(ending.flushes)) info.flushes = std::move(flushes);
}

void PageFeed::NoteStacks(const std::vector<HolderStack>& stacks) {
  for (const HolderStack& stack : stacks) state_->info.holder_stacks.Add(stack);
}

void PageFeed::UpdateStats() {
  ReadStats fresh;
  fresh.covered_from = state_->stats.covered_from;
  fresh.events_by_cpu.assign(static_cast<size_t>(state_->info.cpus), 0);
  PageTotals totals;
  for (const auto& [cpu, lane] : state_->lanes) {
    AddPageStats(lane->decoder.stats(), cpu, fresh, totals);
  }
  for (const CpuStats& counters : state_->info.cpu_stats) {
    const auto lane = state_->lanes.find(counters.cpu);
    AddCounters(lane != state_->lanes.end() ? lane->second->decoder.stats() : PageStats(), counters,
                fresh, totals);
  }
  FinishPageStats(state_->context.layout, totals, fresh);
  state_->stats = std::move(fresh);
}

absl::StatusOr<std::span<const Event>> PageFeed::Next() {
  if (!state_->merger) return std::span<const Event>();
  auto run = state_->merger->Next();
  if (!run.ok() || run->empty()) {
    state_->Release();
    return run;
  }
  for (const Event& event : *run) {
    if (event.kind == EventKind::kRename || event.kind == EventKind::kFork) [[unlikely]]
      state_->NoteComm(event.task.task, event.task.comm);
  }
  return run;
}

const TraceInfo& PageFeed::info() const { return state_->info; }
const ReadStats& PageFeed::stats() const { return state_->stats; }
const NameTable& PageFeed::names() const { return state_->names; }

// Also unknown tasks are asked for once only: those that are gone do not come back.
NameId PageFeed::CommOf(Pid pid) const {
  State& state = *state_;
  if (const auto later = state.later_comms.find(ToInt(pid)); later != state.later_comms.end()) {
    return later->second;
  }
  if (const NameId known = state.comms.Of(pid); known != NameId::kUnknown) return known;
  state.NoteComm(pid, state.names.Intern(state.name_of_task(pid)));
  return state.later_comms[ToInt(pid)];
}

}  // namespace wqprof
