// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PERF_FACTS_H_
#define WQPROF_PERF_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "perf/record_stream.h"

namespace wqprof {

// Where the recorded kernel lay: the address of a symbol that moves with it.
struct KernelBase {
  std::string symbol;  // "_text"
  uint64_t address = 0;
};

// What a perf.data says of the machine, apart from its events.
struct PerfFacts {
  std::string tracing_data;  // the formats of events
  std::string build_id;      // of the kernel, as bytes; "" unknown
  std::optional<KernelBase> base;
  std::string host, release, arch;
  int cpus = 0;  // that the machine may have; 0 unknown
  bool compressed = false;
  uint64_t data_bytes = 0;  // of records; 0 of a pipe
  // Two clocks that were read together.
  struct Clocks {
    uint32_t id = 0;
    uint64_t wall_ns = 0, clock_ns = 0;
  };
  std::optional<Clocks> clocks;
};

// The features of a header, by the bit that stands for each.
inline constexpr uint32_t kTracingDataFeature = 1;
// So many bytes of it are worth reading: none of a feature that is not used.
uint64_t MostOfFeature(uint32_t bit);
// Takes what a feature says; others are passed over.
void AddFeature(uint32_t bit, std::string_view data, PerfFacts& facts);
// The same of a record with a build-id, and of one with what was mapped where.
void AddBuildId(uint16_t misc, std::string_view body, PerfFacts& facts);
void AddMap(const PerfRecord& record, PerfFacts& facts);

}  // namespace wqprof

#endif  // WQPROF_PERF_FACTS_H_
