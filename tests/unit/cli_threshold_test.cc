// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/threshold.h"

namespace wqprof {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TraceInfo RecordedWith(std::optional<Nanos> watchdog) {
  TraceInfo info;
  info.watchdog_threshold = watchdog;
  return info;
}

TEST(Threshold, IsATimeUnlessItIsTheKernels) {
  EXPECT_EQ(TimeOf(*ParseThreshold("1.5ms"), RecordedWith(seconds(7))),
            std::chrono::microseconds(1500));
  EXPECT_EQ(TimeOf({}, {}), milliseconds(10));
}

TEST(Threshold, OfTheKernelIsInTheRecording) {
  EXPECT_EQ(TimeOf(*ParseThreshold("kernel"), RecordedWith(seconds(7))), seconds(7));
}

TEST(Threshold, OfAKernelThatDoesNotSayIsItsDefault) {
  const Threshold kernel = *ParseThreshold("kernel");
  EXPECT_EQ(TimeOf(kernel, RecordedWith(std::nullopt)), seconds(30));
  EXPECT_EQ(TimeOf(kernel, RecordedWith(seconds(0))), seconds(30)) << "it is off";
}

TEST(Threshold, ThatIsNeitherSaysWhatItMayBe) {
  const absl::Status status = ParseThreshold("kernels").status();
  EXPECT_NE(status.message().find("or kernel"), std::string_view::npos) << status.message();
}

}  // namespace
}  // namespace wqprof
