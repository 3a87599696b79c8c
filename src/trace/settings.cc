// SPDX-License-Identifier: Apache-2.0
#include "wqprof/settings.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace wqprof {
namespace {

// Nobody notes more; a hostile file cannot make each look-up long.
constexpr size_t kMostEntries = 10000;

void AppendEscaped(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\0') {
      out += "\\0";
    } else {
      out += c;
    }
  }
}

// Other characters behind a backslash mean themselves: old recordings escaped nothing.
std::string Unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\\' || next == 'n' || next == '0') {
      out += next == 'n' ? '\n' : next == '0' ? '\0' : '\\';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

template <typename Number>
std::optional<Number> NumberIn(std::optional<std::string_view> text) {
  Number value = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

void Settings::Add(std::string_view key, std::string_view value) {
  assert(!key.empty() && key.find_first_of("=\\ \t\n") == std::string_view::npos);
  entries_.push_back({std::string(key), std::string(value)});
}

void Settings::Add(std::string_view key, uint64_t number) { Add(key, std::to_string(number)); }

void Settings::Append(const Settings& more) {
  entries_.insert(entries_.end(), more.entries_.begin(), more.entries_.end());
}

std::optional<std::string_view> Settings::Find(std::string_view key) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [key](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

std::optional<uint64_t> Settings::Number(std::string_view key) const {
  return NumberIn<uint64_t>(Find(key));
}

std::optional<int64_t> Settings::SignedNumber(std::string_view key) const {
  return NumberIn<int64_t>(Find(key));
}

std::vector<std::string> Settings::All(std::string_view key) const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (entry.key == key) out.push_back(entry.value);
  }
  return out;
}

std::string Settings::ToText() const {
  std::string out;
  for (const Entry& entry : entries_) {
    out += entry.key;
    out += '=';
    AppendEscaped(entry.value, out);
    out += '\n';
  }
  return out;
}

Settings Settings::Parse(std::string_view text) {
  Settings out;
  while (!text.empty() && out.entries_.size() < kMostEntries) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const size_t equals = std::min(line.find('='), line.size());
    out.entries_.push_back({std::string(line.substr(0, equals)),
                            Unescaped(line.substr(std::min(equals + 1, line.size())))});
  }
  return out;
}

}  // namespace wqprof
