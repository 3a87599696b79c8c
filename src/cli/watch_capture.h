// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_WATCH_CAPTURE_H_
#define WQPROF_CLI_WATCH_CAPTURE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/page_ring.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// Makes the directory if it is not there, and removes what killed watches left in it; says how many
// files.  kInvalidArgument when nothing can be written there.
absl::StatusOr<size_t> PrepareDirectory(const std::string& directory);

// One file of a flight recorder.  A thread of its own writes it, so that the recording goes on
// however slow the disk is; it has its name only when it is whole.
class WatchCapture {
 public:
  // `word` begins the name of the file.  kResourceExhausted when `bytes` do not fit on the disk
  // with a tenth of its room left.
  static absl::StatusOr<std::unique_ptr<WatchCapture>> Begin(const std::string& directory,
                                                             const std::string& word,
                                                             TraceMetadata metadata, uint64_t bytes,
                                                             int nice);
  // Writes what it was given.
  ~WatchCapture();
  WatchCapture(const WatchCapture&) = delete;
  WatchCapture& operator=(const WatchCapture&) = delete;

  // REQUIRES: not after End().
  void Take(std::vector<std::shared_ptr<const PageChunk>> chunks);
  // Nothing more comes.
  void End(TraceEnding ending);
  bool ended() const { return ended_; }
  // Whether the file is there, or will never be.
  bool done() const { return done_; }
  // Waits for that.  The path of the file.  REQUIRES: End() was called.
  absl::StatusOr<std::string> Result();

 private:
  WatchCapture(std::string directory, std::string name, TraceMetadata metadata, uint64_t most,
               int nice);
  void Run();
  absl::StatusOr<std::string> Write();
  // Absent: nothing more comes.
  std::shared_ptr<const PageChunk> Next();
  absl::StatusOr<std::string> GiveName(const std::string& from) const;

  const std::string directory_, name_;
  TraceMetadata metadata_;
  const uint64_t most_;  // bytes that the file may have
  const int nice_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const PageChunk>> waiting_;
  std::optional<TraceEnding> ending_;
  absl::StatusOr<std::string> result_;
  bool ended_ = false;
  std::atomic<bool> done_{false};
  std::thread thread_;  // the last one made
};

}  // namespace wqprof

#endif  // WQPROF_CLI_WATCH_CAPTURE_H_
