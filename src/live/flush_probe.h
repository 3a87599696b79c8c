// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_FLUSH_PROBE_H_
#define WQPROF_LIVE_FLUSH_PROBE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "live/flush_watch.h"
#include "wqprof/flush_waits.h"

namespace wqprof {

// Watches flushes beside a recording, on a thread of its own: what has waited is taken out of the
// kernel before its room is full, and the longest waits are kept.  All calls are the recorder's.
class FlushProbe {
 public:
  // Begins to load what watches.  `live`: the latest waits are kept, too, for Latest() and Look().
  FlushProbe(Nanos floor, bool live);
  ~FlushProbe();
  FlushProbe(const FlushProbe&) = delete;
  FlushProbe& operator=(const FlushProbe&) = delete;

  // It watches from now on.  "" or why it cannot, in one clause.
  std::string WaitUntilLoaded();
  // The waits that came to be known since the last call; of too many the latest.
  std::vector<FlushWait> Latest();
  // How it stands, with the latest waits of those that ended since `since`.  REQUIRES: it watches.
  FlushLog Look(Timestamp since);
  // Ends it, and says what it saw.
  FlushLog End();

 private:
  void Run();
  void Keep(FlushWait wait, uint64_t function);
  void NameFunctions(std::vector<FlushWait>& waits);

  const Nanos floor_;
  const bool live_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool loading_ = true, ending_ = false;
  std::string why_not_;
  std::deque<FlushWait> recent_;
  size_t fresh_ = 0;  // so many of these, at the end, are not known to the caller of Latest()
  FlushLog state_;    // without waits, as the thread saw it last
  std::map<uint64_t, std::string> names_;
  // Of the thread, until it has ended.
  LongestFlushes longest_{kMostFlushWaits};
  FlushLog log_;
  std::thread thread_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_FLUSH_PROBE_H_
