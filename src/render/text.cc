// SPDX-License-Identifier: Apache-2.0
#include "render/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "fmt/format.h"

namespace wqprof {
namespace {

// A range of code points, both ends included.
struct CodeRange {
  char32_t first, last;
};

// Drawn over the character before: combining marks, joiners, variation selectors.
constexpr CodeRange kZeroWidth[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
                                    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
                                    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
// East Asian wide and full-width characters, and emoji.
constexpr CodeRange kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
                               {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                               {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                               {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
// Controls, and what turns the direction of the text around.
constexpr CodeRange kMisleading[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c},
                                     {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                                     {0xfeff, 0xfeff}};

template <size_t N>
bool IsIn(const CodeRange (&ranges)[N], char32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges), [code](const CodeRange& range) {
    return range.first <= code && code <= range.last;
  });
}

size_t WidthOf(char32_t code) {
  if (code < 0x300) return 1;
  if (IsIn(kZeroWidth, code)) return 0;
  return IsIn(kWide, code) ? 2 : 1;
}

}  // namespace

std::string StampText(Timestamp at) {
  const int64_t ns = at.time_since_epoch().count();
  const uint64_t size = ns < 0 ? -static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  // Cut, not rounded, as trace-cmd does: the same stamp must look the same in both.
  return fmt::format("{}{}.{:06}", ns < 0 ? "-" : "", size / 1'000'000'000,
                     size % 1'000'000'000 / 1000);
}

std::string SinceText(Timestamp begin, Timestamp at) {
  const int64_t us = (at - begin).count() / 1000;
  const uint64_t size = us < 0 ? -static_cast<uint64_t>(us) : static_cast<uint64_t>(us);
  return fmt::format("{}{}.{:06}s", us < 0 ? "-" : "+", size / 1'000'000, size % 1'000'000);
}

Utf8Char DecodeUtf8(std::string_view text) {
  constexpr Utf8Char kInvalid = {0, 0};
  if (text.empty()) return kInvalid;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                                                      : 0;
  if (length == 0 || text.size() < length) return kInvalid;
  char32_t code = lead & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kInvalid;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[length] || code > 0x10ffff || surrogate) return kInvalid;
  return {length, code};
}

bool IsMisleading(char32_t code) { return IsIn(kMisleading, code); }

std::string NoFormula(std::string word) {
  if (!word.empty() && std::string_view("=+-@").find(word.front()) != std::string_view::npos) {
    word.insert(word.begin(), '\'');
  }
  return word;
}

std::string Escaped(std::string_view text, bool ascii) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    const size_t length = std::max<size_t>(character.length, 1);
    const bool plain =
        character.length > 0 && !IsMisleading(character.code) && !(ascii && length > 1);
    if (plain) {
      out += text.substr(0, length);
    } else {
      for (const char c : text.substr(0, length)) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
    text.remove_prefix(length);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    width += character.length == 0 ? 1 : WidthOf(character.code);
    text.remove_prefix(std::max<size_t>(character.length, 1));
  }
  return width;
}

std::string Shortened(std::string_view text, size_t width, bool utf8) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const std::string_view ellipsis = utf8 ? "…" : "~";
  const size_t kept = width - 1;
  // The front gets the odd column.
  const size_t front = kept - kept / 2;
  std::string out;
  size_t used = 0;
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(DecodeUtf8(text).length, 1);
    characters.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  size_t first = 0;
  for (; first < characters.size(); ++first) {
    const size_t w = DisplayWidth(characters[first]);
    if (used + w > front) break;
    out += characters[first];
    used += w;
  }
  size_t last = characters.size();
  for (; last > first; --last) {
    const size_t w = DisplayWidth(characters[last - 1]);
    if (used + w > kept) break;
    used += w;
  }
  out += ellipsis;
  for (; last < characters.size(); ++last) out += characters[last];
  return out;
}

void AppendWrapped(std::string& out, std::string_view text, size_t indent, size_t columns) {
  size_t column = indent;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    const size_t width = DisplayWidth(word);
    if (column > indent && columns > 0 && column + 1 + width > columns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
  }
  out += '\n';
}

}  // namespace wqprof
