// SPDX-License-Identifier: Apache-2.0
// What a WindowCollector keeps of one function, and of one worker.
#ifndef WQPROF_ANALYZE_WINDOW_ROWS_H_
#define WQPROF_ANALYZE_WINDOW_ROWS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "analyze/sliced.h"
#include "wqprof/measure.h"
#include "wqprof/model.h"

namespace wqprof {

// So many slices make a group: of things that are kept by group, a minute has six.
inline constexpr size_t kSlicesPerGroup = 10;
inline constexpr size_t kGroups = SlicedWork::kSlices / kSlicesPerGroup;

// The items that waited longest, some of each group of slices: what is left when older ones are
// gone is the truth of the younger ones.
class SlowestItems {
 public:
  static constexpr size_t kPerGroup = 5;

  void Add(size_t slice, const WorkItem& item, Nanos latency) {
    Group& group = groups_[slice / kSlicesPerGroup % kGroups];
    if (group.items.size() == kPerGroup && latency <= group.items.back().first) return;
    const auto place =
        std::upper_bound(group.items.begin(), group.items.end(), latency,
                         [](Nanos value, const auto& other) { return value > other.first; });
    group.items.insert(place, {latency, item});
    if (group.items.size() > kPerGroup) group.items.pop_back();
  }
  // A slice begins, perhaps a group.
  void Begin(size_t slice) {
    if (slice % kSlicesPerGroup == 0) groups_[slice / kSlicesPerGroup % kGroups].items.clear();
  }
  // The slowest first.
  std::vector<std::pair<Nanos, WorkItem>> All() const {
    std::vector<std::pair<Nanos, WorkItem>> out;
    for (const Group& group : groups_) {
      out.insert(out.end(), group.items.begin(), group.items.end());
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    return out;
  }

 private:
  struct Group {
    std::vector<std::pair<Nanos, WorkItem>> items;  // the slowest first
  };
  std::array<Group, kGroups> groups_;
};

// What one function of one workqueue did.
struct FunctionTrack {
  SlicedLatency latency;
  SlicedWork work;
  SlowestItems slowest;
  size_t last_active = 0;  // slice

  void MoveTo(size_t newest, size_t from) {
    latency.MoveTo(newest);
    work.MoveTo(newest);
    for (size_t slice = from; slice <= newest; ++slice) slowest.Begin(slice);
  }
};

// What one worker did, and the functions that it executed most.
struct WorkerTrack {
  static constexpr size_t kFunctions = 8;
  // One function, by group of slices.
  struct OfFunction {
    NameId function = NameId::kUnknown;
    std::array<Nanos, kGroups> time{};
    Nanos Sum() const {
      Nanos sum{0};
      for (const Nanos part : time) sum = AddSaturated(sum, part);
      return sum;
    }
  };
  SlicedWork work;
  std::vector<OfFunction> functions;
  size_t last_active = 0;

  // Where there is no room the one with the least time gives way.
  void AddTime(NameId function, size_t slice, Nanos time) {
    auto it = std::find_if(functions.begin(), functions.end(),
                           [&](const OfFunction& of) { return of.function == function; });
    if (it == functions.end() && functions.size() < kFunctions) {
      it = functions.insert(functions.end(), OfFunction{function, {}});
    } else if (it == functions.end()) {
      it = std::min_element(functions.begin(), functions.end(),
                            [](const auto& a, const auto& b) { return a.Sum() < b.Sum(); });
      if (it->Sum() >= time) return;
      *it = OfFunction{function, {}};
    }
    Nanos& sum = it->time[slice / kSlicesPerGroup % kGroups];
    sum = AddSaturated(sum, time);
  }
  void MoveTo(size_t newest, size_t from) {
    work.MoveTo(newest);
    for (size_t slice = from; slice <= newest; ++slice) {
      if (slice % kSlicesPerGroup != 0) continue;
      for (OfFunction& of : functions) of.time[slice / kSlicesPerGroup % kGroups] = Nanos(0);
    }
  }
};

// Tracks by key, at most so many: those that did nothing for a whole window are forgotten, and for
// what there is no room, one is shared.
template <class Track>
class TrackTable {
 public:
  explicit TrackTable(size_t most) : most_(most) {}

  // `newest`: the slice of now.
  Track& At(uint64_t key, size_t newest) {
    Recent& recent = recent_[(key * 0x9e3779b97f4a7c15) >> 58];
    if (recent.track == nullptr || recent.key != key) {
      auto it = tracks_.find(key);
      if (it == tracks_.end()) {
        if (tracks_.size() >= most_) return Others(newest);
        it = tracks_.emplace(key, std::make_unique<Track>()).first;
        it->second->MoveTo(newest, newest);
      }
      recent = {key, it->second.get()};
    }
    recent.track->last_active = newest;
    return *recent.track;
  }
  Track& Others(size_t newest) {
    if (others_ == nullptr) {
      others_ = std::make_unique<Track>();
      others_->MoveTo(newest, newest);
    }
    others_->last_active = newest;
    return *others_;
  }
  // Slices begin, from `from` to `newest`; those before `oldest` are gone.
  void MoveTo(size_t newest, size_t from, size_t oldest) {
    recent_ = {};
    for (auto it = tracks_.begin(); it != tracks_.end();) {
      const auto at = it++;
      if (at->second->last_active < oldest) {
        tracks_.erase(at);
      } else {
        at->second->MoveTo(newest, from);
      }
    }
    if (others_ != nullptr && others_->last_active < oldest) others_.reset();
    if (others_ != nullptr) others_->MoveTo(newest, from);
  }
  // Calls f(key, track), and f(key, track) of the shared one with kOthers.
  template <typename F>
  void ForEach(F&& f) const {
    for (const auto& [key, track] : tracks_) f(key, *track);
    if (others_ != nullptr) f(kOthers, *others_);
  }
  bool Has(uint64_t key) const { return tracks_.contains(key); }
  size_t size() const { return tracks_.size(); }

  static constexpr uint64_t kOthers = UINT64_MAX;

 private:
  struct Recent {
    uint64_t key = 0;
    Track* track = nullptr;
  };
  const size_t most_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Track>> tracks_;
  std::unique_ptr<Track> others_;
  std::array<Recent, 64> recent_{};
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_WINDOW_ROWS_H_
