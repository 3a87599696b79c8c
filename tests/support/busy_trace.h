// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_
#define WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_

#include <string>

#include "absl/status/statusor.h"
#include "support/trace_builder.h"
#include "wqprof/report.h"

namespace wqprof::testing {

// Works of a few kinds on four CPUs, some of which wait, are taken back or cross to another CPU:
// of tens of thousands there are many batches a CPU.
TraceBuilder BusyTrace(int works);

// What is told of the trace at `path`, by all that items can be told apart by, when so many threads
// read it and sum it up.
absl::StatusOr<Report> ReportOf(const std::string& path, int threads);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_
