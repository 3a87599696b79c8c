// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_WRITER_H_
#define WQPROF_TRACE_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/types.h"

namespace wqprof {

// The texts that make a trace readable elsewhere; each is what the tracefs file holds.
struct TraceMetadata {
  std::string header_page, header_event;
  std::vector<std::pair<std::string, std::string>> event_formats;  // system, format text
  std::vector<std::string> ftrace_formats;
  std::string kallsyms, printk_formats, saved_cmdlines;
  std::string clock;        // name in use, "mono"
  std::string trace_clock;  // text of trace_clock: "local global [mono]"
  std::string uname;        // "Linux node release version machine"
  std::string instance;     // recorded buffer's name; written as the top-level buffer ("")
  std::string settings;     // wqprof's own note, "key=value" lines
  uint32_t page_size = 4096;
  int long_size = 8;
  struct Tsc { uint32_t mult = 0, shift = 0; uint64_t offset = 0; };
  Tsc tsc;                  // mult 0: none
};

struct WriterOptions {
  int version = 7;         // 6 or 7
  bool compress = false;   // zstd; v7 only
};

// Writes a trace.dat while it is recorded: pages of each CPU are appended as they come, and
// Finish() puts them in the order that trace.dat demands.  Until then the file says that it
// is unfinished and names where its pages are, so that what a killed recorder leaves can be
// read up to its last whole page (see src/trace/README or ARCHITECTURE.md).
class TraceWriter {
 public:
  // Creates `path`, which must not exist.  Errors carry the errno's meaning.
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const std::string& path,
                                                             const TraceMetadata& metadata,
                                                             int cpus, WriterOptions options);
  virtual ~TraceWriter() = default;
  // `pages` holds whole sub-buffers of one CPU.  REQUIRES: calls for one CPU in order.
  virtual absl::Status Append(Cpu cpu, std::span<const std::byte> pages) = 0;
  // Bytes that the finished file will have, so far.
  virtual uint64_t size() const = 0;
  // `cpu_stats`: text of each CPU's stats file; `saved_cmdlines` replaces the first one.
  virtual absl::Status Finish(const std::vector<std::pair<Cpu, std::string>>& cpu_stats,
                              const std::string& saved_cmdlines) = 0;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_WRITER_H_
