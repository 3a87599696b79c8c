// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_PAGE_DECODER_H_
#define WQPROF_TRACE_PAGE_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trace/record_decoder.h"
#include "wqprof/crew.h"
#include "wqprof/event.h"
#include "wqprof/event_batch.h"

namespace wqprof {

// What the pages of one CPU say, besides their events.
struct PageStats {
  uint64_t pages = 0;
  uint64_t corrupt_pages = 0;  // only a valid prefix of these was decoded
  uint64_t lost_gaps = 0;      // marks of missed events
  uint64_t lost_events = 0;    // sum of the marks that have a number
  uint64_t gaps_without_count = 0;
  bool begins_with_gap = false;       // there is a mark before the first page
  std::optional<uint64_t> first_gap;  // its number, where it has one
  uint64_t time_reversals = 0;
  uint64_t queue_stacks = 0;
  Timestamp first = kUnseen, last = kUnseen;                // records of any kind
  std::vector<uint64_t, ApartAllocator<uint64_t>> records;  // by slot of the layout
};

// Decodes ring-buffer pages of one CPU into events.  Reads only within the page whatever it
// holds, so that pages from anybody can be decoded.  One decoder a CPU, each used by one thread at
// a time.
class alignas(kApart) PageDecoder {
 public:
  PageDecoder(const DecodeContext& context, Cpu cpu);

  // Appends the page's events to `out`, in the order of the buffer, their stamps never
  // falling; `records` makes them.  Where events are missing before the page (a mark of the kernel,
  // or damage to the page before) kLossBegin stands at the last event seen, kLossEnd at the next
  // one. REQUIRES: page.size() == context.page_size; `records` is of the same context.
  void Decode(std::span<const std::byte> page, RecordDecoder& records, EventBatch& out);
  // The data of this CPU end before the trace does: all from the last event on is missing.
  void EndEarly(EventBatch& out);

  const PageStats& stats() const { return stats_; }

 private:
  // These write their events from `out` on, and return where the next one goes.
  template <bool kBigEndian, typename Pointer>
  Event* DecodePage(const std::byte* data, const std::byte* end, uint64_t stamp,
                    RecordDecoder& decoder, Event* out);
  template <bool kBigEndian, typename Pointer, bool kScaled>
  Event* DecodeRecords(const std::byte* p, const std::byte* end, uint64_t ts,
                       RecordDecoder& decoder, Event* out);
  // The fill of a page and what its mark says was lost before it.
  struct PageHeader {
    uint64_t stamp = 0;
    size_t size = 0;
    bool corrupt = false;
    bool missed = false;
    std::optional<uint64_t> missed_count;
  };
  PageHeader ReadHeader(std::span<const std::byte> page) const;
  void AppendLoss(EventKind kind, Timestamp at, std::optional<uint64_t> count,
                  EventBatch& out) const;
  [[gnu::always_inline]] inline Timestamp InOrder(Timestamp at, Timestamp last);
  template <bool kBigEndian, typename Pointer>
  [[gnu::always_inline]] static bool Joins(Event& before, const Event& activate,
                                           const std::byte* payload, const EventFields& fields,
                                           RecordDecoder& decoder);
  bool TakesStack(const Event* before, const Event& stack);

  const DecodeContext& context_;
  Cpu cpu_;
  PageStats stats_;
  bool damaged_ = false;   // the rest of this page, or the one before, could not be read
  bool gap_open_ = false;  // kLossBegin was handed out, kLossEnd not yet
  // The last event of the page before, if nothing is missing behind it.
  std::optional<Event> carried_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_PAGE_DECODER_H_
