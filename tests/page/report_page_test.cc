// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "page/cells.h"
#include "page/html.h"
#include "wqprof/page.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

constexpr std::string_view kHostile = "</script><b onclick='x'>\"&amp; \u202e\x1b[31m\xff";

// A name that is long, unlike others, and has what HTML takes for its own.
std::string NameOf(uint64_t i) {
  return fmt::format("{}{}{}", kHostile, std::string(300, static_cast<char>('a' + i % 26)), i);
}

// Numbers that no packing makes small.
class Noise {
 public:
  uint64_t Next() {
    return state_ = state_ * 6364136223846793005u + 1442695040888963407u, state_ >> 33;
  }

 private:
  uint64_t state_ = 1;
};

Timestamp At(int64_t ns) { return Timestamp(Nanos(ns)); }

// A report of everything, more of it than any page can hold.
class Everything {
 public:
  static constexpr int64_t kSpan = 1'000'000'000'000;

  Everything() {
    report_.source.path = "/somewhere/" + std::string(kHostile);
    report_.source.machine = report_.source.kernel = std::string(kHostile);
    report_.source.has_sched = true;
    report_.read.begin = At(0);
    report_.read.end = At(kSpan);
    report_.duration = Nanos(kSpan);
    report_.stall_threshold = Nanos(10'000'000);
    report_.filters.assign(1000, NameOf(7));
    FillFunctions();
    FillStalls();
    FillPools();
    FillFindings();
    FillData();
  }

  std::string Page() const {
    return ReportPage(report_, timeline_, data_, {"1.0", {}, std::string(1 << 20, '<')});
  }

 private:
  void FillFunctions() {
    for (uint64_t i = 0; i < 1000; ++i) {
      FunctionRow row{NameOf(i), NameOf(i + 1), NameOf(i + 2), {}};
      for (int k = 0; k < 40; ++k) {
        const Nanos value(static_cast<int64_t>(noise_.Next() << (noise_.Next() % 12)));
        for (Histogram& histogram : row.measures.durations) histogram.Add(value);
      }
      row.measures.executed = row.measures.queued = 40;
      row.measures.split.waits = row.measures.split.runs = 40;
      row.measures.split.wait.hold = row.measures.split.run.on_cpu = Nanos(noise_.Next());
      report_.functions.push_back(std::move(row));
    }
  }
  void FillStalls() {
    for (uint64_t i = 1; i <= 500; ++i) {
      Stall stall;
      stall.id = i;
      stall.pool = NameOf(i);
      stall.begin = At(static_cast<int64_t>(i) * 500'000'000);
      stall.duration = Nanos(noise_.Next() % 400'000'000);
      stall.cause = StallCause::kCpuHog;
      for (uint64_t k = 0; k < 12; ++k) {
        StallHolder holder;
        holder.function = holder.workqueue = holder.worker = NameOf(k);
        stall.holders.push_back(holder);
        stall.delayed.push_back({NameOf(k), NameOf(k), 5, 5, Nanos(5), {{"task", NameOf(k), 5}}});
      }
      report_.stalls.push_back(std::move(stall));
    }
    report_.stalls_total = 100'000;
  }
  void FillPools() {
    constexpr size_t kBins = TimelineCollector::kBins;
    timeline_.begin = At(0);
    timeline_.end = At(kSpan);
    timeline_.bins = kBins;
    timeline_.bin = Nanos(kSpan / kBins + 1);
    for (uint64_t i = 0; i < 3000; ++i) timeline_.functions.push_back({NameOf(i), Nanos(5)});
    for (uint64_t i = 0; i < 100; ++i) {
      PoolRow row;
      row.occupancy.pool.name = NameOf(i);
      row.occupancy.backlog_max = 1'000'000;
      report_.pools.push_back(row);
      TimelinePool pool;
      pool.pool.name = NameOf(i);
      pool.backlog_max = 1000;
      for (size_t bin = 0; bin < kBins; ++bin) {
        pool.backlog_mean.push_back(static_cast<double>(noise_.Next() % 1000));
        pool.busy_mean.push_back(1);
        pool.backlog_most.push_back(static_cast<uint32_t>(noise_.Next() % 1000));
        pool.stalled_in.push_back(Nanos(noise_.Next() % 1000));
      }
      for (int k = 0; k < 20; ++k) pool.lanes.push_back(Lane(k));
      timeline_.pools.push_back(std::move(pool));
    }
  }
  TimelineLane Lane(int pid) {
    TimelineLane lane;
    lane.worker = NameOf(static_cast<uint64_t>(pid));
    lane.pid = static_cast<Pid>(pid);
    for (size_t bin = 0; bin < timeline_.bins; ++bin) {
      lane.busy_in.push_back(Nanos(noise_.Next() % 400'000'000));
      lane.function.push_back(static_cast<uint32_t>(noise_.Next() % 3000));
    }
    return lane;
  }
  void FillFindings() {
    for (uint64_t i = 1; i <= 200; ++i) {
      Finding finding;
      finding.id = i;
      finding.pool = finding.workqueue = finding.function = NameOf(i);
      finding.others.assign(50, NameOf(i));
      finding.culprits.assign(50, {NameOf(i), NameOf(i), {}, Nanos(5)});
      finding.delayed.assign(50, {NameOf(i), NameOf(i), 5, Nanos(5)});
      finding.stall_ids = {i, i + 1};
      report_.findings.push_back(std::move(finding));
    }
  }
  void FillData() {
    data_.begin = At(0);
    data_.bins = PageCollector::kBins;
    data_.bin = Nanos(kSpan / PageCollector::kBins + 1);
    for (uint64_t i = 0; i <= 64; ++i) {
      HeatMap map;
      if (i > 0) map.workqueue = map.function = NameOf(i);
      for (auto& row : map.rows) {
        for (size_t bin = 0; bin < data_.bins; ++bin) {
          row.push_back(static_cast<uint32_t>(noise_.Next()));
        }
      }
      data_.heat.push_back(std::move(map));
    }
    for (uint64_t i = 0; i < PageCollector::kSlices; ++i) {
      const int64_t from = static_cast<int64_t>(noise_.Next() % kSpan);
      data_.slices.push_back(
          {At(from), At(from + 400'000'000), NameOf(i), NameOf(i % 100), static_cast<Pid>(i % 20)});
    }
    data_.executions = 1'000'000;
    data_.items = {
        .key = "works", .title = "", .columns = {{"function"}, {"workqueue"}, {"worker"}}};
    for (uint64_t i = 0; i < PageCollector::kItems; ++i) {
      data_.items.rows.push_back({NameOf(i), NameOf(i), NameOf(i)});
      data_.item_places.push_back({i, At(5), At(500), NameOf(i), NameOf(i), NameOf(i), Nanos(495)});
    }
    data_.items_seen = 1'000'000;
  }

