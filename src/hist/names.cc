// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wqprof/hist.h"

namespace wqprof {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether the digits [begin, end) of `name` are a number of a device, not a part of a word such as
// ext4, cfg80211 or raid5wq: they stand alone between marks, or behind the name of a device, which
// is what follows a slash, or end the name.
bool IsNumber(std::string_view name, size_t begin, size_t end) {
  const bool alone_left = begin == 0 || !IsLetter(name[begin - 1]);
  const bool alone_right = end == name.size() || !IsLetter(name[end]);
  if (alone_left && alone_right) return begin > 0;
  const size_t slash = name.rfind('/');
  if (slash != std::string_view::npos && begin > slash) return true;
  constexpr size_t kMostDigits = 4;
  const bool behind_word = begin >= 2 && IsLetter(name[begin - 1]) && IsLetter(name[begin - 2]);
  return end == name.size() && behind_word && end - begin <= kMostDigits;
}

}  // namespace

std::string NormalisedName(std::string_view name) {
  if (name.starts_with("0x")) return "0x*";
  std::string out;
  for (size_t i = 0; i < name.size();) {
    if (!IsDigit(name[i])) {
      out += name[i++];
      continue;
    }
    size_t end = i;
    while (end < name.size() && IsDigit(name[end])) ++end;
    if (IsNumber(name, i, end)) {
      out += '*';
    } else {
      out += name.substr(i, end - i);
    }
    i = end;
  }
  return out;
}

std::string NormalisedPool(std::string_view pool) {
  constexpr std::string_view kRescuer = "rescuer:";
  if (pool.starts_with(kRescuer)) {
    return std::string(kRescuer) + NormalisedName(pool.substr(kRescuer.size()));
  }
  const std::string_view id = pool.substr(std::min<size_t>(1, pool.size()));
  const bool unbound =
      pool.starts_with('u') && !id.empty() && std::all_of(id.begin(), id.end(), IsDigit);
  return unbound ? "u*" : std::string(pool);
}

}  // namespace wqprof
