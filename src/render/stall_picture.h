// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_STALL_PICTURE_H_
#define WQPROF_RENDER_STALL_PICTURE_H_

#include <string>

#include "wqprof/render.h"
#include "wqprof/stall_picture.h"

namespace wqprof {

// An axis, and below it the CPU, the workers and the backlog, a row each, with what the signs mean.
// `zero`: where times are counted from.  "" where there is nothing to draw.
std::string PictureText(const StallPicture& picture, Timestamp zero, const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_STALL_PICTURE_H_
