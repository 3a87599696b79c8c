// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "wqprof/arguments.h"

namespace wqprof {
namespace {

std::vector<int> Cpus(std::string_view text) {
  const absl::StatusOr<std::vector<Cpu>> cpus = ParseCpuList(text);
  std::vector<int> out;
  for (const Cpu cpu : *cpus) out.push_back(ToInt(cpu));
  return out;
}

TEST(ParseDuration, TakesANumberWithAUnit) {
  EXPECT_EQ(*ParseDuration("100ns"), Nanos(100));
  EXPECT_EQ(*ParseDuration("250us"), Nanos(250'000));
  EXPECT_EQ(*ParseDuration("10ms"), Nanos(10'000'000));
  EXPECT_EQ(*ParseDuration("1.5s"), Nanos(1'500'000'000));
  EXPECT_EQ(*ParseDuration("3m"), Nanos(180'000'000'000));
}

TEST(ParseDuration, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "10", "ms", "-1s", "1x", "1 s", "1sx", "nan s", "infs", "1e3s", "0x10s", "300000h0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseDuration(text).status())) << text;
  }
  EXPECT_FALSE(ParseDuration("99999999999h").ok());
}

TEST(ParseDuration, SuggestsUnitsForABareNumber) {
  EXPECT_EQ(ParseDuration("10").status().message(), "'10' has no unit: write 10ms, 10us or 10s");
}

TEST(ParseSeconds, TakesABareNumberForSeconds) {
  EXPECT_EQ(*ParseSeconds("10"), Nanos(10'000'000'000));
  EXPECT_EQ(*ParseSeconds("0.5"), Nanos(500'000'000));
  EXPECT_EQ(*ParseSeconds("10ms"), Nanos(10'000'000));
  for (const std::string_view text : {"", "-1", "x", "1 "}) {
    EXPECT_FALSE(ParseSeconds(text).ok()) << text;
  }
}

TEST(ParseSize, CountsInPowersOf1024) {
  EXPECT_EQ(*ParseSize("4096B"), 4096U);
  EXPECT_EQ(*ParseSize("64k"), 65536U);
  EXPECT_EQ(*ParseSize("16M"), 16U << 20);
  EXPECT_EQ(*ParseSize("2G"), uint64_t{2} << 30);
  for (const std::string_view text :
       {"", "k", "-1", "4096", "1q", "64kB", "1e30", "99999999999999999G"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(ParseCpuList, TakesNumbersAndRanges) {
  EXPECT_EQ(Cpus("3"), (std::vector<int>{3}));
  EXPECT_EQ(Cpus("0-2,5"), (std::vector<int>{0, 1, 2, 5}));
}

TEST(ParseCpuList, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", ",", "1,", "a", "3-1", "-1", "1-", "99999", "1-99999999"}) {
    EXPECT_FALSE(ParseCpuList(text).ok()) << text;
  }
}

TEST(ParseTimeRange, TellsStampsFromTimesSinceTheBegin) {
  const TimeRange range = *ParseTimeRange("1234.567890,+250ms");
  EXPECT_EQ(range.from->at, Nanos(1'234'567'890'000));
  EXPECT_FALSE(range.from->since_begin);
  EXPECT_EQ(range.to->at, Nanos(250'000'000));
  EXPECT_TRUE(range.to->since_begin);
  EXPECT_EQ(ParseTimeRange("+1.5,")->from->at, Nanos(1'500'000'000));
}

TEST(ParseTimeRange, AnEndWithAUnitIsALengthAfterTheBegin) {
  EXPECT_TRUE(ParseTimeRange("+1,+5s")->to->is_length);
  EXPECT_TRUE(ParseTimeRange("14:02:10,+500ms")->to->is_length);
  EXPECT_FALSE(ParseTimeRange("+1,+5")->to->is_length);
  EXPECT_FALSE(ParseTimeRange(",+5s")->to->is_length);
  EXPECT_FALSE(ParseTimeRange("+1s,+5")->from->is_length);
}

TEST(ParseTimeRange, TakesTimesOfDay) {
  using namespace std::chrono_literals;
  const TimeRange range = *ParseTimeRange("14:02:10.5,23:59");
  EXPECT_TRUE(range.from->time_of_day);
  EXPECT_EQ(range.from->at, 14h + 2min + 10500ms);
  EXPECT_EQ(range.to->at, 23h + 59min);
  for (const std::string_view text :
       {"24:00,", "1:60,", "1:,", ":1,", "1:2:,", "1:2:x,", "1:2:3:4,"}) {
    EXPECT_FALSE(ParseTimeRange(text).ok()) << text;
  }
}

TEST(ParseTimeRange, MayBeOpenAtOneEnd) {
  EXPECT_FALSE(ParseTimeRange(",+2")->from.has_value());
  EXPECT_FALSE(ParseTimeRange("5,")->to.has_value());
  for (const std::string_view text : {"", ",", "5", "a,b", "1,2,3", "-1,2"}) {
    EXPECT_FALSE(ParseTimeRange(text).ok()) << text;
  }
}

TEST(ParseCommand, SplitsAsAShellDoes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(*ParseCommand("logger -t  wqprof"), (Words{"logger", "-t", "wqprof"}));
  EXPECT_EQ(*ParseCommand(" sh -c 'echo \"$X\" | cat' "), (Words{"sh", "-c", "echo \"$X\" | cat"}));
  EXPECT_EQ(*ParseCommand(R"(a\ b "c \" d" '' e'f'"g")"), (Words{"a b", "c \" d", "", "efg"}));
}

TEST(ParseCommand, RefusesWhatOnlyAShellUnderstands) {
  for (const std::string_view text : {"a | b", "a > b", "a; b", "a $B", "a && b", "a *", "a `b`",
                                      "", "  ", "''", "a 'b", "a \"b", "a\\", "a\nb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseCommand(text).status())) << text;
  }
}

}  // namespace
}  // namespace wqprof
