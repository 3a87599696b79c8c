// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_RING_BUFFER_H_
#define WQPROF_LIVE_RING_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "live/page_pipe.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "wqprof/live.h"

namespace wqprof {

// Numbers of a `stats` file.  A line that the kernel does not have counts as 0.
struct BufferCounts {
  uint64_t entries = 0;  // that wait to be read
  uint64_t bytes = 0;    // that they take
  uint64_t read = 0;
  uint64_t lost = 0;  // overwritten, or dropped
};
BufferCounts ParseBufferCounts(std::string_view stats);

// What the header of a sub-buffer says (doc/trace-dat.md §2.1).
struct PageHead {
  uint32_t used = 0;    // bytes of events
  bool missed = false;  // events are missing just before it
};
PageHead ReadPageHead(std::span<const std::byte> page);

// One CPU's ring buffer in an instance, as its reader sees it.
class CpuBuffer {
 public:
  static absl::StatusOr<std::unique_ptr<CpuBuffer>> Open(const TraceInstance& instance, Cpu cpu,
                                                         uint32_t page_size);
  Cpu cpu() const { return cpu_; }
  int fd() const { return pipe_.get(); }

  // It was in use before we came: what it read and lost until then counts no more, and what is
  // missing before the first sub-buffer that is read is a late begin.  REQUIRES: nothing was read.
  void BeginLate();

  // Sub-buffers that are full, by the counters as they were last read.
  uint64_t full() const { return counts_.bytes / page_size_; }
  // Hands over at most `limit` sub-buffers: full ones through `pipe` where the sink takes it, and
  // others in batches that go through `scratch`.  A reader that took all there is while events come
  // in would get sub-buffers with hardly one each.
  absl::Status Drain(uint64_t limit, PagePipe& pipe, std::span<std::byte> scratch, PageSink* sink);
  // Hands over all that the buffer has now, and little more, or `limit` sub-buffers of it;
  // whether that was all.
  absl::StatusOr<bool> DrainToWriter(uint64_t limit, std::span<std::byte> scratch, PageSink& sink);

  // Reads the kernel's counters anew.
  void RefreshCounts();
  const BufferCounts& counts() const { return counts_; }
  const std::string& stats_text() const { return stats_text_; }
  // What of it is about us, where the begin was late.
  std::string LateStatsText() const;
  uint64_t gaps() const { return gaps_; }
  uint64_t reads() const { return reads_; }
  uint64_t bytes() const { return reads_ * page_size_; }
  // The kernel's counters went back: somebody emptied the buffer.
  bool cleared() const { return cleared_; }

 private:
  // What one read brought.
  enum class ReadResult { kFull, kPart, kNothing };
  ReadResult ReadPage(std::span<std::byte> page);
  void BeginLateWith(std::span<std::byte> page);
  absl::StatusOr<uint64_t> MoveFull(uint64_t limit, PagePipe& pipe, std::span<std::byte> scratch,
                                    PageSink& sink);
  absl::Status Copy(size_t pages, int pipe, std::span<std::byte> scratch, PageSink& sink);
  CpuBuffer(Cpu cpu, uint32_t page_size, ScopedFd pipe, ScopedFd stats);
  Cpu cpu_;
  uint32_t page_size_;
  ScopedFd pipe_, stats_;
  BufferCounts counts_, raw_counts_, before_us_;
  bool late_ = false;
  std::string stats_text_;
  uint64_t gaps_ = 0, reads_ = 0;
  bool cleared_ = false;
  uint64_t lost_before_ = 0;  // as counted before the last one that was moved
};

// The CPUs that have a buffer directory in `instance`, ascending.
std::vector<Cpu> BufferCpus(const TraceInstance& instance);

// What a buffer was set up with.
struct BufferSetup {
  uint64_t bytes = 0;         // per CPU
  uint32_t subbuf_bytes = 0;  // 0: the kernel knows only one size, that of a page
};

// Sets clock, sub-buffers and size, in this order.  `wanted` 0: 16 MiB per CPU or what memory
// allows; `notes` says when it is less.
absl::StatusOr<BufferSetup> SetUpBuffer(const TraceInstance& instance, const std::string& clock,
                                        uint64_t wanted, std::vector<std::string>& notes);

}  // namespace wqprof

#endif  // WQPROF_LIVE_RING_BUFFER_H_
