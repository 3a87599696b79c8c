// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "wqprof/export.h"

namespace wqprof {

bool ItemScenes::Holds(uint64_t id) const { return std::binary_search(ids.begin(), ids.end(), id); }

bool ItemScenes::Touches(PoolId pool, Timestamp from, Timestamp to) const {
  // The first that ends behind `from`.
  const auto at = std::partition_point(scenes.begin(), scenes.end(), [&](const Scene& scene) {
    return std::tie(scene.pool, scene.to) < std::tie(pool, from);
  });
  return at != scenes.end() && at->pool == pool && at->from <= to;
}

ItemScenes ScenesOf(const std::vector<WorkItem>& items, Timestamp end) {
  ItemScenes out;
  std::vector<ItemScenes::Scene> all;
  for (const WorkItem& item : items) {
    out.ids.push_back(item.id);
    Timestamp from = Timestamp::max();
    for (const Timestamp at : {item.queued, item.activated, item.started, item.ended}) {
      if (at != kUnseen) from = std::min(from, at);
    }
    all.push_back({item.its_pool(), from, item.ended != kUnseen ? item.ended : end});
  }
  std::sort(out.ids.begin(), out.ids.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.pool, a.from) < std::tie(b.pool, b.from);
  });
  for (const ItemScenes::Scene& scene : all) {
    if (!out.scenes.empty() && out.scenes.back().pool == scene.pool &&
        scene.from <= out.scenes.back().to) {
      out.scenes.back().to = std::max(out.scenes.back().to, scene.to);
    } else {
      out.scenes.push_back(scene);
    }
  }
  return out;
}

}  // namespace wqprof
