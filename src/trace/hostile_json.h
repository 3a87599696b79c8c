// SPDX-License-Identifier: Apache-2.0
// JSON that a trace holds, both ways.  What is read may come from anybody: it is read within
// limits, and a member of another type is as one that is not there; so what is not known is not
// written.
#ifndef WQPROF_TRACE_HOSTILE_JSON_H_
#define WQPROF_TRACE_HOSTILE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// An ordered one takes a time for many keys that is the square of their number.
using ParsedJson = nlohmann::json;

// More than any machine has; hostile text cannot make us hold more.
inline constexpr size_t kMostJsonEntries = 20'000;  // of one list
inline constexpr size_t kLongestJsonText = 4096;

// Absent when it is no JSON, is too much of it, or is no object with that schema.
std::optional<ParsedJson> ParseHostileJson(std::string_view json, std::string_view schema);

// Unless the text is "", the time kUnseen.
using WrittenJson = nlohmann::ordered_json;
void PutText(WrittenJson& out, const char* key, const std::string& text);
void PutStamp(WrittenJson& out, const char* key, Timestamp at);
std::string ToText(const WrittenJson& json);

// "" when it is not there, or too long.
std::string TextOf(const ParsedJson& from, const char* key);
std::optional<int> IntOf(const ParsedJson& value);
std::optional<int> IntOf(const ParsedJson& from, const char* key);
// At most what an int64_t holds.
std::optional<uint64_t> NumberOf(const ParsedJson& from, const char* key);
std::optional<bool> BoolOf(const ParsedJson& from, const char* key);
Timestamp StampOf(const ParsedJson& from, const char* key);
// Texts of a list; what is too long is cut.
std::vector<std::string> TextsOf(const ParsedJson& from, const char* key,
                                 size_t most = kMostJsonEntries);
// A text "0x..."; 0 when there is none.
uint64_t AddressOf(const ParsedJson& from, const char* key);

// What `from[key]` lists, as far as `take` wants it.
template <typename Take>
void ForEach(const ParsedJson& from, const char* key, Take take) {
  const auto list = from.find(key);
  if (list == from.end() || !list->is_array()) return;
  size_t taken = 0;
  for (const ParsedJson& value : *list) {
    if (++taken > kMostJsonEntries) return;
    take(value);
  }
}

}  // namespace wqprof

#endif  // WQPROF_TRACE_HOSTILE_JSON_H_
