// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "trace/file_cursor.h"
#include "trace/trace_dat_regions.h"
#include "trace/trace_texts.h"
#include "trace/zstd_frame.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

constexpr std::string_view kMagic("\x17\x08\x44tracing", 10);
constexpr int kMaxOptionSections = 1000;
constexpr size_t kMaxRegions = 1 << 16;                 // of all buffers
constexpr uint32_t kMaxUnpacked = uint32_t{128} << 20;  // metadata of one file
constexpr size_t kMaxReadings = 1 << 16;                // of a clock; a recorder writes 4,096
constexpr uint16_t kCompressed = 1;                     // flag of a section

// Option and section ids (doc/trace-dat.md §1.3).
enum OptionId : uint16_t {
  kDone = 0,
  kDate = 1,
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
  kCmdlines = 21,
};

absl::Status Damaged(const InputFile& file, std::string_view what) {
  return absl::DataLossError(
      fmt::format("cannot read {}: {}\nthe file is damaged, or no trace", file.path(), what));
}

std::string_view UntilNul(std::string_view text) { return text.substr(0, text.find('\0')); }

int64_t ParseOffset(std::string_view text) {
  text = UntilNul(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  const auto out = static_cast<int64_t>(value);
  return negative && out != INT64_MIN ? -out : out;
}

// Builds a TraceDat out of the pieces that both versions of the format are made of.
class Parser {
 public:
  explicit Parser(std::unique_ptr<InputFile> file) { dat_.file = std::move(file); }

  absl::StatusOr<TraceDat> Parse() {
    FileCursor in(*dat_.file, kMagic.size(), false);
    const std::string version = in.CString();
    const std::string head = in.Bytes(2);
    if (!in.ok() || (version != "6" && version != "7") || head[0] > 1) {
      return Damaged(*dat_.file, "its header is not that of a trace.dat of version 6 or 7");
    }
    dat_.info.big_endian = big_endian_ = head[0] == 1;
    FileCursor rest(*dat_.file, in.position(), big_endian_);
    header_page_size_ = rest.U32();
    dat_.info.version = version == "6" ? 6 : 7;
    dat_.info.format = fmt::format("trace.dat v{}", version);
    dat_.info.compression = "none";
    const bool good = version == "6" ? ParseV6(rest) : ParseV7(rest);
    if (!good) return Damaged(*dat_.file, error_);
    FinishInfo();
    return std::move(dat_);
  }

 private:
  bool Fail(std::string_view why) {
    if (error_.empty()) error_ = why;
    return false;
  }

  // --- The pieces, the same in both versions -------------------------------------------

  template <typename Cursor>
  bool ParseHeaderInfo(Cursor& in) {
    return TakeHeaderInfo(in, dat_.metadata) || Fail("the page header's description is cut short");
  }

  template <typename Cursor>
  bool ParseEventFormats(Cursor& in) {
    return TakeEventFormats(in, dat_.metadata) || Fail("the event formats are cut short");
  }

  // --- Version 6: one piece after the other --------------------------------------------

  bool ParseV6(FileCursor& in) {
    if (!ParseHeaderInfo(in)) return false;
    if (!TakeFtraceFormats(in, dat_.metadata)) return Fail("the event formats are cut short");
    if (!ParseEventFormats(in)) return false;
    dat_.metadata.kallsyms = in.Bytes(in.U32());
    in.Bytes(in.U32());  // printk_formats
    dat_.metadata.saved_cmdlines = in.Bytes(in.U64());
    const uint32_t cpus = in.U32();
    if (!in.ok() || cpus > static_cast<uint32_t>(kMaxCpus)) {
      return Fail("the text before its data is cut short");
    }
    cpus_ = static_cast<int>(cpus);
    return ParseV6Buffer(in, "");
  }

  bool ParseV6Options(FileCursor& in) {
    while (in.ok()) {
      const uint16_t id = in.U16();
      if (id == kDone) return in.ok();
      const std::string data = in.Bytes(in.U32());
      if (in.ok()) ParseOption(id, data);
    }
    return false;
  }

  bool ParseV6Buffer(FileCursor& in, const std::string& name) {
    std::string tag = in.Bytes(10);
    if (tag.starts_with("options")) {
      if (!ParseV6Options(in)) return Fail("its options are cut short");
      tag = in.Bytes(10);
    }
    if (tag.starts_with("latency")) {
      return Fail("it holds the text of a latency tracer, not events");
    }
    if (!in.ok() || !tag.starts_with("flyrecord")) return Fail("its data section is missing");
    BufferRegions buffer{name, "", header_page_size_, {}, false};
    for (int cpu = 0; cpu < cpus_; ++cpu) {
      const uint64_t offset = in.U64(), size = in.U64();
      if (!in.ok()) return Fail("the table of its CPUs is cut short");
      buffer.cpus.push_back(
          {static_cast<Cpu>(cpu), dat_.file.get(), offset, size, false, {}, false});
    }
    if (has_clock_) buffer.clock = ClockInUse(in.Bytes(in.U64()));
    regions_ += buffer.cpus.size();
    if (regions_ <= kMaxRegions) dat_.buffers.push_back(std::move(buffer));
    if (!name.empty()) return true;
    // Taken out first: an instance's own options could name instances without end.
    const auto instances = std::move(v6_instances_);
    v6_instances_.clear();
    for (const auto& [instance_offset, instance] : instances) {
      FileCursor at(*dat_.file, instance_offset, big_endian_);
      if (!instance.empty()) ParseV6Buffer(at, instance);
    }
    return true;
  }

  // --- Version 7: sections, found through options ---------------------------------------

  bool ParseV7(FileCursor& in) {
    const std::string compression = in.CString();
    in.CString();  // its version
    const uint64_t first = in.U64();
    if (!in.ok()) return Fail("its header is cut short");
    if (!compression.empty()) dat_.info.compression = compression;
    std::set<uint64_t> seen;
    for (uint64_t next = first; next != 0 && seen.size() < kMaxOptionSections;) {
      last_options_ = next;
      if (!seen.insert(next).second || !ParseOptionSection(next, next)) break;
    }
    if (dat_.metadata.header_page.empty() || dat_.metadata.event_formats.empty()) {
      return Fail("the sections that describe its events are missing");
    }
    if (dat_.buffers.empty() && last_options_ >= dat_.file->size()) {
      return Fail("it is cut off: the list of each CPU's data stands at its end");
    }
    if (dat_.metadata.settings.Number("unfinished") == uint64_t{1}) {
      UseUnfinishedRegions(header_page_size_, dat_);
    }
    return true;
  }

  // Content of the section at `offset`, decompressed; absent when it is damaged or not `id`.
  std::optional<std::string> Section(uint64_t offset, uint16_t id) {
    FileCursor in(*dat_.file, offset, big_endian_);
    const uint16_t found = in.U16();
    const uint16_t flags = in.U16();
    in.U32();  // description
    const uint64_t size = in.U64();
    if (!in.ok() || found != id) return std::nullopt;
    if ((flags & kCompressed) == 0) {
      std::string body = in.Bytes(size);
      return in.ok() ? std::optional(std::move(body)) : std::nullopt;
    }
    const uint32_t packed = in.U32(), unpacked = in.U32();
    const std::string frame = in.Bytes(packed);
    if (!in.ok() || dat_.info.compression != "zstd" || unpacked > kMaxUnpacked - unpacked_) {
      return std::nullopt;
    }
    unpacked_ += unpacked;
    std::string body(unpacked, '\0');
    ZstdDecompressor zstd;
    if (!zstd.Decompress(std::as_bytes(std::span(frame)),
                         std::as_writable_bytes(std::span(body)))) {
      return std::nullopt;
    }
    return body;
  }

  bool ParseOptionSection(uint64_t offset, uint64_t& next) {
    const auto body = Section(offset, kDone);
    next = 0;
    if (!body) return false;
    ByteCursor in(*body, big_endian_);
    while (!in.empty()) {
      const uint16_t id = in.U16();
      const std::string_view data = in.Bytes(in.U32());
      if (!in.ok()) return false;
      if (id == kDone) {
        ByteCursor link(data, big_endian_);
        next = link.U64();
        return link.ok();
      }
      ParseOption(id, data);
    }
    return true;
  }

  // --- Options --------------------------------------------------------------------------

  void ParseOption(uint16_t id, std::string_view data) {
    ByteCursor in(data, big_endian_);
    switch (id) {
      case kDate:
        dat_.time.offset = static_cast<int64_t>(static_cast<uint64_t>(dat_.time.offset) +
                                                static_cast<uint64_t>(ParseOffset(data)) * 1000);
        dat_.info.wall_offset = Nanos(0);  // that makes its stamps those of the wall clock
        break;
      case kOffset:
        dat_.time.offset = static_cast<int64_t>(static_cast<uint64_t>(dat_.time.offset) +
                                                static_cast<uint64_t>(ParseOffset(data)));
        break;
      case kCpuStat:
        if (cpu_stats_.size() < static_cast<size_t>(kMaxCpus)) cpu_stats_.emplace_back(data);
        break;
      case kBuffer:
        dat_.info.version == 6 ? ParseV6Instance(in) : ParseV7Buffer(in);
        break;
      case kTraceClock:
        has_clock_ = true;
        dat_.metadata.trace_clock = ClockInUse(UntilNul(data));
        break;
      case kUname:
        dat_.metadata.uname = UntilNul(data);
        break;
      case kCpuCount:
        if (const uint32_t n = in.U32(); in.ok() && n <= static_cast<uint32_t>(kMaxCpus)) {
          cpus_ = static_cast<int>(n);
        }
        break;
      case kTsc2Nsec: {
        const uint32_t mult = in.U32(), shift = in.U32();
        if (in.ok() && mult != 0 && shift < 64) {
          dat_.time.mult = mult;
          dat_.time.shift = shift;
        }
        break;
      }
      case kSettingsOption:
        dat_.metadata.settings = Settings::Parse(UntilNul(data));
        break;
      case kWorkqueuesOption:
        dat_.metadata.workqueues = UntilNul(data);
        break;
      case kFlushesOption:
        dat_.metadata.flushes = UntilNul(data);
        break;
      case kHolderStacksOption:
        dat_.metadata.holder_stacks = UntilNul(data);
        break;
      case kCalibrationOption:
        ParseCalibration(in);
        break;
      default:
        if (dat_.info.version == 7) ParseSectionOption(id, in.U64());
    }
  }

  void ParseCalibration(ByteCursor& in) {
    const uint32_t error = in.U32(), line_error = in.U32();
    std::vector<ClockReading> readings;
    while (in.ok() && !in.empty() && readings.size() < kMaxReadings) {
      const uint64_t cycles = in.U64(), ns = in.U64();
      if (in.ok()) readings.push_back({cycles, ns});
    }
    dat_.time.curve = CurveThrough(readings);
    const bool known = !dat_.time.curve.empty();
    if (known && error != UINT32_MAX) dat_.info.clock_error = Nanos(error);
    if (known && line_error != UINT32_MAX) dat_.info.clock_line_error = Nanos(line_error);
  }

  void ParseSectionOption(uint16_t id, uint64_t offset) {
    const bool optional = id == kFtraceFormats;  // without it there are no stacks
    if (!optional && id != kHeaderInfo && id != kEventFormats && id != kKallsyms &&
        id != kCmdlines) {
      return;
    }
    if (!sections_.insert(id).second) return;  // one of each
    auto body = Section(offset, id);
    if (!body && optional) return;
    if (!body) {
      dat_.truncated = true;
      return;
    }
    ByteCursor in(*body, big_endian_);
    if (id == kHeaderInfo) ParseHeaderInfo(in);
    if (optional) {
      TakeFtraceFormats(in, dat_.metadata);
      return;
    }
    if (id == kEventFormats) ParseEventFormats(in);
    if (id == kCmdlines) dat_.metadata.saved_cmdlines = in.Bytes(in.U64());
    const std::string_view kallsyms = id == kKallsyms ? in.Bytes(in.U32()) : "";
    dat_.truncated |= !in.ok();
    if (kallsyms.empty()) return;
    // Some megabytes, which would cost more to copy than to read.
    body->resize(static_cast<size_t>(kallsyms.data() - body->data()) + kallsyms.size());
    body->erase(0, body->size() - kallsyms.size());
    dat_.metadata.kallsyms = *std::move(body);
  }

  void ParseV6Instance(ByteCursor& in) {
    const uint64_t offset = in.U64();
    const std::string_view name = UntilNul(in.rest());
    if (in.ok() && v6_instances_.size() < 1000) v6_instances_.emplace_back(offset, name);
  }

  void ParseV7Buffer(ByteCursor& in) {
    BufferRegions buffer;
    buffer.compressed = IsCompressed(in.U64());
    buffer.name = in.CString();
    buffer.clock = in.CString();
    buffer.page_size = in.U32();
    const uint32_t cpus = in.U32();
    std::set<uint32_t> seen;
    for (uint32_t i = 0; i < cpus; ++i) {
      const uint32_t cpu = in.U32();
      const uint64_t offset = in.U64(), size = in.U64();
      if (!in.ok()) break;
      // A CPU has one region; a table that names it again is no longer believed.
      if (cpu >= static_cast<uint32_t>(kMaxCpus) || !seen.insert(cpu).second) continue;
      buffer.cpus.push_back(
          {static_cast<Cpu>(cpu), dat_.file.get(), offset, size, false, {}, false});
    }
    if (!in.ok()) dat_.truncated = true;
    regions_ += buffer.cpus.size();
    if (regions_ <= kMaxRegions) dat_.buffers.push_back(std::move(buffer));
  }

  // Compression is known from the data section that a buffer's option points to.
  bool IsCompressed(uint64_t section) {
    FileCursor in(*dat_.file, section, big_endian_);
    const uint16_t id = in.U16(), flags = in.U16();
    if (!in.ok() || id != kBuffer) return dat_.info.compression != "none";
    return (flags & kCompressed) != 0;
  }

  // --- The end --------------------------------------------------------------------------

  void FinishInfo() {
    TraceInfo& info = dat_.info;
    info.path = dat_.file->path();
    CutRegions(dat_);
    int highest = 0;
    for (const BufferRegions& buffer : dat_.buffers) {
      info.instances.push_back(buffer.name);
      for (const CpuRegion& r : buffer.cpus) highest = std::max(highest, ToInt(r.cpu) + 1);
    }
    info.cpus = std::max({cpus_, dat_.info.cpus, highest});
    SortCpuStats();
  }

  // Those of an instance stand behind a line that names it.
  void SortCpuStats() {
    constexpr std::string_view kBuffer = "\nBuffer: ";
    std::string buffer;
    std::set<std::pair<std::string, Cpu>> seen;
    for (const std::string& text : cpu_stats_) {
      if (text.starts_with(kBuffer)) {
        buffer = text.substr(kBuffer.size(), text.find('\n', kBuffer.size()) - kBuffer.size());
        continue;
      }
      const CpuStats stats = ParseCpuStats(text);
      if (stats.cpu == Cpu::kNone || ToInt(stats.cpu) >= dat_.info.cpus) continue;
      if (seen.emplace(buffer, stats.cpu).second) dat_.cpu_stats[buffer].push_back(stats);
    }
  }

  TraceDat dat_;
  bool big_endian_ = false;
  bool has_clock_ = false;
  int cpus_ = 0;
  uint32_t header_page_size_ = 0;
  uint32_t unpacked_ = 0;
  size_t regions_ = 0;
  std::set<uint16_t> sections_;
  std::vector<std::string> cpu_stats_;
  std::vector<std::pair<uint64_t, std::string>> v6_instances_;
  std::string error_;
  uint64_t last_options_ = 0;  // where the last section of options begins, or should
};

}  // namespace

bool LooksLikeTraceDat(const InputFile& file) {
  const auto head = file.ReadString(0, kMagic.size());
  return head.ok() && *head == kMagic;
}

absl::StatusOr<TraceDat> ParseTraceDat(std::unique_ptr<InputFile> file) {
  return Parser(std::move(file)).Parse();
}

}  // namespace wqprof
