// SPDX-License-Identifier: Apache-2.0
#include "support/recorded_load.h"

#include <algorithm>
#include <cassert>
#include <memory>

#include "support/read_dat.h"
#include "wqprof/histogram.h"
#include "wqprof/model.h"

namespace wqprof::testing {

RecordedWaits ReadWaits(const std::string& path, std::string_view function) {
  const ReadBack read = ReadPath(path);
  RecordedWaits out;
  if (!read.ok()) return out;
  Reconstructor model(*read.source);
  model.Add(read.events);
  model.Finish();
  Completed completed;
  model.Take(completed);
  const Timestamp begin = read.source->stats().begin;
  out.duration = read.source->stats().end - begin;
  for (const WorkItem& item : completed.items) {
    const auto latency = item.Latency();
    if (!latency || item.tainted() || *latency < Nanos(0)) continue;
    if (read.source->names().Get(item.function) != function) continue;
    out.waits.push_back({item.started - begin, *latency});
  }
  std::sort(out.waits.begin(), out.waits.end(),
            [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

Load Replayed(RecordedWaits recorded, Nanos run, Nanos stretch, double quantile) {
  assert(!recorded.waits.empty() && recorded.duration > Nanos(0));
  Histogram all;
  for (const RecordedWaits::Wait& wait : recorded.waits) all.Add(wait.latency);
  const auto shared = std::make_shared<const RecordedWaits>(std::move(recorded));
  const auto play = [shared, run, stretch](std::mt19937_64& random, const TakeWork& take) {
    const auto& waits = shared->waits;
    for (Nanos done{0}; done < run; done += stretch) {
      const auto length = static_cast<uint64_t>(shared->duration.count());
      const Nanos from(static_cast<Nanos::rep>(random() % length));
      const auto first = std::lower_bound(waits.begin(), waits.end(), from,
                                          [](const auto& wait, Nanos at) { return wait.at < at; });
      auto i = static_cast<size_t>(first - waits.begin());
      Nanos lap{0};  // so often the recording has begun again
      for (;; ++i) {
        if (i == waits.size()) {
          i = 0;
          lap += shared->duration;
        }
        const Nanos since = waits[i].at + lap - from;
        if (since >= std::min(stretch, run - done)) break;
        take(done + since, waits[i].latency);
      }
    }
  };
  return {run, quantile, all.Quantile(quantile).value_or(Nanos(0)), play};
}

}  // namespace wqprof::testing
