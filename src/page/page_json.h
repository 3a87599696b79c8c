// SPDX-License-Identifier: Apache-2.0
// What the script of a page draws from.
#ifndef WQPROF_PAGE_PAGE_JSON_H_
#define WQPROF_PAGE_PAGE_JSON_H_

#include <span>
#include <string>

#include "wqprof/page.h"

namespace wqprof {

// How much of the time line was left out.
struct TimelineLeftOut {
  size_t pools = 0;
  uint64_t lanes = 0;
  size_t heat_maps = 0;  // of functions that are on the page
};

// Times are ns since the begin of the time line, cells of a picture one byte each, in base64; no
// '<' is in it.  `functions` are the rows of the table of functions, in its order.
std::string PageJson(const Report& report, const Timeline& timeline, const PageData& data,
                     std::span<const FunctionRow* const> functions, TimelineLeftOut& left_out);

}  // namespace wqprof

#endif  // WQPROF_PAGE_PAGE_JSON_H_
