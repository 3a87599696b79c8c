// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_regions.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace/file_cursor.h"

namespace wqprof {
namespace {

// A count of chunks stands before them; trace-cmd leaves it out of the size.
void StepOverChunkCount(uint64_t room, bool big_endian, CpuRegion& region) {
  FileCursor in(*region.file, region.offset, big_endian);
  region.compressed = true;
  region.chunks = in.U32();
  region.offset += sizeof(uint32_t);
  region.size = std::min(region.size, room - std::min<uint64_t>(room, sizeof(uint32_t)));
}

}  // namespace

void UseUnfinishedRegions(uint32_t page_size, TraceDat& dat) {
  dat.info.unfinished = true;
  const Settings& settings = dat.metadata.settings;
  BufferRegions buffer{"", dat.metadata.trace_clock, page_size, {}, false};
  const bool compressed = dat.info.compression == "zstd";
  const auto own_cpu = settings.Number("data_cpu");
  const auto offset = settings.Number("data_offset");
  const InputFile* file = dat.file.get();
  const auto add = [&buffer](Cpu cpu, const InputFile* in, uint64_t begin, uint64_t size,
                             bool packed) {
    buffer.cpus.push_back({cpu, in, begin, size, packed, {}, false});
  };
  if (own_cpu && offset && *own_cpu < static_cast<uint64_t>(kMaxCpus) && *offset <= file->size()) {
    add(static_cast<Cpu>(*own_cpu), file, *offset, file->size() - *offset, compressed);
  }
  const uint64_t cpus = std::min<uint64_t>(settings.Number("cpus").value_or(0), kMaxCpus);
  for (uint64_t cpu = 0; cpu < cpus; ++cpu) {
    auto sibling = InputFile::Open(fmt::format("{}.cpu{}", file->path(), cpu));
    if (sibling.ok()) {
      add(static_cast<Cpu>(cpu), sibling->get(), 0, (*sibling)->size(), compressed);
      dat.siblings.push_back(*std::move(sibling));
    } else if (cpu != own_cpu) {
      add(static_cast<Cpu>(cpu), file, 0, 0, false);
    }
  }
  dat.info.cpus = static_cast<int>(cpus);
  dat.buffers.assign(1, std::move(buffer));
}

void CutRegions(TraceDat& dat) {
  for (BufferRegions& buffer : dat.buffers) {
    // Siblings belong to one region each.
    uint64_t left = dat.file->size();
    for (CpuRegion& region : buffer.cpus) {
      const uint64_t file_size = region.file->size();
      uint64_t room = region.offset < file_size ? file_size - region.offset : 0;
      if (region.file == dat.file.get()) room = std::min(room, left);
      if (region.size > room) {
        region.size = room;
        region.cut = true;
        dat.truncated = true;
      }
      if (region.file == dat.file.get()) left -= region.size;
      if (buffer.compressed && region.size != 0) {
        StepOverChunkCount(room, dat.info.big_endian, region);
      }
    }
  }
}

}  // namespace wqprof
