// SPDX-License-Identifier: Apache-2.0
#include "live/wall_clock.h"

#include <cstdint>
#include <ctime>
#include <optional>

#include "live/tracefs.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

uint64_t Now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Any clock can be asked for by the stats of a buffer, "mono" more exactly by a system call.
std::optional<uint64_t> TraceClockNow(const std::string& clock, CpuBuffer& buffer) {
  if (clock == "mono") return Now(CLOCK_MONOTONIC);
  buffer.RefreshCounts();
  return ParseCpuStats(buffer.stats_text()).now;
}

}  // namespace

void NoteClocks(const std::string& clock, CpuBuffer& buffer, Settings& settings) {
  // Of a few readings the one that was interrupted least.
  constexpr int kReadings = 5;
  uint64_t stamp = 0, wall = 0, boot = 0, shortest = UINT64_MAX;
  for (int i = 0; i < kReadings; ++i) {
    const uint64_t before = Now(CLOCK_REALTIME);
    const std::optional<uint64_t> now = TraceClockNow(clock, buffer);
    const uint64_t since_boot = Now(CLOCK_BOOTTIME), after = Now(CLOCK_REALTIME);
    if (!now || after < before || after - before >= shortest) continue;
    shortest = after - before;
    stamp = *now;
    wall = before + shortest / 2;
    boot = since_boot;
  }
  if (shortest != UINT64_MAX) {
    settings.Add("trace_stamp", stamp);
    settings.Add("wall_ns", wall);
    settings.Add("boot_ns", boot);
  }
  const FileText boot_id = ReadText("/proc/sys/kernel/random/boot_id");
  if (!boot_id.text.empty()) settings.Add("boot_id", Trimmed(boot_id.text));
}

}  // namespace wqprof
