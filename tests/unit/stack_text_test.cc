// SPDX-License-Identifier: Apache-2.0
#include "wqprof/stack_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace wqprof::testing {
namespace {

std::string TextOf(const std::vector<std::string>& frames) { return StackText(frames); }

TEST(StackTextTest, WhatTheTracingPutsOnTopIsLeftOut) {
  EXPECT_EQ(
      TextOf({"trace_event_raw_event_workqueue_queue_work", "__traceiter_workqueue_queue_work",
              "__queue_work", "queue_work_on", "aio_fsync", "io_submit_one"}),
      "queue_work_on;aio_fsync;io_submit_one");
  EXPECT_EQ(TextOf({"__queue_work.part.0", "__queue_delayed_work", "queue_delayed_work_on",
                    "f [module]"}),
            "queue_delayed_work_on;f [module]");
  // Where the workqueue's own function is part of another one.
  EXPECT_EQ(TextOf({"trace_event_raw_event_workqueue_queue_work", "queue_work_on", "f"}),
            "queue_work_on;f");
  EXPECT_EQ(TextOf({"queue_work_on", "f"}), "queue_work_on;f");
  EXPECT_EQ(TextOf({"__queue_work"}), "");
  EXPECT_EQ(TextOf({}), "");
}

TEST(StackTextTest, FurtherInTheSameFunctionsAreWhoQueues) {
  std::vector<std::string> frames(20, "f");
  frames.push_back("__queue_work");
  EXPECT_EQ(TextOf(frames), fmt::format("{}", fmt::join(frames, ";")));
  EXPECT_EQ(TextOf({"__queue_work", "queue_work_on", "trace_f"}), "queue_work_on;trace_f");
}

TEST(StackTextTest, WhatAnInterruptFoundIsLeftOut) {
  EXPECT_EQ(TextOf({"__queue_work", "delayed_work_timer_fn", "call_timer_fn",
                    "asm_sysvec_apic_timer_interrupt", "default_idle", "do_idle"}),
            "delayed_work_timer_fn;call_timer_fn;asm_sysvec_apic_timer_interrupt");
  // A fault is of the task's own making.
  EXPECT_EQ(TextOf({"queue_work_on", "f", "asm_exc_page_fault", "g"}),
            "queue_work_on;f;asm_exc_page_fault;g");
}

TEST(StackTextTest, ATextIsNeverLongerThanItMayBe) {
  const std::string text = TextOf(std::vector<std::string>(128, std::string(500, 'f')));
  EXPECT_LT(text.size(), 5000u);
  EXPECT_TRUE(text.ends_with(";...")) << text;
  EXPECT_EQ(TextOf({std::string(100000, 'f')}), "...");
}

TEST(StackTextTest, FramesAreWhatStandsBetweenSemicolons) {
  EXPECT_EQ(FramesOf("a;b [m];c"), (std::vector<std::string_view>{"a", "b [m]", "c"}));
  EXPECT_EQ(FramesOf(";a;"), (std::vector<std::string_view>{"", "a"}));
  EXPECT_TRUE(FramesOf("").empty());
}

TEST(StackTextTest, APathBeginsWithWhoeverQueued) {
  EXPECT_EQ(CallPath("queue_work_on;aio_fsync;io_submit_one"), "aio_fsync < io_submit_one");
  EXPECT_EQ(CallPath("delayed_work_timer_fn;call_timer_fn"), "call_timer_fn");
  EXPECT_EQ(CallPath("queue_work_on"), "queue_work_on");
  EXPECT_EQ(CallPath("aio_fsync;__x64_sys_io_submit;do_syscall_64;entry_SYSCALL_64_after_hwframe"),
            "aio_fsync < __x64_sys_io_submit");
  EXPECT_EQ(CallPath("ret_from_fork;ret_from_fork_asm"), "ret_from_fork");
  EXPECT_EQ(CallPath(""), "");
}

}  // namespace
}  // namespace wqprof::testing
