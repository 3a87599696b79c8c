// SPDX-License-Identifier: Apache-2.0
#include "wqprof/schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "render/item_fields.h"
#include "render/summary.h"
#include "render/tables.h"
#include "wqprof/anomaly.h"
#include "wqprof/columns.h"
#include "wqprof/hist.h"
#include "wqprof/render_hist.h"
#include "wqprof/render_state.h"

namespace wqprof {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDraft = "http://json-schema.org/draft-07/schema#";
constexpr std::string_view kMayGrow = " Fields may be added.";

Json RowSchema(const Table& table);

Json Count() { return {{"type", "integer"}, {"minimum", 0}}; }

// What a value is that is there.
Json TypeSchema(const Column& column) {
  switch (column.type) {
    case JsonType::kAny:
      return Json::object();
    case JsonType::kFlag:
      return {{"type", "boolean"}};
    case JsonType::kCount:
      return Count();
    case JsonType::kInteger:
      return {{"type", "integer"}};
    case JsonType::kNumber:
      return {{"type", "number"}};
    case JsonType::kShare:
      return {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
    case JsonType::kText:
      if (column.words.empty()) return {{"type", "string"}};
      return {{"type", "string"}, {"enum", column.words}};
    case JsonType::kTexts:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case JsonType::kIds:
      return {{"type", "array"}, {"items", Count()}};
    case JsonType::kHistogram:
      return {{"$ref", "#/definitions/distribution"}};
    case JsonType::kTable:
      break;
  }
  const Table& shape = *column.shape;
  if (shape.record) return RowSchema(shape);
  return {{"type", "array"}, {"items", RowSchema(shape)}};
}

Json ColumnSchema(const Column& column) {
  Json out = TypeSchema(column);
  if (column.nullable) {
    if (out.contains("$ref")) {
      out = Json{{"anyOf", {std::move(out), {{"type", "null"}}}}};
    } else if (out.contains("type")) {
      out["type"] = {out["type"], "null"};
      if (out.contains("enum")) out["enum"].push_back(nullptr);
    }
  }
  if (!column.about.empty()) out["description"] = column.about;
  return out;
}

// An object by its columns.
Json RowSchema(const Table& table) {
  Json required = Json::array(), properties = Json::object();
  for (const Column& column : table.columns) {
    if (!(column.audience & kJson)) continue;
    if (!column.optional) required.push_back(column.key);
    properties[column.key] = ColumnSchema(column);
  }
  return {{"type", "object"}, {"required", required}, {"properties", properties}};
}

Json DistributionSchema() {
  Json required = Json::array(), properties = Json::object();
  for (const auto& [key, cell] : Summarize(Histogram())) {
    required.push_back(key);
    properties[std::string(key)] = Count();
    // Of nothing there is a count and a sum.
    if (std::holds_alternative<std::monostate>(cell)) {
      properties[std::string(key)]["type"] = {"integer", "null"};
    }
  }
  properties["histogram"] = {
      {"type", "object"},
      {"description",
       "Bucket i of scale s holds durations above 2^(i/2^s) and up to 2^((i+1)/2^s) ns; those of "
       "0 ns are in zero_count."},
      {"required", {"layout", "scale", "zero_count", "index", "count"}},
      {"properties",
       {{"layout", {{"const", "base2-exp"}}},
        {"scale", Count()},
        {"zero_count", Count()},
        {"index", {{"type", "array"}, {"items", {{"type", "integer"}}}}},
        {"count", {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 1}}}}}}}};
  return {{"type", "object"},
          {"description",
           "Durations of a set of items. A quantile is null when nothing was measured; the "
           "histogram is left out with --no-histograms."},
          {"required", required},
          {"properties", properties}};
}

bool HasHistogram(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.histogram() && (column.audience & kJson)) return true;
    if (column.shape != nullptr && HasHistogram(*column.shape)) return true;
  }
  return false;
}

// The beginning that all schemas have.
Json Head(const std::string& schema, const std::string& about) {
  return {{"$schema", kDraft}, {"title", schema}, {"description", about + std::string(kMayGrow)}};
}

std::string Text(const Json& schema) { return schema.dump(2) + "\n"; }

