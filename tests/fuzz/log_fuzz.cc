// SPDX-License-Identifier: Apache-2.0
// Any text as a kernel log: read, summed up and shown in each format.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wqprof/kernel_log.h"
#include "wqprof/log_line.h"
#include "wqprof/render_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  wqprof::LogLineReader lines;
  wqprof::KernelLogReader reader;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    reader.Add(lines.Read(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const wqprof::KernelLog log = reader.Finish();
  if (log.lockups.size() > wqprof::KernelLog::kMaxRows) std::abort();
  for (const wqprof::Lockup& lockup : log.lockups) {
    if (lockup.boot >= log.boots.size() || lockup.reports == 0) std::abort();
  }
  for (const auto format : {wqprof::Format::kTable, wqprof::Format::kJson, wqprof::Format::kCsv}) {
    if (!wqprof::RenderLog(log, "log", format, {}, {.columns = 80}).ok()) std::abort();
  }
  return 0;
}
