// SPDX-License-Identifier: Apache-2.0
#include "wqprof/report.h"

namespace wqprof {

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
