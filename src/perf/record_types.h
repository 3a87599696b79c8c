// SPDX-License-Identifier: Apache-2.0
// Types of records (include/uapi/linux/perf_event.h, and what perf adds).
#ifndef WQPROF_PERF_RECORD_TYPES_H_
#define WQPROF_PERF_RECORD_TYPES_H_

#include <cstdint>

namespace wqprof {

enum PerfRecordType : uint32_t {
  kMmap = 1,
  kLost = 2,
  kComm = 3,
  kThrottle = 5,
  kUnthrottle = 6,
  kSample = 9,
  kMmap2 = 10,
  kLostSamples = 13,
  kHeaderAttr = 64,
  kHeaderTracingData = 66,
  kHeaderBuildId = 67,
  kFinishedRound = 68,
  kIdIndex = 69,
  kAuxTrace = 71,
  kHeaderFeature = 80,
  kCompressed = 81,
  kCompressed2 = 83,
};

}  // namespace wqprof

#endif  // WQPROF_PERF_RECORD_TYPES_H_
