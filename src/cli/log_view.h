// SPDX-License-Identifier: Apache-2.0
// Kernel logs among the inputs: kept while a text is read, and shown.
#ifndef WQPROF_CLI_LOG_VIEW_H_
#define WQPROF_CLI_LOG_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>

#include "cli/analysis_options.h"
#include "wqprof/kernel_log.h"
#include "wqprof/render.h"
#include "wqprof/text.h"

namespace wqprof {

// Reads the lines of a text that are no events as a kernel log.
class LogCollector : public LogSink {
 public:
  void Add(const LogLine& line) override { reader_.Add(line); }
  bool found() const override { return reader_.found(); }
  // REQUIRES: called once, when the text has been read to its end.
  KernelLog Take() { return reader_.Finish(); }

 private:
  KernelLogReader reader_;
};

// Write what `report`, `stalls` and `info` show of a log; return the exit code.
int ShowLog(const KernelLog& log, const View& view, const AnalysisOptions& input);
int ShowLockups(const KernelLog& log, const View& view, std::optional<uint64_t> explain,
                const AnalysisOptions& input);
int ShowLogInfo(const KernelLog& log, const AnalysisOptions& input);

}  // namespace wqprof

#endif  // WQPROF_CLI_LOG_VIEW_H_
