// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/threshold.h"

namespace wqprof {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TraceInfo RecordedWith(std::string settings) {
  TraceInfo info;
  info.settings = std::move(settings);
  return info;
}

TEST(Threshold, IsATimeUnlessItIsTheKernels) {
  EXPECT_EQ(TimeOf(*ParseThreshold("1.5ms"), RecordedWith("watchdog_thresh=7\n")),
            std::chrono::microseconds(1500));
  EXPECT_EQ(TimeOf({}, {}), milliseconds(10));
}

TEST(Threshold, OfTheKernelIsInTheRecording) {
  const Threshold kernel = *ParseThreshold("kernel");
  EXPECT_EQ(TimeOf(kernel, RecordedWith("clock=mono\nwatchdog_thresh=7\nbuffer_bytes=1\n")),
            seconds(7));
  EXPECT_EQ(TimeOf(kernel, RecordedWith("watchdog_thresh=7")), seconds(7));
}

TEST(Threshold, OfAKernelThatDoesNotTellIsItsDefault) {
  const Threshold kernel = *ParseThreshold("kernel");
  EXPECT_EQ(TimeOf(kernel, RecordedWith("")), seconds(30));
  EXPECT_EQ(TimeOf(kernel, RecordedWith("watchdog_thresh=0\n")), seconds(30)) << "it is off";
  EXPECT_EQ(TimeOf(kernel, RecordedWith("my_watchdog_thresh=3\nwatchdog_thresh=x\n")), seconds(30));
  EXPECT_EQ(TimeOf(kernel, RecordedWith("watchdog_thresh=9223372036854775807\n")), seconds(30));
}

TEST(Threshold, ThatIsNeitherSaysWhatItMayBe) {
  const absl::Status status = ParseThreshold("kernels").status();
  EXPECT_NE(status.message().find("or kernel"), std::string_view::npos) << status.message();
}

}  // namespace
}  // namespace wqprof
