// SPDX-License-Identifier: Apache-2.0
// Any bytes as a perf.data, file or pipe: opened, read to its end, reconstructed and analysed.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "wqprof/analyze.h"
#include "wqprof/perf_data.h"

namespace {

// A pipe that gives a few bytes at a time.
class Bytes : public wqprof::ByteStream {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}
  absl::StatusOr<size_t> Read(std::span<char> out) override {
    const size_t n = std::min({out.size(), rest_.size(), size_t{4099}});
    std::copy_n(rest_.data(), n, out.data());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

absl::StatusOr<std::unique_ptr<wqprof::EventSource>> Open(std::string_view bytes) {
  // No symbols of the machine that this runs on.
  const wqprof::PerfSymbols none = {"", "", ""};
  if (wqprof::PerfFormOf(bytes) == wqprof::PerfForm::kPipe) {
    return wqprof::OpenPerfPipe(std::make_unique<Bytes>(bytes), "fuzz", none);
  }
  const int fd = memfd_create("perf.data", 0);
  if (fd < 0 || write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  return wqprof::OpenPerfFile(fd, "fuzz", none);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = Open({reinterpret_cast<const char*>(data), size});
  if (!source.ok()) return 0;
  wqprof::AnalyzeOptions all;
  all.by_origin = all.by_cpu = all.by_pool = all.by_worker = true;
  const auto report = wqprof::Analyze(**source, all);
  if (report.ok() && report->read.begin > report->read.end) std::abort();
  return 0;
}
