// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_DECODE_POOL_H_
#define WQPROF_TRACE_DECODE_POOL_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "trace/batch_source.h"
#include "trace/cpu_stream.h"
#include "wqprof/crew.h"
#include "wqprof/stream_copy.h"

namespace wqprof {

// Decodes several CPUs' streams ahead of the one thread that consumes them.  What is handed
// out does not depend on the number of threads, only on the streams.
class DecodePool : public BatchSource {
 public:
  // `context`, `names` and `crew` must outlive this object.
  DecodePool(std::vector<std::unique_ptr<CpuStream>> streams, const DecodeContext& context,
             NameTable& names, Crew& crew);
  ~DecodePool() override;

  size_t size() const override { return lanes_.size(); }
  absl::StatusOr<std::span<const Event>> Next(size_t i) override;
  // REQUIRES: every stream has ended, or nothing was taken yet.
  const CpuStream& stream(size_t i) const { return lanes_[i]->stream(); }

 private:
  // The one that the consumer has, and the one that waits for it: of hundreds of CPUs more would
  // outgrow the caches.
  static constexpr size_t kBatches = 2;

  // One stream and its batches.
  class alignas(kApart) Lane : public Crew::Job {
   public:
    Lane(std::unique_ptr<CpuStream> stream, DecodePool& pool)
        : stream_(std::move(stream)), pool_(pool) {}
    // Decodes one batch, if there is room.
    bool Step() override;
    // Filled by steps, taken by the consumer.
    BatchRing<EventBatch, kBatches>& batches() { return batches_; }
    const absl::Status& status() const { return status_; }
    const CpuStream& stream() const { return *stream_; }

   private:
    std::unique_ptr<CpuStream> stream_;
    DecodePool& pool_;
    BatchRing<EventBatch, kBatches> batches_;
    absl::Status status_;  // of the last batch
    bool ended_ = false;   // the last batch made is the end
  };

  Crew& crew_;
  std::vector<std::unique_ptr<DecodeScratch>> scratches_;  // by hand of the crew
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_DECODE_POOL_H_
