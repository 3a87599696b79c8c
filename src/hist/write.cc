// SPDX-License-Identifier: Apache-2.0
// The fields of a line, each declared once: what is written, and what the schema says.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "wqprof/hist.h"

namespace wqprof {
namespace {

using Json = nlohmann::ordered_json;
using Type = HistField::Type;

// What is not known is left out.
Json Word(const std::string& text) { return text.empty() ? Json() : Json(text); }

// Numbers of JSON have 64 bits; those of a mean reader 53.
Json Time(Nanos span) { return span.count(); }

template <class F>
Json Each(const std::vector<HistStalls>& stalls, F part) {
  Json out = Json::array();
  for (const HistStalls& one : stalls) out.push_back(part(one));
  return out;
}

template <class F>
Json EachBucket(const HistLine& line, F part) {
  Json out = Json::array();
  for (const Histogram::Bucket& bucket : line.values.Buckets(kHistScale))
    out.push_back(part(bucket));
  return out;
}

template <uint64_t HistLine::Counts::*kCount>
Json CountOfItems(const HistSnapshot&, const HistLine& line) {
  return line.counts ? Json((*line.counts).*kCount) : Json();
}

// A field with how it is made; null: the line does not have it.
struct WrittenField {
  HistField field;
  Json (*value)(const HistSnapshot&, const HistLine&);
};

const std::vector<HistKind> kAnyKind = {HistKind::kQuality, HistKind::kFunction, HistKind::kPool};
const std::vector<HistKind> kMeasured = {HistKind::kFunction, HistKind::kPool};

std::vector<std::string> Words(std::span<const std::string_view> words) {
  return {words.begin(), words.end()};
}

std::vector<std::string> MetricWords() {
  std::vector<std::string> out;
  for (const MeasureSpec& measure : kMeasures) out.emplace_back(measure.name);
  for (const std::string_view metric : kPoolMetrics) {
    if (std::find(out.begin(), out.end(), metric) == out.end()) out.emplace_back(metric);
  }
  return out;
}

std::vector<std::string> CauseWords() {
  std::vector<std::string> out;
  for (int i = 0; i <= static_cast<int>(StallCause::kIdleCpu); ++i) {
    out.emplace_back(ToString(static_cast<StallCause>(i)));
  }
  return out;
}

// Of every line.
std::vector<WrittenField> HeadFields() {
  return {
      {{"schema", Type::kText, "", true, kAnyKind, {std::string(kHistSchema)}},
       [](const HistSnapshot&, const HistLine&) { return Json(kHistSchema); }},
      {{"segment",
        Type::kText,
        "What was measured: the boot and the first stamp. A segment counts once.",
        true,
        kAnyKind,
        {}},
       [](const HistSnapshot& s, const HistLine&) { return Json(s.segment.id); }},
      {{"ts", Type::kText, "Time of day of the first event, RFC 3339 in UTC.", false, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) { return Word(s.segment.ts); }},
      {{"seconds", Type::kNumber, "How long it was measured.", true, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) {
         return Json(std::chrono::duration<double>(s.segment.duration).count());
       }},
      {{"host", Type::kText, "", false, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) { return Word(s.segment.host); }},
      {{"kernel", Type::kText, "Its release.", false, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) { return Word(s.segment.kernel); }},
      {{"machine", Type::kText, "Its architecture.", false, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) { return Word(s.segment.machine); }},
      {{"cpus", Type::kCount, "", false, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) {
         return s.segment.cpus > 0 ? Json(s.segment.cpus) : Json();
       }},
      {{"labels", Type::kTextMap, "As --label gave them.", true, kAnyKind, {}},
       [](const HistSnapshot& s, const HistLine&) {
         Json out = Json::object();
         for (const auto& [key, value] : s.segment.labels) out[key] = value;
         return out;
       }},
      {{"kind",
        Type::kText,
        "",
        true,
        kAnyKind,
        {std::string(ToString(HistKind::kQuality)), std::string(ToString(HistKind::kFunction)),
         std::string(ToString(HistKind::kPool))}},
       [](const HistSnapshot&, const HistLine& line) { return Json(ToString(line.kind)); }},
  };
}

// Of lines with a histogram.
std::vector<WrittenField> MeasuredFields() {
  const std::vector<HistKind> function = {HistKind::kFunction}, pool = {HistKind::kPool};
  return {
      {{"workqueue", Type::kText, "Left out: no event named it.", false, function, {}},
       [](const HistSnapshot&, const HistLine& line) { return Word(line.workqueue); }},
      {{"function", Type::kText, "", false, function, {}},
       [](const HistSnapshot&, const HistLine& line) { return Word(line.function); }},
      {{"pool", Type::kText, "", true, pool, {}},
       [](const HistSnapshot&, const HistLine& line) { return Word(line.pool); }},
      {{"metric", Type::kText,
        "Of a function a measure of its items; of a pool the times in which it was busy, had a "
        "backlog, stalled, and its executions.",
        true, kMeasured, MetricWords()},
       [](const HistSnapshot&, const HistLine& line) { return Json(line.metric); }},
      {{"scale",
        Type::kCount,
        "Bucket i of scale s holds times above 2^(i/2^s) and up to "
        "2^((i+1)/2^s) ns.",
        true,
        kMeasured,
        {}},
       [](const HistSnapshot&, const HistLine&) { return Json(kHistScale); }},
      {{"n", Type::kCount, "Values.", true, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) { return Json(line.values.count()); }},
      {{"sum", Type::kCount, "Of all values, in ns; so are the next two.", true, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) { return Time(line.values.sum()); }},
      {{"min", Type::kCount, "Left out where there are no values.", false, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) {
         return line.values.min() ? Time(*line.values.min()) : Json();
       }},
      {{"max", Type::kCount, "", false, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) {
         return line.values.max() ? Time(*line.values.max()) : Json();
       }},
      {{"zero", Type::kCount, "Values of 0 ns, which are in no bucket.", true, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) { return Json(line.values.zero_count()); }},
      {{"idx", Type::kIntegers, "Buckets that are not empty, in their order.", true, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) {
         return EachBucket(line, [](const Histogram::Bucket& b) { return b.index; });
       }},
      {{"cnt", Type::kCounts, "The values in each of them.", true, kMeasured, {}},
       [](const HistSnapshot&, const HistLine& line) {
         return EachBucket(line, [](const Histogram::Bucket& b) { return b.count; });
       }},
      {{"queued", Type::kCount, "Queue events; with the latency only.", false, function, {}},
       CountOfItems<&HistLine::Counts::queued>},
      {{"executed",
        Type::kCount,
        "Starts that were matched to their queue event; with the latency only.",
        false,
        function,
        {}},
       CountOfItems<&HistLine::Counts::executed>},
      {{"superseded",
        Type::kCount,
        "Items that were taken back, or queued anew, first; with the latency only.",
        false,
        function,
        {}},
       CountOfItems<&HistLine::Counts::superseded>},
  };
}

// Of the line with the quality, beside what kAnomalies has.
std::vector<WrittenField> QualityFields() {
  const std::vector<HistKind> quality = {HistKind::kQuality};
  return {
      {{"lines", Type::kCount, "Lines of the segment, this one included.", true, quality, {}},
       [](const HistSnapshot& s, const HistLine&) { return Json(s.lines.size() + 1); }},
      {{"recorded", Type::kTexts, "Which of the four workqueue events were recorded.", true,
        quality, Words(kWorkqueueEventNames)},
       [](const HistSnapshot& s, const HistLine&) { return Json(NamesOf(s.recorded)); }},
      {{"matched",
        Type::kCount,
        "Starts that were matched to their queue event.",
        true,
        quality,
        {}},
       [](const HistSnapshot& s, const HistLine&) { return Json(s.quality.match.executed); }},
      {{"paired_fraction",
        Type::kNumber,
        "Matched starts of those that the recording should explain; left out: none.",
        false,
        quality,
        {}},
       [](const HistSnapshot& s, const HistLine&) {
         return s.quality.paired_fraction ? Json(*s.quality.paired_fraction) : Json();
       }},
      {{"stall_pool",
        Type::kTexts,
        "Stalls by pool and cause: the pools. The next three are as long.",
        true,
        quality,
        {}},
       [](const HistSnapshot& s, const HistLine&) {
         return Each(s.stalls, [](const HistStalls& stalls) { return stalls.pool; });
       }},
      {{"stall_cause", Type::kTexts, "The causes.", true, quality, CauseWords()},
       [](const HistSnapshot& s, const HistLine&) {
         return Each(s.stalls, [](const HistStalls& stalls) { return stalls.cause; });
       }},
      {{"stall_count", Type::kCounts, "How many.", true, quality, {}},
       [](const HistSnapshot& s, const HistLine&) {
         return Each(s.stalls, [](const HistStalls& stalls) { return stalls.count; });
       }},
      {{"stall_ns", Type::kCounts, "How long, summed up.", true, quality, {}},
       [](const HistSnapshot& s, const HistLine&) {
         return Each(s.stalls, [](const HistStalls& stalls) { return stalls.total.count(); });
       }},
  };
}

void AppendFields(const std::vector<WrittenField>& fields, const HistSnapshot& snapshot,
                  const HistLine& line, Json& out) {
  for (const WrittenField& field : fields) {
    const auto& kinds = field.field.kinds;
    if (std::find(kinds.begin(), kinds.end(), line.kind) == kinds.end()) continue;
    Json value = field.value(snapshot, line);
    if (!value.is_null()) out[std::string(field.field.name)] = std::move(value);
  }
}

// As in a report: null where a number is not known.
void AppendQuality(const Quality& quality, Json& out) {
  for (const Anomaly& anomaly : kAnomalies) {
    const std::optional<uint64_t> count = anomaly.count(quality);
    Json& field = out[std::string(anomaly.name)];
    if (!count) continue;
    if (anomaly.flag) {
      field = *count != 0;
    } else {
      field = *count;
    }
  }
  out["complete"] = quality.complete();
}

void AppendLine(const Json& line, std::string& out) {
  // Names may hold any byte: what is not UTF-8 becomes U+FFFD; all that is not ASCII is escaped.
  out += line.dump(-1, ' ', true, Json::error_handler_t::replace);
  out += '\n';
}

}  // namespace

std::vector<HistField> HistFields() {
  std::vector<HistField> out;
  for (const auto& fields : {HeadFields(), MeasuredFields(), QualityFields()}) {
    for (const WrittenField& field : fields) out.push_back(field.field);
  }
  return out;
}

std::string ToHistNdjson(const HistSnapshot& snapshot) {
  const std::vector<WrittenField> head = HeadFields(), measured = MeasuredFields(),
                                  quality_fields = QualityFields();
  std::string out;
  HistLine quality;
  quality.kind = HistKind::kQuality;
  Json first = Json::object();
  AppendFields(head, snapshot, quality, first);
  AppendFields(quality_fields, snapshot, quality, first);
  AppendQuality(snapshot.quality, first);
  AppendLine(first, out);
  for (const HistLine& line : snapshot.lines) {
    Json json = Json::object();
    AppendFields(head, snapshot, line, json);
    AppendFields(measured, snapshot, line, json);
    AppendLine(json, out);
  }
  return out;
}

}  // namespace wqprof
