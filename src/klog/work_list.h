// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_WORK_LIST_H_
#define WQPROF_KLOG_WORK_LIST_H_

#include <string_view>

#include "klog/records.h"

namespace wqprof::klog {

enum class ListKind : uint8_t { kInFlight, kPending, kInactive };

// "    in-flight: ...", "    pending: ...", "    inactive: ..." ("delayed:" before 5.15): the kind
// and what follows the colon.
struct ListHead {
  ListKind kind;
  std::string_view items;
};
std::optional<ListHead> ReadListHead(std::string_view text);

// Appends the works of a list to those of `pwq`, equal ones as one row with a count.  Returns
// whether the list was whole: a record of the kernel holds about a thousand characters, and of what
// is longer the last name may be a part of one, which is left out.
bool ReadList(const ListHead& list, std::string_view workqueue, size_t record_length,
              LoggedPwq& pwq);

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_WORK_LIST_H_
