// SPDX-License-Identifier: Apache-2.0
// Events that are not of works: the scheduler's, timers', and stacks.
#include <algorithm>
#include <cstring>

#include "trace/record_decoder.h"

namespace wqprof {

// Behind its NUL the kernel may have left bytes of a longer name: then it is another entry, of the
// same name.
NameId RecordDecoder::Comm(const std::byte* comm) {
  const uint64_t head = LoadAs<false, uint64_t>(comm), tail = LoadAs<false, uint64_t>(comm + 8);
  // A switch mostly goes from the task that the one before went to.
  if (last_comm_.Is(head, tail)) return last_comm_.name;
  auto& place = comms_[PlaceOf(head, tail, kCommBits)];
  // Which of the two it is cannot be foretold: no branch asks.
  const CommEntry& known = place[place[1].Is(head, tail) ? 1 : 0];
  if (!known.Is(head, tail)) [[unlikely]] {
    const char* const text = reinterpret_cast<const char*>(comm);
    place[1] = place[0];
    place[0] = {head, tail, ShortName(std::string_view(text, strnlen(text, kCommBytes)))};
  }
  last_comm_ = known;
  return last_comm_.name;
}

template <bool kBigEndian, typename Pointer>
void RecordDecoder::DecodeSched(const std::byte* payload, const EventFields& f, Event& event) {
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
      if (state & context_.layout.state_bits) {
        for (const auto& [bit, name] : context_.layout.task_states) {
          if (state & bit) {
            letter = name;
            break;
          }
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

// The only place that reads the addresses of a stack.  A record may say anything of how many there
// are: it holds as many as fit.  Zero, or all bits, end them early.
template <bool kBigEndian, typename Pointer>
NameId RecordDecoder::DecodeStack(const std::byte* payload, size_t size, const EventFields& f) {
  if (context_.stacks == nullptr) return NameId::kUnknown;
  const auto said = static_cast<int32_t>(LoadAs<kBigEndian, uint32_t>(payload + f.depth));
  const size_t held = (size - f.callers) / sizeof(Pointer);
  const size_t depth = std::min(held, static_cast<size_t>(std::max(said, 0)));
  std::array<uint64_t, StackTable::kMaxFrames> frames;
  size_t n = 0;
  for (; n < std::min(depth, frames.size()); ++n) {
    const auto address = LoadAs<kBigEndian, Pointer>(payload + f.callers + n * sizeof(Pointer));
    if (address == 0 || address == static_cast<Pointer>(~Pointer{0})) break;
    frames[n] = address;
  }
  if (n == 0) return NameId::kUnknown;
  if (!stacks_) stacks_ = std::make_unique<StackNamer>(*context_.stacks);
  return stacks_->NameOf(std::span(frames).first(n), n < frames.size() || depth == n);
}

// Events that are not of works.
template <bool kBigEndian, typename Pointer>
void RecordDecoder::DecodeOther(const std::byte* payload, size_t size, const EventFields& f,
                                Event& event) {
  if (event.kind == EventKind::kQueueStack) {
    event.queue_stack = {DecodeStack<kBigEndian, Pointer>(payload, size, f)};
    return;
  }
  if (event.kind < EventKind::kTimerStart) {
    DecodeSched<kBigEndian, Pointer>(payload, f, event);
    return;
  }
  if (event.kind == EventKind::kSoftirqEntry) {
    event.softirq = {f.vec == EventFields::kAbsent
                         ? Event::Softirq::kUnknown
                         : uint64_t{LoadAs<kBigEndian, uint32_t>(payload + f.vec)} + 1};
    return;
  }
  const auto at_offset = [&](uint16_t offset) {
    return offset == EventFields::kAbsent ? Pointer{0}
                                          : LoadAs<kBigEndian, Pointer>(payload + offset);
  };
  event.timer = {WorkAddr{at_offset(f.work)}, FunctionAt(at_offset(f.function)).name,
                 static_cast<uint32_t>(at_offset(f.expires) - at_offset(f.now)),
                 static_cast<uint32_t>(at_offset(f.now))};
}

template void RecordDecoder::DecodeOther<false, uint32_t>(const std::byte*, size_t,
                                                          const EventFields&, Event&);
template void RecordDecoder::DecodeOther<false, uint64_t>(const std::byte*, size_t,
                                                          const EventFields&, Event&);
template void RecordDecoder::DecodeOther<true, uint32_t>(const std::byte*, size_t,
                                                         const EventFields&, Event&);
template void RecordDecoder::DecodeOther<true, uint64_t>(const std::byte*, size_t,
                                                         const EventFields&, Event&);

}  // namespace wqprof
