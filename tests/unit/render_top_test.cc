// SPDX-License-Identifier: Apache-2.0
// The screen of a live view: whole at any size, and never wider or longer than the terminal.
#include "wqprof/render_top.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "render/text.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;

// A busy machine of 60 functions, on which one pool is stalled.
Window BusyWindow() {
  Window window;
  window.end = Timestamp(100s);
  window.length = 9500ms;
  window.started_per_second = 143840;
  window.events_per_second = 612345;
  for (int i = 0; i < 60; ++i) {
    WindowFunction row;
    row.function = "a_function_with_quite_a_long_name_" + std::to_string(i);
    row.workqueue = "a_workqueue_with_a_name/" + std::to_string(i % 7);
    row.ended = row.samples = 1000;
    row.per_second = 100 + i;
    row.p50 = 5us;
    row.p99 = i * 10us;
    row.worst = i * 30us;
    row.executing = row.cpu.emplace(0.01 * i);
    row.worst_by_second.assign(40, 1000 + static_cast<uint64_t>(i));
    SlowItem slow;
    slow.id = 7;
    slow.latency = 30us;
    slow.origin = "task fio";
    slow.worker = "kworker/1:2";
    slow.pool = "cpu1";
    row.slowest.push_back(slow);
    window.functions.push_back(row);
  }
  Stall stall;
  stall.id = 9;
  stall.pool = "cpu1";
  stall.begin = Timestamp(99s);
  stall.duration = 704ms;
  stall.delayed_items = 11;
  stall.cause = StallCause::kCpuHog;
  StallHolder holder;
  holder.function = "hog_fn";
  holder.worker = "kworker/1:0";
  holder.worker_pid = static_cast<Pid>(28);
  holder.overlap = 704ms;
  stall.holders.push_back(holder);
  WindowPool pool;
  pool.pool.name = "cpu1";
  pool.pool.kind = PoolKind::kPerCpu;
  pool.pool.cpu = static_cast<Cpu>(1);
  pool.busy = 1;
  pool.backlog = 11;
  pool.stall = stall;
  window.pools.push_back(pool);
  WindowWorker worker;
  worker.comm = "kworker/1:0";
  worker.pid = static_cast<Pid>(28);
  worker.pool = "cpu1";
  worker.running = "hog_fn";
  worker.running_for = 704ms;
  worker.functions = {{"hog_fn", 0.9}, {"other_fn", 0.1}};
  window.workers.push_back(worker);
  window.stalls.push_back(stall);
  window.stalls_total = 1;
  return window;
}

TopFacts SomeFacts() {
  TopFacts facts;
  facts.about.source.machine = "vm";
  facts.about.source.kernel = "6.18.44";
  facts.about.source.cpus = 2;
  facts.about.read.begin = Timestamp(0s);
  facts.own_cpu = 0.003;
  return facts;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// What a line takes on a terminal.
size_t WidthOf(const std::string& line) {
  std::string plain;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      i = line.find('m', i);
    } else {
      plain += line[i];
    }
  }
  return DisplayWidth(plain);
}

TEST(TopScreenTest, FitsTheTerminalWhateverIsShown) {
  const Window window = BusyWindow();
  const TopFacts facts = SomeFacts();
  for (const auto& [columns, lines] :
       std::vector<std::pair<size_t, size_t>>{{80, 24}, {120, 40}, {250, 70}, {40, 8}, {200, 5}}) {
    for (size_t page = 0; page < kTopPages; ++page) {
      for (const int mode : {0, 1, 2, 3}) {
        TopView view;
        view.interactive = true;
        view.page = static_cast<TopPage>(page);
        view.story = mode == 1;
        view.help = mode == 2;
        view.typing = mode == 3;
        view.filter = mode == 3 ? "a" : "";
        view.selected =
            TopRows(window, facts, view).empty() ? "" : TopRows(window, facts, view).back();
        const auto shown =
            TopLines(window, facts, view, lines, {columns, mode % 2 == 0, mode != 2, false});
        EXPECT_EQ(shown.size(), lines);
        // Tables may not become narrower than their first columns.
        if (columns < 80) continue;
        for (const std::string& line : shown) {
          EXPECT_LE(WidthOf(line), columns) << line;
          EXPECT_EQ(line.find('\n'), std::string::npos);
        }
      }
    }
  }
}

