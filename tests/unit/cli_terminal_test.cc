// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

constexpr Terminal kTerminal = {true, 100, true};
constexpr Terminal kPipe = {false, 0, true};

// Tests of what the environment switches: it is put back.
class Style : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
  }
  void TearDown() override { SetUp(); }
};

TEST_F(Style, ColoursATerminalAndNothingElse) {
  EXPECT_TRUE(StyleFor(kTerminal, ColorMode::kAuto, false).color);
  EXPECT_FALSE(StyleFor(kPipe, ColorMode::kAuto, false).color);
  EXPECT_TRUE(StyleFor(kPipe, ColorMode::kAlways, false).color);
  EXPECT_FALSE(StyleFor(kTerminal, ColorMode::kNever, false).color);
}

TEST_F(Style, ObeysTheEnvironmentButTheUserMore) {
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(StyleFor(kTerminal, ColorMode::kAuto, false).color);
  EXPECT_TRUE(StyleFor(kTerminal, ColorMode::kAlways, false).color);
  setenv("NO_COLOR", "", 1);  // empty means not set (no-color.org)
  EXPECT_TRUE(StyleFor(kTerminal, ColorMode::kAuto, false).color);
  setenv("TERM", "dumb", 1);
  EXPECT_FALSE(StyleFor(kTerminal, ColorMode::kAuto, false).color);
}

TEST_F(Style, HasNoLimitInAPipe) {
  EXPECT_EQ(StyleFor(kPipe, ColorMode::kAuto, false).columns, 0U);
  EXPECT_EQ(StyleFor(kTerminal, ColorMode::kAuto, false).columns, 100U);
}

TEST_F(Style, NeedsALocaleForPictures) {
  EXPECT_TRUE(StyleFor(kTerminal, ColorMode::kAuto, false).utf8);
  EXPECT_FALSE(StyleFor(kTerminal, ColorMode::kAuto, true).utf8);
  EXPECT_FALSE(StyleFor({true, 80, false}, ColorMode::kAuto, false).utf8);
}

TEST(ParseColorMode, TakesThreeWords) {
  EXPECT_EQ(*ParseColorMode("auto"), ColorMode::kAuto);
  EXPECT_EQ(*ParseColorMode("always"), ColorMode::kAlways);
  EXPECT_EQ(*ParseColorMode("never"), ColorMode::kNever);
  EXPECT_FALSE(ParseColorMode("sometimes").ok());
}

TEST(Fail, EndsWithTheCodeOfTheErrorsKind) {
  const auto fail_as = [](ErrorKind kind) {
    return Fail(WithKind(absl::UnknownError("trouble"), kind));
  };
  EXPECT_EQ(Fail(absl::OkStatus()), kOk);
  EXPECT_EQ(fail_as(ErrorKind::kUsage), kUsage);
  EXPECT_EQ(fail_as(ErrorKind::kCannotTrace), kCannotTrace);
  EXPECT_EQ(fail_as(ErrorKind::kUnreadable), kUnreadable);
  EXPECT_EQ(fail_as(ErrorKind::kCannotWrite), kCannotWrite);
  EXPECT_EQ(fail_as(ErrorKind::kOutOfMemory), kBug);
  EXPECT_EQ(fail_as(ErrorKind::kBug), kBug);
}

TEST(Fail, TakesAnErrorWithoutAKindByItsCode) {
  EXPECT_EQ(Fail(absl::CancelledError("")), kOk);
  EXPECT_EQ(Fail(absl::InvalidArgumentError("usage")), kUsage);
  EXPECT_EQ(Fail(absl::PermissionDeniedError("file")), kUnreadable);
  EXPECT_EQ(Fail(absl::NotFoundError("file")), kUnreadable);
  EXPECT_EQ(Fail(absl::DataLossError("file")), kUnreadable);
  EXPECT_EQ(Fail(absl::InternalError("bug")), kBug);
}

TEST(WithKind, KeepsTheKindOfWhoMetTheTrouble) {
  const absl::Status full = WithKind(absl::UnknownError("disk"), ErrorKind::kCannotWrite);
  EXPECT_EQ(KindOf(WithKind(full, ErrorKind::kCannotTrace)), ErrorKind::kCannotWrite);
  EXPECT_TRUE(WithKind(absl::OkStatus(), ErrorKind::kBug).ok());
}

TEST(Printable, LetsNoMessageSteerTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\nc"), "a\\x1b[2Jb\nc");
}

}  // namespace
}  // namespace wqprof
