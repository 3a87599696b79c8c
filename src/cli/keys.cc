// SPDX-License-Identifier: Apache-2.0
#include "cli/keys.h"

#include <array>
#include <utility>

namespace wqprof {
namespace {

constexpr char kEsc = '\x1b';
constexpr size_t kLongestSequence = 16;

// What stands behind ESC [ or ESC O, as xterm, the Linux console, tmux and screen send it.
constexpr std::array<std::pair<std::string_view, Key::Kind>, 15> kSequences = {{
    {"A", Key::Kind::kUp},
    {"B", Key::Kind::kDown},
    {"H", Key::Kind::kHome},
    {"F", Key::Kind::kEnd},
    {"1~", Key::Kind::kHome},
    {"7~", Key::Kind::kHome},
    {"4~", Key::Kind::kEnd},
    {"8~", Key::Kind::kEnd},
    {"5~", Key::Kind::kPageUp},
    {"6~", Key::Kind::kPageDown},
    {"Z", Key::Kind::kBackTab},
    {"M", Key::Kind::kEnter},  // of the keypad
    {"C", Key::Kind::kOther},
    {"D", Key::Kind::kOther},
    {"E", Key::Kind::kOther},
}};

Key::Kind KindOf(std::string_view sequence) {
  for (const auto& [text, kind] : kSequences) {
    if (text == sequence) return kind;
  }
  return Key::Kind::kOther;
}

// How many bytes a character of UTF-8 has that begins so.
size_t LengthOf(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

Key::Kind ControlKind(char c) {
  switch (c) {
    case '\r':
    case '\n':
      return Key::Kind::kEnter;
    case '\t':
      return Key::Kind::kTab;
    case '\x7f':
    case '\b':
      return Key::Kind::kBackspace;
    default:
      return Key::Kind::kOther;
  }
}

}  // namespace

size_t KeyParser::First(Key& key) const {
  const char c = bytes_.front();
  if (c != kEsc) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      key = {ControlKind(c), ""};
      return 1;
    }
    const size_t length = LengthOf(c);
    if (bytes_.size() < length) return 0;
    key = {Key::Kind::kText, bytes_.substr(0, length)};
    return length;
  }
  if (bytes_.size() < 2) return 0;
  if (bytes_[1] != '[' && bytes_[1] != 'O') {
    // Alt with a key, or Escape and then a key: that key is what was meant.
    key = {Key::Kind::kEscape, ""};
    return 1;
  }
  // Parameters, and then one byte that ends it.
  for (size_t i = 2; i < bytes_.size() && i < kLongestSequence; ++i) {
    const auto byte = static_cast<unsigned char>(bytes_[i]);
    if (byte < 0x40 || byte > 0x7e) continue;
    key = {KindOf(std::string_view(bytes_).substr(2, i - 1)), ""};
    return i + 1;
  }
  if (bytes_.size() < kLongestSequence) return 0;
  key = {Key::Kind::kOther, ""};
  return kLongestSequence;
}

std::vector<Key> KeyParser::Take(std::string_view bytes) {
  bytes_ += bytes;
  std::vector<Key> keys;
  while (!bytes_.empty()) {
    Key key;
    const size_t length = First(key);
    if (length == 0) break;
    bytes_.erase(0, length);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<Key> KeyParser::Settle() {
  std::vector<Key> keys;
  if (bytes_ == std::string_view(&kEsc, 1)) keys.push_back({Key::Kind::kEscape, ""});
  bytes_.clear();
  return keys;
}

}  // namespace wqprof
