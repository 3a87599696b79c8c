// SPDX-License-Identifier: Apache-2.0
// What an event costs who looks at a recording that goes on, by the number of CPUs: feeds made-up
// pages round by round, as `wqprof stat` takes them from a kernel, and prints the CPU time.
//   live_feed CPUS [MEGABYTES]; see README.md beside this file
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/stretch.h"
#include "wqprof/analyze.h"
#include "wqprof/interval.h"
#include "wqprof/page_feed.h"
#include "wqprof/pipeline.h"

namespace wqprof::testing {
namespace {

using std::chrono_literals::operator""ms;

constexpr Nanos kRound = 10ms;  // as a recorder reads a busy machine
constexpr uint32_t kPageSize = 4096;

int64_t StampOf(std::string_view page) {
  int64_t stamp;
  std::memcpy(&stamp, page.data(), sizeof stamp);
  return stamp;
}

// Feeds all pages of a stretch, those of a round that begin in it.
void Feed(const Stretch& stretch, PageFeed& feed, Pipeline& pipeline) {
  std::vector<std::string_view> rest;
  for (const DatBuffer::CpuData& cpu : stretch.cpus()) rest.emplace_back(cpu.pages);
  int64_t now = INT64_MAX;
  for (const std::string_view pages : rest) now = std::min(now, StampOf(pages));
  for (bool more = true; more;) {
    now += kRound.count();
    more = false;
    for (size_t i = 0; i < rest.size(); ++i) {
      size_t size = 0;
      while (size < rest[i].size() && StampOf(rest[i].substr(size)) < now) size += kPageSize;
      feed.Add(static_cast<Cpu>(stretch.cpus()[i].cpu),
               std::as_bytes(std::span(rest[i].substr(0, size))));
      rest[i].remove_prefix(size);
      more |= !rest[i].empty();
    }
    feed.EndRound();
    if (!pipeline.Poll().ok()) std::abort();
  }
}

int Measure(int cpus, size_t megabytes) {
  Stretch stretch({.cpus = cpus}, kPageSize);
  auto feed = PageFeed::Create(stretch.Metadata(), [](Pid) { return std::string(); });
  if (!feed.ok()) std::abort();
  Pipeline pipeline(**feed);
  Analyzer analyzer(**feed, pipeline.model(), {});
  IntervalCollector intervals(**feed, pipeline.model(), {}, 10ms);
  pipeline.Attach(analyzer);
  pipeline.Attach(intervals);
  std::clock_t used = 0;
  for (size_t fed = 0; fed < megabytes << 20; stretch.MoveOn()) {
    const std::clock_t before = std::clock();
    Feed(stretch, **feed, pipeline);
    (*feed)->UpdateStats();
    (void)intervals.Cut(pipeline.now());
    used += std::clock() - before;
    for (const DatBuffer::CpuData& cpu : stretch.cpus()) fed += cpu.pages.size();
  }
  const auto events = static_cast<double>((*feed)->stats().events);
  const double ns = static_cast<double>(used) * (1e9 / CLOCKS_PER_SEC) / events;
  std::printf("%d CPUs: %.0f events, %.1f ns of CPU time each\n", cpus, events, ns);
  return 0;
}

}  // namespace
}  // namespace wqprof::testing

int main(int argc, char** argv) {
  const int cpus = argc > 1 ? std::atoi(argv[1]) : 0;
  const int megabytes = argc > 2 ? std::atoi(argv[2]) : 256;
  if (cpus < 1 || cpus > 1024 || megabytes < 1) {
    std::fprintf(stderr, "usage: live_feed CPUS [MEGABYTES]\n");
    return 2;
  }
  return wqprof::testing::Measure(cpus, static_cast<size_t>(megabytes));
}
