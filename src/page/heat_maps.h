// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PAGE_HEAT_MAPS_H_
#define WQPROF_PAGE_HEAT_MAPS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/page.h"
#include "wqprof/time_bins.h"

namespace wqprof {

// Heat maps of all items and of each function while they are collected.  A row takes memory once an
// item is in it; when all functions together have too many, those that need a further one are
// given up: half a map would be a wrong one.
class HeatMaps {
 public:
  // Of bins of `width` at first, which become wider as time goes on.
  explicit HeatMaps(Nanos width) : bins_(PageCollector::kBins, width) {}

  bool begun() const { return bins_.begun(); }
  void Begin(Timestamp at) { bins_.Begin(at); }
  const TimeBins& bins() const { return bins_; }
  // Until `at` lies in a bin.
  void Reach(Timestamp at);
  // `key` stands for the function.  REQUIRES: begun, and `at` is not before the begin.
  void Add(uint64_t key, Timestamp at, Nanos latency);

  // Of all; its rows have `used` bins, and no names.
  HeatMap All(size_t used) const { return ToHeatMap(all_, used); }
  // Calls f(key, waited, map) for each function that has a map.
  template <typename F>
  void ForEach(size_t used, F&& f) const {
    for (const auto& [key, map] : functions_) {
      if (!map.given_up) f(key, map.waited, ToHeatMap(map, used));
    }
  }

 private:
  using Row = std::array<uint32_t, PageCollector::kBins>;
  struct Map {
    std::array<std::unique_ptr<Row>, HeatMap::kRows> rows;
    Nanos waited{0};
    bool given_up = false;
  };
  static void Fold(Map& map);
  static HeatMap ToHeatMap(const Map& map, size_t used);

  TimeBins bins_;
  Map all_;
  absl::flat_hash_map<uint64_t, Map> functions_;
  size_t rows_ = 0;  // of the functions
};

}  // namespace wqprof

#endif  // WQPROF_PAGE_HEAT_MAPS_H_