  Noise noise_;
  Report report_;
  Timeline timeline_;
  PageData data_;
};

// Its page, made once.
const std::string& PageOfAll() {
  static const std::string page = Everything().Page();
  return page;
}

TEST(PageOfEverything, IsSmallerThanAMegabyte) {
  const std::string& page = PageOfAll();
  EXPECT_LT(page.size(), 1'000'000u);
  EXPECT_GT(page.size(), 500'000u) << "this is no worst case any more";
}

TEST(PageOfEverything, SaysWhatWasLeftOut) {
  const std::string& page = PageOfAll();
  for (const std::string_view said :
       {" of 100,000 stalls are on this page", " of 1,000 functions are on this page",
        " of 1,000,000 items are on this page", " of 200 findings are on this page", "84 pools",
        "functions without a heat map of its own", "(the rest is left out)"}) {
    EXPECT_NE(page.find(said), std::string::npos) << said;
  }
}

// What a trace names is text wherever it stands: no element, no attribute, no end of the script.
TEST(PageOfEverything, HasNoElementThatATraceMade) {
  std::string page = PageOfAll();
  // In the data a name is a string, whose '<' is written otherwise.
  const size_t data = page.find("id=\"data\">"), end = page.find("</script", data);
  EXPECT_EQ(page.substr(data, end - data).find('<'), std::string::npos);
  page.erase(data, end - data);
  EXPECT_EQ(page.find("<b"), page.find("<body"));
  EXPECT_EQ(page.find("<b", page.find("<body") + 1), page.find("<button"));
  size_t ends = 0;
  for (size_t at = 0; (at = page.find("</script", at)) != std::string::npos; ++at) ++ends;
  EXPECT_EQ(ends, 2u);
  EXPECT_EQ(page.find("onclick='x'"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
}

TEST(Page, OfNothingSaysThatNothingIsKnown) {
  Report report;
  report.recorded = WorkqueueEvents();
  report.source.clock_is_ns = false;
  const std::string page = ReportPage(report, {}, {}, {"1.0", {}});
  EXPECT_NE(page.find("not known"), std::string::npos);
  EXPECT_EQ(page.find("id=\"timeline\""), std::string::npos);
  EXPECT_EQ(page.find("id=\"stalls\""), std::string::npos);
}

TEST(Page, EscapesWhatHtmlTakesForItsOwn) {
  EXPECT_EQ(Html("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(HtmlName("x\x1b<"), "x\\x1b&lt;");
  EXPECT_LE(HtmlName(std::string(100'000, 'x')).size(), kNameWidth + 3);
}

TEST(Page, CutsLinesBetweenCharacters) {
  const std::string cut = HtmlLines("\u00e4\u00e4\u00e4", 3);
  EXPECT_EQ(cut.substr(0, 3), "\u00e4\n");
  EXPECT_EQ(HtmlLines("a<b", 3).substr(0, 2), "a\n");
  EXPECT_EQ(HtmlLines("a<b", 6), "a&lt;b");
}

TEST(PageCells, TellFewFromNoneAndMuchFromMore) {
  EXPECT_EQ(CountByte(0), 0);
  EXPECT_EQ(CountByte(1), 1);
  EXPECT_EQ(CountByte(2), 9);
  EXPECT_LE(CountByte(UINT64_MAX), 255);
  EXPECT_EQ(ShareByte(0, 5), 0);
  EXPECT_EQ(ShareByte(1e-9, 5), 1);
  EXPECT_EQ(ShareByte(5, 5), 255);
  EXPECT_EQ(ShareByte(9, 5), 255);
  EXPECT_EQ(ShareByte(5, 0), 0);
}

TEST(PageCells, AreBase64) {
  const auto of = [](std::string_view text) {
    return Base64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace wqprof
