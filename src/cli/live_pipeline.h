// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_LIVE_PIPELINE_H_
#define WQPROF_CLI_LIVE_PIPELINE_H_

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "wqprof/live.h"
#include "wqprof/page_feed.h"
#include "wqprof/pipeline.h"
#include "wqprof/types.h"

namespace wqprof {

// Pages of a recording that goes on, by way of a PageFeed into a pipeline.  Who derives from it has
// the consumers.
class LivePipeline : public PageSink {
 public:
  absl::Status Add(Cpu cpu, std::span<const std::byte> pages) override {
    feed_.Add(cpu, pages);
    return absl::OkStatus();
  }
  absl::Status EndRound(std::span<const Cpu> behind) override {
    feed_.EndRound(behind);
    return pipeline_.Poll();
  }

 protected:
  // `feed` must outlive this object.
  explicit LivePipeline(PageFeed& feed) : feed_(feed), pipeline_(feed) {}

  // Nothing more comes: the consumers have all and are finished.
  absl::Status End() {
    feed_.EndAll();
    if (absl::Status status = pipeline_.Poll(); !status.ok()) return status;
    feed_.UpdateStats();
    pipeline_.End();
    return absl::OkStatus();
  }
  PageFeed& feed() { return feed_; }
  Pipeline& pipeline() { return pipeline_; }
  const Pipeline& pipeline() const { return pipeline_; }

 private:
  PageFeed& feed_;
  Pipeline pipeline_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_LIVE_PIPELINE_H_
