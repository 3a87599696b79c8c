// SPDX-License-Identifier: Apache-2.0
// Stacks of what held pools, in words.
#ifndef WQPROF_RENDER_HOLDERS_H_
#define WQPROF_RENDER_HOLDERS_H_

#include <string>

#include "wqprof/holder_stack.h"

namespace wqprof {

// "kworker/1:0[77], executing hog_fn, slept at msleep < hog_fn < process_one_work": one line.  Not
// escaped, as the next.
std::string HolderText(const HolderStack& holder);
// "no stack of kworker/1:0[77]: the kernel ...": why there is none.
std::string NoStackText(const HolderStack& holder);

}  // namespace wqprof

#endif  // WQPROF_RENDER_HOLDERS_H_
