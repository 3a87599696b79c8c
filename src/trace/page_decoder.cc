// SPDX-License-Identifier: Apache-2.0
#include "trace/page_decoder.h"

#include <algorithm>
#include <cassert>

#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

// include/linux/ring_buffer.h and kernel/trace/ring_buffer.c; doc/trace-dat.md §2.
constexpr uint32_t kMissedEvents = uint32_t{1} << 31;
constexpr uint32_t kMissedStored = uint32_t{1} << 30;
constexpr uint32_t kSizeMask = kMissedStored - 1;
constexpr uint32_t kTypePadding = 29;
constexpr uint32_t kTypeTimeExtend = 30;
constexpr uint32_t kTypeTimeStamp = 31;
constexpr int kDeltaBits = 27;
constexpr uint64_t kStampTopBits = uint64_t{0x1f} << 59;

template <bool kBigEndian>
uint32_t TypeLen(uint32_t header) {
  return kBigEndian ? header >> kDeltaBits : header & 31;
}
template <bool kBigEndian>
uint32_t Delta(uint32_t header) {
  return kBigEndian ? header & ((uint32_t{1} << kDeltaBits) - 1) : header >> 5;
}

// An absolute stamp has room for 59 bits; the rest continues the running time
// (rb_fix_abs_ts).
uint64_t FixAbsoluteStamp(uint64_t stamp, uint64_t running) {
  if ((running & kStampTopBits) == 0) return stamp;
  stamp |= running & kStampTopBits;
  return stamp < running ? stamp + (uint64_t{1} << 59) : stamp;
}

// A record that is no event of the usual size: what it turns out to be, and where the next one is.
struct OddRecord {
  enum class What : uint8_t { kEvent, kNone, kEndOfPage, kDamage } what;
  const std::byte* payload = nullptr;  // kEvent
  size_t size = 0;                     // of the payload, or what there is to skip
  uint64_t stamp = 0;
};

// REQUIRES: `p` behind the record's header.
template <bool kBigEndian>
OddRecord ReadOddRecord(const std::byte* p, const std::byte* end, uint32_t header, uint64_t stamp) {
  using What = OddRecord::What;
  const uint32_t type_len = TypeLen<kBigEndian>(header);
  const uint32_t delta = Delta<kBigEndian>(header);
  if (type_len == kTypePadding && delta == 0) return {What::kEndOfPage};
  const size_t left = static_cast<size_t>(end - p);
  if (left < 4) return {What::kDamage};
  const uint32_t word = LoadAs<kBigEndian, uint32_t>(p);
  const uint64_t wide = (static_cast<uint64_t>(word) << kDeltaBits) + delta;
  switch (type_len) {
    case kTypeTimeExtend:
      return {What::kNone, nullptr, 4, stamp + wide};
    case kTypeTimeStamp:
      return {What::kNone, nullptr, 4, FixAbsoluteStamp(wide, stamp)};
    case kTypePadding:  // a discarded event; a delta of 1 only says "not empty"
      if (word < 4 || word > left) return {What::kDamage};
      return {What::kNone, nullptr, word, delta != 1 ? stamp + delta : stamp};
    default:
      if (word < 4 || word > left) return {What::kDamage};
      return {What::kEvent, p + 4, (static_cast<size_t>(word) - 4 + 3) & ~size_t{3}, stamp + delta};
  }
}

// A stamp as a time.  `offset` is what to add where stamps are nanoseconds; else `stretch` is the
// one that the last stamp was in.
template <bool kScaled>
[[gnu::always_inline]] inline Timestamp TimeOf(const TimeScale& scale, uint64_t offset,
                                               uint64_t stamp, TimeScale::Stretch& stretch) {
  Timestamp at(Nanos(static_cast<int64_t>(stamp + offset)));
  if constexpr (kScaled) {
    if (!stretch.Holds(stamp)) [[unlikely]]
      stretch = scale.StretchOf(stamp);
    at = stretch.At(stamp);
  }
  return std::clamp(at, kEarliest, kLatest);
}

}  // namespace

PageDecoder::PageDecoder(const DecodeContext& context, Cpu cpu) : context_(context), cpu_(cpu) {
  stats_.records.resize(context.layout.slots.size());
}

// A time that is not before `last`, that of the event before.
Timestamp PageDecoder::InOrder(Timestamp at, Timestamp last) {
  if (at < last) [[unlikely]] {
    // Rarely, and a clock's fault: keeping the order of the buffer is what matching needs.
    ++stats_.time_reversals;
    return last;
  }
  if (last == kUnseen) [[unlikely]]
    stats_.first = at;
  return at;
}

