// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_HOLDER_TEXT_H_
#define WQPROF_RENDER_HOLDER_TEXT_H_

#include <span>
#include <string>
#include <vector>

#include "wqprof/render.h"
#include "wqprof/render_holders.h"

namespace wqprof {

// "msleep < hog_fn < process_one_work < ...": as many functions of a stack as a line shows, the
// innermost first.  Not escaped.
std::string FramesText(std::span<const std::string> frames);

// Those that were taken while it went on, by time.
std::vector<HolderStack> StacksOf(const Report& report, const Stall& stall);
// Of its stalls, or its executions.
std::vector<HolderStack> StacksOf(const Report& report, const Finding& finding);
// Different ones in words, a line each, those that were seen most often first; at most `most`.
std::vector<std::string> StackLines(const std::vector<HolderStack>& stacks, size_t most);
// Why stacks are missing, a line for each reason.
std::vector<std::string> StackNotes(const HolderStacks& stacks);

Table HolderStackTable(const std::vector<HolderStack>& stacks);

}  // namespace wqprof

#endif  // WQPROF_RENDER_HOLDER_TEXT_H_
