// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_RECORD_DECODER_H_
#define WQPROF_TRACE_RECORD_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "trace/event_layout.h"
#include "trace/stack_table.h"
#include "trace/time_scale.h"
#include "wqprof/byte_cursor.h"
#include "wqprof/event.h"
#include "wqprof/name_table.h"
#include "wqprof/symbols.h"

namespace wqprof {

// Before any event of any trace, yet not kUnseen; and after all of them.  No clock counts so far
// (73 years below zero, 146 above), and no difference of two stamps overflows.
inline constexpr Timestamp kEarliest{-Nanos(int64_t{1} << 61)}, kLatest{Nanos(int64_t{1} << 62)};

// Everything about a trace that decoding its pages needs; shared by all CPUs, never changed.
struct DecodeContext {
  EventLayout layout;
  PageLayout page;
  uint32_t page_size = 4096;
  bool big_endian = false;
  int cpus = 0;  // possible CPUs known: a larger req_cpu is WORK_CPU_UNBOUND
  TimeScale time;
  const Symbols* symbols = nullptr;
  StackTable* stacks = nullptr;  // null: stacks have no names
};

// Makes events of records, as the kernel writes them into its buffers.  Interns names through small
// caches of its own: one a thread, whatever CPUs the records are of.
class RecordDecoder {
 public:
  RecordDecoder(const DecodeContext& context, NameTable& names)
      : context_(context), names_(names) {}

  // Fills in what this kind of event holds.  The byte order and the size of a pointer are those of
  // the context.
  // REQUIRES: event.kind and event.pid are known, `payload` holds fields.min_size bytes or more.
  // Inlined, as what a loop over records knows then stays in registers.
  template <bool kBigEndian, typename Pointer>
  [[gnu::always_inline]] void Decode(const std::byte* payload, size_t size,
                                     const EventFields& fields, Event& event);

  // Whether an activation names this work, and its function if it names one.
  template <bool kBigEndian, typename Pointer>
  bool NamesTheSame(const std::byte* payload, const EventFields& fields, const Event::Work& work) {
    return WorkAddr{LoadAs<kBigEndian, Pointer>(payload + fields.work)} == work.work &&
           (fields.function == EventFields::kAbsent ||
            FunctionAt(LoadAs<kBigEndian, Pointer>(payload + fields.function)).name ==
                work.function);
  }

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
    bool Is(uint64_t h, uint64_t t) const { return head == h && tail == t; }
  };
  // A function, and the workqueue that it was queued on last: mostly it is always the same.
  struct alignas(64) FunctionEntry {
    uint64_t address = 0;
    NameId name = NameId::kUnknown;
    TextEntry workqueue;
  };

  template <bool kBigEndian, typename Pointer>
  [[gnu::always_inline]] void DecodeQueue(const std::byte* payload, size_t size,
                                          const EventFields& f, FunctionEntry& function,
                                          Event::Work& work);
  template <bool kBigEndian, typename Pointer>
  void DecodeSched(const std::byte* payload, const EventFields& f, Event& event);
  template <bool kBigEndian, typename Pointer>
  void DecodeOther(const std::byte* payload, size_t size, const EventFields& f, Event& event);
  template <bool kBigEndian, typename Pointer>
  NameId DecodeStack(const std::byte* payload, size_t size, const EventFields& f);

  FunctionEntry& FunctionAt(uint64_t address) {
    FunctionEntry& entry = functions_[PlaceOf(address, kFunctionBits)];
    if (entry.address != address) [[unlikely]]
      Fill(entry, address);
    return entry;
  }
  // One of 2^bits places.  The upper bits of a product depend on all of its factor: names that
  // differ in their last letters alone must not fall together.
  static size_t PlaceOf(uint64_t value, int bits) { return value * kMixer >> (64 - bits); }
  static size_t PlaceOf(uint64_t head, uint64_t tail, int bits) {
    const uint64_t mixed = tail * kMixer;
    return PlaceOf(head ^ mixed ^ mixed >> 32, bits);
  }
  void Fill(FunctionEntry& entry, uint64_t address);
  NameId WorkqueueOf(FunctionEntry& function, std::string_view field);
  // Of a kernel whose events have the workqueue's address instead of its name.
  NameId AddressOf(FunctionEntry& function, uint64_t workqueue);
  NameId NewWorkqueueOf(FunctionEntry& function, std::string_view text);
  NameId ShortName(std::string_view text);
  NameId Comm(const std::byte* comm);

