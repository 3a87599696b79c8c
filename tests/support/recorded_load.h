// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_RECORDED_LOAD_H_
#define WQPROF_TESTS_SUPPORT_RECORDED_LOAD_H_

#include <string>
#include <string_view>
#include <vector>

#include "support/load.h"

namespace wqprof::testing {

// How long the works of one function waited in a recording, in the order of their starts.
struct RecordedWaits {
  // One work.
  struct Wait {
    Nanos at{0};  // since the recording began
    Nanos latency{0};
  };
  Nanos duration{0};
  std::vector<Wait> waits;
};
// Empty when the recording cannot be read or has no such function.
RecordedWaits ReadWaits(const std::string& path, std::string_view function);

// Runs of `run` made of stretches of `stretch` each, which begin anywhere in the recording;
// what lies beyond its end goes on at its begin.  Works within a stretch are neighbours as they
// were in the kernel that was recorded, and every work is as likely as any other, so that the
// recording's own quantiles are the true ones.
// REQUIRES: there are waits.
Load Replayed(RecordedWaits waits, Nanos run, Nanos stretch, double quantile);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_RECORDED_LOAD_H_
