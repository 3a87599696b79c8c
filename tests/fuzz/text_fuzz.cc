// SPDX-License-Identifier: Apache-2.0
// Any bytes as an input: recognised, unwrapped, read to its end, reconstructed and analysed.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "wqprof/analyze.h"
#include "wqprof/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = memfd_create("input", 0);
  if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size)) std::abort();
  wqprof::InputOptions options;
  options.trace.threads = 1;  // the same run for the same input
  auto source = wqprof::OpenInput(fmt::format("/proc/self/fd/{}", fd), options);
  if (source.ok()) {
    wqprof::AnalyzeOptions all;
    all.by_origin = all.by_cpu = all.by_pool = all.by_worker = true;
    const auto report = wqprof::Analyze(**source, all);
    if (report.ok() && report->read.begin > report->read.end) std::abort();
  }
  close(fd);
  return 0;
}
