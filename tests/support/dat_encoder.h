// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_DAT_ENCODER_H_
#define WQPROF_TESTS_SUPPORT_DAT_ENCODER_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "support/dat_file.h"
#include "support/page_writer.h"
#include "support/trace_builder.h"

namespace wqprof::testing {

// What differs between the kernels, machines and recorders that a trace.dat comes from.
struct DatStyle {
  std::string name = "Usual";  // of the style itself
  int version = 7;
  bool big_endian = false;
  int long_size = 8;
  uint32_t page_size = 4096;
  bool zstd = false;
  bool workqueue_is_name = true;      // its address before 5.12
  bool activate_has_function = true;  // since 6.11
  bool end_has_function = true;       // since 5.6
  bool odd_common_fields = false;     // as PREEMPT_RT kernels have
  bool length_words = false;
  bool absolute_times = false;
  std::string instance = "";

  friend void PrintTo(const DatStyle& style, std::ostream* out) { *out << style.name; }
};

// Writes the events of a trace as that machine would have.  Losses become marks of pages:
// LossEnd stands before the first record that was kept.
DatFile EncodeDat(const TraceBuilder& trace, const DatStyle& style = {});

// The id of one event kind in format texts and payloads.
int IdOf(EventKind kind);
// The format text of one event kind, and the payload of one event; both for raw tests.
std::string FormatText(EventKind kind, const DatStyle& style);
std::string Payload(const Event& event, const NameTable& names, const DatStyle& style);

// The made-up kernel address of a function, or of a workqueue, of that name.
uint64_t AddressOf(NameId name, const DatStyle& style);

// What a reader must make of `trace` when it was written in `style`: names that the layout
// lacks are gone, a pointer stands for the workqueue's name.  Names are those of `names`.
std::vector<Event> AsRead(const TraceBuilder& trace, const DatStyle& style, NameTable& names);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_DAT_ENCODER_H_
