// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "render/text_table.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Table Sample() {
  Table table{.key = "functions", .title = "Functions"};
  table.columns = {{"name", "NAME", kAll, 8}, {"count", "COUNT"}, {"worst_ns", "WORST"}};
  table.rows = {{std::string("flush_memcg_stats_dwork"), uint64_t{1200}, milliseconds(3)},
                {std::string("psi"), uint64_t{7}, Cell()},
                {Cell(), uint64_t{7}, microseconds(20)}};
  return table;
}

std::string Text(const Table& table, TextStyle style = {}) {
  std::string out;
  AppendTextTable(out, table, style);
  return out;
}

std::string Name(const Table& table, size_t row) {
  const auto* name = std::get_if<std::string>(&table.rows[row][0]);
  return name == nullptr ? "" : *name;
}

TEST(Table, TextAlignsAndMarksWhatIsAbsent) {
  EXPECT_EQ(Text(Sample()),
            "Functions\n"
            "NAME                     COUNT   WORST\n"
            "flush_memcg_stats_dwork  1,200  3.00ms\n"
            "psi                          7       -\n"
            "-                            7  20.0us\n");
}

TEST(Table, TextOfAnEmptyTableSaysSo) {
  Table table = Sample();
  table.rows.clear();
  EXPECT_EQ(Text(table), "Functions\n  none\n");
}

TEST(Table, TextShortensNamesToFitAndOnlyThen) {
  const std::string narrow = Text(Sample(), {.columns = 30});
  EXPECT_EQ(narrow,
            "Functions\n"
            "NAME              COUNT  WORST\n"
            "flush_me…ts_dwork 1,200 3.00ms\n"
            "psi                   7      -\n"
            "-                     7 20.0us\n");
  EXPECT_EQ(Text(Sample(), {.columns = 200}), Text(Sample()));
}

TEST(Table, TextDropsTheLeastWantedColumnWhenNamesAreShortAlready) {
  Table table = Sample();
  table.columns[1].drop = 1;
  table.columns[2].drop = 2;
  EXPECT_EQ(Text(table, {.columns = 16}),
            "Functions\n"
            "NAME       COUNT\n"
            "flush…work 1,200\n"
            "psi            7\n"
            "-              7\n");
}

TEST(Table, ColourIsNeverTheOnlySign) {
  const std::string plain = Text(Sample());
  std::string coloured = Text(Sample(), {.color = true});
  for (const std::string_view code : {"\x1b[1m", "\x1b[0m"}) {
    for (size_t at; (at = coloured.find(code)) != std::string::npos;) {
      coloured.erase(at, code.size());
    }
  }
  EXPECT_EQ(coloured, plain);
}

TEST(Table, NamesThatWouldSteerTheTerminalAreEscaped) {
  Table table = Sample();
  table.rows = {{std::string("evil\x1b]0;x\a"), uint64_t{1}, Cell()}};
  EXPECT_EQ(Text(table).find('\x1b'), std::string::npos);
  EXPECT_NE(Text(table).find("evil\\x1b]0;x\\x07"), std::string::npos);
  EXPECT_EQ(ToCsv(table).find('\x1b'), std::string::npos);
}

TEST(Table, StarsStandApartSoThatNumbersStayAligned) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"p99", "p99"}};
  table.rows = {{Estimate{milliseconds(1), true, false}},
                {Estimate{milliseconds(20), false, false}},
                {Estimate{milliseconds(3), false, true}}};
  EXPECT_EQ(Text(table), "    p99\n 1.00ms*\n 20.0ms\n>3.00ms\n");
}

TEST(Table, PicturesNeedNoUnicode) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"busy", "BUSY", kAll, 9}, {"spread", "SPREAD", kText, 4}};
  table.rows = {{Share{0.5, true}, Spark{{0, 1, 4, 8}}}};
  EXPECT_EQ(Text(table), "             BUSY  SPREAD\n█████       50.0%   ▂▅█\n");
  EXPECT_EQ(Text(table, {.utf8 = false}), "             BUSY  SPREAD\n#####       50.0%   :+@\n");
}

TEST(Table, ABarShowsTheLeastThatIsThere) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"busy", "BUSY", kAll, 9}};
  table.rows = {{Share{0.0001, true}}, {Share{0, true}}};
  EXPECT_EQ(Text(table), "             BUSY\n▏           0.01%\n               0%\n");
}

