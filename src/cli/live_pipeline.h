// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_LIVE_PIPELINE_H_
#define WQPROF_CLI_LIVE_PIPELINE_H_

#include <chrono>
#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "wqprof/holder_finder.h"
#include "wqprof/holder_probe.h"
#include "wqprof/live.h"
#include "wqprof/page_feed.h"
#include "wqprof/pipeline.h"
#include "wqprof/types.h"

namespace wqprof {

// An execution is long enough to ask what it does.
inline constexpr Nanos kLongRun = std::chrono::milliseconds(100);

// Pages of a recording that goes on, by way of a PageFeed into a pipeline; who holds a pool
// meanwhile is asked where it stands.  Who derives from it has the consumers.
class LivePipeline : public PageSink {
 public:
  absl::Status Add(Cpu cpu, std::span<const std::byte> pages) override {
    feed_.Add(cpu, pages);
    return absl::OkStatus();
  }
  absl::Status EndRound(std::span<const Cpu> behind) override {
    feed_.EndRound(behind);
    absl::Status status = pipeline_.Poll();
    if (asks_) AskHolders();
    return status;
  }

 protected:
  // `feed` must outlive this object.  Without `limits` nobody is asked.
  explicit LivePipeline(PageFeed& feed) : LivePipeline(feed, HolderLimits()) {}
  LivePipeline(PageFeed& feed, const HolderLimits& limits);

  // Nothing more comes: the consumers have all and are finished.
  absl::Status End();
  PageFeed& feed() { return feed_; }
  const PageFeed& feed() const { return feed_; }
  Pipeline& pipeline() { return pipeline_; }
  const Pipeline& pipeline() const { return pipeline_; }

 private:
  void AskHolders();
  void TakeStacks(Timestamp now);

  PageFeed& feed_;
  Pipeline pipeline_;
  const bool asks_;
  HolderFinder finder_;
  HolderProbe probe_;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_LIVE_PIPELINE_H_