TEST(TopScreenTest, TheHeaderDropsWhatMattersLeast) {
  const Window window = BusyWindow();
  const TopFacts facts = SomeFacts();
  TopView view;
  view.interactive = true;
  const auto header = [&](size_t columns) {
    return TopLines(window, facts, view, 24, {columns, false, true, false})[0];
  };
  EXPECT_EQ(header(250),
            "wqprof top  vm  Linux 6.18.44  2 CPUs  last 9.50s  143,840 works/s  612,345 events/s  "
            "own CPU 0.3%  lost 0");
  EXPECT_EQ(header(80), "wqprof top  vm  last 9.50s  143,840 works/s  own CPU 0.3%  lost 0");
  EXPECT_EQ(header(30), "wqprof top  lost 0");
}

TEST(TopScreenTest, APoolThatIsStalledNowStandsAboveAllPages) {
  const Window window = BusyWindow();
  TopView view;
  for (size_t page = 0; page < kTopPages; ++page) {
    view.page = static_cast<TopPage>(page);
    const auto lines = TopLines(window, SomeFacts(), view, 0, {120, false, true, false});
    EXPECT_EQ(lines[1], "stalled now: cpu1 for 704ms, 11 items wait, by hog_fn on kworker/1:0[28]");
  }
}

TEST(TopScreenTest, AStarvedPoolNamesTheTaskThatHasItsCpu) {
  Window window = BusyWindow();
  window.pools[0].stall->holders.clear();
  window.pools[0].on_cpu = Task{"python3", static_cast<Pid>(4711), 49};
  const auto lines = TopLines(window, SomeFacts(), {}, 0, {120, false, true, false});
  EXPECT_NE(lines[1].find("by python3[4711] (rt 50)"), std::string::npos) << lines[1];
}

TEST(TopScreenTest, TheSelectedRowIsOnTheScreenAndMarked) {
  const Window window = BusyWindow();
  const TopFacts facts = SomeFacts();
  TopView view;
  view.interactive = true;
  const std::vector<std::string> rows = TopRows(window, facts, view);
  ASSERT_EQ(rows.size(), 60u);
  EXPECT_EQ(rows.front().rfind("a_function_with_quite_a_long_name_59", 0), 0u) << "worst p99";
  for (const std::string& row : {rows.front(), rows[30], rows.back()}) {
    view.selected = row;
    size_t marked = 0;
    for (const std::string& line : TopLines(window, facts, view, 24, {250, false, true, false})) {
      if (line[0] != '>') continue;
      ++marked;
      EXPECT_NE(line.find(row.substr(0, row.find(' '))), std::string::npos);
    }
    EXPECT_EQ(marked, 1u);
  }
}

TEST(TopScreenTest, OfAFunctionTheSlowestItemsAreShown) {
  const Window window = BusyWindow();
  TopView view;
  view.story = true;
  view.selected = TopRows(window, SomeFacts(), view).front();
  const std::string text =
      Joined(TopLines(window, SomeFacts(), view, 0, {120, false, true, false}));
  EXPECT_NE(text.find("QUEUED BY"), std::string::npos) << text;
  EXPECT_NE(text.find("task fio"), std::string::npos) << text;
}

TEST(TopScreenTest, OfAStallItsStoryIsShown) {
  const Window window = BusyWindow();
  TopView view;
  view.story = true;
  for (const TopPage page : {TopPage::kPools, TopPage::kStalls}) {
    view.page = page;
    view.selected = TopRows(window, SomeFacts(), view).front();
    const std::string text =
        Joined(TopLines(window, SomeFacts(), view, 0, {120, false, true, false}));
    EXPECT_NE(text.find("started nothing for 704ms"), std::string::npos) << text;
    EXPECT_NE(text.find("hog_fn on kworker/1:0 (28)"), std::string::npos) << text;
  }
}

TEST(TopScreenTest, ARowThatIsGoneIsNoStory) {
  TopView view;
  view.story = true;
  view.selected = "gone";
  const auto lines = TopLines(BusyWindow(), SomeFacts(), view, 0, {80, false, true, false});
  EXPECT_NE(Joined(lines).find("That row is gone"), std::string::npos);
}

TEST(TopScreenTest, NamesCannotSteerTheTerminal) {
  Window window = BusyWindow();
  window.functions[0].function = "\x1b[2Jevil\n";
  window.pools[0].stall->holders[0].function = "\x1b]0;evil\x07";
  TopView view;
  for (const std::string& line :
       TopLines(window, SomeFacts(), view, 0, {250, false, true, false})) {
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
    EXPECT_EQ(line.find('\x07'), std::string::npos);
  }
}

TEST(TopScreenTest, BeforeTheFirstEventThereIsNothing) {
  const auto lines = TopLines({}, SomeFacts(), {}, 24, {80, false, true, false});
  EXPECT_EQ(lines.size(), 24u);
  EXPECT_EQ(lines[1], "no pool is stalled");
  EXPECT_EQ(lines[3], "nothing to show yet");
}

}  // namespace
}  // namespace wqprof
