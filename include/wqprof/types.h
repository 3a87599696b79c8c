// SPDX-License-Identifier: Apache-2.0
// The units and identities that every module speaks: time, CPUs, tasks, works.
#ifndef WQPROF_TYPES_H_
#define WQPROF_TYPES_H_

#include <chrono>
#include <cstdint>
#include <optional>

namespace wqprof {

using Nanos = std::chrono::nanoseconds;

// The clock of one trace.  A tag type: points of different clocks do not mix,
// and wall time cannot slip in.
struct TraceClock {
  using duration = Nanos;
  using rep = Nanos::rep;
  using period = Nanos::period;
  using time_point = std::chrono::time_point<TraceClock>;
  static constexpr bool is_steady = true;
};
using Timestamp = TraceClock::time_point;

// "Not seen in the trace".  Never a number: see Between().
inline constexpr Timestamp kUnseen = Timestamp::min();

// `to` - `from`, the longest span where that overflows: a hostile trace may hold any stamps.
[[gnu::always_inline]] inline Nanos Elapsed(Timestamp from, Timestamp to) {
  int64_t span;
  if (!__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(),
                              &span)) {
    return Nanos(span);
  }
  return to < from ? Nanos::min() : Nanos::max();
}

// The span from `from` to `to`; nothing when either was not seen.  May be negative
// when the clocks of two CPUs disagree.  Inlined, as it is asked seven times an item.
[[gnu::always_inline]] inline std::optional<Nanos> Between(Timestamp from, Timestamp to) {
  if (from == kUnseen || to == kUnseen) return std::nullopt;
  return Elapsed(from, to);
}

// `a` + `b` and `a` * `n`, the largest span where they overflow: sums over a hostile trace
// must not be undefined.  REQUIRES: a, b, n >= 0.
inline Nanos AddSaturated(Nanos a, Nanos b) {
  int64_t sum;
  return __builtin_add_overflow(a.count(), b.count(), &sum) ? Nanos::max() : Nanos(sum);
}
inline Nanos MultiplySaturated(Nanos a, int64_t n) {
  int64_t product;
  return __builtin_mul_overflow(a.count(), n, &product) ? Nanos::max() : Nanos(product);
}

// A CPU number of the traced machine.  kNone: not known, or WORK_CPU_UNBOUND.
enum class Cpu : int16_t { kNone = -1 };
inline constexpr int kMaxCpus = 32767;
constexpr int ToInt(Cpu cpu) { return static_cast<int>(cpu); }

// A thread id as the kernel's events print it.  kNone: not known.
enum class Pid : int32_t { kNone = -1 };
constexpr int32_t ToInt(Pid pid) { return static_cast<int32_t>(pid); }

// Address of a work_struct (or of a timer).  Identifies a work only while it is
// pending or executing; the memory may then serve another one.
enum class WorkAddr : uint64_t {};
constexpr uint64_t ToInt(WorkAddr work) { return static_cast<uint64_t>(work); }

// Index into a NameTable.
enum class NameId : uint32_t { kUnknown = 0, kBarrier = 1, kDelayedTimer = 2 };
constexpr uint32_t ToInt(NameId name) { return static_cast<uint32_t>(name); }

}  // namespace wqprof

#endif  // WQPROF_TYPES_H_
