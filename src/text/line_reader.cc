// SPDX-License-Identifier: Apache-2.0
#include "text/line_reader.h"

#include <algorithm>
#include <cstring>

#include "text/scan.h"

namespace wqprof {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr std::ptrdiff_t kAheadBytes = 128;
constexpr char kEscape = '\x1b';
static_assert(kBufferBytes > LineReader::kLongestLine + kAheadBytes);

const char* Find(const char* from, const char* to, char c) {
  return static_cast<const char*>(std::memchr(from, c, static_cast<size_t>(to - from)));
}

// The length of "\x1b[01;31m" and its like; 0: it is none.
size_t EscapeLength(const char* from, const char* to) {
  const char* p = from + 1;
  if (p == to || *p != '[') return 1;
  for (++p; p != to && (IsDigit(*p) || *p == ';' || *p == '?'); ++p) {
  }
  return static_cast<size_t>((p != to && IsLetter(*p) ? p + 1 : p) - from);
}

// Returns the new end.
char* Clean(char* from, char* to) {
  char* out = from;
  for (const char* p = from; p != to;) {
    if (*p == kEscape) {
      p += EscapeLength(p, to);
    } else if (*p == '\r' || *p == '\0') {
      ++p;
    } else {
      *out++ = *p++;
    }
  }
  return out;
}

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)), buffer_(kBufferBytes), at_(buffer_.data()), end_(at_) {}

// Moves what is left to the front and reads behind it.  Returns whether anything came.
absl::StatusOr<bool> LineReader::Fill() {
  if (ended_) return false;
  const size_t left = static_cast<size_t>(end_ - at_);
  std::memmove(buffer_.data(), at_, left);
  at_ = buffer_.data();
  end_ = at_ + left;
  const absl::StatusOr<size_t> got = stream_->Read({end_, buffer_.size() - left});
  if (!got.ok()) return got.status();
  end_ += *got;
  dirty_ = Find(at_, end_, '\r') || Find(at_, end_, kEscape) || Find(at_, end_, '\0');
  ended_ = *got == 0;
  return !ended_;
}

absl::StatusOr<bool> LineReader::SkipLongLine() {
  uint64_t skipped = 0;
  while (true) {
    if (const char* const end = Find(at_, end_, '\n')) {
      at_ = const_cast<char*>(end) + 1;
      return true;
    }
    skipped += static_cast<uint64_t>(end_ - at_);
    if (skipped > kLongestText) {
      return absl::DataLossError("a line has more than 64 MiB: this is no text of the kernel");
    }
    at_ = end_;
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok() || !*more) return more;
  }
}

absl::StatusOr<bool> LineReader::Next(Line& line) {
  size_t looked_at = 0;
  while (true) {
    const char* const found = Find(at_ + looked_at, end_, '\n');
    const size_t size = static_cast<size_t>((found ? found : end_) - at_);
    if (size > kLongestLine) {
      const absl::StatusOr<bool> skipped = SkipLongLine();
      if (!skipped.ok()) return skipped;
      line = {};
      ++number_;
      return true;
    }
    // Reading on moves the line: what lies ahead has to be there before it is handed out.
    if (!ended_ && (!found || end_ - found <= kAheadBytes)) {
      looked_at = size;
      if (const absl::StatusOr<bool> more = Fill(); !more.ok()) return more;
      continue;
    }
    if (!found && size == 0) return false;
    char* const begin = at_;
    at_ += size + (found ? 1 : 0);
    line.text = {begin, dirty_ ? static_cast<size_t>(Clean(begin, begin + size) - begin) : size};
    line.ended = found != nullptr;
    ++number_;
    return true;
  }
}

std::string_view LineReader::Ahead() const { return {at_, static_cast<size_t>(end_ - at_)}; }

}  // namespace wqprof
