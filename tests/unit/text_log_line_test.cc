// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "wqprof/log_line.h"

namespace wqprof {
namespace {

constexpr std::string_view kBug =
    "BUG: workqueue lockup - pool cpus=3 node=0 flags=0x0 nice=0 stuck for 57s!";

LogLine Read(std::string_view line) { return LogLineReader().Read(line); }

TEST(LogLine, OfPrintkHasItsStampAndItsCaller) {
  const std::string line = "[  312.401303][    C1] " + std::string(kBug);
  const LogLine read = Read(line);
  EXPECT_EQ(read.text, kBug);
  EXPECT_EQ(read.stamp, Nanos(312'401'303'000));
  EXPECT_EQ(read.caller, "C1");
}

TEST(LogLine, IsTheSameWhateverBlanksStandAroundTheCaller) {
  for (const std::string prefix : {"[ 984.284232][ T23] ", "[  984.284232] [   T23] ",
                                   "<4>[  984.284232][   T23] ", "<0> [984.284232][T23] "}) {
    const std::string line = prefix + std::string(kBug);
    EXPECT_EQ(Read(line).text, kBug) << line;
    EXPECT_EQ(Read(line).caller, "T23") << line;
    EXPECT_EQ(Read(line).stamp, Nanos(984'284'232'000)) << line;
  }
}

TEST(LogLine, OfSyslogHasTheWallClockAndTheHost) {
  const std::string line = "May  7 18:23:21 box7 kernel: [  12.500000] " + std::string(kBug);
  const LogLine read = Read(line);
  EXPECT_EQ(read.text, kBug);
  EXPECT_EQ(read.wall, "May  7 18:23:21");
  EXPECT_EQ(read.host, "box7");
  EXPECT_EQ(read.tag, "kernel");
  EXPECT_EQ(read.stamp, Nanos(12'500'000'000));
}

TEST(LogLine, KeepsTheBlanksOfItsMessage) {
  EXPECT_EQ(Read("May 07 18:23:21 box7 kernel:     in-flight: 13:psi_avgs_work").text,
            "    in-flight: 13:psi_avgs_work");
  EXPECT_EQ(Read("[   12.5]   pwq 6: cpus=3").text, "  pwq 6: cpus=3");
}

TEST(LogLine, OfAJournalInIsoFormatHasNoStamp) {
  const std::string line = "2026-11-28T18:04:17+0100 box7 kernel: " + std::string(kBug);
  EXPECT_EQ(Read(line).text, kBug);
  EXPECT_EQ(Read(line).wall, "2026-11-28T18:04:17+0100");
  EXPECT_EQ(Read(line).stamp, std::nullopt);
}

TEST(LogLine, WithADateAndNoHostLosesNoWord) {
  EXPECT_EQ(Read("2026-11-28T18:04:17,123456+01:00 workqueue events: flags=0x0").text,
            "workqueue events: flags=0x0");
  EXPECT_EQ(Read("2026-11-28 18:04:17 workqueue events: flags=0x0").text,
            "workqueue events: flags=0x0");
  EXPECT_EQ(Read("2026-11-28 18:04:17 Showing busy workqueues and worker pools:").text,
            "Showing busy workqueues and worker pools:");
}

TEST(LogLine, OfAnExtendedConsoleIsStampedInMicroseconds) {
  const std::string line = "2,871,312401210,-,caller=T28;" + std::string(kBug);
  EXPECT_EQ(Read(line).text, kBug);
  EXPECT_EQ(Read(line).stamp, Nanos(312'401'210'000));
  EXPECT_EQ(Read(line).caller, "T28");
}

TEST(LogLine, OfDmesgMayHaveFacilityAndDate) {
  EXPECT_EQ(Read("kern  :emerg : [  312.401210] " + std::string(kBug)).text, kBug);
  const std::string dated = "[Sat Nov 28 18:04:17 2026] " + std::string(kBug);
  EXPECT_EQ(Read(dated).text, kBug);
  EXPECT_EQ(Read(dated).wall, "Sat Nov 28 18:04:17 2026");
}

TEST(LogLine, ThatSyslogdBroadcastsHasTheTimeOfTheLineBefore) {
  LogLineReader reader;
  reader.Read("Message from syslogd@host at May  7 18:23:21 ...");
  const std::string line = " kernel:" + std::string(kBug);
  const LogLine read = reader.Read(line);
  EXPECT_EQ(read.text, kBug);
  EXPECT_EQ(read.wall, "May  7 18:23:21");
}

TEST(LogLine, MayBeQuotedByMail) {
  EXPECT_EQ(Read("> > > [  312.401210] " + std::string(kBug)).text, kBug);
  EXPECT_EQ(Read(">>" + std::string(kBug)).text, kBug);
}

TEST(LogLine, BetweenTwoBootsIsAMark) {
  EXPECT_EQ(Read("-- Boot 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --").boot_id,
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
  EXPECT_TRUE(Read("-- Reboot --").boot_mark);
  EXPECT_FALSE(Read("-- Bo").boot_mark);
}

TEST(LogLine, ThatIsNoLogLineIsItsOwnText) {
  for (const std::string_view line : {"", "[", "[ 1", "<", "<4", "1,2,3", "Jan", "kern", ">"}) {
    EXPECT_LE(Read(line).text.size(), line.size());
  }
  EXPECT_EQ(Read("hello world").text, "hello world");
}

TEST(LogLine, WithAStampBeyondAllClocksHasNone) {
  EXPECT_EQ(Read("[99999999999999999999.5] x").stamp, std::nullopt);
  EXPECT_EQ(Read("[9999999999999.5] x").stamp, std::nullopt);
}

}  // namespace
}  // namespace wqprof
