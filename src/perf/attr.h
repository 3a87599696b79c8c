// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PERF_ATTR_H_
#define WQPROF_PERF_ATTR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "wqprof/types.h"

namespace wqprof {

// The parts of struct perf_event_attr that decide how its records are read.
struct PerfAttr {
  static constexpr uint32_t kTracepoint = 2;  // PERF_TYPE_TRACEPOINT
  uint32_t type = 0;
  uint64_t config = 0;         // of a tracepoint its id
  uint64_t sample_period = 0;  // or frequency
  uint64_t sample_type = 0;
  uint64_t read_format = 0;
  bool frequency = false, sample_id_all = false, use_clock_id = false, overwrites = false;
  int32_t clock_id = 0;

  bool has_time() const;
  bool has_raw() const;
};
// What a file holds of it; what an old perf did not write is zero.  Absent: it is too short.
std::optional<PerfAttr> ParsePerfAttr(std::string_view bytes);

// What a sample or any other record says of itself.
struct PerfSample {
  std::optional<uint64_t> time;
  Cpu cpu = Cpu::kNone;
  std::optional<uint64_t> id;
  std::string_view raw;  // of a tracepoint: the record as ftrace has it
  bool has_raw = false;
};

// All attributes of a recording, and how a record finds its own.
class PerfAttrs {
 public:
  // What is more than a machine can have is left out.
  void Add(const PerfAttr& attr, std::span<const uint64_t> ids);
  // The CPU that the events of this id were counted on.
  void NoteCpu(uint64_t id, Cpu cpu);
  // All are there, at least one.  False: nothing shows which one a record belongs to.
  bool Finish();

  std::span<const PerfAttr> all() const { return attrs_; }
  // The attribute that a sample belongs to.
  const PerfAttr* OfSample(std::string_view body) const;
  // Takes a sample apart.  False: it is shorter than its attribute says.
  static bool ReadSample(const PerfAttr& attr, std::string_view body, PerfSample& out);
  // What stands at the end of any other record.
  PerfSample ReadTrailer(std::string_view body) const;

 private:
  struct Id {
    uint32_t attr = 0;
    Cpu cpu = Cpu::kNone;
  };
  static constexpr size_t kMostAttrs = 64 << 10, kMostIds = 4 << 20;

  std::vector<PerfAttr> attrs_;
  absl::flat_hash_map<uint64_t, Id> ids_;
  bool alike_ = false;        // all are read the same way
  size_t id_at_ = 0;          // in a sample
  size_t id_before_end_ = 0;  // in other records
};

}  // namespace wqprof

#endif  // WQPROF_PERF_ATTR_H_
