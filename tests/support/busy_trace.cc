// SPDX-License-Identifier: Apache-2.0
#include "support/busy_trace.h"

namespace wqprof::testing {

using namespace std::chrono_literals;

TraceBuilder BusyTrace(int works) {
  TraceBuilder t;
  for (int i = 0; i < works; ++i) {
    const Nanos at = i * 2us;
    const Emitter& by = i % 3 == 0 ? kOtherTask : kTask;
    const WorkAddr work{0xffff888100000000 + static_cast<uint64_t>(i % 97) * 0x100};
    const bool unbound = i % 5 == 0;
    const Job job = unbound ? kUnboundJob : Job{i % 2 == 0 ? "even_fn" : "odd_fn", "bound_wq", 0};
    const Emitter& worker = unbound ? (i % 10 == 0 ? kUnboundWorker : kUnboundWorker2) : kWorker;
    t.Put(at, by, work, job);
    if (i % 11 == 0) t.Put(at + 100ns, by, work, job);
    t.Run(at + 500ns + (i % 7) * 10ns, at + 1us + (i % 13) * 10ns, worker, work, job);
  }
  return t;
}

}  // namespace wqprof::testing
