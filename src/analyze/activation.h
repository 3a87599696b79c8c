// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_ACTIVATION_H_
#define WQPROF_ANALYZE_ACTIVATION_H_

#include <string>
#include <vector>

#include "wqprof/analyze.h"
#include "wqprof/report.h"

namespace wqprof {

// The waits for activation that the model saw, by workqueue and CPU; those of the workqueues
// that `filter` names.
std::vector<ActivationRow> ActivationRows(const EventSource& source, const Reconstructor& model,
                                          const ItemFilter& filter, Nanos duration);

// Why the items of a workqueue waited, as far as the trace shows: "behind 1 active item, mostly
// flush_fn (98.0%)".  "" when nothing is known.
std::string ActivationWords(const Report& report, const std::string& workqueue);

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_ACTIVATION_H_
