// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Perfetto trace: opened, read to its end, reconstructed and analysed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "wqprof/analyze.h"
#include "wqprof/pftrace.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  wqprof::LooksLikePerfetto(bytes);
  auto source = wqprof::OpenPerfetto(std::make_unique<Bytes>(bytes), "fuzz");
  if (!source.ok()) return 0;
  wqprof::AnalyzeOptions all;
  all.by_origin = all.by_cpu = all.by_pool = all.by_worker = true;
  const auto report = wqprof::Analyze(**source, all);
  if (report.ok() && report->read.begin > report->read.end) std::abort();
  return 0;
}
