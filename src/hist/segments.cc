// SPDX-License-Identifier: Apache-2.0
#include "hist/segments.h"

#include <algorithm>
#include <charconv>

namespace wqprof {
namespace {

constexpr size_t kBootIdLength = 36;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A number as it is printed, and no other way.
std::optional<int64_t> PlainNumber(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  const bool zeros = digits.starts_with('0') && (digits.size() > 1 || text.size() > 1);
  return zeros ? std::nullopt : std::optional(out);
}

}  // namespace

std::optional<SegmentTable::Key> SegmentTable::KeyOf(std::string_view id) {
  if (id.size() < kBootIdLength + 2 || id[kBootIdLength] != '-') return std::nullopt;
  Key key;
  int digits = 0;
  for (size_t i = 0; i < kBootIdLength; ++i) {
    const bool mark = i == 8 || i == 13 || i == 18 || i == 23;
    const int digit = HexDigit(id[i]);
    if (mark ? id[i] != '-' : digit < 0) return std::nullopt;
    if (mark) continue;
    uint64_t& half = digits++ < 16 ? key.high : key.low;
    half = half << 4 | static_cast<uint64_t>(digit);
  }
  const auto start = PlainNumber(id.substr(kBootIdLength + 1));
  if (!start) return std::nullopt;
  key.start = *start;
  return key;
}

std::optional<uint32_t> SegmentTable::IndexOf(std::string_view id, size_t most) {
  if (!segments_.empty() && id == last_id_) return last_;
  const auto next = static_cast<uint32_t>(segments_.size());
  const bool full = segments_.size() >= most;
  uint32_t found = next;
  if (const std::optional<Key> key = KeyOf(id)) {
    const auto it = by_key_.find(*key);
    if (it != by_key_.end()) {
      found = it->second;
    } else if (full) {
      return std::nullopt;
    } else {
      by_key_.emplace(*key, next);
    }
  } else {
    const auto it = by_name_.find(std::string(id));
    if (it != by_name_.end()) {
      found = it->second;
    } else if (full) {
      return std::nullopt;
    } else {
      by_name_.emplace(std::string(id), next);
    }
  }
  if (found == next) segments_.emplace_back();
  last_id_ = id;
  last_ = found;
  return found;
}

bool SegmentTable::Count(uint32_t segment, uint32_t series) {
  uint64_t& bits = counted_[uint64_t{segment} << 32 | series / 64];
  const uint64_t bit = uint64_t{1} << series % 64;
  if ((bits & bit) != 0) return false;
  bits |= bit;
  ++segments_[segment].counted;
  return true;
}

bool SegmentTable::BelongsTo(uint32_t segment, size_t group) {
  Segment& its = segments_[segment];
  if (its.group != kNoGroup) return false;
  its.group = static_cast<uint32_t>(group);
  return true;
}

void SegmentTable::Expect(uint32_t segment, uint64_t lines) {
  segments_[segment].expected = static_cast<uint32_t>(std::min<uint64_t>(lines, UINT32_MAX));
}

}  // namespace wqprof
