// SPDX-License-Identifier: Apache-2.0
// A look at pools, in order and in words.
#ifndef WQPROF_RENDER_STATE_WORDS_H_
#define WQPROF_RENDER_STATE_WORDS_H_

#include <string>
#include <vector>

#include "wqprof/workqueue_state.h"

namespace wqprof {

// The pools that get on least come first, and those without anything to do last.
std::vector<const PoolState*> ByUrgency(const WorkqueueState& state);
// It executes nothing and nothing waits on it, as far as that is known.
bool IsIdle(const PoolState& pool);
uint64_t Executing(const PoolState& pool);

// "cpu1-hi", "u8", and "rescuers" of those that /proc shows without their pool.
std::string NameOf(const PoolState& pool);
// "flush_to_ldisc", "0xffffffff81234567" of one without a name; "?" unknown.
std::string FunctionText(const std::string& name, uint64_t address);

// "cpu1 has 3 works waiting, and took none of them for 612ms; ..."  Not escaped, as the ones below.
std::string AnswerOf(const PoolState& pool);
// "kworker/1:0[77] executes flush_to_ldisc of events: on CPU 1, 612ms of CPU time"
std::string TextOf(const WorkerState& worker);
// "2 x aio_fsync_work of dio/vda"
std::string TextOf(const WaitingWorks& works);

}  // namespace wqprof

#endif  // WQPROF_RENDER_STATE_WORDS_H_
