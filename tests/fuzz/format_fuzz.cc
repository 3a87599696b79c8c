// SPDX-License-Identifier: Apache-2.0
// Any text as an event's format, a page's description, and symbols.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "trace/event_layout.h"
#include "wqprof/symbols.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto format = wqprof::ParseEventFormat("system", text)) {
    for (const int long_size : {4, 8}) {
      const auto layout = wqprof::MakeLayout({*format}, long_size);
      if (!layout) continue;
      // A payload of min_size must hold each field that will be read from it.
      for (const wqprof::EventFields& f : layout->fields) {
        for (const uint16_t at : {f.work, f.function, f.workqueue, f.requested_cpu, f.target_cpu}) {
          if (at != wqprof::EventFields::kAbsent && at >= f.min_size) std::abort();
        }
      }
    }
  }
  if (const auto page = wqprof::ParseHeaderPage(text)) {
    if (page->commit_offset + page->commit_size > page->data_offset) std::abort();
  }
  const wqprof::Symbols symbols{std::string(text)};
  for (const uint64_t address :
       {uint64_t{0}, uint64_t{1}, uint64_t{0xffffffff81004000}, UINT64_MAX}) {
    if (symbols.NameOf(address).empty()) std::abort();
  }
  return 0;
}
