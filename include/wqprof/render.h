// SPDX-License-Identifier: Apache-2.0
// From results to text, JSON and CSV.  A result is described once, as tables; what is shown
// and how it is called is decided there, and the writers only write.
#ifndef WQPROF_RENDER_H_
#define WQPROF_RENDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

struct Table;
struct StallPicture;  // stall_picture.h

// A number that is a name (a pid, a CPU): never grouped, never summed.
struct Id {
  int64_t value;
};

// Numbers that are names, as one value.
struct IdList {
  std::vector<uint64_t> ids;
};

// A duration with a doubt.
struct Estimate {
  Nanos value;
  bool few_samples = false;  // starred in text
  bool at_least = false;     // a lower bound
};

// A part of a whole, 0 to 1: a percentage, or a bar and a percentage where there is room.
struct Share {
  double fraction;
  bool bar = false;
};

// How values spread over a scale that all rows of the column share.
struct Spark {
  std::vector<uint64_t> bins;
};

// A whole by its parts, each drawn with a letter of its own.
struct Stack {
  struct Segment {
    char letter;
    double fraction;  // 0 to 1
  };
  std::vector<Segment> segments;
};

// One value.  Absent (monostate) is "-" in text, null in JSON and empty in CSV.  A histogram
// must outlive the table; nested tables show up in JSON only.
using Cell = std::variant<std::monostate, bool, uint64_t, Id, IdList, double, Nanos, Timestamp,
                          Estimate, Share, Spark, Stack, std::string, const Histogram*,
                          std::vector<std::string>, std::vector<Table>>;

// Who sees a column.
enum Audience : uint8_t { kSortOnly = 0, kText = 1, kJson = 2, kCsv = 4, kMachine = 6, kAll = 7 };

// What JSON holds in a column: integers that are never negative (kCount) or may be, numbers, ...
enum class JsonType : uint8_t {
  kAny,
  kFlag,
  kCount,
  kInteger,
  kNumber,
  kShare,      // 0 to 1
  kText,       // where Column::words is not empty: one of them
  kTexts,      // a list
  kIds,        // a list
  kHistogram,  // one object in JSON, several columns in CSV
  kTable       // an object if that is a record, else a list of objects; in JSON only
};

struct Column {
  std::string key;           // its name in JSON and CSV and for sorting
  std::string heading = {};  // its name in text
  Audience audience = kAll;
  size_t min_width = 0;    // may shrink to this in text; 0: it may not
  int drop = 0;            // on a narrow terminal, the highest goes first; 0: never
  std::string about = {};  // a sentence for the schema
  bool optional = false;   // documents may lack it
  std::vector<std::string> words = {};
  // Set by ColumnOf (columns.h), which knows what the cells are made of.
  JsonType type = JsonType::kAny;
  bool nullable = false;
  std::shared_ptr<const Table> shape = nullptr;  // of kTable: one whose rows do not count

  bool histogram() const { return type == JsonType::kHistogram; }
};

struct Table {
  std::string key;      // its name in JSON and for --by
  std::string title;    // of text
  bool record = false;  // one row, a set of facts: an object in JSON, a list in text
  std::vector<Column> columns = {};
  std::vector<std::vector<Cell>> rows = {};
  std::string sorted_by = {};  // column key, once SortRows() was here
  size_t rows_left_out = 0;
  std::string note = {};  // of text: a line below the rows
};

// Orders the rows by column `key`: numbers from the largest, ids and times from the smallest, words
// from A, absent last; equal ones stay in their order.  kInvalidArgument names the columns that
// exist.
absl::Status SortRows(Table& table, std::string_view key);
// Whether SortRows() would succeed.
bool HasColumn(const Table& table, std::string_view key);
// Keeps the first `top` rows; 0 keeps all.
void CutRows(Table& table, size_t top);

// How text looks.
struct TextStyle {
  size_t columns = 0;  // of the terminal; 0: no limit, nothing is shortened
  bool color = false;
  bool utf8 = true;
  bool utc = false;  // times of day in UTC, not in the reader's zone
};

