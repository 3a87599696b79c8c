// SPDX-License-Identifier: Apache-2.0
// The parts of a trace.dat that are no pages, as bytes.
#ifndef WQPROF_TRACE_TRACE_DAT_WRITER_TEXT_H_
#define WQPROF_TRACE_TRACE_DAT_WRITER_TEXT_H_

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/trace_writer.h"

namespace wqprof {

// Numbers in the byte order of this machine, which is that of the kernel's pages, and text.
class ByteWriter {
 public:
  template <std::unsigned_integral T>
  ByteWriter& Number(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
    return *this;
  }
  ByteWriter& U8(uint8_t value) { return Number(value); }
  ByteWriter& U16(uint16_t value) { return Number(value); }
  ByteWriter& U32(uint32_t value) { return Number(value); }
  ByteWriter& U64(uint64_t value) { return Number(value); }
  ByteWriter& Text(std::string_view text) {
    bytes_.append(text);
    return *this;
  }
  ByteWriter& CString(std::string_view text) {
    bytes_.append(text).push_back('\0');
    return *this;
  }
  // A length of type T before the text.
  ByteWriter& Text32(std::string_view text) { return U32(Length32(text)).Text(text); }
  ByteWriter& Text64(std::string_view text) { return U64(text.size()).Text(text); }
  ByteWriter& Option(uint16_t id, std::string_view data) {
    return U16(id).U32(Length32(data)).Text(data);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  static uint32_t Length32(std::string_view text) { return static_cast<uint32_t>(text.size()); }
  std::string bytes_;
};

// Ids of sections and of options, which share one space (version 7).
enum class DatId : uint16_t {
  kOptions = 0,
  kCpuStat = 2,
  kBuffer = 3,
  kTraceClock = 4,
  kUname = 5,
  kOffset = 7,
  kCpuCount = 8,
  kTsc2Nsec = 14,
  kHeaderInfo = 16,
  kFtraceFormats = 17,
  kEventFormats = 18,
  kKallsyms = 19,
  kPrintk = 20,
  kCmdlines = 21,
};

// "\x17\x08\x44tracing", the version, byte order, size of a long, size of a page.
std::string DatHeader(int version, uint32_t page_size);

// The pieces of both versions: what stands in the sections 16 to 21 of version 7, and one
// after the other in version 6.
std::string DatText(DatId id, const TraceMetadata& metadata);

// The header of a section of version 7; `size` is that of what follows.
std::string SectionHeader(DatId id, bool compressed, uint64_t size);

// A whole section; with `compress` its content is a zstd frame behind its two sizes.
std::string Section(DatId id, std::string_view content, bool compress);

// Where a CPU's pages stand in a finished file.
struct PlacedPages {
  Cpu cpu = Cpu::kNone;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// A reading of the clock, as it stands in the option of the calibration.
std::string ReadingText(const ClockReading& reading);

// The options that both versions have: clock, uname, settings, stats.  Where there is a calibration
// they end with its last reading.
void AddCommonOptions(const TraceMetadata& metadata, const TraceEnding& ending,
                      ByteWriter& options);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_WRITER_TEXT_H_
