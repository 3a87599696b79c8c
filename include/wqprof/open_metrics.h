// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_OPEN_METRICS_H_
#define WQPROF_OPEN_METRICS_H_

#include <string>

#include "wqprof/hist.h"

namespace wqprof {

// Counters and histograms with buckets of factor 4, in the text that Prometheus and node_exporter
// read: latencies and executions of functions; pools; stalls; losses.
std::string ToMetrics(const HistSnapshot& total);

}  // namespace wqprof

#endif  // WQPROF_OPEN_METRICS_H_
