// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "hist/line_reader.h"
#include "hist/segments.h"
#include "hist/sums.h"
#include "wqprof/hist.h"

namespace wqprof {
namespace {

// Longer names are none of ours.
constexpr size_t kMostNameBytes = 1024;

// What is added up under one name.
struct Series {
  HistKind kind;
  size_t group;
  std::string workqueue, function, pool, metric;
  HistSums sums;
  HistLine::Counts counts;
  uint32_t next = 0;  // the one that came after it last time
};

bool IsOf(const Series& series, size_t group, const HistRecord& record) {
  return series.group == group && series.workqueue == record.workqueue &&
         series.function == record.function && series.metric == record.metric &&
         series.pool == record.pool && ToString(series.kind) == record.kind;
}

uint64_t AddCapped(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

// "rack=7,zone=eu" of those labels that are asked for.
std::string LabelText(const HistRecord& record, const MergeKeys& keys) {
  std::string out;
  for (const auto& [key, value] : record.labels) {
    const auto& some = keys.label_of;
    if (!keys.labels && std::find(some.begin(), some.end(), key) == some.end()) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", key, value);
  }
  return out;
}

// Appends so that no two lists of words give the same.
void AppendKey(std::string& out, std::string_view word) {
  const auto size = static_cast<uint32_t>(word.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += word;
}

const MeasureSpec* MeasureNamed(std::string_view name) {
  for (const MeasureSpec& measure : kMeasures) {
    if (measure.name == name) return &measure;
  }
  return nullptr;
}

Histogram* MetricOf(MergedPool& pool, std::string_view metric) {
  if (metric == kPoolMetrics[0]) return &pool.busy;
  if (metric == kPoolMetrics[1]) return &pool.backlog;
  if (metric == kPoolMetrics[2]) return &pool.stall;
  return metric == kPoolMetrics[3] ? &pool.execution : nullptr;
}

bool IsKnownMetric(const HistRecord& record) {
  if (record.kind == ToString(HistKind::kFunction)) return MeasureNamed(record.metric) != nullptr;
  return record.kind == ToString(HistKind::kQuality) ||
         std::ranges::find(kPoolMetrics, record.metric) != std::end(kPoolMetrics);
}

}  // namespace

struct HistMerger::State {
  explicit State(MergeKeys its_keys) : keys(std::move(its_keys)) {}

  MergeKeys keys;
  MergeTally tally;
  HistLineReader reader;
  HistRecord& record = reader.record();
  // What is left of a line that goes on, with room behind it.
  std::vector<char> buffer = std::vector<char>(LineParser::kPadding);
  size_t used = 0;
  bool skipping = false;  // the rest of a line that is too long

  std::vector<MergedGroup> groups;
  std::optional<size_t> head_group;  // of lines that begin like the last one, once it is looked up
  absl::flat_hash_map<std::string, size_t> group_of;
  std::vector<Series> series;
  absl::flat_hash_map<std::string, uint32_t> series_of;
  uint32_t last_series = 0;
  SegmentTable segments;
  absl::flat_hash_set<std::string> hosts;  // by group
  std::map<std::tuple<size_t, std::string, std::string>, HistStalls> stalls;
  std::string key;  // used again and again

  void AddLine(std::string_view line);
  size_t GroupOf();
  std::optional<uint32_t> SeriesOf(size_t group);
  std::optional<uint32_t> FindSeries(size_t group);
  void AddQuality(MergedGroup& group);
  void AddValues(Series& to);
  uint64_t CountTooLarge() const;
};

size_t HistMerger::State::GroupOf() {
  if (!keys.host && !keys.kernel && !keys.machine && !keys.labels && keys.label_of.empty()) {
    if (groups.empty()) groups.emplace_back().unmeasured = true;
    return 0;
  }
  MergedGroup group;
  if (keys.host) group.host = record.host;
  if (keys.kernel) group.kernel = record.kernel;
  if (keys.machine) group.machine = record.machine;
  group.labels = LabelText(record, keys);
  key.clear();
  for (const std::string* word : {&group.host, &group.kernel, &group.machine, &group.labels}) {
    AppendKey(key, *word);
  }
  const auto [it, inserted] = group_of.try_emplace(key, groups.size());
  if (inserted) {
    group.unmeasured = true;
    groups.push_back(std::move(group));
  }
  return it->second;
}

std::optional<uint32_t> HistMerger::State::SeriesOf(size_t group) {
  // Segments of one group have the same series, in the same order.
  if (!series.empty()) {
    const uint32_t next = series[last_series].next;
    if (IsOf(series[next], group, record)) return last_series = next;
  }
  const std::optional<uint32_t> found = FindSeries(group);
  if (found) last_series = series[last_series].next = *found;
  return found;
}

std::optional<uint32_t> HistMerger::State::FindSeries(size_t group) {
  key.clear();
  key.append(reinterpret_cast<const char*>(&group), sizeof group);
  for (const std::string* word :
       {&record.kind, &record.workqueue, &record.function, &record.pool, &record.metric}) {
    AppendKey(key, *word);
  }
  if (const auto it = series_of.find(key); it != series_of.end()) return it->second;
  if (series.size() == kMostSeries) return std::nullopt;
  const auto index = static_cast<uint32_t>(series.size());
  series_of.emplace(key, index);
  const HistKind kind = record.kind == ToString(HistKind::kQuality)    ? HistKind::kQuality
                        : record.kind == ToString(HistKind::kFunction) ? HistKind::kFunction
                                                                       : HistKind::kPool;
  series.push_back(
      {kind, group, record.workqueue, record.function, record.pool, record.metric, {}, {}, 0});
  return index;
}

void HistMerger::State::AddQuality(MergedGroup& group) {
  group.unmeasured = false;
  const double ns = std::round(record.seconds * 1e9);
  group.measured = AddSaturated(group.measured, Nanos(static_cast<int64_t>(ns)));
  bool coherent = true;
  for (size_t i = 0; i < kAnomalies.size(); ++i) {
    const HistRecord::Count& count = record.anomalies[i];
    group.anomalies[i] = AddCapped(group.anomalies[i], count.value);
    coherent &= kAnomalies[i].severity != AnomalySeverity::kDoubt ||
                (count.value == 0 && (count.known || kAnomalies[i].optional));
  }
  group.incoherent += !coherent;
  group.unknown_loss += !record.anomalies[AnomalyOf("lost_events")].known;
  group.executed = AddCapped(group.executed, record.matched);
  for (size_t i = 0; i < record.stall_pool.size(); ++i) {
    const size_t index = static_cast<size_t>(&group - groups.data());
    HistStalls& sum = stalls[{index, record.stall_pool[i], record.stall_cause[i]}];
    sum.pool = record.stall_pool[i];
    sum.cause = record.stall_cause[i];
    sum.count = AddCapped(sum.count, record.stall_count[i]);
    sum.total = AddSaturated(sum.total, Nanos(static_cast<int64_t>(record.stall_ns[i])));
  }
}

void HistMerger::State::AddValues(Series& to) {
  to.sums.Add(record);
  to.counts.queued = AddCapped(to.counts.queued, record.queued);
  to.counts.executed = AddCapped(to.counts.executed, record.executed);
  to.counts.superseded = AddCapped(to.counts.superseded, record.superseded);
}

void HistMerger::State::AddLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  ++tally.lines;
  const LineForm form = reader.Read(line);
  if (!reader.same_head()) head_group.reset();
  if (form == LineForm::kNoJson) {
    if (tally.damaged++ == 0) tally.first_damaged = line.substr(0, 80);
    return;
  }
  if (record.schema != kHistSchema) {
    ++tally.foreign;
    return;
  }
  const bool small =
      std::max({record.segment.size(), record.workqueue.size(), record.function.size(),
                record.pool.size(), record.metric.size()}) <= kMostNameBytes;
  if (form == LineForm::kOdd || !small || !IsCoherent(record)) {
    ++tally.odd;
    return;
  }
  // A measure of a later version.
  if (!IsKnownMetric(record)) {
    ++tally.foreign;
    return;
  }
  if (!head_group) head_group = GroupOf();
  const size_t group = *head_group;
  const std::optional<uint32_t> index = SeriesOf(group);
  const std::optional<uint32_t> segment =
      index ? segments.IndexOf(record.segment, kMostSegments) : std::nullopt;
  if (!segment) {
    ++tally.refused;
    return;
  }
  if (!segments.Count(*segment, *index)) {
    ++tally.repeated;
    return;
  }
  ++tally.counted;
  if (segments.BelongsTo(*segment, group) && !record.host.empty()) {
    hosts.insert(fmt::format("{}:{}", group, record.host));
  }
  if (series[*index].kind == HistKind::kQuality) {
    segments.Expect(*segment, record.lines);
    AddQuality(groups[group]);
  } else {
    AddValues(series[*index]);
  }
}

HistMerger::HistMerger(MergeKeys keys) : state_(std::make_unique<State>(std::move(keys))) {}
HistMerger::~HistMerger() = default;
HistMerger::HistMerger(HistMerger&&) noexcept = default;

void HistMerger::Add(std::string_view bytes) {
  State& s = *state_;
  if (s.buffer.size() < s.used + bytes.size() + LineParser::kPadding) {
    s.buffer.resize(s.used + bytes.size() + LineParser::kPadding);
  }
  const size_t searched = s.used;
  std::copy(bytes.begin(), bytes.end(), s.buffer.begin() + static_cast<ptrdiff_t>(s.used));
  s.used += bytes.size();
  const char* begin = s.buffer.data();
  const char* const end = begin + s.used;
  const char* from = begin + searched;
  while (const void* found =
             from < end ? std::memchr(from, '\n', static_cast<size_t>(end - from)) : nullptr) {
    const char* const stop = static_cast<const char*>(found);
    if (!std::exchange(s.skipping, false)) s.AddLine({begin, static_cast<size_t>(stop - begin)});
    begin = from = stop + 1;
  }
  s.used = static_cast<size_t>(end - begin);
  std::memmove(s.buffer.data(), begin, s.used);
  if (s.used <= kMostLineBytes && !s.skipping) return;
  if (!std::exchange(s.skipping, true)) {
    ++s.tally.lines;
    ++s.tally.damaged;
  }
  s.used = 0;
}

void HistMerger::EndFile() {
  State& s = *state_;
  s.buffer[s.used] = '\n';
  if (!std::exchange(s.skipping, false) && s.used > 0) s.AddLine({s.buffer.data(), s.used});
  s.used = 0;
}

const MergeTally& HistMerger::tally() const { return state_->tally; }

namespace {

// Functions and pools from their series, by name.
void TakeSeries(std::vector<Series>& all, MergedHists& out) {
  std::map<std::tuple<size_t, std::string, std::string>, MergedFunction> functions;
  std::map<std::pair<size_t, std::string>, MergedPool> pools;
  for (Series& series : all) {
    if (series.kind == HistKind::kFunction) {
      MergedFunction& row = functions[{series.group, series.workqueue, series.function}];
      row.measures[MeasureNamed(series.metric)->id] = series.sums.ToHistogram();
      row.measures.queued = AddCapped(row.measures.queued, series.counts.queued);
      row.measures.executed = AddCapped(row.measures.executed, series.counts.executed);
      row.measures.superseded = AddCapped(row.measures.superseded, series.counts.superseded);
    } else if (series.kind == HistKind::kPool) {
      *MetricOf(pools[{series.group, series.pool}], series.metric) = series.sums.ToHistogram();
    }
    series.sums = {};
  }
  for (auto& [key, row] : functions) {
    std::tie(row.group, row.workqueue, row.function) = key;
    out.functions.push_back(std::move(row));
  }
  for (auto& [key, row] : pools) {
    std::tie(row.group, row.pool) = key;
    out.pools.push_back(std::move(row));
  }
}

}  // namespace

namespace {

// A sum that is the largest number stands for all beyond it.
bool IsTooLarge(const HistLine::Counts& counts) {
  return std::max({counts.queued, counts.executed, counts.superseded}) == UINT64_MAX;
}
bool IsTooLarge(const MergedGroup& group) {
  return group.measured == Nanos::max() || group.executed == UINT64_MAX ||
         std::ranges::find(group.anomalies, UINT64_MAX) != group.anomalies.end();
}
bool IsTooLarge(const HistStalls& stalls) {
  return stalls.count == UINT64_MAX || stalls.total == Nanos::max();
}

}  // namespace

// Of functions and pools; of groups their quality; of pools their stalls by cause.
uint64_t HistMerger::State::CountTooLarge() const {
  auto out = std::ranges::count_if(
      series, [](const Series& one) { return one.sums.too_large() || IsTooLarge(one.counts); });
  out += std::ranges::count_if(groups, [](const MergedGroup& group) { return IsTooLarge(group); });
  out += std::ranges::count_if(stalls, [](const auto& one) { return IsTooLarge(one.second); });
  return static_cast<uint64_t>(out);
}

MergedHists HistMerger::Take() && {
  State& s = *state_;
  for (const SegmentTable::Segment& segment : s.segments.all()) {
    MergedGroup& group = s.groups[segment.group];
    ++group.segments;
    group.incomplete += segment.expected == 0 || segment.counted < segment.expected;
  }
  for (const std::string& host : s.hosts) {
    size_t group = 0;
    std::from_chars(host.data(), host.data() + host.size(), group);
    ++s.groups[group].hosts;
  }
  // Groups are numbered as they came: now by their keys, so that the order of lines does not show.
  std::vector<size_t> order(s.groups.size()), place(s.groups.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto key = [&](const MergedGroup& g) {
      return std::tie(g.kernel, g.host, g.machine, g.labels);
    };
    return key(s.groups[a]) < key(s.groups[b]);
  });
  MergedHists out;
  out.keys = s.keys;
  out.tally = s.tally;
  out.tally.too_large = s.CountTooLarge();
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    out.groups.push_back(std::move(s.groups[order[i]]));
  }
  for (Series& series : s.series) series.group = place[series.group];
  TakeSeries(s.series, out);
  for (auto& [key, stalls] : s.stalls) out.stalls.push_back({place[std::get<0>(key)], stalls});
  std::stable_sort(out.stalls.begin(), out.stalls.end(),
                   [](const MergedStalls& a, const MergedStalls& b) { return a.group < b.group; });
  return out;
}

}  // namespace wqprof
