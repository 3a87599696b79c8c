// SPDX-License-Identifier: Apache-2.0
#include "trace/decode_pool.h"

#include <utility>

namespace wqprof {

bool DecodePool::Lane::Step() {
  if (ended_ || !batches_.has_room()) return false;
  EventBatch& batch = batches_.next();
  DecodeScratch& scratch = *pool_.scratches_[pool_.crew_.hand()];
  status_ = stream_->Fill(batch, scratch, pool_.crew_.helpers() > 0);
  if (!status_.ok()) batch.clear();
  ended_ = batch.empty();
  batches_.Pass();
  return !ended_ && batches_.has_room();
}

DecodePool::DecodePool(std::vector<std::unique_ptr<CpuStream>> streams,
                       const DecodeContext& context, NameTable& names, Crew& crew)
    : crew_(crew) {
  for (int i = 0; i <= crew_.helpers(); ++i)
    scratches_.push_back(std::make_unique<DecodeScratch>(context, names));
  for (auto& stream : streams) lanes_.push_back(std::make_unique<Lane>(std::move(stream), *this));
  for (const auto& lane : lanes_) crew_.Schedule(*lane);
}

DecodePool::~DecodePool() {
  for (const auto& lane : lanes_) crew_.Forget(*lane);
}

absl::StatusOr<std::span<const Event>> DecodePool::Next(size_t i) {
  Lane& lane = *lanes_[i];
  if (lane.batches().Return()) crew_.Schedule(lane);
  crew_.WaitUntil(lane, [&] { return lane.batches().ready(); });
  const EventBatch& batch = lane.batches().Take();
  if (batch.empty() && !lane.status().ok()) return lane.status();
  return std::span<const Event>(batch);
}

}  // namespace wqprof
