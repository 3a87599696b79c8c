// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_METADATA_H_
#define WQPROF_LIVE_METADATA_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "live/event_plan.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// Functions of the kernel and its modules, as /proc/kallsyms lists them.
struct KernelSymbols {
  std::string text;  // "" when the kernel hides addresses from us
  uint64_t AddressOf(std::string_view function) const;  // 0: not there
  // "function" or "function [module]" of those addresses at which one begins.
  std::map<uint64_t, std::string> NamesOf(const std::set<uint64_t>& addresses) const;
};
KernelSymbols ReadKernelSymbols();
// What makes them visible where they are not.
std::string HowToSeeSymbols();

// Size of a sub-buffer, its header included, from the text of header_page; 0 when it says
// none.
uint32_t PageSizeOf(std::string_view header_page);

// Highest number of a list like "0-3,8", plus one; at least 1.
int CpusOfList(std::string_view list);

// The texts that make the pages of `instance` readable elsewhere, but for comms and settings.
absl::StatusOr<TraceMetadata> ReadMetadata(const TraceInstance& instance,
                                           const std::vector<PlannedEvent>& events,
                                           const KernelSymbols& symbols);

}  // namespace wqprof

#endif  // WQPROF_LIVE_METADATA_H_