TEST(TextTableWriter, KeepsItsColumnsFromPortionToPortion) {
  TextTableWriter writer({});
  Table table = Sample();
  std::string out;
  writer.Append(out, table);
  const size_t headings = out.find('\n');
  out.clear();
  table.rows = {{std::string("x"), uint64_t{1}, milliseconds(1)}};
  writer.Append(out, table);
  EXPECT_EQ(out, "x                            1  1.00ms\n");
  EXPECT_EQ(out.size() - 1, headings);
}

TEST(SortRows, PutsLargeNumbersFirstWordsByLetterAndAbsentOnesLast) {
  Table table = Sample();
  ASSERT_TRUE(SortRows(table, "worst_ns").ok());
  EXPECT_EQ(Name(table, 0), "flush_memcg_stats_dwork");
  EXPECT_EQ(Name(table, 1), "");
  EXPECT_EQ(Name(table, 2), "psi");
  ASSERT_TRUE(SortRows(table, "name").ok());
  EXPECT_EQ(Name(table, 2), "");
}

TEST(SortRows, LeavesEqualRowsInTheirOrder) {
  Table table = Sample();
  ASSERT_TRUE(SortRows(table, "count").ok());
  EXPECT_EQ(Name(table, 1), "psi");
  EXPECT_EQ(Name(table, 2), "");
}

TEST(SortRows, TakesTheKeyWithoutItsUnitAndTheHeading) {
  Table table = Sample();
  EXPECT_TRUE(SortRows(table, "worst").ok());
  EXPECT_TRUE(SortRows(table, "COUNT").ok());
  const absl::Status status = SortRows(table, "p99");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.ToString().find("name, count, worst_ns"), std::string::npos);
}

TEST(CutRows, KeepsTheFirstAndSaysHowManyAreLeftOut) {
  Table table = Sample();
  CutRows(table, 0);
  EXPECT_EQ(table.rows.size(), 3U);
  CutRows(table, 1);
  EXPECT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(Text(table).substr(0, 45), "Functions (first 1 of 3; --top 0 shows all)\nN");
}

TEST(ToCsv, QuotesWhatNeedsItAndLeavesAbsentFieldsEmpty) {
  Table table = Sample();
  table.rows.push_back({std::string("a,\"b\""), uint64_t{0}, Nanos(0)});
  EXPECT_EQ(ToCsv(table),
            "name,count,worst_ns\n"
            "flush_memcg_stats_dwork,1200,3000000\n"
            "psi,7,\n"
            ",7,20000\n"
            "\"a,\"\"b\"\"\",0,0\n");
}

TEST(SortRows, TakesTheNumbersOfAHistogram) {
  Histogram often, slow, none;
  often.AddTimes(Nanos(10), 100);
  slow.Add(Nanos(500));
  Table table{.key = "t", .title = ""};
  table.columns = {{"name"}, {.key = "wait", .audience = kMachine, .type = JsonType::kHistogram}};
  table.rows = {
      {std::string("none"), &none}, {std::string("slow"), &slow}, {std::string("often"), &often}};
  ASSERT_TRUE(SortRows(table, "wait").ok());
  EXPECT_EQ(Name(table, 0), "often");
  EXPECT_EQ(Name(table, 2), "none") << "what has none comes last";
  ASSERT_TRUE(SortRows(table, "wait.p99").ok());
  EXPECT_EQ(Name(table, 0), "slow");
  EXPECT_FALSE(SortRows(table, "wait.p77").ok());
}

TEST(SortRows, TakesIdsAndTimesFromTheSmallest) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"name"}, {"cpu"}, {"at_ns"}};
  table.rows = {{std::string("b"), Id{10}, Timestamp(Nanos(1))},
                {std::string("a"), Id{2}, Timestamp(Nanos(2))}};
  ASSERT_TRUE(SortRows(table, "cpu").ok());
  EXPECT_EQ(Name(table, 0), "a");
  ASSERT_TRUE(SortRows(table, "at").ok());
  EXPECT_EQ(Name(table, 0), "b");
}

