// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_PERFETTO_ENCODER_H_
#define WQPROF_TESTS_SUPPORT_PERFETTO_ENCODER_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "support/trace_builder.h"

namespace wqprof::testing {

// What differs between the recorders and the configurations that a Perfetto trace comes from.
struct PerfettoStyle {
  std::string name = "Usual";     // of the style itself
  bool symbols = true;            // symbolize_ksyms: functions are numbers of interned names
  bool numbers = false;           // works are numbers, too, which begin anew in each round
  bool workqueue_is_name = true;  // a name in a field of its own; else an address
  bool compact = false;           // compact_sched
  bool generic = false;           // events that the recorder has no message for
  bool flags = false;             // common_flags
  char compression = 0;           // 'z': deflate, 's': zstd
  size_t round = 64;              // events after which the recorder empties the buffers
  uint32_t clock = 0;             // of FtraceClock
  bool ends = true;               // bundles say where the one before ended

  friend void PrintTo(const PerfettoStyle& style, std::ostream* out) { *out << style.name; }
};

// Writes the events of a trace as that recorder would have.
std::string EncodePerfetto(const TraceBuilder& trace, const PerfettoStyle& style = {});

// Fields of protobuf messages.
std::string VarintField(uint32_t field, uint64_t value);
std::string BytesField(uint32_t field, std::string_view bytes);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_PERFETTO_ENCODER_H_
