// SPDX-License-Identifier: Apache-2.0
// What `perf record` writes.
#ifndef WQPROF_PERF_DATA_H_
#define WQPROF_PERF_DATA_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"
#include "wqprof/event_source.h"

namespace wqprof {

// Where the symbols of the recorded kernel may be.
struct PerfSymbols {
  std::string kallsyms;  // a file in the layout of /proc/kallsyms; "": this machine's, if
                         // it runs the very kernel that was recorded
  std::string running_notes = "/sys/kernel/notes";  // with its build-id
  std::string running_kallsyms = "/proc/kallsyms";
};

enum class PerfForm : uint8_t {
  kNone,        // something else
  kFile,        // what stands in it is found by its header: to be read where one likes
  kPipe,        // of `perf record -o -`: from front to back
  kOtherOrder,  // by a machine of the other byte order
};
// What a file that begins so is.
PerfForm PerfFormOf(std::string_view head);

// The events of a perf.data: those of works and what goes with them, from their raw data.  A file
// is read from a regular one that is open already, and is closed in the end; a pipe as it comes.
// `path` is for messages.
// Errors: kDataLoss, it holds no such events, or cannot be read; kNotFound, there are no symbols
// where they should be.
absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfFile(int fd, const std::string& path,
                                                          const PerfSymbols& symbols = {});
absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfPipe(std::unique_ptr<ByteStream> stream,
                                                          const std::string& path,
                                                          const PerfSymbols& symbols = {});

}  // namespace wqprof

#endif  // WQPROF_PERF_DATA_H_
