// SPDX-License-Identifier: Apache-2.0
#include "perf/facts.h"

#include <algorithm>

#include "perf/record_types.h"
#include "wqprof/byte_cursor.h"
#include "wqprof/types.h"

namespace wqprof {
namespace {

enum Feature : uint32_t {
  kBuildId = 2,
  kHostName = 3,
  kOsRelease = 4,
  kArch = 6,
  kCpus = 7,
  kCompression = 27,
  kClockData = 29,
};
constexpr uint16_t kCpuMode = 7, kKernelMode = 1;  // of misc
constexpr uint16_t kMapHasBuildId = 1 << 14, kBuildIdHasSize = 1 << 15;
constexpr std::string_view kKernel = "[kernel.kallsyms]";
constexpr size_t kBuildIdBytes = 20;

std::string_view UntilNul(std::string_view text) { return text.substr(0, text.find('\0')); }

// Bytes of a hostile name are not printed as they are.
std::string Text(std::string_view data) {
  ByteCursor in(data, false);
  constexpr size_t kMost = 256;
  std::string out(UntilNul(in.Bytes(in.U32())).substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

// A file name that stands for the kernel itself, with the symbol that it is named after.
bool IsKernel(std::string_view name) { return name.starts_with(kKernel); }

}  // namespace

uint64_t MostOfFeature(uint32_t bit) {
  switch (bit) {
    case kTracingDataFeature:
      return uint64_t{256} << 20;
    case kBuildId:
      return uint64_t{16} << 20;
    case kHostName:
    case kOsRelease:
    case kArch:
    case kCpus:
    case kCompression:
    case kClockData:
      return 4096;
    default:
      return 0;
  }
}

void AddFeature(uint32_t bit, std::string_view data, PerfFacts& facts) {
  ByteCursor in(data, false);
  switch (bit) {
    case kTracingDataFeature:
      facts.tracing_data = data;
      break;
    case kBuildId:
      while (data.size() >= 8) {
        const size_t size = LoadAs<false, uint16_t>(data.data() + 6);
        if (size < 8 || size > data.size()) break;
        AddBuildId(LoadAs<false, uint16_t>(data.data() + 4), data.substr(8, size - 8), facts);
        data.remove_prefix(size);
      }
      break;
    case kHostName:
      facts.host = Text(data);
      break;
    case kOsRelease:
      facts.release = Text(data);
      break;
    case kArch:
      facts.arch = Text(data);
      break;
    case kCpus:
      if (const uint32_t cpus = in.U32(); in.ok() && cpus <= static_cast<uint32_t>(kMaxCpus)) {
        facts.cpus = static_cast<int>(cpus);
      }
      break;
    case kCompression:
      facts.compressed = true;
      break;
    case kClockData: {
      const uint32_t version = in.U32();
      const uint32_t id = in.U32();
      const uint64_t wall = in.U64(), clock = in.U64();
      if (in.ok() && version == 1) facts.clocks = {id, wall, clock};
      break;
    }
    default:
      break;
  }
}

void AddBuildId(uint16_t misc, std::string_view body, PerfFacts& facts) {
  ByteCursor in(body, false);
  in.U32();  // pid
  const std::string_view id = in.Bytes(24);
  const std::string_view name = UntilNul(in.rest());
  if (!in.ok() || (misc & kCpuMode) != kKernelMode || !IsKernel(name)) return;
  const size_t size =
      misc & kBuildIdHasSize ? static_cast<uint8_t>(id[kBuildIdBytes]) : kBuildIdBytes;
  facts.build_id = id.substr(0, std::min(size, kBuildIdBytes));
}

void AddMap(const PerfRecord& record, PerfFacts& facts) {
  ByteCursor in(record.body, false);
  in.U64();  // pid, tid
  in.U64();  // address
  in.U64();  // length
  const uint64_t symbol_at = in.U64();
  std::string_view id;
  if (record.type == kMmap2) {
    const std::string_view identity = in.Bytes(24);
    in.U64();  // protection, flags
    if (in.ok() && (record.misc & kMapHasBuildId) != 0) {
      id = identity.substr(4, std::min<size_t>(static_cast<uint8_t>(identity[0]), kBuildIdBytes));
    }
  }
  const std::string_view name = UntilNul(in.rest());
  if (!in.ok() || (record.misc & kCpuMode) != kKernelMode || !IsKernel(name) || facts.base) return;
  facts.base = KernelBase{std::string(name.substr(kKernel.size())), symbol_at};
  if (!id.empty()) facts.build_id = id;
}

}  // namespace wqprof
