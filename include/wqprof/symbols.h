// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_SYMBOLS_H_
#define WQPROF_SYMBOLS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

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

// The text of a file of the kernel's, whose size nobody knows before; at most 256 MiB.
absl::StatusOr<std::string> ReadKernelFile(const std::string& path);
// The same of /proc/kallsyms, or a copy of it.  kNotFound: there is none; kInvalidArgument: it has
// no symbols, or hides their addresses.
absl::StatusOr<std::string> ReadKallsyms(const std::string& path);

}  // namespace wqprof

#endif  // WQPROF_SYMBOLS_H_
