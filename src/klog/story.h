// SPDX-License-Identifier: Apache-2.0
// What a log's rows say, in plain words.
#ifndef WQPROF_KLOG_STORY_H_
#define WQPROF_KLOG_STORY_H_

#include <string>
#include <vector>

#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// Who holds the pool and who waits, one or two sentences.
std::string Describe(const Lockup& lockup, const KernelLog& log);
// What to do about it.
std::vector<std::string> WhatToTry(const Lockup& lockup);
// The findings of the whole log, the worst first.
void AddFindings(KernelLog& log);

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_STORY_H_
