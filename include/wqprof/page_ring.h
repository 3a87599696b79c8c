// SPDX-License-Identifier: Apache-2.0
// The latest pages of a recording that goes on, in memory: a flight recorder.
#ifndef WQPROF_PAGE_RING_H_
#define WQPROF_PAGE_RING_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/trace_writer.h"
#include "wqprof/types.h"

namespace wqprof {

// How much is kept: what both allow.
struct RingLimits {
  Nanos time = std::chrono::seconds(30);
  uint64_t bytes = uint64_t{64} << 20;
};

// Pages of all CPUs that came one after the other, packed: of each only what is in use, compressed
// where that pays.  It never changes, so that any thread may read it.
class PageChunk {
 public:
  // Takes a page of a CPU, whole; valid during the call.
  using Visitor = std::function<absl::Status(Cpu cpu, std::span<std::byte> page)>;

  ~PageChunk();
  PageChunk(const PageChunk&) = delete;
  PageChunk& operator=(const PageChunk&) = delete;

  // Counted from 0 on, in the order in which they were sealed.
  uint64_t number() const { return number_; }
  // When the first of its pages came, and the last.
  Nanos from() const { return from_; }
  Nanos to() const { return to_; }
  size_t size() const { return data_.size(); }
  // Gives its pages in the order in which they came; an error of `visit` ends that.
  absl::Status Visit(const Visitor& visit) const;

 private:
  friend class PageRing;
  friend class ChunkReplay;
  using Counter = std::shared_ptr<std::atomic<uint64_t>>;
  PageChunk() = default;

  uint64_t number_ = 0;
  Nanos from_{0}, to_{0};
  size_t unpacked_ = 0;  // 0: it is not compressed
  uint32_t page_size_ = 0;
  size_t commit_at_ = 0;  // where a page says how full it is, and whether events are missing
  std::vector<std::byte> data_;
  Counter held_;  // the sizes of all chunks that live, whoever holds them
};

// Keeps the chunks of the latest pages.  Times are of any clock of the caller that does not run
// backwards.  All that is held in memory, by others too, stays below the limit: while they hold
// chunks, fewer are kept here.
class PageRing {
 public:
  // A smaller limit is none that pages of all sizes fit into.
  static constexpr uint64_t kLeastBytes = uint64_t{1} << 20;

  // kDataLoss: the metadata do not say what a page looks like.
  // REQUIRES: limits.bytes >= kLeastBytes.
  static absl::StatusOr<std::unique_ptr<PageRing>> Create(const TraceMetadata& metadata,
                                                          const RingLimits& limits);
  ~PageRing();

  // `pages` holds whole sub-buffers of one CPU, in order; they are copied.
  void Add(Cpu cpu, std::span<const std::byte> pages, Nanos now);
  // Drops what is too old by now.
  void Expire(Nanos now);
  // Makes a chunk of what was added last.
  void Seal();
  // The chunks from `number` on that are still kept, the oldest first.
  std::vector<std::shared_ptr<const PageChunk>> From(uint64_t number) const;
  // The number of the next chunk that is sealed.
  uint64_t next() const;
  // Of all that is kept: how long ago the oldest page came, and the memory it takes.
  Nanos Span(Nanos now) const;
  uint64_t bytes() const;

 private:
  struct State;
  explicit PageRing(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Writes chunks into a trace.  What a CPU lost before its first page here is before the begin of
// that trace, and no loss of it.
class ChunkReplay {
 public:
  explicit ChunkReplay(TraceWriter& writer) : writer_(writer) {}
  absl::Status Append(const PageChunk& chunk);

 private:
  TraceWriter& writer_;
  std::set<Cpu> begun_;
};

}  // namespace wqprof

#endif  // WQPROF_PAGE_RING_H_
