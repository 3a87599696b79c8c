// SPDX-License-Identifier: Apache-2.0
// A kernel stack as one name: its functions from the innermost outwards, ';' between them.
#ifndef WQPROF_STACK_TEXT_H_
#define WQPROF_STACK_TEXT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

inline constexpr char kBetweenFrames = ';';
// In the place of the outer functions of a stack that is too deep, and of all stacks beyond as many
// as are kept.
inline constexpr std::string_view kDeeperFrames = "...";
inline constexpr std::string_view kOtherStacks = "(other stacks)";

// The stack of a queue event.  `frames` are functions as the kernel prints them, from the innermost
// outwards.  What the tracing itself and the workqueue's own code put on top is left out, and so is
// the task that an interrupt found.  "" when nothing is left.
std::string StackText(std::span<const std::string> frames);

// The functions of such a text.
std::vector<std::string_view> FramesOf(std::string_view stack);

// "aio_fsync < io_submit_one < ...": a stack for people, who called whom from right to left.  The
// functions through which everybody queues, or enters the kernel, are left out where others are
// left.
std::string CallPath(std::string_view stack);

}  // namespace wqprof

#endif  // WQPROF_STACK_TEXT_H_
