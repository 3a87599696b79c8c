// SPDX-License-Identifier: Apache-2.0
// A fleet's lines: histograms of one recording as lines of JSON that merge by addition
// (wqprof.hist/1), and their sum.  wqprof-hist(5) is for their readers.
#ifndef WQPROF_HIST_H_
#define WQPROF_HIST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wqprof/anomaly.h"
#include "wqprof/histogram.h"
#include "wqprof/pipeline.h"
#include "wqprof/report.h"

namespace wqprof {

inline constexpr std::string_view kHistSchema = "wqprof.hist/1";
// Of their buckets: a quantile is off by at most 2.2 %.
inline constexpr int kHistScale = 4;

// What a line is about.
enum class HistKind : uint8_t { kQuality, kFunction, kPool };
std::string_view ToString(HistKind kind);

// What a pool's time is measured by, beside the executions in it.
inline constexpr std::string_view kPoolMetrics[] = {"busy", "backlog", "stall", "execution"};
inline constexpr std::string_view kAllOthers = "other";
inline constexpr size_t kTopSeries = 200;
// So many stalls of a recording are looked at one by one; of all further ones no cause is known.
inline constexpr size_t kHistStalls = 100000;

// How long a pool was busy, and had items waiting, each time.
struct PoolTimes {
  std::string pool;
  Histogram busy;     // at least one execution was open
  Histogram backlog;  // at least one activated item waited
  Histogram stall;    // it started none meanwhile, for at least the threshold
};

// Takes those from a pipeline.  What is open at the end counts as long as it lasted by then.
class PoolTimeCollector : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  PoolTimeCollector(const EventSource& source, const Reconstructor& model, Nanos stall_threshold);
  ~PoolTimeCollector() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  void Finish() override;
  // By name.  REQUIRES: after Finish().
  std::vector<PoolTimes> Take() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What of a recording becomes lines.
struct HistOptions {
  std::map<std::string, std::string> labels;
  // At most so many lines of functions, and as many of pools; all further ones are added up.
  std::optional<size_t> top_series;  // absent: kTopSeries
  // Names keep the numbers of devices.
  bool original_names = false;
  // Functions that the last snapshot had a line for, as KeptFunctions() gave them: they stay unless
  // another one has twice their time, so that series do not come and go.
  std::set<std::string> kept;
};

// Where and when lines were measured.
struct HistSegment {
  std::string id;  // "BOOT-START": lines of one segment are never counted twice
  std::string ts;  // RFC 3339 in UTC; "" unknown
  Nanos duration{0};
  std::string host, kernel, machine;  // "" unknown
  int cpus = 0;
  std::map<std::string, std::string> labels;
};

// One line with a histogram.
struct HistLine {
  HistKind kind = HistKind::kFunction;
  std::string workqueue, function;  // of kFunction
  std::string pool;                 // of kPool
  std::string metric;
  Histogram values;
  // Of the line with the latency of a function.
  struct Counts {
    uint64_t queued = 0, executed = 0, superseded = 0;
  };
  std::optional<Counts> counts;
};

// Stalls of one pool with one cause.
struct HistStalls {
  std::string pool, cause;
  uint64_t count = 0;
  Nanos total{0};
};

// All lines of one recording.
struct HistSnapshot {
  HistSegment segment;
  WorkqueueEvents recorded;
  Quality quality;
  std::vector<HistStalls> stalls;
  std::vector<HistLine> lines;
};
// REQUIRES: the clock counts nanoseconds.
HistSnapshot MakeHistSnapshot(const Report& report, const std::vector<PoolTimes>& pools,
                              const HistOptions& options);
// See HistOptions::kept.
std::set<std::string> KeptFunctions(const HistSnapshot& snapshot);
std::string ToHistNdjson(const HistSnapshot& snapshot);

// Sums that go on from one snapshot to the next, as an exporter of counters keeps them.
struct HistTotal {
  HistSnapshot
      snapshot;  // names, of functions the latency and the execution, pools, stalls, losses
  bool began_anew = false;  // what was kept could not be read
};
// `kept`: what ToHistNdjson() made of the last total; "": none.  Its series stay, in `top` lines of
// functions, and as many of pools; what is new and has no room is added up in `other`.
HistTotal AddToTotal(std::string_view kept, const HistSnapshot& now, size_t top);

// "xfs-conv/dm-3" -> "xfs-conv/dm-*": a name without the numbers of devices.  An address
// is no name.
std::string NormalisedName(std::string_view name);
// "u8" -> "u*", "rescuer:xfs-conv/dm-3" -> "rescuer:xfs-conv/dm-*".
std::string NormalisedPool(std::string_view pool);

// A field of a line, for the schema.
struct HistField {
  enum class Type : uint8_t { kText, kCount, kNumber, kTexts, kCounts, kIntegers, kTextMap };
  std::string_view name;
  Type type = Type::kText;
  std::string_view about;
  bool always = false;  // lines of these kinds have it
  std::vector<HistKind> kinds;
  std::vector<std::string> words;  // of kText, kTexts: one of them; empty: any
};
// In the order of the lines.  Those of Quality (kAnomalies) stand in lines of quality, too.
std::vector<HistField> HistFields();

// What lines are merged by, beside their names.
struct MergeKeys {
  bool host = false, kernel = false, machine = false;
  bool labels = false;                // all of them
  std::vector<std::string> label_of;  // these
};

// The sum over all segments that agree in the keys.
struct MergedGroup {
  std::string host, kernel, machine, labels;  // as far as they are keys; "" unknown
  uint64_t segments = 0, hosts = 0;
  uint64_t incomplete = 0;    // segments of which lines are missing
  Nanos measured{0};          // time, over all segments
  uint64_t incoherent = 0;    // segments in which something was lost, damaged or unexplained
  uint64_t unknown_loss = 0;  // segments that lost a number of events that nobody knows
  std::array<uint64_t, kAnomalies.size()> anomalies{};  // by kAnomalies; flags: segments
  uint64_t executed = 0;                                // starts that were matched
  bool unmeasured = false;  // no line of quality came, so that time and losses are not known
};

// One function, or pool, of one group.
struct MergedFunction {
  size_t group = 0;
  std::string workqueue, function;
  Measures measures;
};
struct MergedPool {
  size_t group = 0;
  std::string pool;
  Histogram busy, backlog, stall, execution;
};
struct MergedStalls {
  size_t group = 0;
  HistStalls stalls;
};

// What became of the lines.  Each counts in one of these.
struct MergeTally {
  uint64_t lines = 0;
  uint64_t counted = 0;
  uint64_t repeated = 0;  // of a segment and a series that counted before
  uint64_t damaged = 0;   // no JSON: cut, or mixed up
  uint64_t foreign = 0;   // JSON of another schema, or a later version
  uint64_t odd = 0;       // its numbers contradict each other, or fields are missing
  uint64_t refused = 0;   // more series or segments than kMost...
  // Not of lines: series with a sum that does not fit, and stays at the largest number.
  uint64_t too_large = 0;
  std::string first_damaged;
};

// Lines of any number of files, added up.
struct MergedHists {
  MergeKeys keys;
  MergeTally tally;
  std::vector<MergedGroup> groups;        // by their keys
  std::vector<MergedFunction> functions;  // by group, workqueue, function
  std::vector<MergedPool> pools;          // by group, pool
  std::vector<MergedStalls> stalls;       // by group, pool, cause
};

// Adds lines up.  The order does not matter.  Memory grows with series, groups and segments, not
// with lines: of each line one bit is kept, that it counted.
class HistMerger {
 public:
  // A line longer than this is damaged: nobody writes such.
  static constexpr size_t kMostLineBytes = size_t{1} << 20;
  static constexpr size_t kMostSeries = size_t{1} << 20;
  static constexpr size_t kMostSegments = size_t{1} << 26;

  explicit HistMerger(MergeKeys keys);
  ~HistMerger();
  HistMerger(HistMerger&&) noexcept;

  // The next bytes of a file; lines may be cut anywhere.
  void Add(std::string_view bytes);
  // The file ends: what follows begins a line.
  void EndFile();
  const MergeTally& tally() const;
  // REQUIRES: after EndFile().
  MergedHists Take() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_HIST_H_
