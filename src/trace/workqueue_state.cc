// SPDX-License-Identifier: Apache-2.0
#include "wqprof/workqueue_state.h"

namespace wqprof {

std::string_view ToString(TaskDoes state) {
  constexpr std::string_view kWords[] = {"unknown", "on_cpu",   "runnable",
                                         "running", "sleeping", "blocked"};
  return kWords[static_cast<size_t>(state)];
}

std::string_view ToString(WaitingWorks::Place place) {
  constexpr std::string_view kWords[] = {"pending", "inactive", "taken"};
  return kWords[static_cast<size_t>(place)];
}

}  // namespace wqprof
