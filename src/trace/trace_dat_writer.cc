// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_writer.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "trace/trace_dat.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

constexpr std::array kTextSections = {DatId::kHeaderInfo,   DatId::kFtraceFormats,
                                      DatId::kEventFormats, DatId::kKallsyms,
                                      DatId::kPrintk,       DatId::kCmdlines};
// Room for the last sections of a trace that filled the disk.
constexpr uint64_t kReserve = uint64_t{1} << 20;
// More than the calibration of a clock takes.
constexpr uint64_t kCalibrationRoom = uint64_t{64} << 10;

// trace-cmd's readers hold a chunk in memory as a whole, so chunks have about 512 KiB.
size_t ChunkSize(uint32_t page_size) {
  return std::clamp<size_t>((size_t{512} << 10) / page_size, 10, 64) * page_size;
}

// One thread compresses some 400 MB/s, more than eight CPUs full of works fill.
int CompressorLanes(int cpus) { return std::clamp(cpus / 8, 1, 8); }

std::string OptionsSection(ByteWriter& options) {
  options.Option(static_cast<uint16_t>(DatId::kOptions), ByteWriter().U64(0).bytes());
  return Section(DatId::kOptions, options.bytes(), false);
}

void AddSectionOptions(const std::vector<std::pair<DatId, uint64_t>>& sections, int cpus,
                       ByteWriter& options) {
  for (const auto& [id, offset] : sections) {
    options.Option(static_cast<uint16_t>(id), ByteWriter().U64(offset).bytes());
  }
  options.Option(static_cast<uint16_t>(DatId::kCpuCount),
                 ByteWriter().U32(static_cast<uint32_t>(cpus)).bytes());
}

}  // namespace

// --- While recording ---------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(const std::string& path,
                                                                 const TraceMetadata& metadata,
                                                                 const WriterOptions& options) {
  assert(options.version == 7 || (options.version == 6 && !options.compress));
  auto file = OutputFile::Create(path);
  if (!file.ok()) return file.status();
  auto state = std::make_unique<State>();
  state->path = path;
  state->metadata = metadata;
  state->metadata.calibration.error.reset();  // it is used for what comes after its readings
  state->options = options;
  state->main = *std::move(file);
  state->reserve = std::make_unique<DiskReserve>(path, kReserve);
  std::unique_ptr<TraceWriter> writer(new TraceWriter(std::move(state)));
  if (absl::Status status = writer->state_->WriteHead(); !status.ok()) {
    writer->Discard();
    return status;
  }
  if (options.compress) {
    writer->state_->compressor = std::make_unique<ChunkCompressor>(CompressorLanes(metadata.cpus));
  }
  return writer;
}

absl::Status TraceWriter::State::WriteHead() {
  const std::string zstd = fmt::format("{}", ZSTD_versionString());
  ByteWriter head;
  head.Text(DatHeader(7, metadata.page_size));
  head.CString(options.compress ? "zstd" : "none").CString(options.compress ? zstd : "");
  first_options = head.bytes().size();
  head.U64(0);
  if (absl::Status status = main->Append(head.bytes()); !status.ok()) return status;
  for (const DatId id : kTextSections) {
    if (absl::Status status = WriteTextSection(id); !status.ok()) return status;
  }
  if (options.version == 7) metadata.kallsyms = {};  // some megabytes
  return BeginPages();
}

absl::Status TraceWriter::State::WriteTextSection(DatId id) {
  const uint64_t offset = main->size();
  std::erase_if(sections, [id](const auto& section) { return section.first == id; });
  sections.emplace_back(id, offset);
  return main->Append(Section(id, DatText(id, metadata), options.compress));
}

