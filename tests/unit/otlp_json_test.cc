// SPDX-License-Identifier: Apache-2.0
#include "wqprof/otlp_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace wqprof {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

HistSnapshot SomeSnapshot() {
  HistSnapshot out;
  out.segment = {"boot-1", "2026-11-28T14:02:06.131Z", 10s, "host7", "6.1.0", "aarch64", 4, {}};
  out.segment.labels = {{"rack", "7"}};
  HistLine line;
  line.workqueue = "events";
  line.function = "some_fn";
  line.metric = "latency";
  line.values.Add(0ns);
  line.values.Add(1ns);
  line.values.Add(3ns);
  line.counts = {4, 3, 1};
  out.lines = {line};
  return out;
}

// REQUIRES: there is one.
Json MetricNamed(const Json& request, std::string_view name) {
  const Json& metrics = request.at("resourceMetrics").at(0).at("scopeMetrics").at(0).at("metrics");
  for (const Json& metric : metrics) {
    if (metric.at("name") == name) return metric;
  }
  return {};
}

TEST(OtlpJson, HasTheBucketsAndNoGaps) {
  const std::string text = ToOtlpJson(SomeSnapshot());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const Json metric = MetricNamed(Json::parse(text), "wqprof.function.latency");
  EXPECT_EQ(metric.at("unit"), "ns");
  const Json& histogram = metric.at("exponentialHistogram");
  EXPECT_EQ(histogram.at("aggregationTemporality"), 1);
  const Json& point = histogram.at("dataPoints").at(0);
  EXPECT_EQ(point.at("startTimeUnixNano"), "1795874526131000000");
  EXPECT_EQ(point.at("timeUnixNano"), "1795874536131000000");
  EXPECT_EQ(point.at("count"), "3");
  EXPECT_EQ(point.at("zeroCount"), "1");
  EXPECT_EQ(point.at("scale"), 4);
  EXPECT_EQ(point.at("sum"), 4);
  EXPECT_EQ(point.at("min"), 0);
  EXPECT_EQ(point.at("max"), 3);
  // 1 ns ends bucket -1; 3 ns lies in (2^(25/16), 2^(26/16)].
  EXPECT_EQ(point.at("positive").at("offset"), -1);
  const Json& counts = point.at("positive").at("bucketCounts");
  ASSERT_EQ(counts.size(), 27u);
  EXPECT_EQ(counts.front(), "1");
  EXPECT_EQ(counts.at(1), "0");
  EXPECT_EQ(counts.back(), "1");
}

TEST(OtlpJson, LeavesOutWhatIsNotKnown) {
  HistSnapshot snapshot = SomeSnapshot();
  snapshot.segment.ts.clear();
  snapshot.segment.host.clear();
  snapshot.quality.lost_events.reset();
  snapshot.lines[0].values = {};
  const std::string text = ToOtlpJson(snapshot);
  EXPECT_EQ(text.find("UnixNano"), std::string::npos);
  EXPECT_EQ(text.find("host.name"), std::string::npos);
  EXPECT_EQ(text.find("lost_events"), std::string::npos);
  EXPECT_EQ(text.find("wqprof.function.latency"), std::string::npos) << "no value, no point";
  const Json queued = MetricNamed(Json::parse(text), "wqprof.function.queued");
  EXPECT_EQ(queued.at("sum").at("dataPoints").at(0).at("asInt"), "4");
}

TEST(OtlpJson, IsUtf8WhateverTheNames) {
  HistSnapshot snapshot = SomeSnapshot();
  const std::string hostile("\xff\"\\\n\0\xc3\x28\xed\xa0\x80", 10);
  snapshot.segment.host = snapshot.segment.kernel = hostile;
  snapshot.segment.labels["rack"] = hostile;
  snapshot.lines[0].function = snapshot.lines[0].workqueue = hostile;
  snapshot.stalls = {{hostile, "cpu_hog", UINT64_MAX, 1s}};
  const std::string text = ToOtlpJson(snapshot);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < '\x7f'));
  const Json stalls = MetricNamed(Json::parse(text), "wqprof.pool.stalls");
  EXPECT_EQ(stalls.at("sum").at("dataPoints").at(0).at("asInt"), "9223372036854775807");
}

}  // namespace
}  // namespace wqprof
