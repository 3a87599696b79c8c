// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_PAGE_DECODER_H_
#define WQPROF_TRACE_PAGE_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "trace/event_batch.h"
#include "trace/event_layout.h"
#include "trace/symbols.h"
#include "wqprof/crew.h"
#include "wqprof/event.h"
#include "wqprof/name_table.h"

namespace wqprof {

// From the trace's raw stamps to nanoseconds: raw * mult >> shift + offset.
struct TimeScale {
  uint32_t mult = 1;
  uint32_t shift = 0;
  int64_t offset = 0;
  bool scales() const { return mult != 1 || shift != 0; }
  // kScales: scales(), known beforehand.
  template <bool kScales>
  Timestamp At(uint64_t raw) const {
    if constexpr (kScales) {
      raw = static_cast<uint64_t>(static_cast<unsigned __int128>(raw) * mult >> shift);
    }
    // Wraps like the kernel's own u64 stamps; a hostile one must not be an overflow of ours.
    return Timestamp(Nanos(static_cast<int64_t>(raw + static_cast<uint64_t>(offset))));
  }
};

// Everything about a trace that decoding its pages needs; shared by all CPUs, never changed.
struct DecodeContext {
  EventLayout layout;
  PageLayout page;
  uint32_t page_size = 4096;
  bool big_endian = false;
  int cpus = 0;  // possible CPUs known: a larger req_cpu is WORK_CPU_UNBOUND
  TimeScale time;
  const Symbols* symbols = nullptr;
};

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
  Timestamp first = kUnseen, last = kUnseen;                // records of any kind
  std::vector<uint64_t, ApartAllocator<uint64_t>> records;  // by slot of the layout
};

// Decodes ring-buffer pages of one CPU into events.  Reads only within the page whatever it
// holds, so that pages from anybody can be decoded.  Interns names through small caches of
// its own: one decoder a CPU, each used by one thread at a time.
class alignas(kApart) PageDecoder {
 public:
  PageDecoder(const DecodeContext& context, Cpu cpu, NameTable& names);

  // Appends the page's events to `out`, in the order of the buffer, their stamps never
  // falling.  Where events are missing before the page (a mark of the kernel, or damage to
  // the page before) kLossBegin stands at the last event seen, kLossEnd at the next one.
  // REQUIRES: page.size() == context.page_size.
  void Decode(std::span<const std::byte> page, EventBatch& out);
  // The data of this CPU end before the trace does: all from the last event on is missing.
  void EndEarly(EventBatch& out);

  const PageStats& stats() const { return stats_; }

 private:
  // A name short enough to be compared in place.
  struct TextEntry {
    std::array<char, 32> text{};  // zeros behind its end
    uint8_t size = 0;
    NameId name = NameId::kUnknown;
  };
  // A task's name as it stands in an event.
  static constexpr size_t kCommBytes = 16;  // TASK_COMM_LEN
  struct CommEntry {
    uint64_t head = 0, tail = 0;
    NameId name = NameId::kUnknown;
  };
  // A function, and the workqueue that it was queued on last: mostly it is always the same.
  struct alignas(64) FunctionEntry {
    uint64_t address = 0;
    NameId name = NameId::kUnknown;
    TextEntry workqueue;
  };

  // These write their events from `out` on, and return where the next one goes.
  template <bool kBigEndian, typename Pointer>
  Event* DecodePage(const std::byte* data, const std::byte* end, uint64_t stamp, Event* out);
  template <bool kBigEndian, typename Pointer, bool kScaled>
  Event* DecodeRecords(const std::byte* p, const std::byte* end, uint64_t ts, Event* out);
  template <bool kBigEndian, typename Pointer>
  void DecodeQueue(const std::byte* payload, size_t size, const EventFields& f,
                   FunctionEntry& function, Event::Work& work);
  template <bool kBigEndian, typename Pointer>
  void DecodeSched(const std::byte* payload, const EventFields& f, Event& event);
  template <bool kBigEndian, typename Pointer>
  void DecodeOther(const std::byte* payload, const EventFields& f, Event& event);
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

  FunctionEntry& FunctionAt(uint64_t address) {
    FunctionEntry& entry = functions_[SlotOf(address)];
    if (entry.address != address) [[unlikely]]
      Fill(entry, address);
    return entry;
  }
  static uint64_t MixText(uint64_t head, uint64_t tail) {
    const auto mix = [](uint64_t value) {
      value *= 0x9e3779b97f4a7c15;
      return value ^ value >> 32;
    };
    return mix(head ^ mix(tail));
  }
  static size_t SlotOf(uint64_t address) {
    return (address * 0x9e3779b97f4a7c15) >> (64 - kFunctionBits);
  }
  void Fill(FunctionEntry& entry, uint64_t address);
  NameId WorkqueueOf(FunctionEntry& function, std::string_view field);
  NameId NewWorkqueueOf(FunctionEntry& function, std::string_view text);
  NameId ShortName(std::string_view text);
  NameId Comm(const std::byte* comm);

  const DecodeContext& context_;
  Cpu cpu_;
  NameTable& names_;
  PageStats stats_;
  bool damaged_ = false;   // the rest of this page, or the one before, could not be read
  bool gap_open_ = false;  // kLossBegin was handed out, kLossEnd not yet
  static constexpr int kFunctionBits = 8;
  std::array<FunctionEntry, 1 << kFunctionBits> functions_;
  std::array<TextEntry, 128> texts_;
  std::array<CommEntry, 512> comms_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_PAGE_DECODER_H_
