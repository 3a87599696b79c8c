// SPDX-License-Identifier: Apache-2.0
// Any input that wqprof reads, recognised by its content.
#ifndef WQPROF_INPUT_H_
#define WQPROF_INPUT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"
#include "wqprof/event_source.h"
#include "wqprof/text.h"
#include "wqprof/types.h"

namespace wqprof {

struct InputOptions {
  OpenOptions trace;
  // See TextOptions.
  std::optional<Nanos> stamp_unit;
  LogSink* log = nullptr;
  // Names of functions for inputs that hold addresses: a copy of the traced kernel's
  // /proc/kallsyms.
  std::string kallsyms;
  // Once this is readable (a signalfd, say), a pipe or a device has ended, and what was read
  // counts; -1: nobody stops it.
  int stop_fd = -1;
};

// Opens a file, or standard input ("-"): a trace.dat, a perf.data, a Perfetto trace or a text,
// plain or in gzip, zstd, xz, bzip2, lz4, or as the one member of a zip or tar.  Text is read as it
// comes, and so are what perf writes into a pipe and a Perfetto trace; a trace.dat or perf.data
// that is not a plain file is kept in TMPDIR first.
//
// A text is read to its end before it is refused: Next() then fails, of a short one this call.
// Errors: kNotFound; kDataLoss, it is something else, or damaged (exit code 5); kOutOfRange, it is
// a text or log without anything of a workqueue (3); kResourceExhausted, there is no room to keep
// it.
absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const std::string& path,
                                                       const InputOptions& options = {});

// The bytes of a file, or of standard input ("-"), unwrapped in the same way.
absl::StatusOr<std::unique_ptr<ByteStream>> OpenBytes(const std::string& path);

}  // namespace wqprof

#endif  // WQPROF_INPUT_H_
