// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_PROGRESS_H_
#define WQPROF_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "wqprof/live.h"
#include "wqprof/types.h"

namespace wqprof {

// "10.0 s, 1,234,567 events, 45.6 MB, lost 0"
std::string RecordingText(Nanos elapsed, const RecordingStats& stats, uint64_t bytes);

// How a recording gets on, on one line of the terminal.  Elsewhere it says nothing: a line a
// second would fill logs.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);
  // Erases the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void Show(const std::string& text);

 private:
  bool on_;
  bool shown_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_PROGRESS_H_
