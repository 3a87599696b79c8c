// SPDX-License-Identifier: Apache-2.0
#include "trace/page_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "trace/byte_cursor.h"

namespace wqprof {
namespace {

// include/linux/ring_buffer.h and kernel/trace/ring_buffer.c; formats.md §2.
constexpr uint32_t kMissedEvents = uint32_t{1} << 31;
constexpr uint32_t kMissedStored = uint32_t{1} << 30;
constexpr uint32_t kSizeMask = kMissedStored - 1;
constexpr uint32_t kTypePadding = 29;
constexpr uint32_t kTypeTimeExtend = 30;
constexpr uint32_t kTypeTimeStamp = 31;
constexpr int kDeltaBits = 27;
constexpr uint64_t kStampTopBits = uint64_t{0x1f} << 59;

// Before any event of any trace, yet not kUnseen.
constexpr Timestamp kEarliest = kUnseen + Nanos(1);

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

uint64_t MixHash(uint64_t value) {
  value *= 0x9e3779b97f4a7c15;
  return value ^ value >> 32;
}

}  // namespace

PageDecoder::PageDecoder(const DecodeContext& context, Cpu cpu, NameTable& names)
    : context_(context), cpu_(cpu), names_(names) {
  stats_.records.resize(context.layout.slots.size());
}

void PageDecoder::Fill(FunctionEntry& entry, uint64_t address) {
  const NameId name =
      address == 0 ? NameId::kUnknown : names_.Intern(context_.symbols->NameOf(address));
  entry = {address, name, {}};
}

// `field` ends with its NUL, unless it is damaged.
NameId PageDecoder::WorkqueueOf(FunctionEntry& function, std::string_view field) {
  TextEntry& last = function.workqueue;
  if (last.size + size_t{1} == field.size() &&
      std::memcmp(last.text.data(), field.data(), field.size()) == 0) [[likely]] {
    return last.name;
  }
  const std::string_view text = field.substr(0, field.find('\0'));
  const NameId name = ShortName(text);
  if (text.size() < last.text.size()) {
    last = {};
    std::memcpy(last.text.data(), text.data(), text.size());
    last.size = static_cast<uint8_t>(text.size());
    last.name = name;
  }
  return name;
}

NameId PageDecoder::ShortName(std::string_view text) {
  std::array<char, 32> key{};
  if (text.size() > key.size()) return names_.Intern(text);
  std::memcpy(key.data(), text.data(), text.size());
  uint64_t head, tail;
  std::memcpy(&head, key.data(), 8);
  std::memcpy(&tail, key.data() + std::max<size_t>(text.size(), 8) - 8, 8);
  TextEntry& entry = texts_[MixHash(head ^ MixHash(tail + text.size())) % texts_.size()];
  if (entry.name == NameId::kUnknown || entry.size != text.size() || entry.text != key) {
    entry = {key, static_cast<uint8_t>(text.size()), names_.Intern(text)};
  }
  return entry.name;
}

NameId PageDecoder::Comm(const std::byte* comm) {
  const char* text = reinterpret_cast<const char*>(comm);
  return ShortName(std::string_view(text, strnlen(text, 16)));
}

template <bool kBigEndian, typename Pointer>
void PageDecoder::DecodeWork(const std::byte* payload, size_t size, const EventFields& f,
                             Event& event) {
  Event::Work& work = event.work;
  work.work = WorkAddr{LoadAs<kBigEndian, Pointer>(payload + f.work)};
  work.workqueue = NameId::kUnknown;
  work.target_cpu = work.requested_cpu = Cpu::kNone;
  const uint64_t address =
      f.function == EventFields::kAbsent ? 0 : LoadAs<kBigEndian, Pointer>(payload + f.function);
  FunctionEntry& function = FunctionAt(address);
  work.function = function.name;
  if (event.kind == EventKind::kQueueWork) {
    if (f.workqueue != EventFields::kAbsent && f.workqueue_is_string) {
      const uint32_t loc = LoadAs<kBigEndian, uint32_t>(payload + f.workqueue);
      const size_t offset = loc & 0xffff, length = loc >> 16;
      if (offset <= size && length <= size - offset) {
        const char* text = reinterpret_cast<const char*>(payload + offset);
        work.workqueue = WorkqueueOf(function, std::string_view(text, length));
      }
    } else if (f.workqueue != EventFields::kAbsent) {
      const uint64_t pointer = LoadAs<kBigEndian, Pointer>(payload + f.workqueue);
      std::array<char, 24> text;
      const auto end = fmt::format_to_n(text.data(), text.size(), "{:#x}", pointer);
      *end.out = '\0';
      work.workqueue = WorkqueueOf(function, std::string_view(text.data(), end.size + 1));
    }
    // -1, also where the field is unsigned, is an unbound pool; req_cpu is NR_CPUS when the
    // caller gave none, and NR_CPUS is not in the trace (kernel.md §1.2).
    const auto cpu_at = [&](uint16_t offset) {
      if (offset == EventFields::kAbsent) return Cpu::kNone;
      const uint32_t value = LoadAs<kBigEndian, uint32_t>(payload + offset);
      return value < static_cast<uint32_t>(context_.cpus) ? static_cast<Cpu>(value) : Cpu::kNone;
    };
    work.target_cpu = cpu_at(f.target_cpu);
    work.requested_cpu = cpu_at(f.requested_cpu);
  }
}

template <bool kBigEndian, typename Pointer>
void PageDecoder::DecodeSched(const std::byte* payload, const EventFields& f, Event& event) {
  const auto pid_at = [&](uint16_t offset) {
    return offset == EventFields::kAbsent
               ? event.pid
               : static_cast<Pid>(LoadAs<kBigEndian, uint32_t>(payload + offset));
  };
  const auto prio_at = [&](uint16_t offset) {
    return offset == EventFields::kAbsent
               ? int16_t{0}
               : static_cast<int16_t>(LoadAs<kBigEndian, uint32_t>(payload + offset));
  };
  const auto comm_at = [&](uint16_t offset) {
    return offset == EventFields::kAbsent ? NameId::kUnknown : Comm(payload + offset);
  };
  switch (event.kind) {
    case EventKind::kSwitch: {
      const uint64_t state = LoadAs<kBigEndian, Pointer>(payload + f.prev_state);
      char letter = 'R';
      for (const auto& [bit, name] : context_.layout.task_states) {
        if (state & bit) {
          letter = name;
          break;
        }
      }
      event.sched_switch = {pid_at(f.next_pid),
                            comm_at(f.prev_comm),
                            comm_at(f.next_comm),
                            prio_at(f.prev_prio),
                            prio_at(f.next_prio),
                            letter,
                            (state & context_.layout.preempted_bit) != 0};
      break;
    }
    case EventKind::kWaking:
    case EventKind::kWakeup: {
      const uint32_t cpu = f.target_cpu == EventFields::kAbsent
                               ? UINT32_MAX
                               : LoadAs<kBigEndian, uint32_t>(payload + f.target_cpu);
      event.wake = {pid_at(f.next_pid), comm_at(f.next_comm), prio_at(f.next_prio),
                    cpu <= kMaxCpus ? static_cast<Cpu>(cpu) : Cpu::kNone};
      break;
    }
    default:
      event.task = {pid_at(f.next_pid), comm_at(f.next_comm)};
  }
}

// A payload that is shorter than its event is damage.
template <bool kBigEndian, typename Pointer>
Event* PageDecoder::DecodePayload(const std::byte* payload, size_t size, Timestamp at, Event* out) {
  const EventLayout& layout = context_.layout;
  if (size < layout.min_size) [[unlikely]] {
    damaged_ = true;
    return out;
  }
  const uint16_t slot = layout.slot_of[LoadAs<kBigEndian, uint16_t>(payload + layout.type_offset)];
  ++stats_.records[slot];
  const uint8_t kind = layout.slots[slot].kind;
  if (kind == EventLayout::kOther) return out;
  const EventFields& fields = layout.fields[kind];
  if (size < fields.min_size) [[unlikely]] {
    damaged_ = true;
    return out;
  }
  Event& event = *out;
  event.at = at;
  event.pid = static_cast<Pid>(LoadAs<kBigEndian, uint32_t>(payload + layout.pid_offset));
  event.cpu = cpu_;
  event.kind = static_cast<EventKind>(kind);
  event.flags = static_cast<uint8_t>(payload[layout.flags_offset]);
  if (event.kind <= EventKind::kExecuteEnd) [[likely]] {
    DecodeWork<kBigEndian, Pointer>(payload, size, fields, event);
  } else if (event.kind < EventKind::kTimerStart) {
    DecodeSched<kBigEndian, Pointer>(payload, fields, event);
  } else {
    const auto at_offset = [&](uint16_t offset) {
      return offset == EventFields::kAbsent ? Pointer{0}
                                            : LoadAs<kBigEndian, Pointer>(payload + offset);
    };
    event.timer = {WorkAddr{at_offset(fields.work)}, FunctionAt(at_offset(fields.function)).name,
                   static_cast<uint32_t>(at_offset(fields.expires) - at_offset(fields.now)),
                   static_cast<uint32_t>(at_offset(fields.now))};
  }
  return out + 1;
}

// A record that does not fit into what is left of the page is damage.
template <bool kBigEndian, typename Pointer>
Event* PageDecoder::DecodeRecords(const std::byte* p, const std::byte* end, uint64_t ts,
                                  Event* out) {
  const auto left = [&] { return static_cast<size_t>(end - p); };
  const auto damage = [&] {
    damaged_ = true;
    return out;
  };
  while (left() >= 4) {
    const uint32_t header = LoadAs<kBigEndian, uint32_t>(p);
    const uint32_t type_len = TypeLen<kBigEndian>(header);
    const uint32_t delta = Delta<kBigEndian>(header);
    p += 4;
    size_t size = size_t{4} * type_len;
    if (type_len == 0 || type_len > 28) [[unlikely]] {
      if (type_len == kTypePadding && delta == 0) return out;
      if (left() < 4) return damage();
      const uint32_t word = LoadAs<kBigEndian, uint32_t>(p);
      switch (type_len) {
        case kTypeTimeExtend:
          ts += (static_cast<uint64_t>(word) << kDeltaBits) + delta;
          p += 4;
          continue;
        case kTypeTimeStamp:
          ts = FixAbsoluteStamp((static_cast<uint64_t>(word) << kDeltaBits) + delta, ts);
          p += 4;
          continue;
        case kTypePadding:  // a discarded event; a delta of 1 only says "not empty"
          if (word < 4 || word > left()) return damage();
          if (delta != 1) ts += delta;
          p += word;
          continue;
        default:
          if (word < 4 || word > left()) return damage();
          p += 4;
          size = (static_cast<size_t>(word) - 4 + 3) & ~size_t{3};
      }
    }
    if (size > left()) [[unlikely]]
      return damage();
    ts += delta;
    Timestamp at = std::max(context_.time.At(ts), kEarliest);
    if (at < stats_.last) [[unlikely]] {
      // Seldom, and a clock's fault: keeping the order of the buffer is what matching needs.
      ++stats_.time_reversals;
      at = stats_.last;
    }
    stats_.last = at;
    if (stats_.first == kUnseen) [[unlikely]]
      stats_.first = at;
    out = DecodePayload<kBigEndian, Pointer>(p, size, at, out);
    if (damaged_) [[unlikely]]
      return out;
    p += size;
  }
  return out;
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

void PageDecoder::Decode(std::span<const std::byte> page, EventBatch& out) {
  assert(page.size() == context_.page_size);
  ++stats_.pages;
  const PageHeader header = ReadHeader(page);
  if (header.missed) {
    ++stats_.lost_gaps;
    stats_.lost_events += header.missed_count.value_or(0);
    stats_.gaps_without_count += header.missed_count ? 0 : 1;
  }
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
      past = wide ? DecodeRecords<true, uint64_t>(data, end, header.stamp, first)
                  : DecodeRecords<true, uint32_t>(data, end, header.stamp, first);
    } else {
      past = wide ? DecodeRecords<false, uint64_t>(data, end, header.stamp, first)
                  : DecodeRecords<false, uint32_t>(data, end, header.stamp, first);
    }
    out.resize(before + static_cast<size_t>(past - first));
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
