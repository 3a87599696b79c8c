// SPDX-License-Identifier: Apache-2.0
// Events of a recording that is still going on.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/dat_encoder.h"
#include "support/dat_metadata.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"
#include "wqprof/page_feed.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// The pages of a trace, as a recorder hands them over, and the feed that takes them.
class TracePageFeedTest : public ::testing::Test {
 protected:
  void Begin(const TraceBuilder& trace) {
    DatFile dat = EncodeDat(trace);
    const TraceMetadata metadata = MetadataOf(dat);
    for (const DatBuffer::CpuData& cpu : dat.buffers.at(0).cpus) pages_[cpu.cpu] = cpu.pages;
    page_size_ = dat.page_size;
    auto feed = PageFeed::Create(metadata, [this](Pid pid) {
      ++asked_[ToInt(pid)];
      return ToInt(pid) == 77 ? "late" : "";
    });
    ASSERT_TRUE(feed.ok()) << feed.status();
    feed_ = *std::move(feed);
  }
  // Hands over the next page of a CPU; false when it has no more.
  bool AddPage(uint32_t cpu) {
    std::string& rest = pages_[cpu];
    if (rest.empty()) return false;
    const std::string page = rest.substr(0, page_size_);
    rest.erase(0, page_size_);
    feed_->Add(static_cast<Cpu>(cpu), std::as_bytes(std::span(page)));
    return true;
  }
  // Hands over all pages that begin by `now`, as a round at that time does; false when there are
  // none left.
  bool AddRound(Nanos now) {
    for (auto& [cpu, rest] : pages_) {
      uint64_t stamp = 0;
      while (!rest.empty()) {
        std::memcpy(&stamp, rest.data(), sizeof stamp);
        if (stamp > static_cast<uint64_t>(now.count())) break;
        AddPage(cpu);
      }
    }
    return !pages_[0].empty() || !pages_[1].empty();
  }
  std::vector<std::string> Take() {
    std::vector<Event> events;
    while (true) {
      const auto run = feed_->Next();
      EXPECT_TRUE(run.ok());
      if (run->empty()) break;
      events.insert(events.end(), run->begin(), run->end());
    }
    return Describe(events, feed_->names());
  }

  std::map<uint32_t, std::string> pages_;
  std::map<int, int> asked_;
  size_t page_size_ = 0;
  std::unique_ptr<PageFeed> feed_;
};

TraceBuilder TwoCpus(int works) {
  TraceBuilder t;
  for (int i = 0; i < works; ++i) {
    // CPU 1 is quiet at first.
    const bool second = i % 3 == 0 && i > works / 2;
    const WorkAddr work{0x1000u + static_cast<uint64_t>(i % 50) * 0x100};
    t.Put(i * 2us, second ? kOtherTask : kTask, work);
    t.Run(i * 2us + 500ns, i * 2us + 900ns, second ? kWorkerOn1 : kWorker, work);
  }
  return t;
}

TEST_F(TracePageFeedTest, GivesWhatTheFileGives) {
  const TraceBuilder trace = TwoCpus(3000);
  Begin(trace);
  std::vector<std::string> live;
  const auto add = [&](std::vector<std::string> more) {
    live.insert(live.end(), more.begin(), more.end());
  };
  // A page lasts for less than that, so that no round brings what the next one should have.
  Nanos now = 1ms;
  for (bool more = true; more; now += 1ms) {
    more = AddRound(now);
    feed_->EndRound();
    add(Take());
  }
  EXPECT_GT(now, 5ms);
  EXPECT_FALSE(live.empty());
  feed_->EndAll();
  add(Take());
  feed_->UpdateStats();
  const ReadBack file = ReadBytes(EncodeDat(trace).Assemble());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(live, file.Lines());
  EXPECT_EQ(feed_->stats().events, file.source->stats().events);
  EXPECT_EQ(feed_->stats().begin, file.source->stats().begin);
  EXPECT_EQ(feed_->stats().end, file.source->stats().end);
  EXPECT_EQ(feed_->stats().events_by_name, file.source->stats().events_by_name);
  EXPECT_EQ(feed_->info().kernel, "6.1.0");
  EXPECT_EQ(feed_->info().machine, "host");
  EXPECT_TRUE(feed_->info().clock_is_ns);
}

