// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_SYMBOLS_H_
#define WQPROF_TRACE_SYMBOLS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// The functions of a kallsyms text, by address.
class Symbols {
 public:
  Symbols() = default;
  // Lines that do not parse, data symbols and addresses of zero (kptr_restrict) are left out.
  explicit Symbols(std::string kallsyms);

  // As the kernel prints it with %ps, "name" or "name [module]"; "0x..." when no symbol
  // covers the address.
  std::string NameOf(uint64_t address) const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    uint64_t address;
    uint32_t line;  // where the symbol's name begins in text_
  };
  std::string text_;
  std::vector<Entry> entries_;  // by address; of equal addresses the first in the text
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_SYMBOLS_H_
