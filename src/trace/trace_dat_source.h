// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_SOURCE_H_
#define WQPROF_TRACE_TRACE_DAT_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "wqprof/event_source.h"
#include "wqprof/input_file.h"

namespace wqprof {

// The events of one buffer of a trace.dat, v6 or v7, finished or not.
absl::StatusOr<std::unique_ptr<EventSource>> OpenTraceDat(std::unique_ptr<InputFile> file,
                                                          const OpenOptions& options);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_SOURCE_H_
