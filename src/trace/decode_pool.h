// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_DECODE_POOL_H_
#define WQPROF_TRACE_DECODE_POOL_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "trace/cpu_stream.h"

namespace wqprof {

// Decodes several CPUs' streams ahead of the one thread that consumes them.  What is handed
// out does not depend on the number of threads, only on the streams.
class DecodePool {
 public:
  // With `threads` of 0 everything is decoded by the consumer, when it asks.
  DecodePool(std::vector<std::unique_ptr<CpuStream>> streams, int threads);
  ~DecodePool();

  size_t size() const { return lanes_.size(); }
  // Swaps the next batch of stream `i` into `batch` and takes the old one's memory back.
  // Empty at the end of the stream.
  absl::Status Take(size_t i, EventBatch& batch);
  // REQUIRES: every stream has ended, or nothing was taken yet.
  const CpuStream& stream(size_t i) const { return *lanes_[i].stream; }

 private:
  // How many decoded batches may wait for the consumer, per stream.
  static constexpr size_t kAhead = 3;

  // One stream, its decoded batches, and its empty ones.
  struct Lane {
    std::unique_ptr<CpuStream> stream;
    std::deque<EventBatch> ready;
    std::vector<EventBatch> spare;
    absl::Status status;
    bool busy = false;   // a thread decodes it, or it waits in queue_
    bool ended = false;  // nothing more will become ready
  };

  void Run();
  void DecodeOne(Lane& lane, std::unique_lock<std::mutex>& lock);
  void Schedule(size_t i);

  std::vector<Lane> lanes_;
  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<size_t> queue_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_DECODE_POOL_H_