// Writes the options of an unfinished trace and opens the run of the main CPU's pages.
absl::Status TraceWriter::State::BeginPages() {
  const uint64_t options_offset = main->size();
  // The length of the note depends on the offset in it, hence the fixed width.
  const auto unfinished = [&](uint64_t data_offset) {
    TraceEnding ending;
    Settings& note = ending.settings;
    note.Add("unfinished", uint64_t{1});
    note.Add("compression", options.compress ? "zstd" : "none");
    note.Add("cpus", static_cast<uint64_t>(metadata.possible_cpus));
    note.Add("data_cpu", static_cast<uint64_t>(ToInt(kMainCpu)));
    note.Add("data_offset", fmt::format("{:020}", data_offset));
    ByteWriter out;
    AddSectionOptions(sections, metadata.cpus, out);
    AddCommonOptions(metadata, ending, out);
    if (!metadata.calibration.readings.empty()) {
      last_reading = options_offset + SectionHeader(DatId::kOptions, false, 0).size() +
                     out.bytes().size() - ReadingText({}).size();
    }
    return OptionsSection(out);
  };
  buffer_section = options_offset + unfinished(0).size();
  const std::string header = SectionHeader(DatId::kBuffer, options.compress, 0);
  const uint64_t alignment = PageAlignment();
  const uint64_t begin = (buffer_section + header.size() + alignment - 1) / alignment * alignment +
                         (options.compress ? sizeof(uint32_t) : 0);
  absl::Status status = main->Append(unfinished(begin) + header);
  if (status.ok()) status = main->Truncate(begin);
  if (status.ok()) status = main->Patch(first_options, ByteWriter().U64(options_offset).bytes());
  cpus.resize(static_cast<size_t>(ToInt(kMainCpu)) + 1);
  auto pages = std::make_unique<CpuPages>();
  pages->cpu = kMainCpu;
  pages->file = main.get();
  pages->begin = begin;
  cpus[static_cast<size_t>(ToInt(kMainCpu))] = std::move(pages);
  return status;
}

absl::StatusOr<CpuPages*> TraceWriter::State::PagesOf(Cpu cpu) {
  const auto index = static_cast<size_t>(ToInt(cpu));
  if (index >= cpus.size()) cpus.resize(index + 1);
  if (cpus[index] != nullptr) return cpus[index].get();
  auto file = OutputFile::Create(SiblingPath(path, ToInt(cpu)));
  if (!file.ok()) return file.status();
  auto pages = std::make_unique<CpuPages>();
  pages->cpu = cpu;
  pages->sibling = *std::move(file);
  pages->file = pages->sibling.get();
  cpus[index] = std::move(pages);
  return cpus[index].get();
}

absl::Status TraceWriter::State::SubmitChunk(CpuPages& pages) {
  return compressor->Submit(ToInt(pages.cpu), *pages.file, pages.chunks, pages.pending);
}