// Generic writers.  JSON is one document, NDJSON a line with the schema and then one a row.
void AppendTextTable(std::string& out, const Table& table, const TextStyle& style);
// Without `buckets` a distribution has its summary only.
std::string ToJson(std::string_view schema, std::span<const Table> tables, bool buckets = true);
std::string ToNdjson(std::string_view schema, std::span<const Table> tables, bool buckets = true);
std::string ToCsv(const Table& table);

// How the user came by the data, so that a command that leads on can be written.
struct Invocation {
  enum class Input : uint8_t { kFile, kStandardInput, kThisBox };
  Input input = Input::kFile;
  std::string file = {};       // "": the default recording
  std::string threshold = {};  // of stalls, as the user wrote it; "": the default
  bool utc = false;            // times of day in UTC, not in the reader's zone
};

// Results as tables.  `report` must outlive them.
std::vector<Table> ReportTables(const Report& report,  // doc/spec.md §5, in its order, and more
                                const Invocation& by = {});
std::vector<Table> InfoTables(const TraceInfo& info, const ReadStats& stats);

// Text around the tables.
std::string HeaderLine(const Report& report, const TextStyle& style);
// What limits the trust in the numbers, and what was left out, a line each.
std::vector<std::string> QualityNotes(const Report& report);
// Both of these, wrapped: what stands above the tables.
std::string Heading(const Report& report, const TextStyle& style);
// Those of them about lost events and damaged files.
std::vector<std::string> LossNotes(const Report& report);
// What stands out, at most `most` of it; or that nothing does, and what was looked for.
void AppendFindings(std::string& out, const Report& report, size_t most, const Invocation& by,
                    const TextStyle& style);
// Full histograms of each row's latency and execution.
void AppendHistograms(std::string& out, const Table& table, const TextStyle& style);
// What happened in one stall, as far as the trace shows it; drawn as well, where there is a picture
// of it.  A stall without a number goes on still.
std::string ExplainStall(const Report& report, const Stall& stall, const TextStyle& style,
                         const StallPicture* picture = nullptr);

enum class Format { kTable, kJson, kNdjson, kCsv };

// What of a result is shown, and in which order.
struct View {
  std::vector<std::string> tables;  // keys; empty: the usual ones
  std::string sort;                 // column; "": each table's own order
  size_t top = 0;                   // rows of each table; 0: all
  bool histograms = false;          // text only
  bool split = false;               // text only: where waits and executions went, instead
  bool fold = false;                // text only: rows that do not matter become one line
  Invocation by = {};
  bool buckets = true;  // JSON only: histograms with all of their buckets
};

// Why the table of flushes says nothing, and what to do; "" when it does.  `live`: of this box,
// without a file.
std::string WhyNoFlushes(const Report& report, bool live);

// Whole results.  kInvalidArgument: no table shown has the column to sort by; or CSV, which
// holds one table, was asked for several.
absl::StatusOr<std::string> RenderReport(const Report& report, Format format, const View& view,
                                         const TextStyle& style);
absl::StatusOr<std::string> RenderStalls(const Report& report, Format format, const View& view,
                                         const TextStyle& style);
// With `workqueues` tables have the configuration of these, and else all other facts.
absl::StatusOr<std::string> RenderInfo(const TraceInfo& info, const ReadStats& stats, Format format,
                                       const TextStyle& style, bool workqueues = false);

// Writes items, one after the other, in one of the formats (schema wqprof.works/1).
class ItemWriter {
 public:
  // The split of one of the items passed with it, or null.
  using SplitLookup = std::function<const ItemSplit*(const WorkItem&)>;
  virtual ~ItemWriter() = default;
  virtual void Begin(fmt::memory_buffer& out) = 0;
  virtual void Add(std::span<const WorkItem> items, const SplitLookup& split_of,
                   fmt::memory_buffer& out) = 0;
  virtual void End(fmt::memory_buffer& out) = 0;
};
// `source` and `model` must outlive the writer.
std::unique_ptr<ItemWriter> MakeItemWriter(Format format, const EventSource& source,
                                           const Reconstructor& model, const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_H_
