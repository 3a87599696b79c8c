// SPDX-License-Identifier: Apache-2.0
#include "model/pool_tracker.h"

#include <fmt/format.h>

#include <algorithm>

namespace wqprof {
namespace {

std::string PoolName(PoolKind kind, int number, std::string_view comm) {
  switch (kind) {
    case PoolKind::kPerCpu:
      return fmt::format("cpu{}", number);
    case PoolKind::kHighpri:
      return fmt::format("cpu{}-hi", number);
    case PoolKind::kUnbound:
      return fmt::format("u{}", number);
    case PoolKind::kRescuer:
      return fmt::format("rescuer:{}", comm);
    case PoolKind::kBh:
      return fmt::format("bh{}", number);
    case PoolKind::kBhHighpri:
      return fmt::format("bh{}-hi", number);
    case PoolKind::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace

PoolTracker::PoolTracker() : accounts_(1) { pools_.Add({}); }

PoolId PoolTracker::Find(PoolKind kind, int number, Cpu cpu, std::string_view comm) {
  const auto [it, added] =
      ids_.try_emplace({static_cast<int>(kind), number}, static_cast<PoolId>(accounts_.size()));
  if (added) {
    accounts_.emplace_back().kind = kind;
    pools_.Add({it->second, kind, cpu, PoolName(kind, number, comm)});
  }
  return it->second;
}

FeedId PoolTracker::Feed(NameId workqueue, Cpu target, Cpu source) {
  // An unbound workqueue may have a pool per NUMA node or pod: the submitting CPU decides.
  const bool unbound = target == Cpu::kNone;
  const uint64_t key = static_cast<uint64_t>(ToInt(workqueue)) << 32 |
                       static_cast<uint64_t>(unbound) << 16 |
                       static_cast<uint16_t>(ToInt(unbound ? source : target));
  RecentFeed& recent = recent_feeds_[(key * 0x9e3779b97f4a7c15) >> (64 - kRecentBits)];
  if (recent.key != key) [[unlikely]] {
    const auto [it, added] = feed_ids_.try_emplace(key, static_cast<FeedId>(feeds_.size()));
    if (added) feeds_.emplace_back();
    recent = {key, it->second};
  }
  return recent.feed;
}

void PoolTracker::ItemWaits(FeedId id, Timestamp at) {
  FeedState& feed = feeds_[static_cast<size_t>(id)];
  ++feed.waiting;
  if (feed.pool != PoolId::kUnknown) ChangeWaiting(feed.pool, at, 1);
}

void PoolTracker::ItemGone(FeedId id, Timestamp at) {
  FeedState& feed = feeds_[static_cast<size_t>(id)];
  --feed.waiting;
  if (feed.pool != PoolId::kUnknown) ChangeWaiting(feed.pool, at, -1);
}

void PoolTracker::Serve(FeedState& feed, PoolId pool, Timestamp at) {
  if (feed.pool == pool) return;
  if (feed.pool != PoolId::kUnknown) ChangeWaiting(feed.pool, at, -feed.waiting);
  feed.pool = pool;
  ChangeWaiting(pool, at, feed.waiting);
}

PoolTracker::Started PoolTracker::ItemStarts(PoolId pool, FeedId id, Timestamp activated,
                                             Timestamp at, Nanos floor) {
  FeedState& feed = feeds_[static_cast<size_t>(id)];
  // A rescuer helps the pool that the item waited in; it has no worklist of its own.
  const PoolKind kind = accounts_[ToIndex(pool)].kind;
  if (kind != PoolKind::kRescuer && kind != PoolKind::kUnknown) Serve(feed, pool, at);
  Account& account = accounts_[ToIndex(feed.pool != PoolId::kUnknown ? feed.pool : pool)];
  Started started{feed.pool, kUnseen};
  if (activated != kUnseen) {
    const Timestamp begin = std::max(account.last_start, activated);
    // A pool that is not known may have started others meanwhile.
    if (feed.pool != PoolId::kUnknown && at - begin >= floor) [[unlikely]]
      started.gap_begin = begin;
    if (account.first_known_start == kUnseen && activated >= covered_) [[unlikely]]
      account.first_known_start = at;
    account.newest_started = std::max(account.newest_started, activated);
    if (pool == feed.pool) account.newest_in_order = std::max(account.newest_in_order, activated);
  }
  account.last_start = at;
  OtherStarts(pool, at);
  return started;
}

Timestamp PoolTracker::ActivatedStarts(PoolId pool, Timestamp activated, Timestamp at,
                                       Nanos floor) {
  const Timestamp begin = std::max(accounts_[ToIndex(pool)].last_start, activated);
  OtherStarts(pool, at);
  return at - begin >= floor ? begin : kUnseen;
}

PoolGap PoolTracker::GapOf(PoolId pool, Timestamp begin, Timestamp at) const {
  PoolGap gap;
  gap.pool = pool;
  gap.begin = begin;
  gap.end = at;
  gap.waiting =
      static_cast<uint64_t>(std::max<int64_t>(accounts_[ToIndex(pool)].waiting.level(), 1));
  return gap;
}

void PoolTracker::OtherStarts(PoolId pool, Timestamp at) {
  Account& account = accounts_[ToIndex(pool)];
  ++account.executions;
  account.last_start = at;
  ChangeBusy(pool, at, 1);
}

void PoolTracker::Ends(PoolId pool, Timestamp at) { ChangeBusy(pool, at, -1); }

void PoolTracker::AddStep(PoolId pool, Timestamp at) {
  Account& account = accounts_[ToIndex(pool)];
  // A start is two changes at one time.
  const size_t newest = account.newest_step;
  const bool same =
      newest < steps_.size() && steps_[newest].pool == pool && steps_[newest].at == at;
  if (!same) {
    account.newest_step = static_cast<uint32_t>(steps_.size());
    steps_.push_back({at, pool, 0, 0, 0});
  }
  const auto count = [](const LevelMeter& meter) {
    return static_cast<uint32_t>(std::clamp<int64_t>(meter.level(), 0, UINT32_MAX));
  };
  PoolStep& step = steps_[account.newest_step];
  step.backlog = count(account.waiting);
  step.busy = count(account.busy);
}

void PoolTracker::CountWaiting(std::vector<Waiting>& by_pool, FeedId feed,
                               Timestamp activated) const {
  const size_t pool = ToIndex(feeds_[static_cast<size_t>(feed)].pool);
  if (activated < accounts_[pool].newest_started) return;
  if (by_pool.size() < accounts_.size()) by_pool.resize(accounts_.size());
  ++by_pool[pool].items;
  by_pool[pool].oldest = std::min(by_pool[pool].oldest, activated);
}

std::optional<PoolGap> PoolTracker::OpenGap(PoolId pool, const Waiting& waiting, Timestamp now,
                                            Nanos floor) const {
  if (waiting.items == 0) return std::nullopt;
  PoolGap gap;
  gap.pool = pool;
  gap.begin = std::max(accounts_[ToIndex(pool)].last_start, waiting.oldest);
  gap.end = now;
  gap.waiting = waiting.items;
  gap.at_end = true;
  return now - gap.begin >= floor ? std::optional(std::move(gap)) : std::nullopt;
}

std::vector<PoolOccupancy> PoolTracker::Occupancy(Timestamp end) const {
  std::vector<PoolOccupancy> out;
  for (size_t i = 0; i < accounts_.size(); ++i) {
    Account account = accounts_[i];
    if (account.busy.max() == 0 && account.waiting.max() == 0) continue;
    account.busy.Advance(end);
    account.waiting.Advance(end);
    PoolOccupancy o;
    o.pool = pools_[i];
    o.executions = account.executions;
    o.workers = account.workers;
    o.busy_max = static_cast<uint32_t>(account.busy.max());
    o.busy_sum = account.busy.sum();
    o.busy_any = account.busy.any();
    o.backlog_max = static_cast<uint64_t>(account.waiting.max());
    o.backlog_sum = account.waiting.sum();
    out.push_back(std::move(o));
  }
  return out;
}

}  // namespace wqprof
