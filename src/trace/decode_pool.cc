// SPDX-License-Identifier: Apache-2.0
#include "trace/decode_pool.h"

#include <utility>

namespace wqprof {

bool DecodePool::Lane::Step() {
  const size_t made = made_.load(std::memory_order_relaxed);
  if (ended_ || made - returned_.load(std::memory_order_acquire) == kBatches) return false;
  EventBatch& batch = batches_[made % kBatches];
  // One a thread, so that it stays in the thread's cache whatever the stream.
  static thread_local EventBatch scratch;
  status_ = stream_->Fill(batch, shared_ ? &scratch : nullptr);
  if (!status_.ok()) batch.clear();
  ended_ = batch.empty();
  made_.store(made + 1, std::memory_order_release);
  return !ended_ && made + 1 - returned_.load(std::memory_order_acquire) < kBatches;
}

const EventBatch& DecodePool::Lane::Take() { return batches_[taken_++ % kBatches]; }

bool DecodePool::Lane::Return() {
  if (returned_.load(std::memory_order_relaxed) == taken_) return false;
  returned_.store(taken_, std::memory_order_release);
  return true;
}

DecodePool::DecodePool(std::vector<std::unique_ptr<CpuStream>> streams, Crew& crew) : crew_(crew) {
  for (auto& stream : streams)
    lanes_.push_back(std::make_unique<Lane>(std::move(stream), crew_.helpers() > 0));
  for (const auto& lane : lanes_) crew_.Schedule(*lane);
}

DecodePool::~DecodePool() {
  for (const auto& lane : lanes_) crew_.Forget(*lane);
}

absl::StatusOr<const EventBatch*> DecodePool::Next(size_t i) {
  Lane& lane = *lanes_[i];
  if (lane.Return()) crew_.Schedule(lane);
  crew_.WaitUntil(lane, [&] { return lane.ready(); });
  const EventBatch& batch = lane.Take();
  if (batch.empty() && !lane.status().ok()) return lane.status();
  return &batch;
}

}  // namespace wqprof
