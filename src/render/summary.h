// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_SUMMARY_H_
#define WQPROF_RENDER_SUMMARY_H_

#include <string_view>
#include <utility>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// The numbers that stand for a histogram: the fields of D in doc/spec.md §5, with their names.
std::vector<std::pair<std::string_view, Cell>> Summarize(const Histogram& histogram);

}  // namespace wqprof

#endif  // WQPROF_RENDER_SUMMARY_H_
