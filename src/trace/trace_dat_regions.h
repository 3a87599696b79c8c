// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_REGIONS_H_
#define WQPROF_TRACE_TRACE_DAT_REGIONS_H_

#include <cstdint>

#include "trace/trace_dat.h"

namespace wqprof {

// The regions of a recording that its recorder did not end: its settings say where in the file
// the pages of one CPU begin, and others are in siblings.  They replace the file's buffers.
// REQUIRES: `dat.metadata` is read.
void UseUnfinishedRegions(uint32_t page_size, TraceDat& dat);

// Cuts regions to their file, and steps over the count of chunks that a compressed one begins
// with.  Regions of one buffer do not overlap, so that together they are not larger than the file:
// of a table that says otherwise the rest is dropped.
void CutRegions(TraceDat& dat);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_REGIONS_H_
