// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_KERNEL_THREADS_H_
#define WQPROF_LIVE_KERNEL_THREADS_H_

#include <map>
#include <string>
#include <string_view>

namespace wqprof {

// Names of tasks by pid.
using Comms = std::map<int, std::string>;

// The kernel threads that exist now, named as their events name them.  The kernel's own
// cache (saved_cmdlines) is small, and the pool of a worker that it forgot would be unknown.
Comms KernelThreads();

// The same as /proc names them, so that a kworker's name goes on with what it executes.
Comms KernelThreadTitles();

// What /proc/PID/comm says of a kernel thread, as task->comm has it: a kworker's name there
// goes on with what it executes ("kworker/u8:1-events_unbound", "kworker/1:0H+kblockd"), and
// may be longer than the 15 characters that events hold.
std::string CommOfKernelThread(std::string_view proc_comm);

// Whether some rescuer among `threads` is called kworker/R-*.
bool RescuersHavePrefix(const Comms& threads);

// The text of saved_cmdlines, in which workers of `first` and then of `last` take the place of
// what the kernel's cache has: there a dying worker, or a pid's later owner, may be named.
std::string MergeCmdlines(std::string_view saved_cmdlines, const Comms& first, const Comms& last);

}  // namespace wqprof

#endif  // WQPROF_LIVE_KERNEL_THREADS_H_
