// SPDX-License-Identifier: Apache-2.0
// What Perfetto's recorder writes.
#ifndef WQPROF_PFTRACE_H_
#define WQPROF_PFTRACE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"
#include "wqprof/event_source.h"

namespace wqprof {

// Whether a file that begins so is a Perfetto trace: packets, of which the first are well formed.
bool LooksLikePerfetto(std::string_view head);

// The events of a Perfetto trace that ftrace wrote: those of works and what goes with them.  It is
// read to its end at once.  Functions that are addresses are named by `kallsyms`, a file in the
// layout of /proc/kallsyms; "": they stay addresses.
//
// The recorder puts small numbers in the place of the addresses of works, and begins to count anew
// whenever it empties the kernel's buffers.  An item that lives longer is put together where only
// one can be meant, by its worker or by its function; where several can, that is a loss.
// Errors: kDataLoss, it holds no events of workqueues, or cannot be read; of `kallsyms`.
absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfetto(std::unique_ptr<ByteStream> stream,
                                                          const std::string& path,
                                                          const std::string& kallsyms = "");

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_H_
