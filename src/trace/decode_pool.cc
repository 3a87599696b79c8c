// SPDX-License-Identifier: Apache-2.0
#include "trace/decode_pool.h"

#include <utility>

namespace wqprof {

DecodePool::DecodePool(std::vector<std::unique_ptr<CpuStream>> streams, int threads)
    : lanes_(streams.size()) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].stream = std::move(streams[i]);
    lanes_[i].spare.resize(threads > 0 ? kAhead : 1);
    if (threads > 0) Schedule(i);
  }
  for (int t = 0; t < threads; ++t) threads_.emplace_back([this] { Run(); });
}

DecodePool::~DecodePool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// REQUIRES: mutex_ is held, or no thread runs yet.
void DecodePool::Schedule(size_t i) {
  Lane& lane = lanes_[i];
  if (lane.busy || lane.ended || lane.spare.empty()) return;
  lane.busy = true;
  queue_.push_back(i);
  work_.notify_one();
}

void DecodePool::DecodeOne(Lane& lane, std::unique_lock<std::mutex>& lock) {
  EventBatch batch = std::move(lane.spare.back());
  lane.spare.pop_back();
  lock.unlock();
  absl::Status status = lane.stream->Fill(batch);
  lock.lock();
  lane.ended = !status.ok() || batch.empty();
  lane.status = std::move(status);
  if (!lane.ended) lane.ready.push_back(std::move(batch));
}

void DecodePool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    const size_t i = queue_.front();
    queue_.pop_front();
    DecodeOne(lanes_[i], lock);
    lanes_[i].busy = false;
    Schedule(i);
    done_.notify_one();
  }
}

absl::Status DecodePool::Take(size_t i, EventBatch& batch) {
  Lane& lane = lanes_[i];
  std::unique_lock lock(mutex_);
  batch.clear();
  lane.spare.push_back(std::move(batch));
  batch = {};
  if (threads_.empty()) {
    if (!lane.ended) DecodeOne(lane, lock);
  } else {
    Schedule(i);
    done_.wait(lock, [&] { return !lane.ready.empty() || lane.ended; });
  }
  if (lane.ready.empty()) return lane.status;
  batch = std::move(lane.ready.front());
  lane.ready.pop_front();
  return absl::OkStatus();
}

}  // namespace wqprof
