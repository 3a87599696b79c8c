// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_OTLP_JSON_H_
#define WQPROF_OTLP_JSON_H_

#include <string>

#include "wqprof/hist.h"

namespace wqprof {

// An ExportMetricsServiceRequest of OpenTelemetry's protocol in its JSON, one line: the lines of a
// snapshot as exponential histograms with the same buckets, its counts as sums.  Whatever names
// hold, it is UTF-8.  Points have no time where the recording has none.
std::string ToOtlpJson(const HistSnapshot& snapshot);

}  // namespace wqprof

#endif  // WQPROF_OTLP_JSON_H_
