// SPDX-License-Identifier: Apache-2.0
#include "page/heat_maps.h"

#include <algorithm>

#include "wqprof/histogram.h"

namespace wqprof {
namespace {

size_t RowOf(Nanos latency) {
  if (latency <= Nanos(0)) return 0;
  const int half_octave = Histogram::IndexOf(latency.count()) >> (Histogram::kScale - 1);
  const int last = static_cast<int>(HeatMap::kRows) - 1;
  return static_cast<size_t>(std::clamp(half_octave - HeatMap::kFirstRow, 0, last));
}

void Increase(uint32_t& count) {
  if (count != UINT32_MAX) ++count;
}

}  // namespace

void HeatMaps::Fold(Map& map) {
  for (std::unique_ptr<Row>& row : map.rows) {
    if (!row) continue;
    TimeBins::Fold(*row, [](uint32_t& into, uint32_t other) {
      into = other > UINT32_MAX - into ? UINT32_MAX : into + other;
    });
  }
}

void HeatMaps::Reach(Timestamp at) {
  for (int doublings = bins_.Reach(at); doublings > 0; --doublings) {
    Fold(all_);
    for (auto& [key, map] : functions_) Fold(map);
  }
}

void HeatMaps::Add(uint64_t key, Timestamp at, Nanos latency) {
  Reach(at);
  const size_t row = RowOf(latency), bin = bins_.BinOf(at);
  if (!all_.rows[row]) all_.rows[row] = std::make_unique<Row>();
  Increase((*all_.rows[row])[bin]);
  auto it = functions_.find(key);
  if (it == functions_.end()) {
    // Each has a row at least.
    if (functions_.size() == PageCollector::kMaxRows) return;
    it = functions_.try_emplace(key).first;
  }
  Map& map = it->second;
  map.waited = AddSaturated(map.waited, latency);
  if (map.given_up) return;
  if (!map.rows[row]) {
    if (rows_ == PageCollector::kMaxRows) {
      for (std::unique_ptr<Row>& held : map.rows) {
        rows_ -= held ? 1 : 0;
        held.reset();
      }
      map.given_up = true;
      return;
    }
    ++rows_;
    map.rows[row] = std::make_unique<Row>();
  }
  Increase((*map.rows[row])[bin]);
}

HeatMap HeatMaps::ToHeatMap(const Map& map, size_t used) {
  HeatMap out;
  for (size_t i = 0; i < map.rows.size(); ++i) {
    if (!map.rows[i]) continue;
    out.rows[i].assign(map.rows[i]->begin(), map.rows[i]->begin() + static_cast<ptrdiff_t>(used));
  }
  return out;
}

}  // namespace wqprof
