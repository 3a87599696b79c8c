// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_FLUSH_PROBE_H_
#define WQPROF_LIVE_FLUSH_PROBE_H_

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "live/flush_watch.h"
#include "wqprof/flush_waits.h"

namespace wqprof {

// Watches flushes beside a recording, on a thread of its own: what has waited is taken out of the
// kernel before its room is full, and the longest waits are kept.
class FlushProbe {
 public:
  // Begins to load what watches.
  explicit FlushProbe(Nanos floor);
  ~FlushProbe();
  FlushProbe(const FlushProbe&) = delete;
  FlushProbe& operator=(const FlushProbe&) = delete;

  // It watches from now on; what it cannot see becomes a note.
  void WaitUntilLoaded(std::vector<std::string>& notes);
  // Ends it, and says what it saw.
  FlushLog End();

 private:
  void Run();
  void Keep(FlushWait wait, uint64_t function);
  void NameFunctions(std::vector<FlushWait>& waits) const;

  const Nanos floor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool loading_ = true, ending_ = false;
  std::string why_not_;
  // Of the thread, until it has ended.
  LongestFlushes longest_{kMostFlushWaits};
  FlushLog log_;
  std::thread thread_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_FLUSH_PROBE_H_
