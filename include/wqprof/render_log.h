// SPDX-License-Identifier: Apache-2.0
// Kernel logs as text, JSON (wqprof.log/1), NDJSON and CSV.
#ifndef WQPROF_RENDER_LOG_H_
#define WQPROF_RENDER_LOG_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/kernel_log.h"
#include "wqprof/render.h"

namespace wqprof {

// All tables of wqprof.log/1, in its order.  `log` must outlive them.
std::vector<Table> LogTables(const KernelLog& log, std::string_view path);

// What `report` shows of a log, and `stalls`: the lockups alone.  CSV holds a row for each message,
// whatever its kind.  kInvalidArgument: a table or a column that a log does not have.
absl::StatusOr<std::string> RenderLog(const KernelLog& log, std::string_view path, Format format,
                                      const View& view, const TextStyle& style);
absl::StatusOr<std::string> RenderLockups(const KernelLog& log, std::string_view path,
                                          Format format, const View& view, const TextStyle& style);
// The text alone, without a header: what stands below a report on the events of the same text.
std::string LogText(const KernelLog& log, const TextStyle& style);
// The story of one lockup.
std::string ExplainLockup(const KernelLog& log, const Lockup& lockup, const TextStyle& style);
// A report in JSON, with the log of the same text as its member `log`.
std::string WithLogMember(std::string report, const KernelLog& log, std::string_view path);
// How many messages of each kind there are.
std::string RenderLogInfo(const KernelLog& log, std::string_view path, Format format,
                          const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_LOG_H_
