// SPDX-License-Identifier: Apache-2.0
#include "support/busy_trace.h"

#include "wqprof/analyze.h"

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

absl::StatusOr<Report> ReportOf(const std::string& path, int threads) {
  OpenOptions open;
  open.threads = threads;
  auto source = OpenTrace(path, open);
  if (!source.ok()) return source.status();
  AnalyzeOptions options;
  options.by_origin = options.by_cpu = options.by_pool = options.by_worker = true;
  options.stall_threshold = 1us;
  return Analyze(**source, options);
}

}  // namespace wqprof::testing
