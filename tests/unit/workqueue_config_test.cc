// SPDX-License-Identifier: Apache-2.0
// How a recording keeps the configuration of workqueues.
#include "wqprof/workqueue_config.h"

#include <gtest/gtest.h>

#include <string>

namespace wqprof {
namespace {

WorkqueueSetup SetUpOf(std::string name, uint64_t address, uint64_t started) {
  WorkqueueSetup out;
  out.name = std::move(name);
  out.address = address;
  out.flags = {"WQ_UNBOUND", "__WQ_ORDERED"};
  out.unbound = out.ordered = true;
  out.max_active = out.min_active = 1;
  out.nice = -20;
  out.affinity_scope = "cache";
  out.affinity_strict = false;
  out.pools = {8, 12};
  out.end[static_cast<size_t>(WorkqueueCounter::kStarted)] = started;
  return out;
}

WorkqueueConfig Config(std::vector<WorkqueueSetup> workqueues) {
  WorkqueueConfig out;
  out.source = "bpf";
  out.parameters = {{"cpu_intensive_thresh_us", "10000"}};
  out.workqueues = std::move(workqueues);
  PoolSetup pool;
  pool.id = 8;
  pool.nice = 0;
  pool.cpus = "0-3";
  pool.workers = 4;
  out.pools = {pool};
  return out;
}

std::optional<uint64_t> Started(const WorkqueueSetup& workqueue) {
  return workqueue.Counted(WorkqueueCounter::kStarted);
}

TEST(WorkqueueConfig, ComesBackFromItsText) {
  WorkqueueConfig config = Config({SetUpOf("a \"name\"\n", 0xffff888100184800, 7)});
  config.cut = true;
  config.limited_by = "BPF needs root";
  config.workqueues[0].begin = config.workqueues[0].end;
  const auto back = ParseConfig(ConfigToJson(config));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, config);
}

TEST(WorkqueueConfig, WhatIsNotKnownStaysSo) {
  WorkqueueConfig config;
  config.source = "sysfs";
  config.workqueues.resize(1);
  config.workqueues[0].name = "writeback";
  const auto back = ParseConfig(ConfigToJson(config));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, config);
  EXPECT_FALSE(back->workqueues[0].flags);
  EXPECT_FALSE(back->workqueues[0].max_active);
  EXPECT_FALSE(back->Started());
}

TEST(WorkqueueConfig, NoFlagsAreNotUnknownFlags) {
  WorkqueueConfig config = Config({SetUpOf("kacpid", 1, 0)});
  config.workqueues[0].flags.emplace();
  const auto back = ParseConfig(ConfigToJson(config));
  ASSERT_TRUE(back);
  ASSERT_TRUE(back->workqueues[0].flags);
  EXPECT_TRUE(back->workqueues[0].flags->empty());
}

TEST(WorkqueueConfig, OfANameThatIsNoUtf8SomethingIsLeft) {
  WorkqueueConfig config = Config({SetUpOf("a\xff", 1, 0)});
  const auto back = ParseConfig(ConfigToJson(config));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->workqueues[0].name, "a\xef\xbf\xbd");
}

TEST(WorkqueueConfig, OtherTextsAreNone) {
  for (const char* text : {"", "{", "[]", "null", "{}", R"({"schema":"wqprof.report/1"})",
                           R"({"schema":7})", "{\"schema\":\"wqprof.workqueues/1\""}) {
    EXPECT_FALSE(ParseConfig(text)) << text;
  }
}

TEST(WorkqueueConfig, MembersOfOtherTypesAreAsAbsent) {
  const auto config = ParseConfig(R"({"schema":"wqprof.workqueues/1","source":1,"cut":"yes",
      "parameters":[1],"pools":[{"pool_id":-1},{"pool_id":3,"cpus":7},5,{"pool_id":1e99}],
      "workqueues":[7,{"workqueue":3,"flags":"WQ_BH","max_active":99999999999,"pool_ids":{"a":1},
      "address":"xyz","begin":[],"end":{"started":-1,"rescued":2.5,"mayday":4}}]})");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->pools.size(), 1U);
  EXPECT_EQ(config->pools[0].id, 3);
  EXPECT_EQ(config->pools[0].cpus, "");
  ASSERT_EQ(config->workqueues.size(), 1U);
  WorkqueueSetup expected;
  expected.flags.emplace();
  expected.end[static_cast<size_t>(WorkqueueCounter::kMayday)] = 4;
  EXPECT_EQ(config->workqueues[0], expected);
}

TEST(WorkqueueConfig, HostileTextsHaveLimits) {
  std::string many = R"({"schema":"wqprof.workqueues/1","workqueues":[)";
  for (int i = 0; i < 50'000; ++i) many += "{},";
  many += "{}]}";
  const auto config = ParseConfig(many);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->workqueues.size(), 20'000U);

  EXPECT_FALSE(ParseConfig(std::string(size_t{5} << 20, '[')));
  EXPECT_FALSE(ParseConfig(std::string(size_t{1} << 20, '[')));
  // Many keys, of which all are looked for in each object.
  std::string keys = R"({"schema":"wqprof.workqueues/1","parameters":{)";
  for (int i = 0; i < 100'000; ++i) keys += "\"" + std::to_string(i) + "\":\"\",";
  keys += R"("x":"y"},"workqueues":[]})";
  const auto parameters = ParseConfig(keys);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->parameters.size(), 20'000U);
}

TEST(WorkqueueConfig, CountsBetweenTwoReadings) {
  const WorkqueueConfig begin = Config({SetUpOf("a", 1, 10), SetUpOf("gone", 2, 5)});
  const WorkqueueConfig both =
      JoinReadings(begin, Config({SetUpOf("a", 1, 17), SetUpOf("new", 3, 4)}));
  ASSERT_EQ(both.workqueues.size(), 3U);
  EXPECT_EQ(Started(both.workqueues[0]), 7U);
  EXPECT_EQ(Started(both.workqueues[1]), 4U) << "made meanwhile: it counts from 0";
  EXPECT_EQ(both.workqueues[2].name, "gone");
  EXPECT_FALSE(Started(both.workqueues[2]));
  EXPECT_EQ(both.Started(), 11U);
}

TEST(WorkqueueConfig, AnAddressThatServesAnotherWorkqueueIsAnotherWorkqueue) {
  const WorkqueueConfig both =
      JoinReadings(Config({SetUpOf("old", 1, 100)}), Config({SetUpOf("new", 1, 4)}));
  ASSERT_EQ(both.workqueues.size(), 2U);
  EXPECT_EQ(Started(both.workqueues[0]), 4U);
}

TEST(WorkqueueConfig, CountersThatGoBackCountNothing) {
  EXPECT_FALSE(Started(
      JoinReadings(Config({SetUpOf("a", 1, 9)}), Config({SetUpOf("a", 1, 4)})).workqueues[0]));
}

TEST(WorkqueueConfig, TwoOfANameAreOneWhereTheyAreAlike) {
  WorkqueueConfig config = Config({SetUpOf("events", 1, 0), SetUpOf("events", 2, 0)});
  EXPECT_EQ(config.CountOf("events"), 2U);
  ASSERT_NE(config.Find("events"), nullptr);
  config.workqueues[1].max_active = 2;
  EXPECT_EQ(config.Find("events"), nullptr);
  EXPECT_EQ(config.Find("other"), nullptr);
}

}  // namespace
}  // namespace wqprof
