// SPDX-License-Identifier: Apache-2.0
#include "model/pool_tracker.h"

#include <algorithm>
#include <utility>

namespace wqprof {

void PoolTracker::Serve(PwqState& pwq, PoolId pool, Timestamp at) {
  if (pwq.pool != PoolId::kUnknown) levels_.ChangeWaiting(pwq.pool, at, -pwq.waiting);
  pwq.pool = pool;
  levels_.ChangeWaiting(pool, at, pwq.waiting);
}

PoolTracker::Started PoolTracker::ItemStarts(PoolId pool, PwqId id, Timestamp activated,
                                             Timestamp at, Nanos floor) {
  PwqState& pwq = pwqs_[id];
  // A rescuer helps the pool that the item waited in; it has no worklist of its own.
  const PoolKind kind = pools_[pool].kind;
  const bool serves = kind != PoolKind::kRescuer && kind != PoolKind::kUnknown;
  if (serves && pwq.pool != pool) [[unlikely]]
    Serve(pwq, pool, at);
  Account& account = At(pwq.pool != PoolId::kUnknown ? pwq.pool : pool);
  Started started{pwq.pool, kUnseen};
  if (activated != kUnseen) {
    const Timestamp begin = std::max(account.last_start, activated);
    // A pool that is not known may have started others meanwhile.
    if (pwq.pool != PoolId::kUnknown && at - begin >= floor) [[unlikely]]
      started.gap_begin = begin;
    if (account.first_known_start == kUnseen && activated >= covered_) [[unlikely]]
      account.first_known_start = at;
    account.newest_started = std::max(account.newest_started, activated);
    if (pool == pwq.pool) account.newest_in_order = std::max(account.newest_in_order, activated);
  }
  account.last_start = at;
  OtherStarts(pool, at);
  return started;
}

Timestamp PoolTracker::ActivatedStarts(PoolId pool, Timestamp activated, Timestamp at,
                                       Nanos floor) {
  const Timestamp begin = std::max(At(pool).last_start, activated);
  OtherStarts(pool, at);
  return at - begin >= floor ? begin : kUnseen;
}

PoolGap PoolTracker::GapOf(PoolId pool, Timestamp begin, Timestamp at) const {
  PoolGap gap;
  gap.pool = pool;
  gap.begin = begin;
  gap.end = at;
  gap.waiting = std::max<uint64_t>(levels_.Waiting(pool), 1);
  return gap;
}

void PoolTracker::CountWaiting(std::vector<Waiting>& by_pool, PwqId pwq,
                               Timestamp activated) const {
  const PoolId pool = pwqs_[pwq].pool;
  if (activated < At(pool).newest_started) return;
  if (by_pool.size() < pools_.size()) by_pool.resize(pools_.size());
  Waiting& waiting = by_pool[static_cast<size_t>(pool)];
  ++waiting.items;
  waiting.oldest = std::min(waiting.oldest, activated);
}

std::optional<PoolGap> PoolTracker::OpenGap(PoolId pool, const Waiting& waiting, Timestamp now,
                                            Nanos floor) const {
  if (waiting.items == 0) return std::nullopt;
  PoolGap gap;
  gap.pool = pool;
  gap.begin = std::max(At(pool).last_start, waiting.oldest);
  gap.end = now;
  gap.waiting = waiting.items;
  gap.at_end = true;
  return now - gap.begin >= floor ? std::optional(std::move(gap)) : std::nullopt;
}

bool PoolTracker::Overtaken(PwqId pwq, Timestamp activated) const {
  const PoolId pool = pwqs_[pwq].pool;
  return pool != PoolId::kUnknown && activated < At(pool).newest_in_order;
}

std::vector<PoolOccupancy> PoolTracker::Occupancy(Timestamp end) const {
  std::vector<PoolOccupancy> out;
  for (size_t i = 0; i < pools_.size(); ++i) {
    const PoolId pool = static_cast<PoolId>(i);
    PoolOccupancy row;
    if (!levels_.Fill(pool, end, row)) continue;
    row.pool = pools_[pool];
    row.executions = At(pool).executions;
    row.workers = At(pool).workers;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace wqprof
