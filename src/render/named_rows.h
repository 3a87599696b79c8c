// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_NAMED_ROWS_H_
#define WQPROF_RENDER_NAMED_ROWS_H_

#include <string>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// The rows of one grouping of items: what names each, and its measures.  `names` and
// `measures` run in parallel; the report must outlive them.
struct NamedRows {
  std::string key, title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> names;
  std::vector<const Measures*> measures;
};

NamedRows NamedFunctions(const Report& report);
NamedRows NamedWorkqueues(const Report& report);
NamedRows NamedOrigins(const Report& report);
NamedRows NamedCpus(const Report& report);
NamedRows NamedPools(const Report& report);
NamedRows NamedWorkers(const Report& report);

}  // namespace wqprof

#endif  // WQPROF_RENDER_NAMED_ROWS_H_
