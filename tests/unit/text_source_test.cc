// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/read_dat.h"
#include "support/text_printer.h"

namespace wqprof::testing {
namespace {

constexpr std::string_view kQueue =
    "              sh-326   [000] d..2.    23.246971: workqueue_queue_work: work "
    "struct=00000000c46e2600 function=fn_x [mod_x] workqueue=wq_x req_cpu=8192 cpu=-1\n";
constexpr std::string_view kActivate =
    "              sh-326   [000] d..2.    23.246972: workqueue_activate_work: work struct "
    "00000000c46e2600 function=fn_x [mod_x] \n";
constexpr std::string_view kStart =
    "    kworker/u8:6-262   [001] .....    23.247052: workqueue_execute_start: work struct "
    "00000000c46e2600: function fn_x [mod_x]\n";
constexpr std::string_view kEnd =
    "    kworker/u8:6-262   [001] .....    23.249055: workqueue_execute_end: work struct "
    "00000000c46e2600: function fn_x [mod_x]\n";

std::string All() { return fmt::format("{}{}{}{}", kQueue, kActivate, kStart, kEnd); }

ReadBack Read(std::string text, std::optional<Nanos> unit = std::nullopt,
              TextCoding coding = TextCoding::kAsIs) {
  ReadBack back;
  auto source = TextSource::Open(DecodeText(StreamOf(std::move(text)), coding),
                                 {.path = "text", .stamp_unit = unit, .log = nullptr});
  back.status = source.status();
  if (!source.ok()) return back;
  back.source = *std::move(source);
  while (true) {
    const auto events = back.source->Next();
    back.status = events.status();
    if (!events.ok() || events->empty()) return back;
    back.events.insert(back.events.end(), events->begin(), events->end());
  }
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The events of a variation are those of the plain text.
void ExpectSame(const std::string& text, TextCoding coding = TextCoding::kAsIs) {
  SCOPED_TRACE(text);
  EXPECT_EQ(Read(text, std::nullopt, coding).Lines(), Read(All()).Lines());
}

std::string PrefixLines(std::string_view text, std::string_view prefix) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    out += prefix;
    out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

TEST(TextSource, ReadsTheFourEvents) {
  const ReadBack back = Read(All());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(
      back.Lines()[0],
      "23246971000 [0] pid 326 flags 0x1 queue: 0xc46e2600 fn_x [mod_x] wq=wq_x cpu=-1 req=-1");
  EXPECT_EQ(back.Lines()[3], "23249055000 [1] pid 262 flags 0x0 end: 0xc46e2600 fn_x [mod_x]");
  EXPECT_EQ(back.source->info().format, "ftrace text");
  EXPECT_EQ(back.source->info().resolution, Nanos(1000));
  EXPECT_TRUE(back.source->info().hashed_addresses);
  EXPECT_EQ(back.source->stats().seen_events, WorkqueueEvents::All());
}

TEST(TextSource, ReadsLinesWhateverStandsBeforeAndBehindThem) {
  for (const std::string_view prefix :
       {"", "> > ", "| ", "(#3) ", "trace.txt:", "33294:", "Line 33294: ",
        "Nov 28 18:04:17 box7 root: ", "[  100.123456] ", "[  100.123456][    C1] "}) {
    ExpectSame(PrefixLines(All(), prefix));
  }
  ExpectSame(Replaced(All(), "\n", "  // note\n"));
  ExpectSame(Replaced(All(), "\n", "\r\n"));
  ExpectSame(Replaced(All(), "workqueue_", "\x1b[01;31mworkqueue_\x1b[m"));
  ExpectSame(Replaced(All(), "   [00", "   (    326) [00"));
  ExpectSame(Replaced(All(), "   [00", "   (-------) [00"));
  ExpectSame("Hello,\n" + All() + "bye-1 [2]\n");
}

TEST(TextSource, ReadsLinesThatMailBroke) {
  for (size_t width = 50; width < 110; ++width) {
    std::string wrapped, cut;
    for (const std::string_view line : {kQueue, kActivate, kStart, kEnd}) {
      std::string_view rest = line.substr(0, line.size() - 1);
      while (rest.ends_with(' ')) rest.remove_suffix(1);
      const size_t blank = rest.rfind(' ', width);
      wrapped += fmt::format("{}\n{}\n", rest.substr(0, blank), rest.substr(blank + 1));
      cut += fmt::format("{}\n{}\n", rest.substr(0, width), rest.substr(width));
    }
    ExpectSame(wrapped);
    // Where a name or a number is cut the first half looks whole: that is not put together.
    const ReadBack back = Read(cut);
    EXPECT_LE(back.events.size(), 4u);
  }
}

TEST(TextSource, ReadsEncodedText) {
  std::string quoted, wide;
  for (const char c : All()) quoted += c == '=' ? "=3D" : std::string(1, c);
  quoted.insert(30, "=\n");
  ExpectSame(quoted, TextCoding::kQuotedPrintable);
  for (const char c : All()) wide += {c, '\0'};
  ExpectSame(wide, TextCoding::kUtf16Le);
  ExpectSame(
      "<html><script>/^# tracer:/\n" + All() +
          "</script>\n<script class=\"trace-data\" type=\"application/text\">\nUSER PID\n"
          "</script>\n<script class=\"trace-data\" type=\"application/text\">\n# tracer: nop\n" +
          All() + "</script></html>\n",
      TextCoding::kSystrace);
}

TEST(TextSource, KeepsTheOrderWithinACpuAndCountsWhatGoesBack) {
  const std::string text = Replaced(std::string(kStart), "23.247052", "23.9") + std::string(kEnd);
  const ReadBack back = Read(text);
  ASSERT_EQ(back.events.size(), 2u);
  EXPECT_EQ(back.events[0].kind, EventKind::kExecuteStart);
  EXPECT_EQ(back.source->stats().time_reversals, 1u);
}

TEST(TextSource, SortsTextsThatComeCpuByCpu) {
  std::string by_cpu, merged;
  for (int cpu = 0; cpu < 4; ++cpu) {
    for (int i = 0; i < 50000; ++i) {
      by_cpu += fmt::format(
          "  kworker/{0}:1-{1} [{0:03}] ..... {2}.{3:06}: workqueue_execute_start: work struct "
          "00000000c46e2{0:03}: function fn_x\n",
          cpu, 30 + cpu, 10 + i / 1000, i % 1000 * 4 + cpu);
    }
  }
  const ReadBack back = Read(by_cpu);
  ASSERT_TRUE(back.ok()) << back.status;
  ASSERT_EQ(back.events.size(), 200000u);
  for (size_t i = 0; i < back.events.size(); ++i) {
    ASSERT_EQ(ToInt(back.events[i].cpu), static_cast<int>(i % 4)) << i;
  }
  EXPECT_EQ(back.source->stats().time_reversals, 0u);
}

TEST(TextSource, PutsALossWhereTheMarkSays) {
  const ReadBack back = Read(std::string(kQueue) + "CPU:1 [LOST 7 EVENTS]\n" + std::string(kStart) +
                             "CPU:1 [LOST EVENTS]\n" + std::string(kEnd));
  ASSERT_EQ(back.events.size(), 7u);
  EXPECT_EQ(back.events[0].kind, EventKind::kLossBegin);
  EXPECT_EQ(back.events[2].kind, EventKind::kLossEnd);
  EXPECT_EQ(back.source->stats().lost_gaps, 2u);
  EXPECT_EQ(back.source->stats().lost_events, std::nullopt);
}

TEST(TextSource, DoesNotTakeALastLineThatIsCut) {
  const std::string text = All();
  for (size_t size = text.size() - kEnd.size() + 1; size + 1 < text.size(); ++size) {
    const ReadBack back = Read(text.substr(0, size));
    // A function without its module is another one that may be.
    EXPECT_LE(back.events.size(), 4u);
    EXPECT_EQ(back.source->stats().unread_lines, 0u) << text.substr(0, size);
    if (back.events.size() == 4) {
      EXPECT_EQ(back.events[3].work.work, WorkAddr{0xc46e2600}) << text.substr(0, size);
    }
  }
  EXPECT_TRUE(Read(text.substr(0, text.size() - 30)).source->stats().truncated);
  EXPECT_EQ(Read(text.substr(0, text.size() - 1)).events.size(), 4u);
}

TEST(TextSource, TakesNoCountsForTimes) {
  const std::string text = Replaced(All(), "23.", "23");
  EXPECT_FALSE(Read(text).source->info().clock_is_ns);
  EXPECT_EQ(Read(text).source->info().resolution, std::nullopt);
  const ReadBack us = Read(text, Nanos(1000));
  EXPECT_TRUE(us.source->info().clock_is_ns);
  EXPECT_EQ(us.events[0].at, Timestamp(Nanos(23'246'971'000)));
}

TEST(TextSource, ReadsTheContextFromTheColumnThatTheHeaderNames) {
  const std::string header =
      "#                                _-------=> irqs-off/BH-disabled\n"
      "#                               / _------=> need-resched\n"
      "#                              | / _-----=> need-resched-lazy\n"
      "#                              || / _----=> hardirq/softirq\n"
      "#                              ||| / _---=> preempt-depth\n";
  EXPECT_EQ(Read(header + Replaced(std::string(kQueue), "d..2.", "d..h.")).events[0].flags,
            kFlagIrqsOff | kFlagHardirq);
  EXPECT_EQ(Read(Replaced(std::string(kQueue), "d..2.", "d.h2.")).events[0].flags,
            kFlagIrqsOff | kFlagHardirq);
  EXPECT_EQ(Read(Replaced(std::string(kQueue), "d..2.", "d.L.1..")).events[0].flags, kFlagIrqsOff);
}

TEST(TextSource, CountsLinesThatNameAnEventAndCannotBeRead) {
  const ReadBack back =
      Read(All() + "{\"line\": \"" + std::string(kStart.substr(0, 100)) + "\"}\n");
  EXPECT_EQ(back.events.size(), 4u);
  EXPECT_EQ(back.source->stats().unread_lines, 1u);
  EXPECT_NE(back.source->stats().first_unread_line.find("{\"line\""), std::string::npos);
}

TEST(TextSource, ReadsSchedulerEventsOfTheKernelAndOfTraceCmd) {
  const std::string head = "   <idle>-0     [001] d..2.   604.183512: ";
  const std::vector<std::string> lines =
      Read(head +
           "sched_switch: prev_comm=a b prev_pid=0 prev_prio=120 prev_state=R+ ==> "
           "next_comm=task set next_pid=273 next_prio=98\n" +
           head + "sched_switch:         a b:0 [120] R+ ==> task set:273 [98]\n")
          .Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], lines[1]);
  EXPECT_NE(lines[0].find("a b R+ -> 273 task set prio 120 98"), std::string::npos) << lines[0];
}

TEST(TextSource, OfNothingIsEmpty) {
  for (const std::string text : {"", "\n", "\n\n", "# tracer: nop\n#\n", "hello\n"}) {
    const ReadBack back = Read(text);
    EXPECT_TRUE(back.ok());
    EXPECT_TRUE(back.events.empty());
  }
}

// The stacks of a text, by the time of their queue event.
std::vector<std::string> StacksOf(const std::string& text) {
  const ReadBack back = Read(text);
  EXPECT_TRUE(back.ok());
  std::vector<std::string> out;
  for (const Event& e : back.events) {
    if (e.kind == EventKind::kQueueStack) {
      out.emplace_back(back.source->names().Get(e.queue_stack.stack));
    }
  }
  EXPECT_EQ(back.source->stats().queue_stacks, out.size());
  return out;
}

constexpr std::string_view kMark =
    "              sh-326   [000] d..2.    23.246971: <stack trace>\n";
constexpr std::string_view kFrames =
    " => trace_event_raw_event_workqueue_queue_work\n => __queue_work\n => queue_work_on\n"
    " => fn_y [mod_x]\n => entry\n";
using Stacks = std::vector<std::string>;

TEST(TextStacks, AStackBehindAQueueEventBelongsToIt) {
  const std::string text =
      fmt::format("{}{}{}{}{}{}", kQueue, kMark, kFrames, kActivate, kStart, kEnd);
  EXPECT_EQ(StacksOf(text), Stacks{"queue_work_on;fn_y [mod_x];entry"});
  std::vector<std::string> without = Read(text).Lines();
  std::erase_if(without,
                [](const std::string& line) { return line.find(" stack: ") != line.npos; });
  EXPECT_EQ(without, Read(All()).Lines());
  // At the end of the text, and as other programs print it.
  EXPECT_EQ(StacksOf(fmt::format("{}{}{}", kQueue, kMark, kFrames)),
            Stacks{"queue_work_on;fn_y [mod_x];entry"});
  EXPECT_EQ(StacksOf(fmt::format(
                "{}              sh-326   [000] d..2.    23.246971: kernel_stack:         "
                "<stack trace >\n=> queue_work_on (ffffffff81000010)\n=> f+0x10/0x80 "
                "(ffffffff81000020)\n{}",
                kQueue, kActivate)),
            Stacks{"queue_work_on;f"});
}

TEST(TextStacks, AStackOfAnythingElseIsNobodys) {
  EXPECT_EQ(StacksOf(fmt::format("{}{}{}{}", kQueue, kActivate, kMark, kFrames)), Stacks{});
  EXPECT_EQ(StacksOf(fmt::format("{}{}", kMark, kFrames)), Stacks{});
  EXPECT_EQ(StacksOf(fmt::format("{}{}{}{}{}", kQueue, kMark, kFrames, kMark, kFrames)).size(), 1u);
  EXPECT_EQ(StacksOf(Replaced(fmt::format("{}{}{}", kQueue, kMark, kFrames),
                              "sh-326   [000] d..2.    23.246971: <",
                              "sh-327   [000] d..2.    23.246971: <")),
            Stacks{});
}

TEST(TextStacks, ATextMayHaveAnyNumberOfFrames) {
  std::string text = fmt::format("{}{}", kQueue, kMark);
  EXPECT_EQ(StacksOf(text), Stacks{});
  for (int i = 0; i < 1000; ++i) text += " => f\n";
  const Stacks stacks = StacksOf(text);
  ASSERT_EQ(stacks.size(), 1u);
  EXPECT_TRUE(stacks[0].ends_with(";f;...")) << stacks[0];
  EXPECT_LT(stacks[0].size(), 1000u);
}

}  // namespace
}  // namespace wqprof::testing
