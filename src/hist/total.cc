// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "wqprof/hist.h"

namespace wqprof {
namespace {

constexpr Measure kKept[] = {Measure::kLatency, Measure::kExecution};

MergedHists Read(std::initializer_list<std::string_view> texts) {
  HistMerger merger(MergeKeys{});
  for (const std::string_view text : texts) {
    merger.Add(text);
    merger.EndFile();
  }
  return std::move(merger).Take();
}

std::pair<std::string, std::string> KeyOf(const MergedFunction& row) {
  return {row.workqueue, row.function};
}
std::string KeyOf(const MergedPool& row) { return row.pool; }

Nanos WeightOf(const MergedFunction& row) {
  return AddSaturated(row.measures[Measure::kLatency].sum(),
                      row.measures[Measure::kExecution].sum());
}
Nanos WeightOf(const MergedPool& row) { return AddSaturated(row.busy.sum(), row.backlog.sum()); }

void Add(const MergedFunction& from, MergedFunction& to) { to.measures.Merge(from.measures); }
void Add(const MergedPool& from, MergedPool& to) {
  to.busy.Merge(from.busy);
  to.backlog.Merge(from.backlog);
  to.stall.Merge(from.stall);
  to.execution.Merge(from.execution);
}
void CallOther(MergedFunction& row) { row.workqueue = row.function = kAllOthers; }
void CallOther(MergedPool& row) { row.pool = kAllOthers; }

// Those that were kept, then the largest of the others, `most` together; the rest is one row.
template <class Row>
std::vector<Row> Limited(std::vector<Row> rows, const std::vector<Row>& kept, size_t most) {
  std::set<decltype(KeyOf(Row()))> names;
  for (const Row& row : kept) names.insert(KeyOf(row));
  Row other;
  CallOther(other);
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    const bool first = names.contains(KeyOf(a)), second = names.contains(KeyOf(b));
    return first != second ? first : WeightOf(a) > WeightOf(b);
  });
  std::vector<Row> out;
  bool any_other = false;
  for (Row& row : rows) {
    if (KeyOf(row) != KeyOf(other) && out.size() < most) {
      out.push_back(std::move(row));
    } else {
      Add(row, other);
      any_other = true;
    }
  }
  std::sort(out.begin(), out.end(), [](const Row& a, const Row& b) { return KeyOf(a) < KeyOf(b); });
  if (any_other) out.push_back(std::move(other));
  return out;
}

void AppendLines(std::vector<MergedFunction> rows, std::vector<HistLine>& out) {
  for (MergedFunction& row : rows) {
    for (const Measure measure : kKept) {
      HistLine line;
      line.workqueue = row.workqueue;
      line.function = row.function;
      line.metric = SpecOf(measure).name;
      line.values = std::move(row.measures[measure]);
      out.push_back(std::move(line));
    }
  }
}

void AppendLines(std::vector<MergedPool> rows, std::vector<HistLine>& out) {
  for (MergedPool& row : rows) {
    Histogram* const values[] = {&row.busy, &row.backlog, &row.stall, &row.execution};
    for (size_t i = 0; i < std::size(values); ++i) {
      HistLine line;
      line.kind = HistKind::kPool;
      line.pool = row.pool;
      line.metric = kPoolMetrics[i];
      line.values = std::move(*values[i]);
      out.push_back(std::move(line));
    }
  }
}

uint64_t CountOf(const MergedGroup& group, std::string_view anomaly) {
  for (size_t i = 0; i < kAnomalies.size(); ++i) {
    if (kAnomalies[i].name == anomaly) return group.anomalies[i];
  }
  return 0;
}

}  // namespace

HistTotal AddToTotal(std::string_view kept, const HistSnapshot& now, size_t top) {
  HistTotal out;
  MergedHists before = Read({kept});
  if (before.tally.counted != before.tally.lines) {
    out.began_anew = true;
    before = {};
    kept = {};
  }
  MergedHists merged = Read({kept, ToHistNdjson(now)});
  const size_t most = top / std::size(kKept);
  AppendLines(Limited(std::move(merged.functions), before.functions, most), out.snapshot.lines);
  AppendLines(Limited(std::move(merged.pools), before.pools, top / std::size(kPoolMetrics)),
              out.snapshot.lines);
  out.snapshot.segment = now.segment;
  out.snapshot.segment.id = "total";
  out.snapshot.recorded = now.recorded;
  for (const MergedStalls& row : merged.stalls) out.snapshot.stalls.push_back(row.stalls);
  if (merged.groups.empty()) return out;
  const MergedGroup& group = merged.groups.front();
  out.snapshot.segment.duration = group.measured;
  out.snapshot.quality.lost_events = CountOf(group, "lost_events");
  out.snapshot.quality.lost_gaps = CountOf(group, "lost_gaps");
  out.snapshot.quality.match.unmatched_starts = CountOf(group, "unmatched_starts");
  out.snapshot.quality.match.executed = group.executed;
  return out;
}

}  // namespace wqprof
