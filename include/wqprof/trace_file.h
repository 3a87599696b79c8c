// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_FILE_H_
#define WQPROF_TRACE_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "wqprof/event_source.h"

namespace wqprof {

// As OpenTrace(), for a trace.dat that is open already: a regular file, which is closed in the end.
// `path` is for messages.
absl::StatusOr<std::unique_ptr<EventSource>> OpenTraceFile(int fd, const std::string& path,
                                                           const OpenOptions& options = {});

}  // namespace wqprof

#endif  // WQPROF_TRACE_FILE_H_
