// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "hist/line_reader.h"

namespace wqprof {
namespace {

constexpr std::string_view kHead =
    R"({"schema":"wqprof.hist/1","segment":"a-1","ts":"2026-11-28T14:00:00Z","seconds":1.5e1,)"
    R"("host":"h\u00e9","kernel":"6.1.0","machine":"x86_64","cpus":4,"labels":{"rack":"7"})";
constexpr std::string_view kQuality = R"(,"kind":"quality","lines":3,"matched":7,"lost_events":0})";
constexpr std::string_view kFunction =
    R"(,"kind":"function","workqueue":"events","function":"drm_fb_helper","metric":"latency",)"
    R"("scale":4,"n":5,"sum":900,"min":1,"max":300,"zero":1,"idx":[-1,90,130],"cnt":[1,1,2],)"
    R"("queued":5,"executed":5,"superseded":0})";
constexpr std::string_view kPool =
    R"(,"kind":"pool","pool":"cpu0","metric":"busy","scale":4,"n":0,"sum":0,"zero":0,"idx":[],)"
    R"("cnt":[]})";

// As a buffer holds it: the next line follows.
std::string Padded(std::string_view line) {
  std::string out(line);
  out += '\n';
  out.resize(line.size() + LineParser::kPadding, '7');
  return out;
}

auto FieldsOf(const HistRecord& r) {
  std::vector<uint64_t> anomalies;
  for (const HistRecord::Count& count : r.anomalies) {
    anomalies.push_back(count.known ? count.value : UINT64_MAX);
  }
  return std::make_tuple(std::tie(r.schema, r.segment, r.host, r.kernel, r.machine, r.kind),
                         std::tie(r.workqueue, r.function, r.pool, r.metric, r.labels, r.seconds),
                         std::tie(r.scale, r.n, r.sum, r.min, r.max, r.zero, r.queued, r.executed),
                         std::tie(r.superseded, r.lines, r.matched, r.idx, r.cnt, r.stall_pool),
                         std::tie(r.stall_cause, r.stall_count, r.stall_ns, r.seen), anomalies);
}

void ExpectLikeTheParser(HistLineReader& reader, std::string_view line) {
  const std::string text = Padded(line);
  HistRecord expected;
  const LineForm form = MakeLineParser()->Parse({text.data(), line.size()}, expected);
  ASSERT_EQ(reader.Read({text.data(), line.size()}), form) << line;
  if (form != LineForm::kGood) return;
  ASSERT_EQ(FieldsOf(reader.record()), FieldsOf(expected)) << line;
  // What a merger does with it must not show in the next line.
  IsCoherent(reader.record());
}

std::string Line(std::string_view body, std::string_view head = kHead) {
  return fmt::format("{}{}", head, body);
}

TEST(HistLineReader, KnowsLinesThatBeginAlike) {
  HistLineReader reader;
  for (const bool same : {false, false, true, true}) {
    ExpectLikeTheParser(reader, Line(kFunction));
    EXPECT_EQ(reader.same_head(), same);
  }
  ExpectLikeTheParser(reader, Line(kPool));
  EXPECT_TRUE(reader.same_head());
  ExpectLikeTheParser(reader, Line(kQuality));
  EXPECT_FALSE(reader.same_head());
  ExpectLikeTheParser(reader, Line(kFunction, R"({"schema":"wqprof.hist/1","segment":"b-1")"));
  EXPECT_FALSE(reader.same_head());
}

TEST(HistLineReader, TakesNoOtherHeadForTheSame) {
  const char* const heads[] = {
      "{",
      R"({"labels":{"a":"b")",
      R"({"labels":{"a":"b"}})",
      R"({"segment":"a","lost_events":3)",
      R"({"segment":"a","n":3)",
      R"({"segment":"a","host":7)",
      R"([{"segment":"a")",
      R"({"segment":"a)",
  };
  for (const char* const head : heads) {
    HistLineReader reader;
    for (int i = 0; i < 3; ++i) ExpectLikeTheParser(reader, Line(kFunction, head));
    ExpectLikeTheParser(reader, Line(kPool, head));
  }
}

TEST(HistLineReader, FindsWhatTheParserFindsInChangedLines) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return random() % n; };
  constexpr std::string_view kBytes = "\"\\{}[]:,-.0123456789eanrlstu \t\r\x01\xc3\xa9kindsegmt";
  const std::string_view bodies[] = {kQuality, kFunction, kPool};
  HistLineReader reader;
  for (int i = 0; i < 20000; ++i) {
    std::string line = Line(bodies[below(3)]);
    for (size_t changes = below(3); changes > 0; --changes) {
      const size_t at =
          below(4) == 0 ? below(line.size()) : kHead.size() + below(line.size() - kHead.size());
      switch (below(4)) {
        case 0:
          line[at] = kBytes[below(kBytes.size())];
          break;
        case 1:
          line.insert(at, 1, kBytes[below(kBytes.size())]);
          break;
        case 2:
          line.erase(at, 1 + below(4));
          break;
        default:
          line.insert(at, line.substr(below(line.size()), below(40)));
      }
      if (line.size() <= kHead.size()) break;
    }
    ExpectLikeTheParser(reader, line);
    if (HasFatalFailure()) return;
  }
}

TEST(HistLineReader, LeavesToTheParserWhatIsNotWrittenByHosts) {
  const char* const bodies[] = {
      R"(,"kind":"function","n":01})",
      R"(,"kind":"function","n":18446744073709551615})",
      R"(,"kind":"function","n":18446744073709551616})",
      R"(,"kind":"function","n":-1})",
      R"(,"kind":"function","n":-0})",
      R"(,"kind":"function","n":1,"n":2})",
      R"(,"kind":"function","n":null})",
      R"(,"kind":"function","idx":[-0,1]})",
      R"(,"kind":"function","idx":[9223372036854775808]})",
      R"(,"kind":"function","idx":[1,]})",
      R"(,"kind":"function","host":"other"})",
      R"(,"kind":"function","lost_events":3})",
      R"(,"kind":"function","function":"a\u0062"})",
      R"(,"kind":"function","function":"a)",
      R"(,"kind":"function"}})",
      R"(,"kind":"function"} )",
      R"(,"kind":"function","new":{"kind":[1,{"a":2}]}})",
  };
  HistLineReader reader;
  for (const char* const body : bodies) {
    for (int i = 0; i < 3; ++i) ExpectLikeTheParser(reader, Line(kFunction));
    EXPECT_TRUE(reader.same_head());
    ExpectLikeTheParser(reader, Line(body));
  }
  std::string many = ",\"kind\":\"function\",\"idx\":[0";
  for (size_t i = 0; i < kMostElements; ++i) many += ",0";
  ExpectLikeTheParser(reader, Line(kPool));
  ExpectLikeTheParser(reader, Line(many + "]}"));
}

}  // namespace
}  // namespace wqprof
