// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_
#define WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_

#include "support/trace_builder.h"

namespace wqprof::testing {

// Works of a few kinds on four CPUs, some of which wait, are taken back or cross to another CPU:
// of tens of thousands there are many batches a CPU.
TraceBuilder BusyTrace(int works);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_BUSY_TRACE_H_