// Takes the fields of an item as VisitFields() names them.
class FieldSink {
 public:
  explicit FieldSink(Json& object) : objects_{&object} {
    object = {{"type", "object"}, {"required", Json::array()}, {"properties", Json::object()}};
  }
  void Plain(std::string_view key, std::string_view) { Add(key, {{"type", "string"}}, false); }
  void Encoded(std::string_view key, std::string_view) { Add(key, {{"type", "string"}}, false); }
  void Address(std::string_view key, WorkAddr) {
    Add(key, {{"type", "string"}, {"pattern", "^0x[0-9a-f]+$"}}, true);
  }
  void Count(std::string_view key, uint64_t) { Add(key, wqprof::Count(), true); }
  void Ordinal(std::string_view key, uint64_t) { Add(key, wqprof::Count(), false); }
  void Tally(std::string_view key, int32_t) { Add(key, wqprof::Count(), false); }
  void Time(std::string_view key, Timestamp) { Add(key, {{"type", "integer"}}, false); }
  void Span(std::string_view key, std::optional<Nanos>) { Add(key, wqprof::Count(), false); }
  void Duration(std::string_view key, std::optional<Nanos>) { Add(key, wqprof::Count(), false); }
  void CpuNumber(std::string_view key, Cpu) { Add(key, wqprof::Count(), false); }
  void Task(std::string_view key, Pid) { Add(key, wqprof::Count(), false); }
  void Flag(std::string_view key, bool) { Add(key, {{"type", "boolean"}}, true); }
  bool Open(std::string_view key, bool) {
    Json& inner = Add(key, {{"type", "object"}, {"properties", Json::object()}}, false);
    objects_.push_back(&inner);
    return true;
  }
  void Close() { objects_.pop_back(); }

 private:
  Json& Add(std::string_view key, Json schema, bool always) {
    Json& object = *objects_.back();
    if (always) object["required"].push_back(key);
    return object["properties"][std::string(key)] = std::move(schema);
  }
  std::vector<Json*> objects_;
};

// A source of which only the names of the fields are asked.
class NoSource : public EventSource {
 public:
  absl::StatusOr<std::span<const Event>> Next() override { return std::span<const Event>(); }
  const TraceInfo& info() const override { return info_; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return names_; }
  NameId CommOf(Pid) const override { return NameId::kUnknown; }

 private:
  TraceInfo info_;
  ReadStats stats_;
  NameTable names_;
};

NamedSchema WorksSchema() {
  const std::string name = "wqprof.works/1";
  Json item;
  FieldSink sink(item);
  const NoSource source;
  const Reconstructor model(source);
  ItemNames names(source.names(), model, JsonString);
  VisitFields(WorkItem(), nullptr, source, names, sink);
  item["required"].push_back("state");
  item["properties"]["state"]["enum"] = AllWords(kLastItemState);
  item["properties"]["context"]["enum"] = {"process", "softirq"};
  Json schema = Head(name,
                     "Output of wqprof works --format json. With --format ndjson each line but the "
                     "first, which holds the schema's name, is one item.");
  schema["type"] = "object";
  schema["required"] = {"schema", "works"};
  schema["properties"] = {
      {"schema", {{"const", name}}},
      {"works", {{"type", "array"}, {"items", {{"$ref", "#/definitions/item"}}}}}};
  schema["definitions"]["item"] = std::move(item);
  return {name, Text(schema)};
}

// Of a line of `stat -I`.
NamedSchema StatSchema() {
  const std::string name = "wqprof.stat/1";
  const Table table = IntervalTable(Interval());
  Json schema = Head(name,
                     "A line of wqprof stat -I TIME --format ndjson, after the first one, which "
                     "holds the schema's name. The report follows, from the next line with a "
                     "schema on.");
  schema.update(RowSchema(table));
  schema["required"].insert(schema["required"].begin(), "table");
  schema["properties"]["table"] = {{"const", table.key}};
  schema["definitions"]["distribution"] = DistributionSchema();
  return {name, Text(schema)};
}

