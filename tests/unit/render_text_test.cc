// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "render/text.h"

namespace wqprof {
namespace {

TEST(DurationText, HasThreeDigitsAndTheUnitThatFits) {
  EXPECT_EQ(DurationText(Nanos(0)), "0");
  EXPECT_EQ(DurationText(Nanos(1)), "1ns");
  EXPECT_EQ(DurationText(Nanos(999)), "999ns");
  EXPECT_EQ(DurationText(Nanos(1000)), "1.00us");
  EXPECT_EQ(DurationText(Nanos(12'345)), "12.3us");
  EXPECT_EQ(DurationText(Nanos(4'100'000)), "4.10ms");
  EXPECT_EQ(DurationText(Nanos(123'456'789)), "123ms");
  EXPECT_EQ(DurationText(Nanos(1'230'000'000)), "1.23s");
  EXPECT_EQ(DurationText(Nanos(4'521'000'000'000)), "4521s");
}

TEST(DurationText, RoundsIntoTheNextUnitAndNeverToAThousand) {
  EXPECT_EQ(DurationText(Nanos(9'994)), "9.99us");
  EXPECT_EQ(DurationText(Nanos(9'996)), "10.0us");
  EXPECT_EQ(DurationText(Nanos(99'960)), "100us");
  EXPECT_EQ(DurationText(Nanos(999'499)), "999us");
  EXPECT_EQ(DurationText(Nanos(999'500)), "1.00ms");
  EXPECT_EQ(DurationText(Nanos(999'500'000)), "1.00s");
}

TEST(DurationText, KeepsTheSign) {
  EXPECT_EQ(DurationText(Nanos(-1500)), "-1.50us");
  EXPECT_EQ(DurationText(Nanos(INT64_MIN)), "-9223372037s");
}

TEST(CountText, GroupsThousands) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(48'211), "48,211");
  EXPECT_EQ(CountText(1'000'000), "1,000,000");
}

TEST(StampText, IsCutLikeTraceCmdsNotRounded) {
  EXPECT_EQ(StampText(Timestamp(Nanos(1'234'567'890'999))), "1234.567890");
  EXPECT_EQ(StampText(Timestamp(Nanos(5))), "0.000000");
}

TEST(SinceText, CountsFromTheBegin) {
  const Timestamp begin{Nanos(1'000'000'000)};
  EXPECT_EQ(SinceText(begin, Timestamp(Nanos(2'234'567'000))), "+1.234567s");
  EXPECT_EQ(SinceText(begin, Timestamp(Nanos(999'999'000))), "-0.000001s");
}

TEST(PercentText, NeverRoundsToNothingOrToAll) {
  EXPECT_EQ(PercentText(0), "0%");
  EXPECT_EQ(PercentText(0.00001), "<0.01%");
  EXPECT_EQ(PercentText(0.0005), "0.05%");
  EXPECT_EQ(PercentText(0.123), "12.3%");
  EXPECT_EQ(PercentText(0.99999), ">99.9%");
  EXPECT_EQ(PercentText(1), "100%");
}

TEST(Escaped, LetsNothingSteerTheTerminal) {
  EXPECT_EQ(Escaped("flush_to_ldisc"), "flush_to_ldisc");
  EXPECT_EQ(Escaped("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(Escaped("\x7f"), "\\x7f");
  EXPECT_EQ(Escaped("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(Escaped("\xc2\x9b"
                    "31m"),
            "\\xc2\\x9b31m");                             // CSI in 8 bits
  EXPECT_EQ(Escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(Escaped("\xff\xc3"), "\\xff\\xc3");           // no UTF-8
  EXPECT_EQ(Escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Escaped("\xc0\xaf"), "\\xc0\\xaf");           // an overlong form
  EXPECT_EQ(Escaped("caf\xc3\xa9", true), "caf\\xc3\\xa9");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("caf\xc3\xa9"), 4U);
  EXPECT_EQ(DisplayWidth("\xe4\xb8\xad\xe6\x96\x87"), 4U);  // two wide characters
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1U);                 // a combining accent
}

TEST(Shortened, KeepsBothEndsOfAName) {
  EXPECT_EQ(Shortened("flush_to_ldisc", 14, true), "flush_to_ldisc");
  EXPECT_EQ(Shortened("flush_memcg_stats_dwork", 11, true), "flush…dwork");
  EXPECT_EQ(Shortened("flush_memcg_stats_dwork", 11, false), "flush~dwork");
  EXPECT_EQ(Shortened("abc", 1, true), "…");
  for (size_t width = 1; width < 12; ++width) {
    EXPECT_LE(DisplayWidth(Shortened("中文中文中文中文", width, true)), width);
  }
}

TEST(AppendWrapped, BreaksBetweenWords) {
  std::string out = "1. ";
  AppendWrapped(out, "one two three four", 3, 11);
  EXPECT_EQ(out, "1. one two\n   three\n   four\n");
  out.clear();
  AppendWrapped(out, "one two", 0, 0);
  EXPECT_EQ(out, "one two\n");
}

}  // namespace
}  // namespace wqprof
