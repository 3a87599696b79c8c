// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_NAMED_ROWS_H_
#define WQPROF_RENDER_NAMED_ROWS_H_

#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// The rows of one grouping of items: a table of what names each, and the measures of each row.
// The report must outlive them.
struct NamedRows {
  Table names;
  std::vector<const Measures*> measures;
};

NamedRows NamedFunctions(const Report& report);
NamedRows NamedWorkqueues(const Report& report);
NamedRows NamedOrigins(const Report& report);
NamedRows NamedStacks(const Report& report);
NamedRows NamedCpus(const Report& report);
NamedRows NamedPools(const Report& report);
NamedRows NamedWorkers(const Report& report);

}  // namespace wqprof

#endif  // WQPROF_RENDER_NAMED_ROWS_H_
