// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

// Each write to a pseudo-terminal queues a work, so each line is one write.
void WriteToTerminal(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

bool TerminalErases() {
  const char* const term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

std::string RecordingText(Nanos elapsed, const RecordingStats& stats, uint64_t bytes) {
  return fmt::format("{:.1f} s, {} events, {:.1f} MB, lost {}",
                     std::chrono::duration<double>(elapsed).count(), CountText(stats.events),
                     static_cast<double>(bytes) / 1e6, CountText(stats.lost));
}

ProgressLine::ProgressLine(bool wanted) : on_(wanted && TerminalErases()) {}

ProgressLine::~ProgressLine() {
  if (shown_) WriteToTerminal(std::string(kEraseLine));
}

void ProgressLine::Show(const std::string& text) {
  if (!on_) return;
  shown_ = true;
  WriteToTerminal(std::string(kEraseLine) + text);
}

}  // namespace wqprof
