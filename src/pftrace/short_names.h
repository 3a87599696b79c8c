// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_SHORT_NAMES_H_
#define WQPROF_PFTRACE_SHORT_NAMES_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "wqprof/name_table.h"

namespace wqprof {

// Names that come again and again, found without a look into the table.
class ShortNames {
 public:
  explicit ShortNames(NameTable& names) : names_(names) {}

  NameId IdOf(std::string_view text) {
    if (text.empty()) return NameId::kUnknown;
    if (text.size() > kShort) return names_.Intern(text);
    Entry& entry = entries_[SlotOf(text)];
    if (std::string_view(entry.text.data(), entry.size) != text) {
      std::copy(text.begin(), text.end(), entry.text.begin());
      entry.size = static_cast<uint8_t>(text.size());
      entry.name = names_.Intern(text);
    }
    return entry.name;
  }

 private:
  static constexpr size_t kShort = 31;
  struct Entry {
    std::array<char, kShort> text{};
    uint8_t size = 0;
    NameId name = NameId::kUnknown;
  };
  static size_t SlotOf(std::string_view text) {
    uint64_t hash = text.size();
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    return (hash ^ hash >> 17) % 512;
  }

  NameTable& names_;
  std::array<Entry, 512> entries_;
};

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_SHORT_NAMES_H_