absl::Status TraceWriter::Append(Cpu cpu, std::span<const std::byte> bytes) {
  assert(bytes.size() % state_->metadata.page_size == 0 && cpu != Cpu::kNone);
  if (!state_->failed.ok()) return state_->failed;
  auto pages = state_->PagesOf(cpu);
  if (!pages.ok()) return state_->failed = pages.status();
  if (!state_->options.compress) return state_->failed = (*pages)->file->Append(bytes);
  const size_t chunk_size = ChunkSize(state_->metadata.page_size);
  std::vector<std::byte>& pending = (*pages)->pending;
  while (!bytes.empty()) {
    pending.reserve(chunk_size);
    const auto part = bytes.first(std::min(bytes.size(), chunk_size - pending.size()));
    pending.insert(pending.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (pending.size() < chunk_size) continue;
    absl::Status status = state_->SubmitChunk(**pages);
    if (!status.ok()) return state_->failed = status;
  }
  return absl::OkStatus();
}

absl::Status TraceWriter::AppendFrom(Cpu cpu, int pipe, size_t size) {
  assert(size % state_->metadata.page_size == 0 && cpu != Cpu::kNone);
  if (!state_->failed.ok()) return state_->failed;
  if (state_->options.compress) return absl::UnimplementedError("pages are compressed first");
  auto pages = state_->PagesOf(cpu);
  if (!pages.ok()) return state_->failed = pages.status();
  absl::Status status = (*pages)->file->AppendFrom(pipe, size);
  if (!absl::IsUnimplemented(status)) state_->failed = status;
  return status;
}

absl::Status TraceWriter::ReadBack(Cpu cpu, uint64_t distance, std::span<std::byte> out) const {
  const OutputFile& file = *state_->cpus.at(static_cast<size_t>(ToInt(cpu)))->file;
  return file.Read(file.size() - distance, out);
}

absl::Status TraceWriter::State::Flush() {
  if (compressor == nullptr || !failed.ok()) return failed;
  for (CpuPages* pages : Recorded()) {
    if (pages->pending.empty()) continue;
    if (absl::Status status = SubmitChunk(*pages); !status.ok()) return failed = status;
  }
  return absl::OkStatus();
}

void TraceWriter::NoteClock(const ClockReading& last) {
  State& state = *state_;
  if (state.last_reading == 0 || !state.failed.ok()) return;
  state.metadata.calibration.readings.back() = last;
  state.main->Patch(state.last_reading, ReadingText(last)).IgnoreError();
}

int TraceWriter::version() const { return state_->options.version; }

absl::Status TraceWriter::Flush() { return state_->Flush(); }

uint64_t TraceWriter::size() const {
  if (state_->final_size != 0) return state_->final_size;
  uint64_t size = state_->main->size();
  for (const CpuPages* pages : state_->Recorded()) {
    if (pages->sibling != nullptr) size += pages->size();
  }
  return size;
}

uint64_t TraceWriter::size_at_most() const {
  const State& state = *state_;
  if (state.final_size != 0) return state.final_size;
  // Names that grow, options, and for each CPU its stats and what aligns its pages.
  const auto cpu_count = static_cast<uint64_t>(state.metadata.possible_cpus);
  uint64_t size = this->size() + (uint64_t{32} << 10) + 4 * state.metadata.saved_cmdlines.size() +
                  cpu_count * (state.PageAlignment() + 1024);
  if (!state.metadata.calibration.readings.empty()) size += kCalibrationRoom;
  if (state.compressor == nullptr) return size;
  for (const CpuPages* pages : state.Recorded()) size += pages->pending.size();
  // What is being compressed now: chunks that wait and those in the works.
  const auto lanes = static_cast<uint64_t>(CompressorLanes(state.metadata.cpus));
  return size + 4 * lanes * ChunkSize(state.metadata.page_size);
}

absl::Status TraceWriter::MoveTo(const std::string& path) {
  State& state = *state_;
  if (absl::Status status = MoveOldTraceAway(path); !status.ok()) return status;
  for (CpuPages* pages : state.Recorded()) {
    if (pages->sibling == nullptr) continue;
    absl::Status status = pages->sibling->MoveTo(SiblingPath(path, ToInt(pages->cpu)));
    if (!status.ok()) return status;
  }
  state.path = path;
  return state.main->MoveTo(path);
}

std::vector<CpuPages*> TraceWriter::State::Recorded() const {
  std::vector<CpuPages*> out;
  for (const auto& pages : cpus) {
    if (pages != nullptr) out.push_back(pages.get());
  }
  return out;
}

int TraceWriter::State::CpuCount() const {
  return std::max(metadata.cpus, static_cast<int>(cpus.size()));
}

TraceWriter::TraceWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

TraceWriter::~TraceWriter() = default;

absl::Status TraceWriter::GiveTo(uint32_t user, uint32_t group) {
  return state_->main->GiveTo(user, group);
}

void TraceWriter::Discard() {
  state_->compressor.reset();
  for (const CpuPages* pages : state_->Recorded()) {
    if (pages->sibling != nullptr) pages->sibling->Remove();
  }
  state_->main->Remove();
}

// --- The end -----------------------------------------------------------------------------

absl::Status TraceWriter::Finish(const TraceEnding& ending) {
  State& state = *state_;
  state.Flush().IgnoreError();
  // What could not be written was reported by Append() or is reported now; the rest is made whole.
  absl::Status written = state.failed;
  if (state.compressor != nullptr) written.Update(state.compressor->Drain());
  state.compressor.reset();
  state.reserve->Release();
  if (!ending.saved_cmdlines.empty()) state.metadata.saved_cmdlines = ending.saved_cmdlines;
  if (!ending.calibration.readings.empty()) state.metadata.calibration = ending.calibration;
  state.complete = written.ok();
  if (written.ok() && !ending.all_symbols) state.LeaveOutSymbols();
  absl::Status status =
      state.options.version == 6 ? state.FinishV6(ending) : state.FinishV7(ending);
  written.Update(status);
  return written;
}

// The last sections come before the pages that are moved here, so that a recorder killed on
// the way leaves a trace that is merely cut short.
absl::Status TraceWriter::State::FinishV7(const TraceEnding& ending) {
  if (absl::Status status = WriteTextSection(DatId::kCmdlines); !status.ok()) return status;
  const uint64_t options_offset = main->size();
  std::vector<PlacedPages> placed;
  for (const CpuPages* pages : Recorded()) placed.push_back({pages->cpu, 0, 0});
  uint64_t end = options_offset + FinalOptions(ending, placed).size();
  for (PlacedPages& place : placed) {
    const CpuPages& pages = *cpus[static_cast<size_t>(ToInt(place.cpu))];
    place.size = pages.sibling == nullptr ? sections.back().second - pages.begin : pages.size();
    if (pages.sibling == nullptr) {
      place.offset = pages.begin - (options.compress ? sizeof(uint32_t) : 0);
      continue;
    }
    place.offset = (end + PageAlignment() - 1) / PageAlignment() * PageAlignment();
    end = place.offset + place.size + (options.compress ? sizeof(uint32_t) : 0);
  }
  absl::Status status = main->Append(FinalOptions(ending, placed));
  if (status.ok()) status = main->Patch(first_options, ByteWriter().U64(options_offset).bytes());
  if (!status.ok()) return status;
  for (PlacedPages& place : placed) {
    CpuPages& pages = *cpus[static_cast<size_t>(ToInt(place.cpu))];
    if (pages.sibling == nullptr && options.compress) {
      status.Update(main->Patch(place.offset, ByteWriter().U32(pages.chunks).bytes()));
    }
    if (pages.sibling == nullptr) continue;
    status.Update(MovePages(pages, *main, place));
    pages.sibling->Remove();
  }
  complete &= status.ok();
  status.Update(main->Patch(options_offset, FinalOptions(ending, placed)));
  status.Update(main->Patch(buffer_section,
                            SectionHeader(DatId::kBuffer, options.compress,
                                          main->size() - buffer_section - sizeof(uint64_t) * 2)));
  final_size = main->size();
  return status;
}

std::string TraceWriter::State::FinalOptions(const TraceEnding& ending,
                                             const std::vector<PlacedPages>& placed) const {
  ByteWriter out;
  AddSectionOptions(sections, CpuCount(), out);
  AddCommonOptions(metadata, WithVerdict(ending), out);
  ByteWriter buffer;
  buffer.U64(buffer_section).CString("").CString(ClockInUse(metadata.trace_clock));
  buffer.U32(metadata.page_size).U32(static_cast<uint32_t>(placed.size()));
  for (const PlacedPages& place : placed) {
    buffer.U32(static_cast<uint32_t>(ToInt(place.cpu))).U64(place.offset).U64(place.size);
  }
  out.Option(static_cast<uint16_t>(DatId::kBuffer), buffer.bytes());
  return OptionsSection(out);
}

TraceEnding TraceWriter::State::WithVerdict(TraceEnding ending) const {
  ending.settings.Add("complete", uint64_t{complete ? 1U : 0U});
  return ending;
}

absl::Status TraceWriter::State::MovePages(CpuPages& from, OutputFile& to,
                                           PlacedPages& place) const {
  const uint64_t wanted = place.size;
  place.size = 0;
  absl::Status status = to.Truncate(place.offset);
  if (status.ok() && options.compress) status = to.Append(ByteWriter().U32(from.chunks).bytes());
  if (!status.ok()) return status;
  const uint64_t begin = to.size();
  status = to.MoveFrom(*from.file, from.begin, wanted);
  // A part of compressed pages would not match the count of chunks before it.
  const uint64_t moved = to.size() - begin;
  if (status.ok() || !options.compress) {
    place.size = std::min(wanted, moved / metadata.page_size * metadata.page_size);
  }
  if (status.ok()) place.size = wanted;
  return status;
}

}  // namespace wqprof