// Puts `activate` into the queue event right before it, if both are of one work and one critical
// section: they then travel as one event.  Whether they do.
template <bool kBigEndian, typename Pointer>
inline bool PageDecoder::Joins(Event& before, const Event& activate, const std::byte* payload,
                               const EventFields& fields, RecordDecoder& decoder) {
  const bool of_one_task = before.kind == EventKind::kQueueWork && before.work.activation == 0 &&
                           before.pid == activate.pid && before.flags == activate.flags &&
                           activate.at - before.at < Nanos(UINT32_MAX);
  if (!of_one_task || !decoder.NamesTheSame<kBigEndian, Pointer>(payload, fields, before.work)) {
    return false;
  }
  before.work.activation = static_cast<uint32_t>((activate.at - before.at).count()) + 1;
  return true;
}

// A record that does not fit into what is left of the page is damage, and so is a payload that is
// shorter than its event.
template <bool kBigEndian, typename Pointer, bool kScaled>
Event* PageDecoder::DecodeRecords(const std::byte* p, const std::byte* end, uint64_t ts,
                                  RecordDecoder& decoder, Event* out) {
  // What is asked at every record lies in variables of our own: for all that the compiler knows, an
  // event that is written may overwrite anything else.
  const EventLayout::Id* const ids = context_.layout.ids.data();
  const EventFields* const fields_of = context_.layout.fields.data();
  const size_t min_size = context_.layout.min_size;
  const size_t type_offset = context_.layout.type_offset;
  const size_t pid_offset = context_.layout.pid_offset;
  const size_t flags_offset = context_.layout.flags_offset;
  const uint64_t offset = static_cast<uint64_t>(context_.time.offset);
  TimeScale::Stretch stretch;  // the one that the last event was in
  uint64_t* const records = stats_.records.data();
  Event* const first = out;
  Timestamp last = stats_.last;
  bool damaged = false;
  while (end - p >= 4) {
    const uint32_t header = LoadAs<kBigEndian, uint32_t>(p);
    p += 4;
    size_t size = size_t{4} * TypeLen<kBigEndian>(header);
    const std::byte* payload = p;
    if (size - 1 >= 4 * 28) [[unlikely]] {
      const OddRecord odd = ReadOddRecord<kBigEndian>(p, end, header, ts);
      damaged = odd.what == OddRecord::What::kDamage;
      if (damaged || odd.what == OddRecord::What::kEndOfPage) break;
      ts = odd.stamp;
      size = odd.size;
      if (odd.what == OddRecord::What::kNone) {
        p += size;
        continue;
      }
      payload = odd.payload;
    } else {
      ts += Delta<kBigEndian>(header);
    }
    damaged = size > static_cast<size_t>(end - payload);
    if (damaged) [[unlikely]]
      break;
    p = payload + size;
    last = InOrder(TimeOf<kScaled>(context_.time, offset, ts, stretch), last);
    damaged = size < min_size;
    if (damaged) [[unlikely]]
      break;
    const EventLayout::Id id = ids[LoadAs<kBigEndian, uint16_t>(payload + type_offset)];
    ++records[id.slot];
    if (id.kind == EventLayout::kOther) continue;
    const EventFields& fields = fields_of[id.kind];
    damaged = size < fields.min_size;
    if (damaged) [[unlikely]]
      break;
    Event& event = *out;
    event.at = last;
    event.pid = static_cast<Pid>(LoadAs<kBigEndian, uint32_t>(payload + pid_offset));
    event.cpu = cpu_;
    event.kind = static_cast<EventKind>(id.kind);
    event.flags = static_cast<uint8_t>(payload[flags_offset]);
    Event* const before = out == first ? nullptr : out - 1;
    if (event.kind == EventKind::kActivateWork && before != nullptr &&
        Joins<kBigEndian, Pointer>(*before, event, payload, fields, decoder)) {
      continue;
    }
    if (event.kind == EventKind::kQueueStack && !TakesStack(before, event)) continue;
    ++out;
    decoder.Decode<kBigEndian, Pointer>(payload, size, fields, event);
  }
  damaged_ = damaged;
  stats_.last = last;
  return out;
}

// A stack follows its event at once, as interrupts are off where works are queued.  Whoever traces
// may have asked for the stacks of other events, too: these are left out.  `before` is null where
// the page begins.
bool PageDecoder::TakesStack(const Event* before, const Event& stack) {
  if (before == nullptr && carried_) before = &*carried_;
  const bool takes = before != nullptr && before->kind == EventKind::kQueueWork &&
                     before->work.activation == 0 && before->pid == stack.pid &&
                     ((before->flags ^ stack.flags) & kFlagsOfInterrupts) == 0;
  stats_.queue_stacks += takes ? 1 : 0;
  return takes;
}

