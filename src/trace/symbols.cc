// SPDX-License-Identifier: Apache-2.0
#include "trace/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace wqprof {
namespace {

// A function of the kernel lies closer than this before the next one; an address further
// behind the last symbol below it belongs to nothing that kallsyms knows.
constexpr uint64_t kLongestFunction = 1 << 20;

constexpr std::array<int8_t, 256> MakeHexDigits() {
  std::array<int8_t, 256> digits{};
  for (auto& d : digits) d = -1;
  for (int i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    digits[static_cast<size_t>('a' + i)] = static_cast<int8_t>(10 + i);
    digits[static_cast<size_t>('A' + i)] = static_cast<int8_t>(10 + i);
  }
  return digits;
}
constexpr std::array<int8_t, 256> kHexDigits = MakeHexDigits();

}  // namespace

Symbols::Symbols(std::string kallsyms) : text_(std::move(kallsyms)) {
  // "ffffffff81000000 T _stext" and, for modules, "\t[module]" behind.
  if (text_.size() > UINT32_MAX) text_.resize(UINT32_MAX);
  entries_.reserve(text_.size() / 40);
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  for (const char* p = begin; p < end;) {
    const char* eol = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    if (eol == nullptr) eol = end;
    uint64_t address = 0;
    const char* q = p;
    for (; q < eol && kHexDigits[static_cast<uint8_t>(*q)] >= 0 && q - p < 16; ++q) {
      address = address << 4 | static_cast<uint64_t>(kHexDigits[static_cast<uint8_t>(*q)]);
    }
    // " t name": of local, global and weak symbols only text can be a work's function.
    if (q > p && eol - q > 3 && q[0] == ' ' && q[2] == ' ' && address != 0 &&
        (q[1] == 't' || q[1] == 'T' || q[1] == 'w' || q[1] == 'W')) {
      entries_.push_back({address, static_cast<uint32_t>(q + 3 - begin)});
    }
    p = eol + 1;
  }
  const auto by_address = [](const Entry& a, const Entry& b) { return a.address < b.address; };
  if (!std::is_sorted(entries_.begin(), entries_.end(), by_address)) {
    std::stable_sort(entries_.begin(), entries_.end(), by_address);
  }
  entries_.shrink_to_fit();
}

std::string Symbols::NameOf(uint64_t address) const {
  auto it = std::upper_bound(entries_.begin(), entries_.end(), address,
                             [](uint64_t a, const Entry& e) { return a < e.address; });
  if (it == entries_.begin() || address - std::prev(it)->address >= kLongestFunction) {
    return fmt::format("{:#x}", address);
  }
  --it;
  while (it != entries_.begin() && std::prev(it)->address == it->address) --it;
  std::string_view line(text_);
  line.remove_prefix(it->line);
  line = line.substr(0, line.find('\n'));
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) return std::string(line);
  return fmt::format("{} {}", line.substr(0, tab), line.substr(tab + 1));
}

}  // namespace wqprof
