// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_PERF_ENCODER_H_
#define WQPROF_TESTS_SUPPORT_PERF_ENCODER_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "support/dat_encoder.h"
#include "support/trace_builder.h"

namespace wqprof::testing {

// What differs between the machines and the options that a perf.data comes from.
struct PerfStyle {
  std::string name = "Usual";  // of the style itself
  bool pipe = false;           // perf record -o -
  bool zstd = false;           // -z
  size_t zstd_level = 3;
  bool identifier = true;   // the id stands first; else among the others
  bool callchain = false;   // -g
  bool read_group = false;  // --group, with -s
  bool others = false;      // samples of other kinds among them, with data that is no event's
  bool sample_id_all = true;
  bool has_time = true;
  uint64_t period = 1;
  bool frequency = false;
  int clock_id = 1;  // -k; -1: perf's own
  int long_size = 8;
  size_t round = 64;                      // events a round; 0: no rounds are marked
  std::vector<EventKind> kinds;           // enabled; empty: those of the trace
  std::string build_id;                   // of the kernel
  uint64_t text_at = 0xffffffff81000000;  // the address of its _text

  friend void PrintTo(const PerfStyle& style, std::ostream* out) { *out << style.name; }
};

// Writes the events of a trace as perf on that machine would have.  Losses become records: a
// LOST where it is known how many events are missing, else a THROTTLE.
std::string EncodePerf(const TraceBuilder& trace, const PerfStyle& style = {});

// The same kernel's symbols.
std::string KallsymsOf(const TraceBuilder& trace, const PerfStyle& style = {});

// The style of a trace.dat whose events have the same fields.
DatStyle FieldsOf(const PerfStyle& style);

// One record.
std::string PerfRecordOf(uint32_t type, uint16_t misc, std::string_view body);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_PERF_ENCODER_H_
