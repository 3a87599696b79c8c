// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_PREFIX_H_
#define WQPROF_KLOG_PREFIX_H_

#include <string_view>

#include "wqprof/log_line.h"

namespace wqprof::klog {

// Takes off what loggers put before messages in ways that LogLineReader does not know.  A message
// that nobody can mistake, and that stands behind something, shows that a log has such a prefix;
// from there on messages are looked for in the midst of its lines.
class UnknownPrefix {
 public:
  // Views lie in the line that was given.
  LogLine Strip(const LogLine& line);

 private:
  bool seen_ = false;
  LogLineReader reader_;
};

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_PREFIX_H_
