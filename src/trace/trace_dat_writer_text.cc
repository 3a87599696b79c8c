// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_writer_text.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <optional>

#include "trace/trace_dat.h"

namespace wqprof {
namespace {

std::string EventFormats(const TraceMetadata& metadata) {
  std::map<std::string_view, std::vector<std::string_view>> systems;
  for (const auto& [system, format] : metadata.event_formats) systems[system].push_back(format);
  ByteWriter out;
  out.U32(static_cast<uint32_t>(systems.size()));
  for (const auto& [system, formats] : systems) {
    out.CString(system).U32(static_cast<uint32_t>(formats.size()));
    for (const std::string_view format : formats) out.Text64(format);
  }
  return out.bytes();
}

// The largest number stands for those that are unknown, or as large.
uint32_t ErrorNumber(std::optional<Nanos> error) {
  return error ? static_cast<uint32_t>(std::clamp<int64_t>(error->count(), 0, UINT32_MAX))
               : UINT32_MAX;
}

}  // namespace

std::string ReadingText(const ClockReading& reading) {
  return ByteWriter().U64(reading.cycles).U64(reading.ns).bytes();
}

std::string DatHeader(int version, uint32_t page_size) {
  ByteWriter out;
  out.Text(std::string_view("\x17\x08\x44tracing", 10)).CString(fmt::format("{}", version));
  out.U8(std::endian::native == std::endian::big).U8(sizeof(long)).U32(page_size);
  return out.bytes();
}

std::string DatText(DatId id, const TraceMetadata& metadata) {
  ByteWriter out;
  switch (id) {
    case DatId::kHeaderInfo:
      out.CString("header_page").Text64(metadata.header_page);
      return out.CString("header_event").Text64(metadata.header_event).bytes();
    case DatId::kFtraceFormats:  // of ftrace's own events
      if (metadata.stack_format.empty()) return out.U32(0).bytes();
      return out.U32(1).Text64(metadata.stack_format).bytes();
    case DatId::kEventFormats:
      return EventFormats(metadata);
    case DatId::kKallsyms:
      return out.Text32(metadata.kallsyms).bytes();
    case DatId::kPrintk:
      return out.Text32(metadata.printk_formats).bytes();
    case DatId::kCmdlines:
      return out.Text64(metadata.saved_cmdlines).bytes();
    default:
      assert(false && "no piece of text");
      return {};
  }
}

std::string SectionHeader(DatId id, bool compressed, uint64_t size) {
  constexpr uint32_t kNoDescription = 0xffffffff;
  ByteWriter out;
  out.U16(static_cast<uint16_t>(id)).U16(compressed ? 1 : 0).U32(kNoDescription).U64(size);
  return out.bytes();
}

std::string Section(DatId id, std::string_view content, bool compress) {
  if (!compress) return SectionHeader(id, false, content.size()).append(content);
  std::string frame(ZSTD_compressBound(content.size()), '\0');
  const size_t size = ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(),
                                    ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size) != 0) return SectionHeader(id, false, content.size()).append(content);
  ByteWriter out;
  out.U32(static_cast<uint32_t>(size)).U32(static_cast<uint32_t>(content.size()));
  out.Text(std::string_view(frame).substr(0, size));
  return SectionHeader(id, true, out.bytes().size()) + out.bytes();
}

void AddCommonOptions(const TraceMetadata& metadata, const TraceEnding& ending,
                      ByteWriter& options) {
  const auto add = [&options](DatId id, std::string_view data) {
    options.Option(static_cast<uint16_t>(id), data);
  };
  add(DatId::kTraceClock, metadata.trace_clock + '\0');
  add(DatId::kUname, metadata.uname + '\0');
  const ClockCalibration& calibration = metadata.calibration;
  if (const ClockLine& line = calibration.line; line.mult != 0) {
    add(DatId::kTsc2Nsec, ByteWriter().U32(line.mult).U32(line.shift).U64(0).bytes());
    add(DatId::kOffset, fmt::format("{}", line.offset) + '\0');
  }
  for (const auto& [cpu, text] : ending.cpu_stats) {
    add(DatId::kCpuStat, fmt::format("CPU: {}\n{}", ToInt(cpu), text) + '\0');
  }
  Settings settings = metadata.settings;
  settings.Append(ending.settings);
  options.Option(kSettingsOption, settings.ToText() + '\0');
  if (!ending.workqueues.empty()) options.Option(kWorkqueuesOption, ending.workqueues + '\0');
  if (!ending.flushes.empty()) options.Option(kFlushesOption, ending.flushes + '\0');
  if (!ending.holder_stacks.empty()) {
    options.Option(kHolderStacksOption, ending.holder_stacks + '\0');
  }
  if (calibration.readings.empty()) return;
  ByteWriter curve;
  curve.U32(ErrorNumber(calibration.error));
  curve.U32(ErrorNumber(calibration.error ? std::optional(calibration.line.error) : std::nullopt));
  for (const ClockReading& reading : calibration.readings) curve.Text(ReadingText(reading));
  options.Option(kCalibrationOption, curve.bytes());
}

}  // namespace wqprof