TEST_F(TracePageFeedTest, HoldsBackWhatAnotherCpuMayStillPrecede) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA).Put(2ms, kOtherTask, kWorkB).Put(3ms, kTask, kWorkC);
  Begin(t);
  ASSERT_TRUE(AddPage(0));
  feed_->EndRound();
  // The events of CPU 0 are known up to 3 ms, those of CPU 1 are not.
  EXPECT_TRUE(Take().empty());
  ASSERT_TRUE(AddPage(1));
  feed_->EndRound();
  const std::vector<std::string> now = Take();
  ASSERT_EQ(now.size(), 6u);  // queue and activate of each, in order of time
  EXPECT_NE(now[2].find("[1]"), std::string::npos) << now[2];
}

TEST_F(TracePageFeedTest, AQuietCpuHoldsNothingBackForLongerThanARound) {
  Begin(TwoCpus(200));
  ASSERT_TRUE(AddPage(0));
  feed_->EndRound();
  EXPECT_TRUE(Take().empty());
  feed_->EndRound();  // nothing new at all: what was seen before is certain
  EXPECT_FALSE(Take().empty());
}

TEST_F(TracePageFeedTest, ACpuThatHasMoreIsKnownAsFarAsItWasRead) {
  Begin(TwoCpus(3000));
  ASSERT_TRUE(AddPage(0));
  ASSERT_TRUE(AddPage(1));
  feed_->EndRound();
  EXPECT_TRUE(Take().empty());
  // CPU 1 began late: its first page reaches further than that of CPU 0.
  const Cpu behind[] = {Cpu{0}};
  feed_->EndRound(behind);
  const std::vector<std::string> first = Take();
  EXPECT_FALSE(first.empty());
  for (const std::string& line : first) EXPECT_NE(line.find("[0]"), std::string::npos) << line;
  feed_->EndRound();
  const std::vector<std::string> rest = Take();
  EXPECT_FALSE(rest.empty());
  for (const std::string& line : rest) EXPECT_NE(line.find("[1]"), std::string::npos) << line;
}

TEST_F(TracePageFeedTest, LossesStandWhereTheyWere) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA).Loss(2ms, 3ms, 0, 7).Put(4ms, kTask, kWorkB);
  Begin(t);
  while (AddPage(0)) continue;
  feed_->EndAll();
  Take();
  feed_->UpdateStats();
  EXPECT_EQ(feed_->stats().lost_gaps, 1u);
  EXPECT_EQ(feed_->stats().lost_events, 7u);
}

TEST_F(TracePageFeedTest, ALossOfAQuietCpuIsNotOlderThanWhatWasGiven) {
  TraceBuilder t;
  t.Put(1ms, kOtherTask, kWorkA).LossBegin(2ms, 1).Put(10ms, kTask, kWorkB);
  t.LossEnd(12ms, 1).Put(12ms, kOtherTask, kWorkC);
  Begin(t);
  ASSERT_TRUE(AddPage(0));
  ASSERT_TRUE(AddPage(1));
  feed_->EndRound();
  feed_->EndRound();
  EXPECT_EQ(Take().size(), 4u);
  ASSERT_TRUE(AddPage(1));
  feed_->EndAll();
  const std::vector<std::string> rest = Take();
  ASSERT_EQ(rest.size(), 4u);
  EXPECT_NE(rest[0].find("loss-begin"), std::string::npos) << rest[0];
  EXPECT_TRUE(rest[0].starts_with("10000000 [1]")) << rest[0];
}

TEST_F(TracePageFeedTest, TasksThatNoEventNamesAreAskedForOnce) {
  Begin(TwoCpus(1));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(feed_->names().Get(feed_->CommOf(Pid{77})), "late");
    EXPECT_EQ(feed_->CommOf(Pid{78}), NameId::kUnknown);
  }
  EXPECT_EQ(asked_[77], 1);
  EXPECT_EQ(asked_[78], 1);
}

TEST_F(TracePageFeedTest, ATaskHasTheNameThatAnEventGaveItLast) {
  TraceBuilder t = TwoCpus(1);
  t.Fork(1ms, kTask, 77, "bash").Rename(2ms, kTask, 77, "exec");
  Begin(t);
  EXPECT_EQ(feed_->names().Get(feed_->CommOf(Pid{77})), "late");
  while (AddPage(0) || AddPage(1)) {
  }
  feed_->EndAll();
  Take();
  EXPECT_EQ(feed_->names().Get(feed_->CommOf(Pid{77})), "exec");
}

TEST(TracePageFeedMetadataTest, WithoutWorkqueueEventsThereIsNothingToFeed) {
  TraceMetadata metadata;
  const auto feed = PageFeed::Create(metadata, [](Pid) { return std::string(); });
  EXPECT_TRUE(absl::IsDataLoss(feed.status()));
}

}  // namespace
}  // namespace wqprof::testing
