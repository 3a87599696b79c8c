// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_DAT_FILE_H_
#define WQPROF_TESTS_SUPPORT_DAT_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/byte_writer.h"

namespace wqprof::testing {

// One ring buffer of a trace.dat.
struct DatBuffer {
  struct CpuData {
    uint32_t cpu = 0;
    std::string pages;
    std::optional<uint64_t> claimed_offset, claimed_size;  // lies, for hostile files
  };
  std::string name;  // "": top-level
  std::string clock = "mono";
  uint32_t page_size = 4096;
  bool stored = false;  // uncompressed, though the rest of the file is
  std::vector<CpuData> cpus;
};

// A trace.dat taken apart; each part may be altered before Assemble() (doc/trace-dat.md §1).
struct DatFile {
  struct Option {
    uint16_t id = 0;
    std::string data;
  };
  int version = 7;
  bool big_endian = false;
  int long_size = 8;
  uint32_t page_size = 4096;
  std::string compression = "none";
  std::string header_page, header_event = "# compressed entry header\n";
  std::vector<std::pair<std::string, std::vector<std::string>>> formats;  // by system
  std::string stack_format;  // of ftrace's own event; "": it has none of these
  std::string kallsyms, printk, cmdlines;
  uint32_t cpus = 2;
  std::vector<Option> options;  // besides those that name the parts above
  std::vector<DatBuffer> buffers;
  size_t pages_per_chunk = 10;  // when compressed

  std::string Assemble() const;
  ByteWriter Writer() const { return ByteWriter(big_endian); }

 private:
  std::string AssembleV6() const;
  std::string AssembleV7() const;
};

// Bytes to an independent zstd frame that does not tell its content's size.
std::string ZstdFrame(std::string_view bytes);

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view bytes);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_DAT_FILE_H_
