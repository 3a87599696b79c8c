// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_GAP_DESCRIBER_H_
#define WQPROF_MODEL_GAP_DESCRIBER_H_

#include <cstdint>
#include <span>

#include "model/item_outlet.h"
#include "model/tables.h"
#include "wqprof/model.h"

namespace wqprof {

// What the workers of a pool did while it started nothing.
class GapDescriber {
 public:
  GapDescriber(const Tables& tables, ItemOutlet& outlet, Nanos floor)
      : tables_(tables), outlet_(outlet), floor_(floor) {}

  void Want(const Reconstructor::Options& options);
  // Shorter gaps are of no interest.
  Nanos floor() const { return floor_; }
  // One more event came; they pay for looks at workers.
  void CountEvent() { ++events_; }

  // Hands out a gap that the start in `starter` ended, or (null) that goes on at the end of the
  // trace; nothing if too little of it is certain.
  void Report(PoolGap gap, const ExecutionContext* starter, bool collided);
  // What is open now, for a recording that goes on.
  OpenState Open(Timestamp since) const;

 private:
  bool TrimToWhole(PoolGap& gap) const;
  size_t LooksAllowed() const;
  std::span<const uint32_t> Look(PoolId pool);
  void Describe(PoolGap& gap, std::span<const uint32_t> workers, const ExecutionContext* starter,
                bool collided) const;
  void DescribeStarter(PoolGap& gap, const ExecutionContext& starter, bool ended) const;
  void AddHolders(PoolGap& gap, std::span<const uint32_t> workers,
                  const ExecutionContext* starter) const;
  void AddHolder(PoolGap& gap, const ExecutionContext& context) const;
  const ExecutionContext* WokenWorker(std::span<const uint32_t> workers) const;
  GapPicture PictureOf(const PoolGap& gap, std::span<const uint32_t> workers,
                       const ExecutionContext* starter) const;
  OpenState::Execution OpenExecutionOf(const ExecutionContext& context, Timestamp since) const;

  const Tables& tables_;
  ItemOutlet& outlet_;
  Nanos floor_;
  Timestamp picture_of_ = kUnseen;
  uint64_t events_ = 0;
  uint64_t looks_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_GAP_DESCRIBER_H_
