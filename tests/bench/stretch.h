// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_BENCH_STRETCH_H_
#define WQPROF_TESTS_BENCH_STRETCH_H_

#include <cstdint>

#include "bench/made_up_traffic.h"
#include "support/dat_file.h"
#include "wqprof/trace_writer.h"

namespace wqprof::testing {

// Made-up traffic as pages, which follow themselves once their stamps are moved on.
class Stretch {
 public:
  // `page_size` in bytes.
  Stretch(const TrafficStyle& style, uint32_t page_size);

  // What a recorder would have read from tracefs.
  TraceMetadata Metadata() const;
  const std::vector<DatBuffer::CpuData>& cpus() const { return dat_.buffers.front().cpus; }
  size_t page_size() const { return dat_.page_size; }
  // The same pages, as if they were recorded right after these.
  void MoveOn();

 private:
  TrafficStyle style_;
  Nanos length_{};
  DatFile dat_;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_BENCH_STRETCH_H_