Json HistFieldSchema(const HistField& field) {
  const auto list = [](Json element) {
    return Json{{"type", "array"}, {"items", std::move(element)}};
  };
  Json word = {{"type", "string"}};
  if (field.words.size() == 1) word = {{"const", field.words.front()}};
  if (field.words.size() > 1) word["enum"] = field.words;
  Json out;
  switch (field.type) {
    case HistField::Type::kText:
      out = std::move(word);
      break;
    case HistField::Type::kCount:
      out = Count();
      break;
    case HistField::Type::kNumber:
      out = {{"type", "number"}, {"minimum", 0}};
      break;
    case HistField::Type::kTexts:
      out = list(std::move(word));
      break;
    case HistField::Type::kCounts:
      out = list(Count());
      break;
    case HistField::Type::kIntegers:
      out = list({{"type", "integer"}});
      break;
    case HistField::Type::kTextMap:
      out = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
      break;
  }
  if (!field.about.empty()) out["description"] = field.about;
  return out;
}

// Of a fleet's line: what all have, and what those of its kind have.
NamedSchema HistSchema() {
  const std::string name(kHistSchema);
  Json schema = Head(name,
                     "A line of wqprof export --to hist-ndjson and of wqprof snapshot: the "
                     "histogram of one measure, or the quality of the whole.");
  schema["type"] = "object";
  Json properties = Json::object(), kinds = Json::array();
  const std::vector<HistField> fields = HistFields();
  for (const HistField& field : fields) {
    properties[std::string(field.name)] = HistFieldSchema(field);
  }
  const Table quality = ReportTables(Report())[1];
  for (const Column& column : quality.columns) {
    if (!properties.contains(column.key)) properties[column.key] = ColumnSchema(column);
  }
  for (const HistKind kind : {HistKind::kQuality, HistKind::kFunction, HistKind::kPool}) {
    Json required = Json::array();
    for (const HistField& field : fields) {
      const bool has = std::find(field.kinds.begin(), field.kinds.end(), kind) != field.kinds.end();
      if (field.always && has) required.push_back(field.name);
    }
    if (kind == HistKind::kQuality) {
      for (const Anomaly& anomaly : kAnomalies) {
        if (!anomaly.optional) required.push_back(anomaly.name);
      }
    }
    kinds.push_back({{"properties", {{"kind", {{"const", ToString(kind)}}}}},
                     {"required", std::move(required)}});
  }
  schema["properties"] = std::move(properties);
  schema["oneOf"] = std::move(kinds);
  return {name, Text(schema)};
}

// All columns that merged lines may have.
MergedHists MergedSpecimen() {
  MergedHists merged;
  merged.keys = {true, true, true, true, {}};
  return merged;
}

// A report in which every column is that a report may have.
Report Specimen() {
  Report report;
  report.source.has_sched = report.source.has_timers = true;
  return report;
}

}  // namespace

std::string SchemaText(const Document& document) {
  Json schema = Head(document.schema, document.about);
  schema["type"] = "object";
  Json required = {"schema"};
  Json properties = {{"schema", {{"const", document.schema}}}};
  bool distributions = false;
  for (const Table& table : document.tables) {
    required.push_back(table.key);
    Json row = RowSchema(table);
    properties[table.key] =
        table.record ? std::move(row) : Json{{"type", "array"}, {"items", std::move(row)}};
    distributions |= HasHistogram(table);
  }
  schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  if (distributions) schema["definitions"]["distribution"] = DistributionSchema();
  return Text(schema);
}

std::vector<NamedSchema> Schemas() {
  const Report report = Specimen();
  const auto document = [](std::string schema, std::string command, std::vector<Table> tables) {
    const std::string about = fmt::format("Output of wqprof {} --format json.", command);
    return NamedSchema{schema, SchemaText({schema, about, std::move(tables)})};
  };
  return {document("wqprof.report/1", "report", ReportTables(report)),
          document("wqprof.stalls/1", "stalls", StallsTables(report)),
          WorksSchema(),
          document("wqprof.chains/1", "chains", ChainTables(report, ChainReport())),
          document("wqprof.timeline/1", "timeline", TimelineTables(report)),
          StatSchema(),
          document("wqprof.check/1", "check", CheckTables(CheckResult())),
          document("wqprof.diff/1", "diff", DiffTables(DiffResult())),
          HistSchema(),
          document("wqprof.merge/1", "merge", MergeTables(MergedSpecimen())),
          document("wqprof.info/1", "info", InfoTables(TraceInfo(), ReadStats())),
          document("wqprof.state/1", "state", StateTables(WorkqueueState()))};
}

}  // namespace wqprof
