// SPDX-License-Identifier: Apache-2.0
#include "support/dat_file.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <cassert>
#include <cstdlib>

namespace wqprof::testing {
namespace {

constexpr std::string_view kMagic("\x17\x08\x44tracing", 10);

// Section and option ids.
enum : uint16_t {
  kOptions = 0,
  kBuffer = 3,
  kTraceClock = 4,
  kCpuCount = 8,
  kHeaderInfo = 16,
  kFtraceEvents = 17,
  kEventFormats = 18,
  kKallsyms = 19,
  kPrintk = 20,
  kCmdlines = 21,
};

std::string HeaderInfo(const DatFile& f) {
  ByteWriter w = f.Writer();
  w.CString("header_page").U64(f.header_page.size()).Bytes(f.header_page);
  w.CString("header_event").U64(f.header_event.size()).Bytes(f.header_event);
  return w.Take();
}

std::string EventFormats(const DatFile& f) {
  ByteWriter w = f.Writer();
  w.U32(f.formats.size());
  for (const auto& [system, texts] : f.formats) {
    w.CString(system).U32(texts.size());
    for (const std::string& text : texts) w.U64(text.size()).Bytes(text);
  }
  return w.Take();
}

std::string Sized(const DatFile& f, size_t length_bytes, std::string_view text) {
  return f.Writer().Number(text.size(), length_bytes).Bytes(text).Take();
}

// { u32 chunks, chunks x { u32 csize, u32 usize, data } }
std::string Chunks(const DatFile& f, const DatBuffer& buffer, std::string_view pages) {
  const size_t chunk = f.pages_per_chunk * buffer.page_size;
  ByteWriter w = f.Writer();
  w.U32((pages.size() + chunk - 1) / chunk);
  while (!pages.empty()) {
    const std::string_view part = pages.substr(0, chunk);
    const std::string frame = ZstdFrame(part);
    w.U32(frame.size()).U32(part.size()).Bytes(frame);
    pages.remove_prefix(part.size());
  }
  return w.Take();
}

void AppendSection(ByteWriter& w, const DatFile& f, uint16_t id, std::string_view body) {
  // trace-cmd packs all but the options.
  const bool packed = f.compression == "zstd" && id != kOptions;
  std::string content(body);
  if (packed) {
    const std::string frame = ZstdFrame(body);
    content = f.Writer().U32(frame.size()).U32(body.size()).Bytes(frame).Take();
  }
  w.U16(id).U16(packed ? 1 : 0).U32(0xffffffff).U64(content.size()).Bytes(content);
}

// Appends the data and returns the option that describes them.
std::string AppendBuffer(ByteWriter& w, const DatFile& f, const DatBuffer& buffer) {
  ByteWriter option = f.Writer();
  const size_t section = w.size();
  const bool compressed = f.compression == "zstd" && !buffer.stored;
  w.U16(kBuffer).U16(compressed ? 1 : 0).U32(0xffffffff).U64(0);
  option.U64(section).CString(buffer.name).CString(buffer.clock);
  option.U32(buffer.page_size).U32(buffer.cpus.size());
  for (const DatBuffer::CpuData& cpu : buffer.cpus) {
    w.PadTo(f.page_size);
    const bool packed = compressed && !cpu.pages.empty();
    const std::string data = packed ? Chunks(f, buffer, cpu.pages) : cpu.pages;
    // trace-cmd does not count the number of chunks into the size.
    option.U32(cpu.cpu).U64(cpu.claimed_offset.value_or(w.size()));
    option.U64(cpu.claimed_size.value_or(data.size() - (packed ? 4 : 0)));
    w.Bytes(data);
  }
  w.Patch(section + 8, w.size() - section - 16, 8);
  return option.Take();
}

void AppendOption(ByteWriter& w, uint16_t id, std::string_view data) {
  w.U16(id).U32(data.size()).Bytes(data);
}

std::string FtraceFormats(const DatFile& f) {
  if (f.stack_format.empty()) return f.Writer().U32(0).Take();
  return f.Writer().U32(1).U64(f.stack_format.size()).Bytes(f.stack_format).Take();
}

}  // namespace

std::string DatFile::Assemble() const { return version == 6 ? AssembleV6() : AssembleV7(); }

std::string DatFile::AssembleV7() const {
  ByteWriter w = Writer();
  w.Bytes(kMagic).CString("7").U8(big_endian ? 1 : 0).U8(static_cast<uint64_t>(long_size));
  w.U32(page_size).CString(compression).CString(compression == "none" ? "" : "1.5.4");
  const size_t options_offset = w.size();
  w.U64(0);
  ByteWriter body = Writer();
  const auto part = [&](uint16_t id, std::string_view bytes) {
    AppendOption(body, id, Writer().U64(w.size()).Take());
    AppendSection(w, *this, id, bytes);
  };
  part(kHeaderInfo, HeaderInfo(*this));
  part(kFtraceEvents, FtraceFormats(*this));
  part(kEventFormats, EventFormats(*this));
  part(kKallsyms, Sized(*this, 4, kallsyms));
  part(kPrintk, Sized(*this, 4, printk));
  part(kCmdlines, Sized(*this, 8, cmdlines));
  AppendOption(body, kCpuCount, Writer().U32(cpus).Take());
  for (const Option& o : options) AppendOption(body, o.id, o.data);
  for (const DatBuffer& b : buffers) AppendOption(body, kBuffer, AppendBuffer(w, *this, b));
  AppendOption(body, kOptions, Writer().U64(0).Take());
  w.Patch(options_offset, w.size(), 8);
  AppendSection(w, *this, kOptions, body.bytes());
  return w.Take();
}

std::string DatFile::AssembleV6() const {
  ByteWriter w = Writer();
  w.Bytes(kMagic).CString("6").U8(big_endian ? 1 : 0).U8(static_cast<uint64_t>(long_size));
  w.U32(page_size).Bytes(HeaderInfo(*this)).Bytes(FtraceFormats(*this)).Bytes(EventFormats(*this));
  w.Bytes(Sized(*this, 4, kallsyms)).Bytes(Sized(*this, 4, printk));
  w.Bytes(Sized(*this, 8, cmdlines)).U32(cpus);
  w.Bytes(std::string_view("options  \0", 10));
  for (const Option& o : options) AppendOption(w, o.id, o.data);
  AppendOption(w, kTraceClock, std::string_view("local [mono]\0", 13));
  std::vector<size_t> instance_offsets;
  for (const DatBuffer& b : buffers) {
    if (b.name.empty()) continue;
    instance_offsets.push_back(w.size() + 6);
    AppendOption(w, kBuffer, Writer().U64(0).CString(b.name).Take());
  }
  w.U16(0);
  // Each buffer: a tag, the table of its CPUs, its clock, and its data where they are said
  // to be.  The top-level one comes first.
  size_t instance = 0;
  for (const bool top : {true, false}) {
    for (const DatBuffer& b : buffers) {
      if (b.name.empty() != top) continue;
      if (!top) w.Patch(instance_offsets[instance++], w.size(), 8);
      w.Bytes(std::string_view("flyrecord\0", 10));
      const size_t table = w.size();
      w.Array("", 16 * cpus).U64(b.clock.size() + 2).Bytes(fmt::format("[{}]", b.clock));
      for (const DatBuffer::CpuData& cpu : b.cpus) {
        if (cpu.cpu >= cpus) continue;
        w.PadTo(page_size);
        w.Patch(table + 16 * cpu.cpu, cpu.claimed_offset.value_or(w.size()), 8);
        w.Patch(table + 16 * cpu.cpu + 8, cpu.claimed_size.value_or(cpu.pages.size()), 8);
        w.Bytes(cpu.pages);
      }
    }
  }
  return w.Take();
}

std::string ZstdFrame(std::string_view bytes) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t n = ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size());
  ZSTD_freeCCtx(context);
  assert(!ZSTD_isError(n));
  out.resize(n);
  return out;
}

TemporaryFile::TemporaryFile(std::string_view bytes) {
  const char* directory = std::getenv("TMPDIR");
  path_ = fmt::format("{}/wqprof-test-XXXXXX", directory != nullptr ? directory : "/tmp");
  const int fd = mkstemp(path_.data());
  assert(fd >= 0);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    if (n <= 0) std::abort();  // a disk that is full makes no test result
    done += static_cast<size_t>(n);
  }
  close(fd);
}

TemporaryFile::~TemporaryFile() { unlink(path_.c_str()); }

}  // namespace wqprof::testing
