// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_EXECUTIONS_OF_H_
#define WQPROF_RENDER_EXECUTIONS_OF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wqprof/report.h"

namespace wqprof {

// How one function executed: what decides whether it is to be made shorter, or sleeps on something.
struct ExecutionsOf {
  uint64_t count = 0;
  Nanos median{0};
  // Parts of their time, with scheduler events.
  std::optional<double> asleep, on_cpu;

  bool sleeps() const { return asleep && *asleep >= 0.5; }
};

// Of one function of a workqueue; a count of 0 when the report has none.
ExecutionsOf FindExecutions(const Report& report, std::string_view workqueue,
                            std::string_view function);

// "60 executions of 2.00ms (the median), on the CPU for 95% of their time"; "" for none.
std::string ExecutionsText(const ExecutionsOf& executions);

}  // namespace wqprof

#endif  // WQPROF_RENDER_EXECUTIONS_OF_H_