template <bool kBigEndian, typename Pointer>
Event* PageDecoder::DecodePage(const std::byte* data, const std::byte* end, uint64_t stamp,
                               RecordDecoder& decoder, Event* out) {
  return context_.time.scales()
             ? DecodeRecords<kBigEndian, Pointer, true>(data, end, stamp, decoder, out)
             : DecodeRecords<kBigEndian, Pointer, false>(data, end, stamp, decoder, out);
}

PageDecoder::PageHeader PageDecoder::ReadHeader(std::span<const std::byte> page) const {
  const PageLayout& layout = context_.page;
  const bool big = context_.big_endian;
  const auto u64_at = [&](size_t at) {
    return big ? LoadAs<true, uint64_t>(&page[at]) : LoadAs<false, uint64_t>(&page[at]);
  };
  const auto u32_at = [&](size_t at) {
    return big ? LoadAs<true, uint32_t>(&page[at]) : LoadAs<false, uint32_t>(&page[at]);
  };
  // The low word of a kernel long that is sign-extended when events were lost.
  const uint32_t commit = u32_at(layout.commit_offset + (big && layout.commit_size == 8 ? 4u : 0u));
  const size_t capacity = page.size() - layout.data_offset;
  PageHeader header;
  header.stamp = u64_at(0);
  header.size = commit & kSizeMask;
  header.missed = (commit & kMissedEvents) != 0;
  header.corrupt = header.size > capacity;
  if (!header.corrupt && header.missed && (commit & kMissedStored) != 0 &&
      capacity - header.size >= layout.commit_size) {
    const size_t at = layout.data_offset + header.size;
    const uint64_t count = layout.commit_size == 8 ? u64_at(at) : u32_at(at);
    // 7.x marks "unknown" with -1.
    if (count <= INT32_MAX) header.missed_count = count;
  }
  return header;
}

void PageDecoder::AppendLoss(EventKind kind, Timestamp at, std::optional<uint64_t> count,
                             EventBatch& out) const {
  Event& event = out.emplace_back();
  event.at = at;
  event.pid = Pid::kNone;
  event.cpu = cpu_;
  event.kind = kind;
  event.flags = 0;
  event.loss = {count.value_or(0), count.has_value()};
}

void PageDecoder::Decode(std::span<const std::byte> page, RecordDecoder& records, EventBatch& out) {
  assert(page.size() == context_.page_size);
  ++stats_.pages;
  const PageHeader header = ReadHeader(page);
  if (header.missed) {
    ++stats_.lost_gaps;
    stats_.lost_events += header.missed_count.value_or(0);
    stats_.gaps_without_count += header.missed_count ? 0 : 1;
    if (stats_.pages == 1) {
      stats_.begins_with_gap = true;
      stats_.first_gap = header.missed_count;
    }
  }
  if (header.missed || damaged_) carried_.reset();
  if ((header.missed || damaged_) && !gap_open_) {
    // Before the first event the loss reaches back to the beginning, whenever that was.
    const Timestamp from = stats_.last == kUnseen ? kEarliest : stats_.last;
    AppendLoss(EventKind::kLossBegin, from, header.missed_count, out);
    gap_open_ = true;
  }
  const size_t loss_end = out.size();
  if (gap_open_) AppendLoss(EventKind::kLossEnd, kEarliest, header.missed_count, out);
  damaged_ = header.corrupt;
  if (!header.corrupt) {
    const std::byte* data = page.data() + context_.page.data_offset;
    const std::byte* end = data + header.size;
    const bool wide = context_.layout.pointer_size == 8;
    const size_t before = out.size();
    out.resize(before + header.size / (4 + context_.layout.min_size));
    Event* const first = out.data() + before;
    Event* past;
    if (context_.big_endian) {
      past = wide ? DecodePage<true, uint64_t>(data, end, header.stamp, records, first)
                  : DecodePage<true, uint32_t>(data, end, header.stamp, records, first);
    } else {
      past = wide ? DecodePage<false, uint64_t>(data, end, header.stamp, records, first)
                  : DecodePage<false, uint32_t>(data, end, header.stamp, records, first);
    }
    out.resize(before + static_cast<size_t>(past - first));
    carried_.reset();
    if (past != first) carried_ = past[-1];
  }
  stats_.corrupt_pages += damaged_ ? 1 : 0;
  if (!gap_open_) return;
  // Events are missing up to the next one that there is, be it on a later page.
  gap_open_ = out.size() == loss_end + 1;
  if (gap_open_) {
    out.pop_back();
  } else {
    out[loss_end].at = out[loss_end + 1].at;
  }
}

void PageDecoder::EndEarly(EventBatch& out) {
  if (gap_open_) return;
  AppendLoss(EventKind::kLossBegin, stats_.last == kUnseen ? kEarliest : stats_.last, std::nullopt,
             out);
}

}  // namespace wqprof
