// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_WRITER_H_
#define WQPROF_TRACE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/clock_calibration.h"
#include "wqprof/settings.h"
#include "wqprof/types.h"

namespace wqprof {

// The texts that make a trace readable elsewhere; each is what the tracefs file holds.
struct TraceMetadata {
  std::string header_page, header_event;
  std::vector<std::pair<std::string, std::string>> event_formats;  // system, format text
  std::string stack_format;  // of ftrace's own event kernel_stack; "" unknown
  std::string kallsyms, printk_formats, saved_cmdlines;
  std::string trace_clock;  // the clock in use in brackets: "local global [mono]"
  std::string uname;        // "Linux node release version machine"
  Settings settings;        // wqprof's own note
  // As in TraceEnding, of a finished trace.
  std::string workqueues, flushes, holder_stacks;
  uint32_t page_size = 4096;     // of a sub-buffer, its header included
  int cpus = 1;                  // one more than the highest CPU online when it began
  int possible_cpus = 1;         // ... than the highest that can come online
  ClockCalibration calibration;  // of a clock that counts cycles, as far as it is known
};

// What is known of a trace only when it is over.
struct TraceEnding {
  std::vector<std::pair<Cpu, std::string>> cpu_stats;  // text of each CPU's stats file
  std::string saved_cmdlines;                          // replaces the first one; "" keeps it
  Settings settings;                                   // added to the first ones
  std::string workqueues;        // their configuration, see ConfigToJson(); "" unknown
  std::string flushes;           // who waited in them, see FlushesToJson(); "" not asked for
  std::string holder_stacks;     // see HolderStacksToJson(); "" none
  ClockCalibration calibration;  // replaces the first one; without readings keeps it
  // A small trace keeps only the symbols that its events name, unless this is set.
  bool all_symbols = false;
};

struct WriterOptions {
  int version = 7;        // 6 or 7
  bool compress = false;  // zstd; version 7 only
};

// Writes a trace.dat while it is recorded.  The format wants the pages of each CPU in one
// piece, so those of CPU 0 grow in the file itself and those of others in siblings
// (`<path>.cpu<N>`) that Finish() moves over.  Until then the file is a trace.dat v7 whose
// settings say "unfinished=1" and where the pages are, so that what a killed recorder leaves
// can be read up to its last whole page.
class TraceWriter {
 public:
  // Creates `path`, which must not exist.
  // Errors: kInvalidArgument (the path cannot be written), kResourceExhausted (disk full).
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const std::string& path,
                                                             const TraceMetadata& metadata,
                                                             const WriterOptions& options);
  // Without Finish() the unfinished file stays.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  // `pages` holds whole sub-buffers of one CPU, in order; they are copied or written before
  // the call returns.  After an error nothing more may be appended, but Finish() still makes
  // a whole trace of what was written.
  absl::Status Append(Cpu cpu, std::span<const std::byte> pages);
  // The same for `size` bytes that wait in a pipe.  kUnimplemented: the trace is compressed, or
  // the file system takes nothing from pipes; the pipe is as it was, and Append() still works.
  absl::Status AppendFrom(Cpu cpu, int pipe, size_t size);
  // Fills `out` with what stands `distance` bytes before the end of that CPU's pages.  REQUIRES:
  // so much was appended, and is not compressed.
  absl::Status ReadBack(Cpu cpu, uint64_t distance, std::span<std::byte> out) const;
  // Brings what was appended into the files, in compressed chunks of less than the usual
  // size if need be.
  absl::Status Flush();
  // Bytes written so far; about what the finished file will have.
  uint64_t size() const;
  // The finished file will not be larger, if nothing more is appended.
  uint64_t size_at_most() const;
  // The recording has begun: `path` is its name from now on.  What stood there before moves away
  // (see MoveOldTraceAway()).
  absl::Status MoveTo(const std::string& path);
  // Should the recorder be killed, the line of the calibration that was given to Create() ends with
  // this reading instead of its own last one.
  void NoteClock(const ClockReading& last);
  // Makes a whole trace of what was written.  Its settings end with "complete=1", or with
  // "complete=0" when something is missing at the end of some CPU; then an error says why.
  absl::Status Finish(const TraceEnding& ending);
  // Of the finished file: 7 though 6 was asked for when the disk had no room for the latter.
  int version() const;
  // Gives the file that is being written, or is finished, to another user, whatever its name
  // leads to by now.
  absl::Status GiveTo(uint32_t user, uint32_t group);
  // Removes all that was written; no other call may follow.
  void Discard();

 private:
  struct State;
  explicit TraceWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whether MoveOldTraceAway() would do, before anything is done; and makes room for the file that
// grows under `path` + kNewSuffix until the recording has begun.
absl::Status PrepareToReplace(const std::string& path);
inline constexpr char kNewSuffix[] = ".new";

// Makes room for a new trace at `path`: an existing one, finished or not, becomes
// `<path>.old` and replaces what had that name.  kInvalidArgument when `path` is there but
// is no regular file.
absl::Status MoveOldTraceAway(const std::string& path);

}  // namespace wqprof

#endif  // WQPROF_TRACE_WRITER_H_
