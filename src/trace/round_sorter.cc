// SPDX-License-Identifier: Apache-2.0
#include "wqprof/round_sorter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "trace/batch_source.h"
#include "trace/cpu_merger.h"
#include "trace/record_decoder.h"
#include "wqprof/event_batch.h"
#include "wqprof/event_spool.h"

namespace wqprof {
namespace {

constexpr size_t kMostWaiting = 256 << 10;  // events
// A round is looked at when so many events came since: going through all CPUs costs, too.
constexpr size_t kWorthwhile = 16 << 10;
constexpr size_t kMergedAtATime = 16 << 10;

uint64_t AddCounts(uint64_t a, uint64_t b) { return a > ~uint64_t{0} - b ? ~uint64_t{0} : a + b; }

}  // namespace

struct RoundSorter::State {
  // One CPU's events that wait.
  struct Lane {
    EventBatch events;
    size_t certain = 0;  // so many of them are
    bool in_order = true;
    Timestamp first = kUnseen, last = kUnseen;
    bool loses = false;  // events are missing before the next one
    std::optional<uint64_t> lost;
  };

  std::string what;
  std::vector<std::unique_ptr<Lane>> lanes;  // by CPU, from Cpu::kNone on
  size_t lane_count = 0;
  size_t waiting = 0, worthwhile = kWorthwhile;
  GivenBatches certain;
  std::optional<CpuMerger> merger;  // of `certain`, until all of it was given
  std::unique_ptr<EventSpool> spool;
  bool merges_spool = false;
  EventBatch out;
  Timestamp given = kUnseen;    // of the last event that was certain
  Timestamp newest = kUnseen;   // of all rounds that have ended
  Timestamp current = kUnseen;  // of all so far
  Timestamp first = kUnseen, latest_first = kUnseen;
  uint64_t late = 0, gaps = 0;

  Lane& LaneOf(Cpu cpu) {
    const auto i = static_cast<size_t>(ToInt(cpu) + 1);
    if (i >= lanes.size()) lanes.resize(i + 1);
    if (!lanes[i]) {
      lanes[i] = std::make_unique<Lane>();
      ++lane_count;
    }
    return *lanes[i];
  }

  void Push(Lane& lane, const Event& event) {
    lane.in_order &= lane.events.empty() || event.at >= lane.events.back().at;
    lane.events.push_back(event);
    ++waiting;
  }

  void PushLoss(Lane& lane, EventKind kind, Timestamp at, Cpu cpu) {
    Event event{};
    event.at = at;
    event.pid = Pid::kNone;
    event.cpu = cpu;
    event.kind = kind;
    event.loss = {lane.lost.value_or(0), lane.lost.has_value()};
    Push(lane, event);
  }

  // Lets what is certain up to `limit` be merged.
  void Gather(Timestamp limit) {
    certain.Clear();
    Timestamp last = given;
    size_t count = 0;
    for (const auto& lane : lanes) {
      if (!lane || lane->events.empty()) continue;
      EventBatch& events = lane->events;
      const auto earlier = [](const Event& a, const Event& b) { return a.at < b.at; };
      if (!lane->in_order) std::stable_sort(events.begin(), events.end(), earlier);
      lane->in_order = true;
      const auto end = std::upper_bound(events.begin(), events.end(), limit,
                                        [](Timestamp t, const Event& e) { return t < e.at; });
      lane->certain = static_cast<size_t>(end - events.begin());
      if (lane->certain == 0) continue;
      for (auto e = events.begin(); e != end && e->at < given; ++e) {
        late += e->kind != EventKind::kLossBegin ? 1 : 0;
        e->at = given;
      }
      last = std::max(last, end[-1].at);
      count += lane->certain;
      certain.Add({events.data(), lane->certain});
    }
    given = last;
    waiting -= count;
    worthwhile = waiting + kWorthwhile + 4 * lane_count;
    if (count > 0) merger.emplace(certain);
  }

  // All that was certain was given.
  void Release() {
    merger.reset();
    // All lanes together hold no more memory than what may wait needs.
    const size_t most = kMostWaiting / std::max<size_t>(lane_count, 1) + 16;
    for (const auto& lane : lanes) {
      if (!lane || lane->certain == 0) continue;
      EventBatch& events = lane->events;
      events.erase(events.begin(), events.begin() + static_cast<ptrdiff_t>(lane->certain));
      lane->certain = 0;
      if (events.capacity() > std::max(most, events.size())) events.shrink_to_fit();
    }
  }

