// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "trace/trace_dat_writer.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

// All that stands before the pages.  Its length does not depend on where they are.
std::string V6Head(const TraceMetadata& metadata, const TraceEnding& ending, int cpus,
                   const std::vector<PlacedPages>& placed) {
  ByteWriter out;
  out.Text(DatHeader(6, metadata.page_size));
  for (const DatId id : {DatId::kHeaderInfo, DatId::kFtraceFormats, DatId::kEventFormats,
                         DatId::kKallsyms, DatId::kPrintk, DatId::kCmdlines}) {
    out.Text(DatText(id, metadata));
  }
  out.U32(static_cast<uint32_t>(cpus));
  out.Text(std::string_view("options  \0", 10));
  ByteWriter options;
  AddCommonOptions(metadata, ending, options);
  out.Text(options.bytes()).U16(0);
  out.Text(std::string_view("flyrecord\0", 10));
  std::vector<PlacedPages> table(static_cast<size_t>(cpus));
  for (const PlacedPages& place : placed) table[static_cast<size_t>(ToInt(place.cpu))] = place;
  for (const PlacedPages& place : table) out.U64(place.offset).U64(place.size);
  out.Text64(fmt::format("[{}]", ClockInUse(metadata.trace_clock)));
  return out.bytes();
}

}  // namespace

// Version 6 has its tables before the pages, so a file of its own replaces the one that grew
// while recording.
absl::Status TraceWriter::State::FinishV6(const TraceEnding& ending) {
  auto created = OutputFile::Create(path + ".v6");
  if (!created.ok()) return created.status();
  OutputFile& file = **created;
  std::vector<PlacedPages> placed;
  uint64_t end = V6Head(metadata, WithVerdict(ending), CpuCount(), {}).size();
  for (const CpuPages* pages : Recorded()) {
    const uint64_t offset = (end + AtLeast4K() - 1) / AtLeast4K() * AtLeast4K();
    placed.push_back({pages->cpu, offset, pages->size()});
    end = offset + pages->size();
  }
  absl::Status status = file.Append(V6Head(metadata, WithVerdict(ending), CpuCount(), placed));
  if (!status.ok()) {
    // Nothing was moved so far, and version 7 needs far less room to be finished.
    file.Remove();
    options.version = 7;
    absl::Status finished = FinishV7(ending);
    return finished.ok() ? status : finished;
  }
  for (PlacedPages& place : placed) {
    CpuPages& pages = *cpus[static_cast<size_t>(ToInt(place.cpu))];
    status.Update(MovePages(pages, file, place));
    if (pages.sibling != nullptr) pages.sibling->Remove();
  }
  complete &= status.ok();
  status.Update(file.Patch(0, V6Head(metadata, WithVerdict(ending), CpuCount(), placed)));
  final_size = file.size();
  if (rename(file.path().c_str(), path.c_str()) != 0) status.Update(WriteError(path, errno));
  main = *std::move(created);
  return status;
}

}  // namespace wqprof
