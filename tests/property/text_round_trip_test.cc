// SPDX-License-Identifier: Apache-2.0
// Traces of simulated machines, printed in each layout and read back.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/pool_simulator.h"
#include "support/read_dat.h"
#include "support/text_printer.h"

namespace wqprof::testing {
namespace {

// What a line of a layout cannot hold.
Event AsPrinted(Event event, PrintedBy by) {
  const int64_t ns = event.at.time_since_epoch().count();
  event.at = Timestamp(Nanos(ns - ns % 1000));
  if (by == PrintedBy::kNoFlags || by == PrintedBy::kPerfScript) {
    event.flags = 0;
    // Who queued it, the idle task or an interrupt, is not to be seen.
    if (event.kind == EventKind::kQueueWork && event.pid == Pid{0}) event.pid = Pid::kNone;
  }
  event.flags &= kFlagIrqsOff | kFlagsOfInterrupts;
  const bool raw = by == PrintedBy::kTraceCmdRaw;
  if (event.kind == EventKind::kActivateWork && !raw) event.work.function = NameId::kUnknown;
  if (event.kind == EventKind::kExecuteEnd && by == PrintedBy::kOldTrace) {
    event.work.function = NameId::kUnknown;
  }
  return event;
}

std::vector<Event> ReadAll(EventSource& source) {
  std::vector<Event> out;
  while (true) {
    const auto events = source.Next();
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok() || events->empty()) return out;
    out.insert(out.end(), events->begin(), events->end());
  }
}

void CheckRoundTrip(const SimulationOptions& options, PrintedBy by, size_t piece) {
  SCOPED_TRACE(fmt::format("seed {}, {}, pieces of {}", options.seed, NameOf(by), piece));
  Simulation sim = Simulate(options);
  const std::string text = PrintAsText(sim.trace, by);
  sim.trace.Rewind();
  std::vector<std::string> expected;
  for (const Event& event : ReadAll(sim.trace)) {
    if (event.kind > EventKind::kExecuteEnd) continue;
    expected.push_back(Describe(AsPrinted(event, by), sim.trace.names()));
  }
  auto source =
      TextSource::Open(StreamOf(text, piece), {.path = "text", .stamp_unit = {}, .log = nullptr});
  ASSERT_TRUE(source.ok()) << source.status();
  const std::vector<Event> events = ReadAll(**source);
  const std::vector<std::string> read = Describe(events, (*source)->names());
  ASSERT_EQ(read.size(), expected.size());
  for (size_t i = 0; i < read.size(); ++i) ASSERT_EQ(read[i], expected[i]);
  EXPECT_EQ((*source)->stats().unread_lines, 0u) << (*source)->stats().first_unread_line;
  EXPECT_EQ((*source)->info().resolution, Nanos(1000));
  if (by == PrintedBy::kLatency || by == PrintedBy::kConsole) return;  // names are cut
  for (const Event& event : events) {
    if (event.pid == Pid{0} || event.pid == Pid::kNone) continue;
    ASSERT_EQ((*source)->names().Get((*source)->CommOf(event.pid)),
              sim.trace.names().Get(sim.trace.CommOf(event.pid)));
  }
}

TEST(TextRoundTrip, IsTheSameTraceInEveryLayout) {
  for (uint64_t seed = 1; seed <= 5 && !::testing::Test::HasFailure(); ++seed) {
    SimulationOptions options;
    options.seed = seed;
    for (const PrintedBy by : kAllPrinters) CheckRoundTrip(options, by, SIZE_MAX);
  }
}

TEST(TextRoundTrip, IsTheSameHoweverTheBytesArrive) {
  SimulationOptions options;
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    CheckRoundTrip(options, PrintedBy::kTrace, piece);
  }
}

}  // namespace
}  // namespace wqprof::testing
