// SPDX-License-Identifier: Apache-2.0
#include "input/archive_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

using namespace std::string_view_literals;

// Traces shrink to a tenth, logs to a hundredth; zeros to less than a thousandth.
constexpr uint64_t kMostRatio = 1000;
constexpr uint64_t kUnsuspected = uint64_t{64} << 20;  // bytes that may come of anything
constexpr size_t kMostNames = 5;                       // in a message

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};

// A directory, or what a Mac puts beside each member.
bool IsMember(archive_entry* entry) {
  const char* const name = archive_entry_pathname(entry);
  return archive_entry_filetype(entry) != AE_IFDIR &&
         (name == nullptr || !std::string_view(name).starts_with("__MACOSX/"));
}

class ArchiveStream : public ByteStream {
 public:
  ArchiveStream(std::unique_ptr<ByteStream> stream, std::string path)
      : stream_(std::move(stream)), path_(std::move(path)), buffer_(64 << 10) {}

  absl::Status Open() {
    archive_.reset(archive_read_new());
    archive* const a = archive_.get();
    if (a == nullptr) return absl::ResourceExhaustedError("there is too little memory");
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_format_zip_streamable(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    if (archive_read_open(a, this, nullptr, &ArchiveStream::ReadBlock, nullptr) != ARCHIVE_OK) {
      return Broken();
    }
    const absl::StatusOr<bool> more = NextMember();
    if (!more.ok()) return more.status();
    ended_ = !*more;
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(std::span<char> out) override {
    if (ended_) return size_t{0};
    const la_ssize_t n = archive_read_data(archive_.get(), out.data(), out.size());
    if (n < 0) return Broken();
    out_bytes_ += static_cast<uint64_t>(n);
    if (out_bytes_ > kUnsuspected && out_bytes_ / kMostRatio > in_bytes_) {
      return WithKind(
          absl::ResourceExhaustedError(fmt::format("cannot read {}: it expands more than {}-fold, "
                                                   "which no trace does\nunpack it where "
                                                   "there is room, and look at what comes out",
                                                   path_, kMostRatio)),
          ErrorKind::kUnreadable);
    }
    if (n > 0) return static_cast<size_t>(n);
    ended_ = true;
    return End();
  }

 private:
  static la_ssize_t ReadBlock(archive* a, void* self, const void** block) {
    auto& stream = *static_cast<ArchiveStream*>(self);
    const absl::StatusOr<size_t> got = stream.stream_->Read(stream.buffer_);
    if (!got.ok()) {
      stream.inner_ = got.status();
      archive_set_error(a, EIO, "the input cannot be read");
      return ARCHIVE_FATAL;
    }
    stream.in_bytes_ += *got;
    *block = stream.buffer_.data();
    return static_cast<la_ssize_t>(*got);
  }

  absl::Status Broken() const {
    if (!inner_.ok()) return inner_;
    const char* const why = archive_error_string(archive_.get());
    return absl::DataLossError(fmt::format("cannot unpack {}: {}\nmake sure that it is whole",
                                           path_, why ? why : "it is damaged"));
  }

  // Goes to the next member that counts; there may be none.
  absl::StatusOr<bool> NextMember() {
    while (true) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(archive_.get(), &entry);
      if (result == ARCHIVE_EOF) return false;
      if (result < ARCHIVE_WARN) return Broken();
      if (!IsMember(entry)) continue;
      if (archive_entry_is_encrypted(entry)) {
        return absl::DataLossError(
            fmt::format("cannot unpack {}: it is encrypted\nunpack it with its password", path_));
      }
      const char* const name = archive_entry_pathname(entry);
      if (names_.size() < kMostNames) names_.emplace_back(name ? name : "?");
      ++members_;
      return true;
    }
  }

  absl::StatusOr<size_t> End() {
    while (true) {
      const absl::StatusOr<bool> more = NextMember();
      if (!more.ok()) return members_ > 1 ? SeveralMembers() : more.status();
      if (!*more) break;
    }
    if (members_ > 1) return SeveralMembers();
    return size_t{0};
  }

  absl::Status SeveralMembers() const {
    return absl::InvalidArgumentError(fmt::format(
        "{} holds {} files, and wqprof reads one: {}{}\nunpack it, and name the one to read", path_,
        members_, fmt::join(names_, ", "), members_ > names_.size() ? ", ..." : ""));
  }

  std::unique_ptr<ByteStream> stream_;
  std::string path_;
  std::vector<char> buffer_;
  std::unique_ptr<archive, FreeArchive> archive_;
  absl::Status inner_;  // why the input failed
  uint64_t in_bytes_ = 0, out_bytes_ = 0;
  std::vector<std::string> names_;
  size_t members_ = 0;
  bool ended_ = false;
};

}  // namespace

bool LooksWrapped(std::string_view head) {
  constexpr std::string_view kMagics[] = {"\x1f\x8b"sv,
                                          "\x28\xb5\x2f\xfd"sv,
                                          "\xfd"
                                          "7zXZ\0"sv,
                                          "BZh"sv,
                                          "\x04\x22\x4d\x18"sv,
                                          "PK\x03\x04"sv,
                                          "PK\x05\x06"sv};
  const bool tar = head.size() > 262 && head.substr(257, 5) == "ustar";
  return tar || std::any_of(std::begin(kMagics), std::end(kMagics),
                            [&](std::string_view m) { return head.starts_with(m); });
}

absl::StatusOr<std::unique_ptr<ByteStream>> OpenArchive(std::unique_ptr<ByteStream> stream,
                                                        std::string path) {
  auto archive = std::make_unique<ArchiveStream>(std::move(stream), std::move(path));
  if (absl::Status s = archive->Open(); !s.ok()) return s;
  return std::unique_ptr<ByteStream>(std::move(archive));
}

}  // namespace wqprof
