// SPDX-License-Identifier: Apache-2.0
#include "wqprof/analyze.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace wqprof {
namespace {

// Lots of completed items on their way from the thread that reconstructs to the one that sums
// up.  They arrive in the order of their departure, so that the result is the same as
// without a second thread.
class Conveyor {
 public:
  // The lot to be filled next; waits until one is free.
  Completed& Free() {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return filled_ - emptied_ < lots_.size(); });
    return lots_[filled_ % lots_.size()];
  }
  void Send() { Move(filled_); }
  // The next filled lot; null when the last one was sent and emptied.
  Completed* Next() {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return emptied_ < filled_ || closed_; });
    return emptied_ < filled_ ? &lots_[emptied_ % lots_.size()] : nullptr;
  }
  void Return() { Move(emptied_); }
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    moved_.notify_all();
  }

 private:
  void Move(size_t& count) {
    std::lock_guard lock(mutex_);
    ++count;
    moved_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable moved_;
  std::array<Completed, 4> lots_;
  size_t filled_ = 0, emptied_ = 0;
  bool closed_ = false;
};

// Reads `source` to its end; `hand_on` is called now and then, and at the end.
template <typename F>
absl::Status Reconstruct(EventSource& source, Reconstructor& model, F&& hand_on) {
  // A lot is a few hundred items: still in the cache when it is summed up.
  constexpr size_t kEventsPerLot = 2048;
  for (size_t events = 0;;) {
    auto run = source.Next();
    if (!run.ok()) return run.status();
    if (run->empty()) break;
    model.Add(*run);
    events += run->size();
    if (events < kEventsPerLot) continue;
    events = 0;
    hand_on();
  }
  model.Finish();
  hand_on();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> Analyze(EventSource& source, const AnalyzeOptions& options) {
  Reconstructor model(source, {.gap_floor = options.stall_threshold});
  Analyzer analyzer(source, model, options);
  absl::Status status;
  if (options.threads == 1 || std::thread::hardware_concurrency() == 1) {
    Completed lot;
    status = Reconstruct(source, model, [&] {
      model.Take(lot);
      analyzer.Add(lot);
    });
  } else {
    Conveyor conveyor;
    std::thread summing([&] {
      while (const Completed* lot = conveyor.Next()) {
        analyzer.Add(*lot);
        conveyor.Return();
      }
    });
    status = Reconstruct(source, model, [&] {
      model.Take(conveyor.Free());
      conveyor.Send();
    });
    conveyor.Close();
    summing.join();
  }
  if (!status.ok()) return status;
  return std::move(analyzer).Finish();
}

}  // namespace wqprof
