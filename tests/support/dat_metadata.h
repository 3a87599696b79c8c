// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_DAT_METADATA_H_
#define WQPROF_TESTS_SUPPORT_DAT_METADATA_H_

#include <string>

#include "support/dat_file.h"
#include "wqprof/trace_writer.h"

namespace wqprof::testing {

// What a recorder would have read from tracefs to write that file, of a machine with two CPUs.
inline TraceMetadata MetadataOf(const DatFile& dat) {
  TraceMetadata out;
  out.header_page = dat.header_page;
  out.header_event = dat.header_event;
  for (const auto& [system, formats] : dat.formats) {
    for (const std::string& format : formats) out.event_formats.emplace_back(system, format);
  }
  out.stack_format = dat.stack_format;
  out.kallsyms = dat.kallsyms;
  out.saved_cmdlines = dat.cmdlines;
  out.trace_clock = "local [mono] boot";
  out.uname = "Linux host 6.1.0 #1 x86_64";
  out.page_size = dat.page_size;
  out.cpus = out.possible_cpus = 2;
  return out;
}

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_DAT_METADATA_H_
