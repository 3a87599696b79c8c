// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wqprof/report.h"

namespace wqprof {

namespace {

// Whether all start events that the recorder saw must be here.
bool NothingKnownMissing(const Quality& quality, const RunFacts& facts) {
  return quality.lost_events == uint64_t{0} && quality.lost_gaps == 0 &&
         quality.corrupt_pages == 0 && !quality.truncated && !quality.unfinished &&
         !quality.incomplete && quality.disturbances == 0 && facts.read.missing_events.empty() &&
         facts.source.ended_by != "max-size";
}

// Compares with what the kernel counted between two readings, both made while it was recorded.
void CompareStarts(const RunFacts& facts, Quality& quality) {
  const WorkqueueConfig& config = facts.source.config;
  if (!RecordedEvents(facts.source, facts.read).Has(EventKind::kExecuteStart)) return;
  quality.counted_starts = config.Started();
  for (const auto& [name, count] : facts.read.events_by_name) {
    if (name == "workqueue:workqueue_execute_start") quality.seen_starts += count;
  }
  if (!quality.counted_starts || !NothingKnownMissing(quality, facts)) return;
  // The kernel counts before it emits the event, so that each worker may be in between.
  uint64_t slack = 0;
  for (const PoolSetup& pool : config.pools) {
    slack += static_cast<uint64_t>(std::max(pool.workers.value_or(1), 1));
  }
  for (const WorkqueueSetup& workqueue : config.workqueues) slack += workqueue.rescuer.has_value();
  if (*quality.counted_starts > quality.seen_starts + slack) {
    quality.missing_starts = *quality.counted_starts - quality.seen_starts;
  }
}

}  // namespace

Quality QualityOf(const RunFacts& facts) {
  Quality q;
  q.lost_events = facts.read.lost_events;
  q.lost_gaps = facts.read.lost_gaps;
  q.match = facts.match;
  q.time_reversals = facts.read.time_reversals;
  q.unread_lines = facts.read.unread_lines;
  q.unread_records = facts.read.unread_records;
  q.corrupt_pages = facts.read.corrupt_pages;
  q.truncated = facts.read.truncated;
  q.unfinished = facts.source.unfinished;
  q.incomplete = facts.source.incomplete;
  q.disturbances = facts.source.disturbances.size();
  const uint64_t expected = q.match.executed + q.match.unmatched_starts;
  if (expected > 0 && TellsLatency(RecordedEvents(facts.source, facts.read))) {
    q.paired_fraction = static_cast<double>(q.match.executed) / static_cast<double>(expected);
  }
  CompareStarts(facts, q);
  return q;
}

Report ReportOf(const RunFacts& facts) {
  Report report;
  report.source = facts.source;
  report.read = facts.read;
  report.recorded = RecordedEvents(report.source, report.read);
  if (report.read.begin != kUnseen) report.duration = report.read.end - report.read.begin;
  report.quality = QualityOf(facts);
  return report;
}

}  // namespace wqprof
