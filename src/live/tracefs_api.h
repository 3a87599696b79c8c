// SPDX-License-Identifier: Apache-2.0
// libtracefs for C++.  Debian 12's tracefs.h lacks `extern "C"`, and an inline function in it
// passes an int for an enum, which C++ refuses: an overload that takes the int goes first.
#ifndef WQPROF_LIVE_TRACEFS_API_H_
#define WQPROF_LIVE_TRACEFS_API_H_

#include <event-parse.h>
#include <fcntl.h>
#include <sched.h>

struct tracefs_instance;
struct tracefs_hist;
[[maybe_unused]] static inline int tracefs_hist_command(tracefs_instance*, tracefs_hist*, int) {
  return -1;
}
extern "C" {
#include <tracefs.h>
}

#endif  // WQPROF_LIVE_TRACEFS_API_H_
