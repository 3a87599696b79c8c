// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_WRITER_H_
#define WQPROF_TRACE_TRACE_DAT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace/trace_dat_writer_chunks.h"
#include "trace/trace_dat_writer_file.h"
#include "trace/trace_dat_writer_text.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// The pages of one CPU while they are recorded: a run of bytes at the end of a file, either
// of its own or the main one.
struct CpuPages {
  Cpu cpu = Cpu::kNone;
  OutputFile* file = nullptr;
  std::unique_ptr<OutputFile> sibling;  // absent: they are in the main file
  uint64_t begin = 0;                   // in `file`
  uint32_t chunks = 0;                  // compressed ones that were written
  std::vector<std::byte> pending;       // pages of the next chunk

  uint64_t size() const { return file->size() - begin; }
};

// The one whose pages grow in the file itself.
inline constexpr Cpu kMainCpu{0};

// Where the pages of that CPU are while the trace at `path` is recorded.
std::string SiblingPath(const std::string& path, int cpu);

// What one writer holds.
struct TraceWriter::State {
  std::string path;
  TraceMetadata metadata;
  WriterOptions options;
  std::unique_ptr<OutputFile> main;
  std::unique_ptr<DiskReserve> reserve;
  std::vector<std::pair<DatId, uint64_t>> sections;  // and where they are
  uint64_t first_options = 0;   // where the header holds the offset of the options
  uint64_t buffer_section = 0;  // its header
  uint64_t last_reading = 0;    // of the clock, in the first options; 0: there is none
  std::vector<std::unique_ptr<CpuPages>> cpus;  // by number; absent: no page so far
  std::unique_ptr<ChunkCompressor> compressor;
  absl::Status failed;      // why nothing more is appended
  bool complete = true;     // all that was appended is in the file
  uint64_t final_size = 0;  // of a finished file

  absl::Status WriteHead();
  absl::Status WriteTextSection(DatId id);
  absl::Status BeginPages();
  absl::StatusOr<CpuPages*> PagesOf(Cpu cpu);
  absl::Status SubmitChunk(CpuPages& pages);
  absl::Status Flush();
  // Compressed pages are aligned to nothing, plain ones to what mmap() asks for.
  uint64_t PageAlignment() const { return options.compress ? 4096 : AtLeast4K(); }
  uint64_t AtLeast4K() const { return std::max<uint64_t>(4096, metadata.page_size); }
  int CpuCount() const;
  std::vector<CpuPages*> Recorded() const;

  // Of a small trace only the symbols stay that its events name.  Where that cannot be done, all
  // do.
  void LeaveOutSymbols();
  void RenewHead();
  absl::Status FinishV7(const TraceEnding& ending);
  std::string FinalOptions(const TraceEnding& ending, const std::vector<PlacedPages>& placed) const;
  // The settings say whether the trace is complete.  The length of the text does not depend on
  // it, so that the verdict can be overwritten.
  TraceEnding WithVerdict(TraceEnding ending) const;
  absl::Status MovePages(CpuPages& from, OutputFile& to, PlacedPages& place) const;
  absl::Status FinishV6(const TraceEnding& ending);
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_WRITER_H_
