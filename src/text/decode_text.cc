// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "text/line_reader.h"
#include "text/scan.h"
#include "wqprof/text.h"

namespace wqprof {
namespace {

// A stream whose bytes are made piece by piece.
class MadeStream : public ByteStream {
 public:
  absl::StatusOr<size_t> Read(std::span<char> out) override {
    while (at_ == made_.size()) {
      made_.clear();
      at_ = 0;
      const absl::StatusOr<bool> more = Make(made_);
      if (!more.ok()) return more.status();
      if (!*more) return size_t{0};
    }
    const size_t n = std::min(out.size(), made_.size() - at_);
    std::copy_n(made_.data() + at_, n, out.data());
    at_ += n;
    return n;
  }

 protected:
  // Appends the next bytes, if any; returns whether there may be more.
  virtual absl::StatusOr<bool> Make(std::string& out) = 0;

 private:
  std::string made_;
  size_t at_ = 0;
};

void AppendUtf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | (c >> 12 & 0x0f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// What is outside of the first plane is no name of the kernel's: each half becomes a mark.
class Utf16Stream : public MadeStream {
 public:
  Utf16Stream(std::unique_ptr<ByteStream> stream, bool big_endian)
      : stream_(std::move(stream)), big_(big_endian), buffer_(64 << 10) {}

 private:
  absl::StatusOr<bool> Make(std::string& out) override {
    const absl::StatusOr<size_t> got =
        stream_->Read({buffer_.data() + odd_, buffer_.size() - odd_});
    if (!got.ok()) return got.status();
    if (*got == 0) return false;
    const size_t size = *got + odd_;
    for (size_t i = 0; i + 1 < size; i += 2) {
      const auto a = static_cast<uint8_t>(buffer_[i]), b = static_cast<uint8_t>(buffer_[i + 1]);
      const uint32_t c = big_ ? a << 8 | b : b << 8 | a;
      if (c == 0xfeff) continue;  // the mark of the byte order
      AppendUtf8(c >= 0xd800 && c < 0xe000 ? 0xfffd : c, out);
    }
    odd_ = size % 2;
    if (odd_) buffer_[0] = buffer_[size - 1];
    return true;
  }

  std::unique_ptr<ByteStream> stream_;
  bool big_;
  size_t odd_ = 0;  // bytes of a half character in front of the buffer
  std::vector<char> buffer_;
};

class LinesStream : public MadeStream {
 public:
  explicit LinesStream(std::unique_ptr<ByteStream> stream) : lines_(std::move(stream)) {}

 protected:
  virtual void MakeLine(std::string_view line, bool ended, std::string& out) = 0;

 private:
  absl::StatusOr<bool> Make(std::string& out) override {
    while (out.size() < (64 << 10)) {
      LineReader::Line line;
      const absl::StatusOr<bool> more = lines_.Next(line);
      if (!more.ok()) return more;
      if (!*more) return !out.empty();
      MakeLine(line.text, line.ended, out);
    }
    return true;
  }

  LineReader lines_;
};

void AppendLine(std::string_view line, bool ended, std::string& out) {
  out += line;
  if (ended) out += '\n';
}

// The traces of a page of systrace; the page's own script and its lists of processes are not them.
class SystraceStream : public LinesStream {
 public:
  using LinesStream::LinesStream;

 private:
  enum class Place : uint8_t { kPage, kBegin, kTrace, kOther };

  void MakeLine(std::string_view line, bool ended, std::string& out) override {
    constexpr std::string_view kBlock = "<script class=\"trace-data\"", kEnd = "</script>";
    if (place_ == Place::kPage) {
      const size_t at = line.find(kBlock);
      if (at == std::string_view::npos) return;
      const size_t close = line.find('>', at);
      place_ = Place::kBegin;
      line = close == std::string_view::npos ? std::string_view() : line.substr(close + 1);
    }
    const size_t end = line.find(kEnd);
    const std::string_view text = line.substr(0, end);
    if (place_ == Place::kBegin && text.find_first_not_of(" \t") != std::string_view::npos) {
      place_ = text.find("# tracer:") != std::string_view::npos ? Place::kTrace : Place::kOther;
    }
    if (place_ == Place::kTrace) AppendUnescaped(text, ended || end != text.npos, out);
    if (end != std::string_view::npos) place_ = Place::kPage;
  }

  static void AppendUnescaped(std::string_view text, bool ended, std::string& out) {
    constexpr std::pair<std::string_view, char> kEntities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&amp;", '&'}};
    while (!text.empty()) {
      const size_t at = std::min(text.find('&'), text.size());
      out += text.substr(0, at);
      text.remove_prefix(at);
      const auto* const entity =
          std::find_if(std::begin(kEntities), std::end(kEntities),
                       [&](const auto& e) { return text.starts_with(e.first); });
      if (entity != std::end(kEntities)) {
        out += entity->second;
        text.remove_prefix(entity->first.size());
      } else if (!text.empty()) {
        out += '&';
        text.remove_prefix(1);
      }
    }
    if (ended) out += '\n';
  }

  Place place_ = Place::kPage;
};

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class QuotedPrintableStream : public LinesStream {
 public:
  using LinesStream::LinesStream;

 private:
  void MakeLine(std::string_view line, bool ended, std::string& out) override {
    while (!line.empty()) {
      const size_t at = std::min(line.find('='), line.size());
      out += line.substr(0, at);
      line.remove_prefix(at);
      if (line.empty()) break;
      if (line.find_first_not_of(" \t", 1) == std::string_view::npos) return;  // goes on
      const int high = HexDigit(line[1]), low = line.size() > 2 ? HexDigit(line[2]) : -1;
      if (high < 0 || low < 0) {
        out += '=';
        line.remove_prefix(1);
      } else {
        out += static_cast<char>(high << 4 | low);
        line.remove_prefix(3);
      }
    }
    AppendLine({}, ended, out);
  }
};

}  // namespace

std::unique_ptr<ByteStream> DecodeText(std::unique_ptr<ByteStream> stream, TextCoding coding) {
  switch (coding) {
    case TextCoding::kUtf16Le:
      return std::make_unique<Utf16Stream>(std::move(stream), false);
    case TextCoding::kUtf16Be:
      return std::make_unique<Utf16Stream>(std::move(stream), true);
    case TextCoding::kSystrace:
      return std::make_unique<SystraceStream>(std::move(stream));
    case TextCoding::kQuotedPrintable:
      return std::make_unique<QuotedPrintableStream>(std::move(stream));
    case TextCoding::kAsIs:
      break;
  }
  return stream;
}

}  // namespace wqprof
