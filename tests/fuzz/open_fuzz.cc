// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file: opened, read to its end, reconstructed and analysed.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "wqprof/analyze.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = memfd_create("trace", 0);
  if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size)) std::abort();
  wqprof::OpenOptions options;
  options.threads = 1;  // the same run for the same input
  auto source = wqprof::OpenTrace(fmt::format("/proc/self/fd/{}", fd), options);
  if (source.ok()) {
    wqprof::AnalyzeOptions all;
    all.by_origin = all.by_cpu = all.by_pool = all.by_worker = true;
    const auto report = wqprof::Analyze(**source, all);
    if (report.ok() && report->read.begin > report->read.end) std::abort();
  }
  close(fd);
  return 0;
}
