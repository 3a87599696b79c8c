// SPDX-License-Identifier: Apache-2.0
// The work of sorting a window does not depend on where in it the events lie.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

#include "trace/time_sorter.h"

namespace wqprof::testing {
namespace {

Timestamp At(int64_t ns) { return Timestamp(Nanos(ns)); }

// Events of some CPUs within `length` ns, one CPU after another, each in order of time.
std::vector<Event> Burst(int cpus, int each, int64_t length) {
  std::mt19937 random(7);
  std::vector<Event> out;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    std::vector<int64_t> times;
    for (int i = 0; i < each; ++i) {
      times.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(length)));
    }
    std::sort(times.begin(), times.end());
    for (const int64_t time : times) {
      Event e{};
      e.at = At(time);
      e.cpu = static_cast<Cpu>(cpu);
      e.kind = EventKind::kQueueWork;
      out.push_back(e);
    }
  }
  return out;
}

std::vector<std::pair<Timestamp, Cpu>> OrderOf(const std::vector<Event>& events) {
  std::vector<std::pair<Timestamp, Cpu>> out;
  for (const Event& e : events) out.emplace_back(e.at, e.cpu);
  return out;
}

TEST(TimeSorterTest, ABurstInALongWindowIsNotSortedOneByOne) {
  for (const int64_t window : {60'000, 1'000'000, 100'000'000, 1'000'000'000}) {
    std::vector<Event> in = Burst(4, 375, 60'000);
    Event straggler = in.back();
    straggler.at = At(window);
    in.push_back(straggler);
    std::vector<Event> out(in.size());
    TimeSorter sorter;
    sorter.Sort(in, At(0), At(window), out);
    std::stable_sort(in.begin(), in.end(), [](const Event& a, const Event& b) {
      return std::tie(a.at, a.cpu) < std::tie(b.at, b.cpu);
    });
    EXPECT_EQ(OrderOf(out), OrderOf(in));
    // Two rounds of merging four CPUs, and the neighbours within a bucket.
    EXPECT_LE(sorter.moves(), 3 * in.size()) << window;
  }
}

TEST(TimeSorterTest, AllAtOneInstantStayInTheOrderOfTheirCpus) {
  std::vector<Event> in = Burst(8, 100, 1);
  std::vector<Event> out(in.size());
  TimeSorter sorter;
  sorter.Sort(in, At(0), At(0), out);
  EXPECT_EQ(OrderOf(out), OrderOf(in));
  EXPECT_EQ(sorter.moves(), 0u);
}

}  // namespace
}  // namespace wqprof::testing