  // Puts all that waits into the temporary file.
  absl::Status Spool() {
    if (!spool) {
      auto made = EventSpool::Create(what);
      if (!made.ok()) return made.status();
      spool = *std::move(made);
    }
    // What is given from the file begins after what was given before.
    const Timestamp until = given;
    Gather(kLatest);
    given = until;
    bool begun = false;
    while (merger) {
      const auto run = merger->Next();
      if (!run.ok()) return run.status();
      if (run->empty()) {
        Release();
        break;
      }
      const absl::Status added = begun ? spool->Append(*run) : spool->Add(*run);
      if (!added.ok()) return added;
      begun = true;
    }
    return absl::OkStatus();
  }
};

RoundSorter::RoundSorter(std::string what) : state_(std::make_unique<State>()) {
  state_->what = std::move(what);
}
RoundSorter::~RoundSorter() = default;

void RoundSorter::Add(const Event& added) {
  State& s = *state_;
  Event event = added;
  event.at = std::clamp(event.at, kEarliest, kLatest);
  State::Lane& lane = s.LaneOf(event.cpu);
  if (lane.loses) [[unlikely]] {
    // Before the first event the loss reaches back to the beginning, whenever that was.
    s.PushLoss(lane, EventKind::kLossBegin, lane.last == kUnseen ? kEarliest : lane.last,
               event.cpu);
    s.PushLoss(lane, EventKind::kLossEnd, std::max(event.at, lane.last), event.cpu);
    lane.loses = false;
  }
  s.Push(lane, event);
  if (lane.first == kUnseen) {
    lane.first = event.at;
    s.latest_first = std::max(s.latest_first, event.at);
  }
  lane.last = std::max(lane.last, event.at);
  s.first = s.first == kUnseen ? event.at : std::min(s.first, event.at);
  s.current = std::max(s.current, event.at);
}

void RoundSorter::Lose(Cpu cpu, std::optional<uint64_t> count) {
  State::Lane& lane = state_->LaneOf(cpu);
  if (lane.loses) {
    lane.lost = lane.lost && count ? std::optional(AddCounts(*lane.lost, *count)) : std::nullopt;
    return;
  }
  ++state_->gaps;
  lane.loses = true;
  lane.lost = count;
}

void RoundSorter::EndRound() {
  State& s = *state_;
  if (!s.spool && s.newest != kUnseen && s.waiting >= s.worthwhile) s.Gather(s.newest);
  s.newest = s.current;
}

absl::Status RoundSorter::EndAll(bool early) {
  State& s = *state_;
  for (size_t i = 0; i < s.lanes.size(); ++i) {
    State::Lane* const lane = s.lanes[i].get();
    if (lane == nullptr || (!lane->loses && !early)) continue;
    if (!lane->loses) lane->lost.reset();
    s.PushLoss(*lane, EventKind::kLossBegin, lane->last == kUnseen ? kEarliest : lane->last,
               static_cast<Cpu>(static_cast<int>(i) - 1));
  }
  if (!s.spool) {
    s.Gather(kLatest);
    return absl::OkStatus();
  }
  if (absl::Status spooled = s.Spool(); !spooled.ok()) return spooled;
  s.spool->BeginMerge();
  s.merges_spool = true;
  return absl::OkStatus();
}

bool RoundSorter::is_full() const { return state_->waiting >= kMostWaiting; }
absl::Status RoundSorter::MakeRoom() { return state_->Spool(); }
bool RoundSorter::is_ready() const { return state_->merger.has_value() || state_->merges_spool; }

absl::StatusOr<std::span<const Event>> RoundSorter::Take() {
  State& s = *state_;
  if (s.merges_spool) {
    s.out.clear();
    if (absl::Status merged = s.spool->Merge(s.out, kMergedAtATime); !merged.ok()) return merged;
    s.merges_spool = !s.out.empty();
    return std::span<const Event>(s.out);
  }
  if (!s.merger) return std::span<const Event>();
  auto run = s.merger->Next();
  if (!run.ok() || run->empty()) s.Release();
  return run;
}

uint64_t RoundSorter::late() const { return state_->late; }
uint64_t RoundSorter::gaps() const { return state_->gaps; }
Timestamp RoundSorter::first() const { return state_->first; }
Timestamp RoundSorter::last() const { return state_->current; }
Timestamp RoundSorter::latest_first() const { return state_->latest_first; }

}  // namespace wqprof
