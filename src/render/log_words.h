// SPDX-License-Identifier: Apache-2.0
// What text about a kernel log is made of.
#ifndef WQPROF_RENDER_LOG_WORDS_H_
#define WQPROF_RENDER_LOG_WORDS_H_

#include <string>
#include <vector>

#include "wqprof/render_log.h"

namespace wqprof {

// "155.1", of seconds since boot.
std::string SecondText(Nanos at);
// "155.1 to 185.3 s after boot", or the log's own clock; "" when it has none.
std::string SpanText(const LoggedBoot& boot);
// The first line.
std::string LogHeader(const KernelLog& log, const TextStyle& style);
// What limits the trust in the rest, a line each.
std::string LogNotes(const KernelLog& log, const TextStyle& style);
// "vmstat_update, psi_avgs_work x3": the pending works, or the inactive ones.
std::string WaitingWords(const std::vector<LoggedWaiting>& waiting, bool inactive);
// "fqdir_free_fn 56s, then pm_runtime_work".
std::string InFlightWords(const std::vector<LoggedExecution>& in_flight);

// The newest dump: what every pool had to do then, stuck ones first.
Table BusyTable(const KernelLog& log);

}  // namespace wqprof

#endif  // WQPROF_RENDER_LOG_WORDS_H_
