// SPDX-License-Identifier: Apache-2.0
// What a recording lacks, and what matching could not decide: one row for each.  The table of JSON,
// its schema, the notes for people and Quality::complete() follow from this list.
#ifndef WQPROF_ANOMALY_H_
#define WQPROF_ANOMALY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wqprof/report.h"

namespace wqprof {

// What an anomaly means for the numbers.
enum class AnomalySeverity : uint8_t {
  kNormal,  // every recording may have it, as those of its edges
  kNote,    // worth a line
  kDoubt    // something is missing or may be wrong: the data are not whole
};

// What is counted.
enum class Scope : uint8_t { kEvents, kItems, kInput };

// One counter of Quality.
struct Anomaly {
  std::string_view name;  // in JSON
  AnomalySeverity severity;
  Scope scope;
  std::string_view about;  // in the schema
  // Its note, after a count of `one` or `many`: "unpaired: 2 starts without a queue event".  ""
  // where it has none, or a longer one: see LossNotes().  What is kNormal goes into one line.
  std::string_view label, one, many;
  // Absent: some, number unknown.
  std::optional<uint64_t> (*count)(const Quality& quality);
  bool flag = false;  // a yes or no
  // Lines of a fleet may lack it, which then is none: older versions did not know of it.
  bool optional = false;
};

// In the order of JSON.
inline constexpr auto kAnomalies = std::to_array<Anomaly>({
    {"lost_events", AnomalySeverity::kDoubt, Scope::kEvents,
     "null: events were lost, nobody counted them.", "", "", "",
     [](const Quality& q) { return q.lost_events; }},
    {"lost_gaps", AnomalySeverity::kDoubt, Scope::kEvents, "Places where events were lost.", "", "",
     "", [](const Quality& q) { return std::optional(q.lost_gaps); }},
    {"superseded", AnomalySeverity::kNormal, Scope::kItems,
     "Items that were taken back, or queued anew, before they started.", "", "superseded",
     "superseded", [](const Quality& q) { return std::optional(q.match.superseded); }},
    {"barriers", AnomalySeverity::kNormal, Scope::kItems, "Executions of a flush's own work.", "",
     "barrier", "barriers", [](const Quality& q) { return std::optional(q.match.barriers); }},
    {"unmatched_starts", AnomalySeverity::kDoubt, Scope::kEvents,
     "Starts without a queue event, which no loss explains.", "unpaired",
     "start without a queue event", "starts without a queue event",
     [](const Quality& q) { return std::optional(q.match.unmatched_starts); }},
    {"unmatched_ends", AnomalySeverity::kDoubt, Scope::kEvents,
     "Ends without a start, which no loss explains.", "unpaired", "end without a start",
     "ends without a start",
     [](const Quality& q) { return std::optional(q.match.unmatched_ends); }},
    {"before_trace", AnomalySeverity::kNormal, Scope::kItems,
     "Items queued before the trace began.", "", "begun before the trace", "begun before the trace",
     [](const Quality& q) { return std::optional(q.match.before_trace); }},
    {"pending_at_end", AnomalySeverity::kNormal, Scope::kItems, "Items not started when it ended.",
     "", "pending when the trace ended", "pending when the trace ended",
     [](const Quality& q) { return std::optional(q.match.pending_at_end); }},
    {"running_at_end", AnomalySeverity::kNormal, Scope::kItems, "Items not ended when it ended.",
     "", "running when the trace ended", "running when the trace ended",
     [](const Quality& q) { return std::optional(q.match.running_at_end); }},
    {"tainted", AnomalySeverity::kDoubt, Scope::kItems, "Items that a loss may have cut.", "", "",
     "", [](const Quality& q) { return std::optional(q.match.tainted); }},
    {"ambiguous", AnomalySeverity::kDoubt, Scope::kItems,
     "Items of which a queue event and a start may have come in either order.", "ambiguous",
     "item where a queue event came so close to a start that either order is possible",
     "items where a queue event came so close to a start that either order is possible",
     [](const Quality& q) { return std::optional(q.match.ambiguous); }},
    {"negative_latencies", AnomalySeverity::kDoubt, Scope::kItems,
     "Items that started before they were queued, as the CPUs' clocks disagree.", "clock",
     "negative latency", "negative latencies",
     [](const Quality& q) { return std::optional(q.match.negative_latencies); }},
    {"lost_ends", AnomalySeverity::kNote, Scope::kEvents,
     "Executions whose worker went on to another without an end event.", "no end",
     "execution whose worker went on without an end event",
     "executions whose worker went on without an end event",
     [](const Quality& q) { return std::optional(q.match.lost_ends); }},
    {"unseen_switches", AnomalySeverity::kNote, Scope::kEvents,
     "Times that a worker executed though no switch to it was recorded, and nothing was lost: a "
     "filter, or the kernel, left out events without counting them.",
     "uncounted", "time a worker executed though no switch to it was recorded",
     "times a worker executed though no switch to it was recorded",
     [](const Quality& q) { return std::optional(q.match.unseen_switches); }},
    {"stray_activations", AnomalySeverity::kNormal, Scope::kEvents,
     "Activations of works that were cancelled.", "", "", "",
     [](const Quality& q) { return std::optional(q.match.stray_activations); }},
    {"time_reversals", AnomalySeverity::kNote, Scope::kEvents,
     "Stamps that went backwards on a CPU.", "clock", "stamp that went backwards on a CPU",
     "stamps that went backwards on a CPU",
     [](const Quality& q) { return std::optional(q.time_reversals); }},
    {"unread_lines", AnomalySeverity::kDoubt, Scope::kInput,
     "Lines that look like events and could not be read.", "unread",
     "line that looks like an event and could not be read",
     "lines that look like events and could not be read",
     [](const Quality& q) { return std::optional(q.unread_lines); }},
    {"unread_records", AnomalySeverity::kDoubt, Scope::kInput,
     "Records of a perf.data or a Perfetto trace that could not be read.", "unread",
     "record that could not be read", "records that could not be read",
     [](const Quality& q) { return std::optional(q.unread_records); }},
    {"corrupt_pages", AnomalySeverity::kDoubt, Scope::kInput, "Damaged pages of event data.", "",
     "", "", [](const Quality& q) { return std::optional(q.corrupt_pages); }},
    {"truncated", AnomalySeverity::kDoubt, Scope::kInput, "The input ends before its data do.", "",
     "", "", [](const Quality& q) { return std::optional(uint64_t{q.truncated}); }, true},
    {"unfinished", AnomalySeverity::kDoubt, Scope::kInput, "The recorder did not end the file.", "",
     "", "", [](const Quality& q) { return std::optional(uint64_t{q.unfinished}); }, true},
    {"incomplete", AnomalySeverity::kDoubt, Scope::kInput,
     "By the recorder's note the file lacks events that were recorded.", "", "", "",
     [](const Quality& q) { return std::optional(uint64_t{q.incomplete}); }, true},
    {"disturbances", AnomalySeverity::kDoubt, Scope::kInput,
     "Times that somebody else changed the recorder's buffer.", "", "", "",
     [](const Quality& q) { return std::optional(q.disturbances); }},
    {"missing_starts", AnomalySeverity::kDoubt, Scope::kEvents,
     "Executions that the kernel counted while it was recorded, and that are not there though "
     "nothing is known to be lost.",
     "", "", "", [](const Quality& q) { return std::optional(q.missing_starts); }, false, true},
});

}  // namespace wqprof

#endif  // WQPROF_ANOMALY_H_
