// SPDX-License-Identifier: Apache-2.0
#include "wqprof/wall_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace wqprof {
namespace {

using namespace std::chrono_literals;

const Timestamp kBegin{100s};

TEST(WallClock, TellsTheTimeOfDayOfAStamp) {
  const auto clock = WallClock::Of("2026-11-28T14:02:06.131Z", kBegin, true);
  ASSERT_TRUE(clock.has_value());
  EXPECT_EQ(clock->TimeOfDay(kBegin), "14:02:06.131");
  EXPECT_EQ(clock->TimeOfDay(kBegin + 3908ms), "14:02:10.039");
  EXPECT_EQ(clock->TimeOfDay(kBegin + 10h), "00:02:06.131");
  EXPECT_EQ(clock->Date(), "2026-11-28");
  EXPECT_EQ(clock->Zone(), "UTC");
  EXPECT_EQ(clock->TimeOfDay(kUnseen), "");
  EXPECT_EQ(clock->SinceEpoch(kBegin + 2ns), Nanos(1795874526'131000002));
  EXPECT_EQ(clock->SinceEpoch(kBegin - 60 * 365 * 24h), std::nullopt);
}

TEST(WallClock, UsesTheZoneOfTheReader) {
  setenv("TZ", "XYZ-5:30", 1);
  tzset();
  const auto clock = WallClock::Of("2026-11-28T20:00:00Z", kBegin, false);
  ASSERT_TRUE(clock.has_value());
  EXPECT_EQ(clock->TimeOfDay(kBegin), "01:30:00.000");
  EXPECT_EQ(clock->Zone(), "XYZ");
  EXPECT_EQ(clock->Date(), "2026-11-29");
  EXPECT_EQ(clock->At(1h + 30min + 2s), kBegin + 2s);
}

TEST(WallClock, FindsTheStampOfATimeOfDay) {
  const auto clock = WallClock::Of("2026-11-28T23:59:50.5Z", kBegin, true);
  ASSERT_TRUE(clock.has_value());
  EXPECT_EQ(clock->At(23h + 59min + 55s), kBegin + 4500ms);
  // Of the next day.
  EXPECT_EQ(clock->At(10s), kBegin + 19500ms);
  // A little before the begin.
  EXPECT_EQ(clock->At(23h + 59min + 50s), kBegin - 500ms);
}

TEST(WallClock, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "now", "2026-11-28", "2026-11-28 14:02:06Z", "2026-13-28T14:02:06Z",
        "2026-11-28T24:02:06Z", "2026-11-28T14:02:06", "2026-11-28T14:02:06.Z",
        "9999-11-28T14:02:06Z", "2026-11-28T14:02:06+01:00", "-026-11-28T14:02:06Z"}) {
    EXPECT_FALSE(WallClock::Of(text, kBegin, true).has_value()) << text;
  }
  EXPECT_FALSE(WallClock::Of("2026-11-28T14:02:06Z", kUnseen, true).has_value());
}

}  // namespace
}  // namespace wqprof
