// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_H_
#define WQPROF_TRACE_TRACE_DAT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "trace/page_decoder.h"
#include "wqprof/event_source.h"
#include "wqprof/input_file.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// The option in which wqprof's recorder keeps "key=value" lines: its settings and, while a
// recording is not finished, where the pages are (doc/trace-dat.md knows ids up to 25).
inline constexpr uint16_t kSettingsOption = 0x5751;

// The option in which it keeps the configuration of workqueues.
inline constexpr uint16_t kWorkqueuesOption = 0x5752;

// The option in which it keeps what cycles of the clock are in nanoseconds.
inline constexpr uint16_t kCalibrationOption = 0x5753;

// The option in which it keeps who waited in flushes.
inline constexpr uint16_t kFlushesOption = 0x5754;
// The option in which it keeps the stacks of what held pools.
inline constexpr uint16_t kHolderStacksOption = 0x5755;

// Where the pages of one CPU are.
struct CpuRegion {
  Cpu cpu = Cpu::kNone;
  const InputFile* file = nullptr;
  uint64_t offset = 0;
  uint64_t size = 0;               // as stored
  bool compressed = false;         // a sequence of chunks { u32 csize, u32 usize, data }
  std::optional<uint32_t> chunks;  // how many of them, where the file says so
  bool cut = false;                // the file ends before the region does
};

// One ring buffer: the top-level one (name "") or an instance.
struct BufferRegions {
  std::string name;
  std::string clock;
  uint32_t page_size = 0;
  std::vector<CpuRegion> cpus;  // each CPU once
  bool compressed = false;
};

// The parts of a trace.dat, v6 or v7, before any page is decoded.  Everything in it was
// checked against the size of the file; regions that reach beyond it are cut to it.
struct TraceDat {
  TraceInfo info;          // what the container says; for the rest there is AddFacts()
  TraceMetadata metadata;  // without the texts that no reader needs
  std::vector<BufferRegions> buffers;
  std::map<std::string, std::vector<CpuStats>> cpu_stats;  // by buffer; each CPU once
  TimeScale time;
  bool truncated = false;  // metadata or regions are missing
  std::unique_ptr<InputFile> file;
  std::vector<std::unique_ptr<InputFile>> siblings;  // of an unfinished recording
};

// Whether `file` begins like a trace.dat.
bool LooksLikeTraceDat(const InputFile& file);

// kDataLoss when the file is none, or its metadata cannot be read.
absl::StatusOr<TraceDat> ParseTraceDat(std::unique_ptr<InputFile> file);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_H_
