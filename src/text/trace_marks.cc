// SPDX-License-Identifier: Apache-2.0
#include "text/trace_marks.h"

#include "text/scan.h"

namespace wqprof {
namespace {

// "CPU:1 [LOST 5512 EVENTS]", "CPU:1 [LOST EVENTS]", "CPU:1 [7 EVENTS DROPPED]".
std::optional<LossMark> ReadCpuMark(Scanner scan) {
  LossMark mark;
  int cpu = 0;
  if (!scan.Take("CPU:") || !scan.TakeNumber(cpu) || cpu > kMaxCpus || !scan.Take(" [")) return {};
  mark.cpu = static_cast<Cpu>(cpu);
  uint64_t count = 0;
  if (scan.Take("LOST ")) {
    if (scan.TakeNumber(count) && scan.Take(' ')) mark.count = count;
    return scan.Take("EVENTS]") ? std::optional(mark) : std::nullopt;
  }
  if (scan.TakeNumber(count) && scan.Take(' ')) mark.count = count;
  return scan.Take("EVENTS DROPPED]") ? std::optional(mark) : std::nullopt;
}

int CpusOf(std::string_view line) {
  const size_t at = line.find("#P:");
  int cpus = 0;
  if (at != std::string_view::npos) {
    Scanner scan(line.substr(at + 3));
    scan.TakeNumber(cpus);
  }
  return cpus > 0 && cpus <= kMaxCpus ? cpus : 0;
}

bool IsColumnName(std::string_view line) { return line.find("=> ") != std::string_view::npos; }

}  // namespace

std::optional<LossMark> ReadLossMark(std::string_view line) {
  Scanner scan(line);
  scan.TakeBlanks();
  if (scan.Peek() == 'C') return ReadCpuMark(scan);
  LossMark mark;
  uint64_t count = 0;
  if (!scan.Take("LOST ") || !scan.TakeNumber(count)) return {};
  if (!scan.Take(" events!")) return {};
  mark.count = count;
  return mark;
}

bool HeaderReader::Read(std::string_view line, TraceHeader& header) {
  Scanner scan(line);
  if (scan.Take("cpus=")) {
    int cpus = 0;
    if (!scan.TakeNumber(cpus) || cpus < 1 || cpus > kMaxCpus || !scan.empty()) return false;
    header.seen = true;
    header.cpus = cpus;
    return true;
  }
  scan.TakeBlanks();
  const bool commented = scan.Take('#');
  // Greps and pastes lose the '#': a column's name is known by its arrow.
  if (!commented && line.find("_-") == std::string_view::npos) return false;
  scan.TakeBlanks();
  if (scan.Take("tracer: ")) {
    header.seen = true;
    header.tracer.assign(scan.rest().substr(0, 64));
    columns_ = 0;
    header.columns = {};
    return true;
  }
  if (scan.Take("entries-in-buffer/entries-written: ")) {
    uint64_t entries = 0, written = 0;
    if (scan.TakeNumber(entries) && scan.Take('/') && scan.TakeNumber(written)) {
      header.entries = header.entries.value_or(0) + entries;
      header.written = header.written.value_or(0) + written;
    }
    if (const int cpus = CpusOf(line)) header.cpus = cpus;
    return true;
  }
  constexpr std::string_view kLatency = " latency trace v";
  if (const size_t at = line.find(kLatency); commented && at != std::string_view::npos) {
    const size_t on = line.find(" on ", at);
    if (on != std::string_view::npos) header.kernel.assign(line.substr(on + 4, 128));
    return true;
  }
  if (IsColumnName(line)) {
    if (line.find("=> CPU#") != std::string_view::npos) {
      columns_ = 0;
      return true;
    }
    if (line.find("hardirq/softirq") != std::string_view::npos) header.columns.context = columns_;
    if (columns_ < 16) ++columns_;
    return true;
  }
  if (const int cpus = CpusOf(line)) header.cpus = cpus;
  return commented;
}

}  // namespace wqprof