  const DecodeContext& context_;
  NameTable& names_;
  static constexpr uint64_t kMixer = 0x9e3779b97f4a7c15;
  static constexpr int kFunctionBits = 8, kTextBits = 7, kCommBits = 8;
  std::array<FunctionEntry, 1 << kFunctionBits> functions_;
  std::array<TextEntry, 1 << kTextBits> texts_;
  // Two names that fall into one place have room in it; the newer one stands first.
  std::array<std::array<CommEntry, 2>, 1 << kCommBits> comms_;
  CommEntry last_comm_;                 // that was looked up
  std::unique_ptr<StackNamer> stacks_;  // made for the first stack
};

// Whether `n` bytes are the same.  Names of workqueues mostly have 8 to 16.
inline bool SameBytes(const char* a, const char* b, size_t n) {
  if (n < 8 || n > 16) return std::memcmp(a, b, n) == 0;
  const auto word = [](const char* from) { return LoadAs<false, uint64_t>(from); };
  return word(a) == word(b) && word(a + n - 8) == word(b + n - 8);
}

// `field` ends with its NUL, unless it is damaged.
inline NameId RecordDecoder::WorkqueueOf(FunctionEntry& function, std::string_view field) {
  const TextEntry& last = function.workqueue;
  if (last.size + size_t{1} == field.size() &&
      SameBytes(last.text.data(), field.data(), field.size())) [[likely]] {
    return last.name;
  }
  return NewWorkqueueOf(function, field.substr(0, field.find('\0')));
}

template <bool kBigEndian, typename Pointer>
inline void RecordDecoder::DecodeQueue(const std::byte* payload, size_t size, const EventFields& f,
                                       FunctionEntry& function, Event::Work& work) {
  if (f.workqueue != EventFields::kAbsent && f.workqueue_is_string) {
    const uint32_t loc = LoadAs<kBigEndian, uint32_t>(payload + f.workqueue);
    const size_t offset = loc & 0xffff, length = loc >> 16;
    if (offset <= size && length <= size - offset) {
      const char* text = reinterpret_cast<const char*>(payload + offset);
      work.workqueue = WorkqueueOf(function, std::string_view(text, length));
    }
  } else if (f.workqueue != EventFields::kAbsent) {
    work.workqueue = AddressOf(function, LoadAs<kBigEndian, Pointer>(payload + f.workqueue));
  }
  // -1, also where the field is unsigned, is an unbound pool; req_cpu is NR_CPUS when the
  // caller gave none, and NR_CPUS is not in the trace (doc/kernel.md §1.2).
  const auto cpu_at = [&](uint16_t offset) {
    if (offset == EventFields::kAbsent) return Cpu::kNone;
    const uint32_t value = LoadAs<kBigEndian, uint32_t>(payload + offset);
    return value < static_cast<uint32_t>(context_.cpus) ? static_cast<Cpu>(value) : Cpu::kNone;
  };
  work.target_cpu = cpu_at(f.target_cpu);
  work.requested_cpu = cpu_at(f.requested_cpu);
}

template <bool kBigEndian, typename Pointer>
inline void RecordDecoder::Decode(const std::byte* payload, size_t size, const EventFields& fields,
                                  Event& event) {
  if (event.kind > EventKind::kExecuteEnd) [[unlikely]] {
    DecodeOther<kBigEndian, Pointer>(payload, size, fields, event);
    return;
  }
  const uint64_t address = fields.function == EventFields::kAbsent
                               ? 0
                               : LoadAs<kBigEndian, Pointer>(payload + fields.function);
  FunctionEntry& function = FunctionAt(address);
  event.work = {WorkAddr{LoadAs<kBigEndian, Pointer>(payload + fields.work)},
                function.name,
                NameId::kUnknown,
                Cpu::kNone,
                Cpu::kNone,
                0};
  if (event.kind == EventKind::kQueueWork) {
    DecodeQueue<kBigEndian, Pointer>(payload, size, fields, function, event.work);
  }
}

}  // namespace wqprof

#endif  // WQPROF_TRACE_RECORD_DECODER_H_
