// SPDX-License-Identifier: Apache-2.0
#include "perf/kernel_symbols.h"

#include <fmt/format.h>

#include <string_view>

#include "wqprof/byte_cursor.h"
#include "wqprof/symbols.h"

namespace wqprof {
namespace {

constexpr uint32_t kGnuBuildId = 3;

// The build-id in the notes of an ELF file; "" none.
std::string_view BuildIdIn(std::string_view notes) {
  const auto padded = [](uint32_t size) { return (uint64_t{size} + 3) & ~uint64_t{3}; };
  ByteCursor in(notes, false);
  while (!in.empty()) {
    const uint32_t name_size = in.U32(), size = in.U32(), type = in.U32();
    const std::string_view name = in.Bytes(padded(name_size));
    const std::string_view data = in.Bytes(padded(size));
    if (!in.ok()) break;
    if (type == kGnuBuildId && name.starts_with("GNU")) return data.substr(0, size);
  }
  return {};
}

// Whether a line "ffffffff81000000 T _text" is there.
bool HasSymbolAt(std::string_view kallsyms, const KernelBase& base) {
  const std::string begin = fmt::format("{:016x} ", base.address);
  const std::string end = fmt::format(" {}\n", base.symbol);
  for (size_t at = 0; (at = kallsyms.find(begin, at)) != kallsyms.npos; at += begin.size()) {
    if (kallsyms.substr(at + begin.size() + 1).starts_with(end)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> FindKernelSymbols(const PerfFacts& facts, const PerfSymbols& symbols) {
  if (!symbols.kallsyms.empty()) return ReadKallsyms(symbols.kallsyms);
  // The same kernel may lie elsewhere since it booted again.
  if (facts.build_id.empty() || !facts.base || facts.base->address == 0) return std::string();
  const absl::StatusOr<std::string> notes = ReadKernelFile(symbols.running_notes);
  if (!notes.ok() || BuildIdIn(*notes) != facts.build_id) return std::string();
  absl::StatusOr<std::string> kallsyms = ReadKallsyms(symbols.running_kallsyms);
  if (!kallsyms.ok() || !HasSymbolAt(*kallsyms, *facts.base)) return std::string();
  return kallsyms;
}

}  // namespace wqprof
