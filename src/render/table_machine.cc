// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "render/summary.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

using Json = nlohmann::ordered_json;

Json TableJson(const Table& table, bool buckets);

// A cell as a JSON value.
struct JsonOf {
  bool buckets = true;  // of histograms

  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool value) const { return value; }
  Json operator()(uint64_t value) const { return value; }
  Json operator()(Id id) const { return id.value; }
  Json operator()(const IdList& list) const { return list.ids; }
  Json operator()(double value) const { return value; }
  Json operator()(Nanos value) const { return value.count(); }
  Json operator()(Timestamp at) const { return at.time_since_epoch().count(); }
  Json operator()(const Estimate& estimate) const { return estimate.value.count(); }
  Json operator()(Share share) const { return share.fraction; }
  Json operator()(const Spark& spark) const { return spark.bins; }
  Json operator()(const Stack& stack) const {
    Json out = Json::object();
    for (const auto& [letter, fraction] : stack.segments) out[std::string(1, letter)] = fraction;
    return out;
  }
  Json operator()(const std::string& text) const { return text; }
  Json operator()(const std::vector<std::string>& words) const { return words; }
  Json operator()(const Histogram* histogram) const {
    Json out = Json::object();
    for (const auto& [key, cell] : Summarize(*histogram)) {
      out[std::string(key)] = std::visit(*this, cell);
    }
    if (!buckets) return out;
    Json index = Json::array(), count = Json::array();
    for (const Histogram::Bucket& bucket : histogram->Buckets()) {
      index.push_back(bucket.index);
      count.push_back(bucket.count);
    }
    out["histogram"] = {{"layout", "base2-exp"},
                        {"scale", histogram->scale()},
                        {"zero_count", histogram->zero_count()},
                        {"index", std::move(index)},
                        {"count", std::move(count)}};
    return out;
  }
  Json operator()(const std::vector<Table>& tables) const {
    return tables.empty() ? Json::array() : TableJson(tables.front(), buckets);
  }
};

Json RowJson(const Table& table, const std::vector<Cell>& row, bool buckets) {
  Json out = Json::object();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].audience & kJson) {
      out[table.columns[i].key] = std::visit(JsonOf{buckets}, row[i]);
    }
  }
  return out;
}

Json TableJson(const Table& table, bool buckets) {
  if (table.record) return RowJson(table, table.rows.front(), buckets);
  Json out = Json::array();
  for (const auto& row : table.rows) out.push_back(RowJson(table, row, buckets));
  return out;
}

// Names may hold any byte: what is not UTF-8 becomes U+FFFD, what could mislead is escaped.
std::string Dump(const Json& json) {
  const std::string dumped = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto is_ascii = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (std::all_of(dumped.begin(), dumped.end(), is_ascii)) return dumped;
  std::string out;
  for (std::string_view rest = dumped; !rest.empty();) {
    const Utf8Char character = DecodeUtf8(rest);
    const size_t length = std::max<size_t>(character.length, 1);
    if (IsMisleading(character.code)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(character.code));
    } else {
      out += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  return out;
}

// A cell as CSV prints it, before quoting.
struct CsvOf {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const std::string& text) const { return NoFormula(Escaped(text)); }
  std::string operator()(const std::vector<std::string>& words) const {
    return NoFormula(Escaped(fmt::format("{}", fmt::join(words, ";"))));
  }
  std::string operator()(const IdList& list) const {
    return fmt::format("{}", fmt::join(list.ids, ";"));
  }
  // Tables and histograms have no place in one field.
  std::string operator()(const std::vector<Table>&) const { return ""; }
  std::string operator()(const Histogram*) const { return ""; }
  template <class Number>
  std::string operator()(const Number& number) const {
    return Dump(JsonOf()(number));
  }
};

void AppendField(std::string& out, std::string_view field, bool& first) {
  if (!first) out += ',';
  first = false;
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// Its summary has the same keys as any other.
const Histogram kNothing;

void AppendCsvHeading(std::string& out, const Table& table) {
  bool first = true;
  for (const Column& column : table.columns) {
    if (!(column.audience & kCsv)) continue;
    if (!column.histogram()) {
      AppendField(out, column.key, first);
      continue;
    }
    for (const auto& [key, cell] : Summarize(kNothing)) {
      AppendField(out, fmt::format("{}_{}", column.key, key), first);
    }
  }
  out += '\n';
}

}  // namespace

std::vector<std::pair<std::string_view, Cell>> Summarize(const Histogram& h) {
  return {{"count", h.count()},
          {"sum_ns", h.sum()},
          {"min_ns", ToCell(h.min())},
          {"mean_ns", ToCell(h.mean())},
          {"p50_ns", ToCell(h.Quantile(0.50))},
          {"p90_ns", ToCell(h.Quantile(0.90))},
          {"p95_ns", ToCell(h.Quantile(0.95))},
          {"p99_ns", ToCell(h.Quantile(0.99))},
          {"p999_ns", ToCell(h.Quantile(0.999))},
          {"max_ns", ToCell(h.max())}};
}

// A row a line: a histogram's numbers below each other would fill screens.
std::string ToJson(std::string_view schema, std::span<const Table> tables, bool buckets) {
  std::string out = fmt::format("{{\n  \"schema\": {}", Dump(Json(schema)));
  for (const Table& table : tables) {
    out += fmt::format(",\n  {}: ", Dump(Json(table.key)));
    if (table.record) {
      out += Dump(RowJson(table, table.rows.front(), buckets));
      continue;
    }
    std::string_view separator = "\n    ";
    out += '[';
    for (const auto& row : table.rows) {
      out += separator;
      out += Dump(RowJson(table, row, buckets));
      separator = ",\n    ";
    }
    out += table.rows.empty() ? "]" : "\n  ]";
  }
  return out + "\n}\n";
}

std::string ToNdjson(std::string_view schema, std::span<const Table> tables, bool buckets) {
  std::string out = Dump(Json{{"schema", schema}}) + "\n";
  for (const Table& table : tables) {
    for (const auto& row : table.rows) {
      Json line = {{"table", table.key}};
      line.update(RowJson(table, row, buckets));
      out += Dump(line) + "\n";
    }
  }
  return out;
}

std::string ToCsv(const Table& table) {
  std::string out;
  AppendCsvHeading(out, table);
  for (const auto& row : table.rows) {
    bool first = true;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (!(table.columns[i].audience & kCsv)) continue;
      if (!table.columns[i].histogram()) {
        AppendField(out, std::visit(CsvOf(), row[i]), first);
        continue;
      }
      const auto* const* histogram = std::get_if<const Histogram*>(&row[i]);
      for (const auto& [key, cell] : Summarize(histogram != nullptr ? **histogram : kNothing)) {
        AppendField(out, histogram != nullptr ? std::visit(CsvOf(), cell) : "", first);
      }
    }
    out += '\n';
  }
  return out;
}

}  // namespace wqprof
