// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "perf/perf_reader.h"
#include "wqprof/byte_cursor.h"
#include "wqprof/input_file.h"
#include "wqprof/perf_data.h"

namespace wqprof {
namespace {

constexpr std::string_view kMagic = "PERFILE2", kOtherMagic = "2ELIFREP";
constexpr uint64_t kPipeHeader = 16;
constexpr size_t kFileHeader = 104;
constexpr uint64_t kMostAttrs = 64 << 10, kMostIds = 1 << 20;

// A part of a file, from front to back.
class PartOfFile : public ByteStream {
 public:
  PartOfFile(std::unique_ptr<InputFile> file, uint64_t begin, uint64_t size)
      : file_(std::move(file)), at_(begin), left_(size) {}

  absl::StatusOr<size_t> Read(std::span<char> out) override {
    const std::span<char> part = out.first(std::min<uint64_t>(out.size(), left_));
    const absl::StatusOr<size_t> got = file_->ReadAt(at_, std::as_writable_bytes(part));
    if (!got.ok()) return got.status();
    at_ += *got;
    left_ -= *got;
    return *got;
  }
  uint64_t left() const { return left_; }

 private:
  std::unique_ptr<InputFile> file_;
  uint64_t at_, left_;
};

// Where something stands in a file.
struct Section {
  uint64_t offset = 0, size = 0;
};
Section TakeSection(ByteCursor& in) {
  const uint64_t offset = in.U64();
  return {offset, in.U64()};
}

// What the header of a file leads to.
struct Header {
  Section attrs, data;
  uint64_t attr_size = 0;
  uint64_t features[4] = {};
};

std::optional<Header> ReadHeader(const InputFile& file) {
  const auto bytes = file.ReadString(0, kFileHeader);
  if (!bytes.ok() || bytes->size() < kFileHeader) return std::nullopt;
  ByteCursor in(*bytes, false);
  in.Bytes(kMagic.size());
  in.U64();  // its own size
  Header header;
  header.attr_size = in.U64();
  header.attrs = TakeSection(in);
  header.data = TakeSection(in);
  TakeSection(in);  // types of events, which no perf writes any more
  for (uint64_t& word : header.features) word = in.U64();
  return header;
}

std::string ReadSection(const InputFile& file, const Section& section, uint64_t most) {
  auto bytes = file.ReadString(section.offset, std::min(section.size, most));
  return bytes.ok() ? *std::move(bytes) : std::string();
}

PerfAttrs ReadAttrs(const InputFile& file, const Header& header) {
  PerfAttrs attrs;
  constexpr uint64_t kSectionSize = 16;
  if (header.attr_size <= kSectionSize || header.attr_size > 4096) return attrs;
  const std::string bytes = ReadSection(file, header.attrs, kMostAttrs * header.attr_size);
  uint64_t left = kMostIds;
  for (std::string_view rest = bytes; rest.size() >= header.attr_size;) {
    const auto attr = ParsePerfAttr(rest.substr(0, header.attr_size - kSectionSize));
    ByteCursor in(rest.substr(header.attr_size - kSectionSize), false);
    const std::string ids = ReadSection(file, TakeSection(in), 8 * left);
    left -= ids.size() / 8;
    std::vector<uint64_t> numbers(ids.size() / 8);
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = LoadAs<false, uint64_t>(ids.data() + 8 * i);
    }
    if (attr) attrs.Add(*attr, numbers);
    rest.remove_prefix(header.attr_size);
  }
  return attrs;
}

// They stand behind the data, in the order of their bits.
PerfFacts ReadFeatures(const InputFile& file, const Header& header) {
  PerfFacts facts;
  const uint64_t table = header.data.offset + header.data.size;
  if (table < header.data.offset) return facts;
  uint64_t n = 0;
  for (uint32_t bit = 0; bit < 256; ++bit) {
    if ((header.features[bit / 64] >> bit % 64 & 1) == 0) continue;
    const std::string entry = ReadSection(file, {table + 16 * n++, 16}, 16);
    const uint64_t most = MostOfFeature(bit);
    ByteCursor in(entry, false);
    const Section section = TakeSection(in);
    if (in.ok() && most > 0) AddFeature(bit, ReadSection(file, section, most), facts);
  }
  return facts;
}

absl::StatusOr<std::unique_ptr<EventSource>> Open(std::unique_ptr<PerfReader> reader,
                                                  const PerfSymbols& symbols) {
  if (absl::Status read = reader->ReadHead(symbols); !read.ok()) return read;
  return reader;
}

}  // namespace

PerfForm PerfFormOf(std::string_view head) {
  if (head.starts_with(kOtherMagic)) return PerfForm::kOtherOrder;
  if (!head.starts_with(kMagic) || head.size() < kPipeHeader) return PerfForm::kNone;
  return LoadAs<false, uint64_t>(head.data() + kMagic.size()) == kPipeHeader ? PerfForm::kPipe
                                                                             : PerfForm::kFile;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfFile(int fd, const std::string& path,
                                                          const PerfSymbols& symbols) {
  auto file = InputFile::Adopt(fd, path);
  if (!file.ok()) return file.status();
  const std::optional<Header> header = ReadHeader(**file);
  if (!header) {
    return absl::DataLossError(
        fmt::format("cannot read {}: its header is cut short\nmake sure that it is whole", path));
  }
  PerfAttrs attrs = ReadAttrs(**file, *header);
  PerfFacts facts = ReadFeatures(**file, *header);
  facts.data_bytes = std::min(header->data.size, (*file)->size());
  auto data =
      std::make_unique<PartOfFile>(*std::move(file), header->data.offset, header->data.size);
  return Open(std::make_unique<PerfReader>(path, std::move(facts), std::move(attrs),
                                           std::make_unique<RecordStream>(std::move(data))),
              symbols);
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfPipe(std::unique_ptr<ByteStream> stream,
                                                          const std::string& path,
                                                          const PerfSymbols& symbols) {
  auto records = std::make_unique<RecordStream>(std::move(stream));
  if (absl::Status skipped = records->Skip(kPipeHeader); !skipped.ok()) return skipped;
  return Open(std::make_unique<PerfReader>(path, PerfFacts(), PerfAttrs(), std::move(records)),
              symbols);
}

}  // namespace wqprof
