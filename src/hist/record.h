// SPDX-License-Identifier: Apache-2.0
// One line as it was read.
#ifndef WQPROF_HIST_RECORD_H_
#define WQPROF_HIST_RECORD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wqprof/anomaly.h"
#include "wqprof/hist.h"

namespace wqprof {

// What a line says, field by field; what it does not say is empty or 0, and not in `seen`.  Used
// again for each line, so that nothing is allocated.
struct HistRecord {
  std::string schema, segment, host, kernel, machine, kind;
  std::string workqueue, function, pool, metric;
  std::vector<std::pair<std::string, std::string>> labels;  // by key, once FinishRecord() was here
  double seconds = 0;
  uint64_t scale = 0, n = 0, sum = 0, min = 0, max = 0, zero = 0;
  uint64_t queued = 0, executed = 0, superseded = 0, lines = 0, matched = 0;
  std::vector<int64_t> idx;
  std::vector<uint64_t> cnt;
  std::vector<std::string> stall_pool, stall_cause;
  std::vector<uint64_t> stall_count, stall_ns;
  struct Count {
    uint64_t value = 0;
    bool known = false;  // false: null, or not there
  };
  std::array<Count, kAnomalies.size()> anomalies;
  uint64_t seen = 0;  // bits of kHistTargets

  void Clear();
  // The fields of these bits.
  void Clear(uint64_t targets);
};

// A field that is read: where it goes.
struct HistTarget {
  std::string_view name;
  std::string HistRecord::*text = nullptr;
  uint64_t HistRecord::*count = nullptr;
  double HistRecord::*number = nullptr;
  std::vector<std::string> HistRecord::*texts = nullptr;
  std::vector<uint64_t> HistRecord::*counts = nullptr;
  std::vector<int64_t> HistRecord::*integers = nullptr;
  bool labels = false;
};

// In the order in which they are written.
inline constexpr auto kHistTargets = std::to_array<HistTarget>({
    {.name = "schema", .text = &HistRecord::schema},
    {.name = "segment", .text = &HistRecord::segment},
    {.name = "seconds", .number = &HistRecord::seconds},
    {.name = "host", .text = &HistRecord::host},
    {.name = "kernel", .text = &HistRecord::kernel},
    {.name = "machine", .text = &HistRecord::machine},
    {.name = "labels", .labels = true},
    {.name = "kind", .text = &HistRecord::kind},
    {.name = "workqueue", .text = &HistRecord::workqueue},
    {.name = "function", .text = &HistRecord::function},
    {.name = "pool", .text = &HistRecord::pool},
    {.name = "metric", .text = &HistRecord::metric},
    {.name = "scale", .count = &HistRecord::scale},
    {.name = "n", .count = &HistRecord::n},
    {.name = "sum", .count = &HistRecord::sum},
    {.name = "min", .count = &HistRecord::min},
    {.name = "max", .count = &HistRecord::max},
    {.name = "zero", .count = &HistRecord::zero},
    {.name = "idx", .integers = &HistRecord::idx},
    {.name = "cnt", .counts = &HistRecord::cnt},
    {.name = "queued", .count = &HistRecord::queued},
    {.name = "executed", .count = &HistRecord::executed},
    {.name = "superseded", .count = &HistRecord::superseded},
    {.name = "lines", .count = &HistRecord::lines},
    {.name = "matched", .count = &HistRecord::matched},
    {.name = "stall_pool", .texts = &HistRecord::stall_pool},
    {.name = "stall_cause", .texts = &HistRecord::stall_cause},
    {.name = "stall_count", .counts = &HistRecord::stall_count},
    {.name = "stall_ns", .counts = &HistRecord::stall_ns},
});
static_assert(kHistTargets.size() < 64);

// The target of that name, nullptr: none.  `guess`: where it is looked for first; the one behind it
// becomes the next guess.
const HistTarget* TargetOf(std::string_view name, size_t& guess);
// Of kAnomalies; its size: none has the name.
size_t AnomalyOf(std::string_view name);
// Whether the line has that field.
template <uint64_t HistRecord::*kCount>
bool Has(const HistRecord& record) {
  constexpr size_t kIndex = [] {
    size_t i = 0;
    while (kHistTargets[i].count != kCount) ++i;
    return i;
  }();
  return (record.seen >> kIndex & 1) != 0;
}

// More elements of one list belong to no line of ours.
inline constexpr size_t kMostElements = 4096;
// Nor does what is nested deeper than this.
inline constexpr size_t kMostDepth = 32;

// What a parser found.
enum class LineForm : uint8_t { kGood, kNoJson, kOdd };
// There are two that agree on every line: simdjson where it is, else the one that needs no library
// but headers.  `line` has kPadding readable bytes behind its end.
class LineParser {
 public:
  static constexpr size_t kPadding = 64;
  virtual ~LineParser() = default;
  // kOdd: a known field has a value of another kind, or beyond what it holds.
  virtual LineForm Parse(std::string_view line, HistRecord& out) = 0;
};
std::unique_ptr<LineParser> MakeSaxParser();
#ifdef WQPROF_SIMDJSON
std::unique_ptr<LineParser> MakeSimdParser();
#endif
inline std::unique_ptr<LineParser> MakeLineParser() {
#ifdef WQPROF_SIMDJSON
  return MakeSimdParser();
#else
  return MakeSaxParser();
#endif
}

// Whether the numbers of a line agree with each other, and all is there that its kind needs.  Sorts
// the labels, and drops what such a line does not have.
bool IsCoherent(HistRecord& record);

}  // namespace wqprof

#endif  // WQPROF_HIST_RECORD_H_