TEST(ToCsv, WritesNoFormula) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"name"}, {"change_ns"}};
  table.rows = {{std::string("=cmd|' /C calc'!A0"), Nanos(-1)}, {std::string("@x"), Nanos(2)}};
  EXPECT_EQ(ToCsv(table), "name,change_ns\n'=cmd|' /C calc'!A0,-1\n'@x,2\n");
}

TEST(ToJson, EscapesWhatCouldMislead) {
  Table table{.key = "t", .title = ""};
  table.columns = {{"name"}};
  table.rows = {{std::string("a\u202eb\u0085\x7fé")}};
  const std::vector<Table> tables = {table};
  EXPECT_NE(ToJson("x/1", tables).find("\"a\\u202eb\\u0085\\u007fé\""), std::string::npos);
}

TEST(ToCsv, SpreadsAHistogramOverColumnsEvenWhenThereIsNone) {
  Histogram histogram;
  histogram.Add(Nanos(5));
  Table table{.key = "t", .title = ""};
  table.columns = {{.key = "latency", .audience = kMachine, .type = JsonType::kHistogram}};
  const std::string heading =
      "latency_count,latency_sum_ns,latency_min_ns,latency_mean_ns,latency_p50_ns,latency_p90_ns,"
      "latency_p95_ns,latency_p99_ns,latency_p999_ns,latency_max_ns\n";
  EXPECT_EQ(ToCsv(table), heading);
  table.rows = {{&histogram}, {Cell()}};
  EXPECT_EQ(ToCsv(table), heading + "1,5,5,5,5,5,5,5,5,5\n,,,,,,,,,\n");
}

TEST(ToJson, WritesAbsentAsNullAndRecordsAsObjects) {
  Table record{.key = "source", .title = "", .record = true};
  record.columns = {{"path", ""}, {"lost", ""}, {"shown", "SHOWN", kText}};
  record.rows = {{std::string("a\"\xff"), Cell(), uint64_t{1}}};
  Table empty = Sample();
  empty.key = "none";
  empty.rows.clear();
  const std::vector<Table> tables = {record, Sample(), empty};
  EXPECT_EQ(ToJson("x/1", tables),
            "{\n"
            "  \"schema\": \"x/1\",\n"
            "  \"source\": {\"path\":\"a\\\"\xef\xbf\xbd\",\"lost\":null},\n"
            "  \"functions\": [\n"
            "    {\"name\":\"flush_memcg_stats_dwork\",\"count\":1200,\"worst_ns\":3000000},\n"
            "    {\"name\":\"psi\",\"count\":7,\"worst_ns\":null},\n"
            "    {\"name\":null,\"count\":7,\"worst_ns\":20000}\n"
            "  ],\n"
            "  \"none\": []\n"
            "}\n");
}

TEST(ToNdjson, NamesTheTableOfEachLine) {
  const std::vector<Table> tables = {Sample()};
  const std::string out = ToNdjson("x/1", tables);
  EXPECT_EQ(out.substr(0, out.find('\n', 20) + 1),
            "{\"schema\":\"x/1\"}\n"
            "{\"table\":\"functions\",\"name\":\"flush_memcg_stats_dwork\",\"count\":1200,"
            "\"worst_ns\":3000000}\n");
}

TEST(ToJson, WritesAHistogramWithItsNumbers) {
  Histogram histogram;
  histogram.Add(Nanos(0));
  histogram.AddTimes(Nanos(1024), 2);
  Table table{.key = "d", .title = "", .record = true};
  table.columns = {{.key = "latency", .audience = kMachine, .type = JsonType::kHistogram}};
  table.rows = {{&histogram}};
  const std::vector<Table> tables = {table};
  EXPECT_EQ(ToJson("x/1", tables),
            "{\n  \"schema\": \"x/1\",\n  \"d\": {\"latency\":{\"count\":3,\"sum_ns\":2048,"
            "\"min_ns\":0,\"mean_ns\":682,\"p50_ns\":1021,\"p90_ns\":1024,\"p95_ns\":1024,"
            "\"p99_ns\":1024,\"p999_ns\":1024,\"max_ns\":1024,\"histogram\":{\"layout\":"
            "\"base2-exp\",\"scale\":7,\"zero_count\":1,\"index\":[1279],\"count\":[2]}}}\n}\n");
}

}  // namespace
}  // namespace wqprof
