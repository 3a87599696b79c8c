// SPDX-License-Identifier: Apache-2.0
#include "wqprof/settings.h"

#include <gtest/gtest.h>

#include <string>

#include "trace/trace_facts.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

TEST(Settings, KeepWhateverAUserWrote) {
  Settings settings;
  settings.Add("workqueue_filter", "x\nunfinished=1\ndata_offset=0");
  settings.Add("command", std::string("printf a\\nb\0c", 13));
  settings.Add("count", uint64_t{7});
  const Settings back = Settings::Parse(settings.ToText());
  EXPECT_EQ(back, settings);
  EXPECT_EQ(back.entries().size(), 3u);
  EXPECT_FALSE(back.Find("unfinished")) << "a line end in a value forges no key";
}

TEST(Settings, OfOldRecordingsAreRead) {
  const Settings old = Settings::Parse("wqprof=0.1.0\nfilter=a:b comm ~ \"kw*\"\ncpus=4\n\nbare\n");
  EXPECT_EQ(old.Find("filter"), "a:b comm ~ \"kw*\"");
  EXPECT_EQ(old.Number("cpus"), 4u);
  EXPECT_EQ(old.Find("bare"), "");
}

TEST(Settings, HaveNumbersOnlyWhereNothingElseStands) {
  const Settings settings = Settings::Parse("a=7x\nb=\nc=-1\nd=99999999999999999999\ne=3\ne=4\n");
  for (const char* key : {"a", "b", "c", "d", "none"}) EXPECT_FALSE(settings.Number(key)) << key;
  EXPECT_EQ(settings.Number("e"), 3u) << "the first";
  EXPECT_EQ(settings.All("e"), (std::vector<std::string>{"3", "4"}));
}

TEST(Uname, IsTakenApartAndHoldsNoLineEnds) {
  const UnameParts parts = ParseUname("Linux no\nde 6.1.0-32 #1 SMP Debian x86_64\n");
  EXPECT_EQ(parts.node, "no?de");
  EXPECT_EQ(parts.release, "6.1.0-32");
  EXPECT_EQ(parts.machine, "x86_64");
  EXPECT_EQ(ParseUname("Linux").release, "");
  EXPECT_EQ(ParseUname("Linux box 6.1.0 x86_64").machine, "x86_64") << "as trace-cmd writes it";
  EXPECT_EQ(ParseUname("Linux box 6.1.0").machine, "");
}

TEST(CpuStats, KnowTheTraceClock) {
  EXPECT_EQ(ParseCpuStats("now ts:    12.000345\n").now, 12'000'345'000u);
  EXPECT_EQ(ParseCpuStats("now ts: 123456\n").now, 123456u) << "a clock that counts something";
  EXPECT_FALSE(ParseCpuStats("now ts: 99999999999.000001\n").now);
}

TEST(WallText, IsRfc3339InUtc) {
  const Timestamp second = Timestamp(std::chrono::seconds(1));
  EXPECT_EQ(WallText(second, Nanos(1'764'338'526'131'000'007)), "2025-11-28T14:02:07.131000007Z");
  EXPECT_EQ(WallText(second, Nanos(-2'000'000'000)), "") << "before 1970";
  EXPECT_EQ(WallText(Timestamp::max(), Nanos::max()), "") << "beyond 2262";
}

}  // namespace
}  // namespace wqprof
